/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * story.h - a wake chain (model/chain.h) and a futex convoy (model/convoy.h) in words and as JSON.
 *
 *	checkout/91 waited 41.0 ms: 38.0 ms in futex 0x7f12c0 until pg/77 woke it, 3.00 ms ready but not running
 *	  pg/77 meanwhile: 30.0 ms ready but not running, 8.00 ms running
 *	    pg/77 waited 30.0 ms to run on CPU 1 (preempted): 30.0 ms backup/9 (100 %)
 *
 *	futex 0x7f12c0 of pg/70: 8 threads in line, 216 ms of waiting within 80.0 ms; pg/78 waited longest, 70.0 ms; likely held
 *	by pg/71, 12.0 ms
 *	  +10.0 ms  pg/71 after 10.0 ms, from pg/70 (had it 10.0 ms)
 *	  ... and 6 more
 *
 * Text has lines separated by a newline, none at the end, two blanks of indentation per step. It is NUL-terminated and cut
 * off where buf ends; the length is returned. len must be >= 1.
 */
#ifndef KF_OUTPUT_STORY_H
#define KF_OUTPUT_STORY_H

#include <jansson.h>
#include <stddef.h>

struct kf_chain;
struct kf_chains;
struct kf_convoy;
struct kf_gap;
struct kf_timeline;

/* Enough for every chain, and for a convoy with ten steps. */
#define KF_STORY_BYTES 32768

/* told: a gap whose sentence the reader knows already, NULL none. */
size_t kf_story_text(const struct kf_timeline *t, const struct kf_chain *chain, const struct kf_gap *told, char *buf,
		     size_t len);
/* With so many steps of its staircase. */
size_t kf_story_convoy_text(const struct kf_timeline *t, const struct kf_convoy *convoy, size_t max_steps, char *buf,
			    size_t len);
/*
 * What the one of a convoy who had the lock longest at a stretch did in that time, as a chain; "" if nobody is known to have
 * passed it on:
 *
 *	while pg/71 had it for 12.0 ms: 12.0 ms in fsync (disk) until an interrupt woke it
 */
size_t kf_story_hold_text(const struct kf_timeline *t, const struct kf_chains *chains, const struct kf_convoy *convoy,
			  char *buf, size_t len);

/*
 * An array of links, the first is the thread that was asked about:
 *
 *	tid, comm
 *	start_ns, end_ns           the stretch; the next four add up to its length
 *	running_ns, runnable_ns, blocked_ns, unknown_ns
 *	wait                       its longest wait in there {kind, syscall, arg0, start_ns, end_ns}; null none.
 *	                           syscall is null outside of one, end_ns is null if nobody has ended it
 *	waker_tid                  who ended it; 0 the idle task, null not known
 *	waker_irq                  an interrupt did, and waker_tid is whom it interrupted
 *	end                        "ran", "queued", "interrupt", "floor", "unknown", "deep", "loop", "scattered"; null: goes on
 *
 * A new reference; NULL when out of memory.
 */
json_t *kf_story_json(const struct kf_timeline *t, const struct kf_chain *chain);

/*
 * {tgid, address, convoys, max_waiters, total_ns, start_ns, end_ns, threads, wait_ns, longest_tid, longest_ns, open,
 * holder_tid, holder_ns, handovers, steps: [{ts_ns, tid, waited_ns, from_tid, held_ns}]}; what the words mean is in
 * model/convoy.h. holder_tid is null if it is not known. A new reference; NULL when out of memory.
 */
json_t *kf_story_convoy_json(const struct kf_timeline *t, const struct kf_convoy *convoy);

#endif
