/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * opener.h - a small process that opens the two things which take rights a recorder should not keep: the kernel's clock of BPF
 * programs (CAP_SYS_ADMIN) and the programs of strangers (CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH; /proc/PID/mem would come with them).
 *
 * It has these three capabilities and no other, a seccomp filter of a dozen system calls, understands two requests of a few bytes, and
 * gives descriptors back. It ends when the recorder does, however that ends.
 *
 * kf_opener_new() comes first in a process: what is mapped and open then, the opener inherits and (descriptors) closes. Any thread
 * may ask; all wait for one another, and none longer than 0.1 s for its own.
 */
#ifndef KF_CAPTURE_OPENER_H
#define KF_CAPTURE_OPENER_H

#include <sys/types.h>

struct kf_error;
struct kf_opener;

int kf_opener_new(struct kf_opener **out, struct kf_error *e);
/* Ends it. Sets *o to NULL; NULL is fine. */
void kf_opener_free(struct kf_opener **o);

/* As bpf_enable_stats(): the kernel counts while the descriptor is open. With o NULL this process does it. -1 with errno. */
int kf_opener_stats(struct kf_opener *o);
/* /proc/PID/exe for reading; else the same. */
int kf_opener_exe(struct kf_opener *o, pid_t pid);

pid_t kf_opener_pid(const struct kf_opener *o);

#endif
