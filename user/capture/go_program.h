/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * go_program.h - is a process a Go program? Go's linker leaves an ELF note named "Go" in the first page of what it links.
 *
 * Asked only where the answer changes what is said: of processes with several threads below a CPU quota.
 */
#ifndef KF_CAPTURE_GO_PROGRAM_H
#define KF_CAPTURE_GO_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

struct kf_opener;
struct kf_snapshot;

/* The first bytes of an executable (a page is enough); they are a stranger's. */
bool kf_is_go_program(const void *bytes, size_t len);

/* Sets KF_TASK_GO on all threads of such processes. opener may be NULL (capture/opener.h). */
void kf_go_programs_mark(struct kf_snapshot *s, struct kf_opener *opener);

#endif
