/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * go_names.h - what things are called in a Go trace: goroutine names, Go's own words for waits, and stacks made of
 *words.
 *
 * The name of a goroutine is the function of its root frame (the last of a stack), so every stack of a thread ends in
 * the same one. Above it stand, leaf first, what it waits for and the syscall it is in:
 *
 *	network         [wait]:1
 *	epoll_wait      [syscall]:1
 *	nginx           nginx:2144
 *
 * A file in brackets is a class, not a path; the line of a root frame is the process id.
 */
#ifndef KF_OUTPUT_GO_NAMES_H
#define KF_OUTPUT_GO_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/timeline.h"
#include "output/go_wire.h"

/* How waits are called. */
enum kf_go_reasons {
	/* Go's own words: every viewer knows their colour, and `go tool trace` puts them into the right profile. */
	KF_GO_REASONS_GO = 0,
	/* Own words where Go has none ("disk", "page fault"): nicer columns, but some viewers do not know them. */
	KF_GO_REASONS_RICH,
};

/* Never NULL. by_thread: it is known that a thread ended the wait, not an interrupt. */
const char *kf_go_reason(enum kf_go_reasons words, enum kf_wait_kind kind, bool by_thread);

#define KF_GO_NAME_BYTES 160

/*
 * The root frame's function: the thread's name, "process/thread" if they differ, and for kernel threads the name
 * without its number ("kworker/3:1" is "kworker"). Printable, never empty, and never taken for a part of Go's runtime.
 */
void kf_go_thread_name(const struct kf_thread *thread, char *buf, size_t len);

/* What a stack says above the root. */
enum kf_go_stack {
	KF_GO_STACK_ROOT, /* nothing */
	KF_GO_STACK_WAIT, /* wait kind, syscall */
	KF_GO_STACK_SYSCALL,
	KF_GO_STACK_PREEMPTED, /* "preempted", syscall */
	KF_GO_STACK_YIELD,
	KF_GO_STACK_THROTTLED,
	KF_GO_STACK_WAKER, /* "wakeup", syscall: of the waker */
	KF_GO_STACK_FORK,
	KF_GO_STACK_LOST, /* "records lost" */
	KF_GO_STACKS_N,
};

struct kf_go_names;

/* Interns in w; keeps t and w. NULL when out of memory. */
struct kf_go_names *kf_go_names_new(const struct kf_timeline *t, struct kf_go_wire *w, enum kf_go_reasons words);
void kf_go_names_free(struct kf_go_names **n);

/* Stack id for an index of threads; wait may be NULL for kinds that say nothing about a syscall. */
uint32_t kf_go_names_stack(struct kf_go_names *n, uint32_t thread, enum kf_go_stack kind, const struct kf_wait *wait);
/* Stack id of a wakeup by an interrupt or by nobody known. */
uint32_t kf_go_names_wakeup(struct kf_go_names *n, bool irq);
/* String id of kf_go_reason(). */
uint32_t kf_go_names_reason(struct kf_go_names *n, enum kf_wait_kind kind, bool by_thread);

#endif
