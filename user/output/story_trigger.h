/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * story_trigger.h - why the wait that fired a trigger took so long: what the first line of a report leaves open.
 *
 * For a wait (futex, block, syscall) that is its wake chain. For a gap (runq, a request) it is the lateness of who woke the
 * thread: did the waker, before it could wake anybody, itself wait for a CPU; and who had woken that one, and so on.
 */
#ifndef KF_OUTPUT_STORY_TRIGGER_H
#define KF_OUTPUT_STORY_TRIGGER_H

#include <jansson.h>
#include <stddef.h>

struct kf_chain;
struct kf_chains;
struct kf_error;
struct kf_snapshot;
struct kf_timeline;

/* As kf_story_text(); "" if there is nothing to add. KF_STORY_BYTES are enough. t is the timeline of s and chains. */
size_t kf_trigger_story(const struct kf_timeline *t, const struct kf_snapshot *s, const struct kf_chains *chains,
			char *buf, size_t len);

/* The chain of a wait that fired: no links for other triggers, and for threads the records do not know. */
void kf_trigger_chain(const struct kf_timeline *t, const struct kf_snapshot *s, const struct kf_chains *chains,
		      struct kf_chain *out);

/*
 * {text, chain, convoys}: kf_trigger_story(), the chain of the wait that fired, empty for a gap, and the convoys with most
 * waiting time, at most KF_STORY_CONVOYS (story.h). A new reference, or NULL with *e.
 */
#define KF_STORY_CONVOYS 10
json_t *kf_trigger_story_json(const struct kf_timeline *t, const struct kf_snapshot *s, struct kf_error *e);

#endif
