/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rights.h - gives up what the recorder no longer needs once everything is attached and open. What is kept, and why: docs/rights.md.
 *
 * Call kf_rights_drop() when there is one thread only, and nothing is left to be attached, bound, joined or forked: the opener
 * (capture/opener.h) and the hook runner run already, `run` has started its command. It cannot be undone. Programs that the hook runner
 * or `run` start are not touched by it.
 */
#ifndef KF_DAEMON_RIGHTS_H
#define KF_DAEMON_RIGHTS_H

#include <stddef.h>

struct kf_error;

struct kf_rights_options {
	int output_fd;	/* folder of the snapshots: if it is another user's, CAP_DAC_OVERRIDE stays; -1 none */
	int has_opener; /* 0: CAP_SYS_ADMIN, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH stay: what it is there for */
	int has_hooks;	/* a hook runner is to be ended some day: kill() stays */
};

/*
 * Capabilities (all sets), no_new_privs, securebits, seccomp, umask 077, no core dumps, not dumpable. A build with sanitizers has no
 * seccomp filter: they need more system calls. On failure some of it may have been done: end then.
 */
int kf_rights_drop(const struct kf_rights_options *opts, struct kf_error *e);

/* "cap_sys_nice": the capabilities of this process, "none"; returns buf. */
const char *kf_rights_text(char *buf, size_t len);

#endif
