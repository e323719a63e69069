/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kflight_slow.h - asks the flight recorder of this host for a snapshot when a request of ours was slow. Two files to copy; needs
 * only POSIX threads.
 *
 *	static struct kflight_slow slow = { .limit_ns = 200000000, .every_ns = 30000000000 };
 *
 *	begin_ns = kflight_now_ns();
 *	... answer the request ...
 *	kflight_slow_check(&slow, begin_ns, "GET /cart", traceparent);
 *
 * The snapshot holds the last seconds of scheduling of the whole host, with the trace and span id of the request, so that it can be
 * found from the trace. It is asked for in a thread of its own, and at most once per every_ns: a service that is slow all the time is
 * not made slower.
 */
#ifndef KFLIGHT_SLOW_H
#define KFLIGHT_SLOW_H

#include <stdatomic.h>
#include <stdint.h>

struct kflight_slow {
	uint64_t limit_ns;  /* what takes longer is slow */
	uint64_t every_ns;  /* at most one snapshot in this time */
	const char *socket; /* NULL: /run/kflight/control.sock */
	_Atomic uint64_t next_ns;
};

/* CLOCK_MONOTONIC */
uint64_t kflight_now_ns(void);

/* what: the request, for people. traceparent: its W3C header, NULL none. Any thread; does not block. */
void kflight_slow_check(struct kflight_slow *slow, uint64_t begin_ns, const char *what, const char *traceparent);

#endif
