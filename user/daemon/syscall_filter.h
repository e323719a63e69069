/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syscall_filter.h - the system calls of a recorder that records (seccomp). For daemon/rights.c, which says when.
 *
 * Three answers: what a recorder does is allowed; what only an intruder would do (exec, ptrace, mount, modules, other users, loading BPF
 * programs ...) ends the process at once; all else is refused with ENOSYS, as by a kernel that is too old for it. So a library that tries
 * something newer falls back to what it did before, and a call that was forgotten here breaks one function, with a message, and not the
 * recorder. Where the kernel's audit is on, it logs who was ended.
 */
#ifndef KF_DAEMON_SYSCALL_FILTER_H
#define KF_DAEMON_SYSCALL_FILTER_H

#include <stdbool.h>

struct kf_error;

/* For all threads of this process, for good; no_new_privs must be set. may_kill: kill() is allowed. */
int kf_syscall_filter_apply(bool may_kill, struct kf_error *e);

#endif
