/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trigger_spec.h - trigger expressions as people write them, as thresholds that BPF compares with.
 *
 *	EXPRESSION := KIND [ ":" SYSCALL { "," SYSCALL } ] ">" DURATION
 *	KIND       := runq | futex | syscall | block
 *
 * Only `syscall` takes names. `syscall>D` is for every syscall that has no threshold by name, in whatever order they
 * are given. Blanks around every part are allowed.
 */
#ifndef KF_CAPTURE_TRIGGER_SPEC_H
#define KF_CAPTURE_TRIGGER_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "kflight/control.h"

struct kf_error;

#define KF_TRIGGER_TEXT_BYTES 1024

struct kf_trigger_spec {
	uint64_t threshold_ns[KF_TRIGGER_KINDS];	/* 0 off; SYSCALL: the smallest of those below */
	uint64_t syscall_threshold_ns[KF_MAX_SYSCALLS]; /* by number, 0 off */
	bool syscall_named[KF_MAX_SYSCALLS];		/* the threshold was given by name */
	bool syscall_all;				/* `syscall>D` was given */
	char text[KF_TRIGGER_TEXT_BYTES];		/* "runq>5ms, syscall:read>1s", "" none */
};

/* Adds one expression to spec, which starts zeroed. On failure spec is as before. */
int kf_trigger_spec_add(struct kf_trigger_spec *spec, const char *expression, struct kf_error *e);

#endif
