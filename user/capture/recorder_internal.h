/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recorder_internal.h - what the files of the recorder share: recorder.c (life cycle), recorder_load.c, recorder_filter.c,
 * recorder_rules.c, recorder_run.c, recorder_status.c and window.c (copying).
 */
#ifndef KF_CAPTURE_RECORDER_INTERNAL_H
#define KF_CAPTURE_RECORDER_INTERNAL_H

#include "capture/recorder.h"

struct kf_opener;
struct kflight_bpf;
struct ring_buffer;
struct bpf_link;
struct bpf_map;
struct bpf_program;

#define KF_NS_PER_MS 1000000ULL

/* The gate lets one through at a time; a request may overtake it. */
#define KF_FIRED_MAX 8

struct kf_recorder {
	struct kflight_bpf *bpf;
	struct ring_buffer *triggers;
	struct kf_ring_plan plan;
	const struct kf_trigger_set *set;	       /* NULL no triggers */
	const char *rings[KF_CLASSES];		       /* mapped maps, read-only */
	const struct kf_cpu_waits *waits;	       /* mapped, one per CPU */
	struct kf_term_stats term_bases[KF_MAX_TERMS]; /* counted before its last change */
	uint64_t started_ns;
	uint64_t window_ns;
	uint64_t after_ns;
	uint64_t check_every_ns;
	uint64_t hole_until_ns;	 /* records were dropped during an earlier hold: whole again only from here on */
	enum kf_shed_level shed; /* given up */
	struct {
		struct kf_opener *opener; /* NULL: we have the right ourselves */
		int fd;			  /* of bpf_enable_stats(), 0 not counting */
		/* Looks at open waits while counting: their sum up to the last time, and the counter when this time began. */
		uint64_t checks_ns, checks_began_ns;
	} cost;
	/* Not yet taken by kf_recorder_next_trigger(). No memory to run out of: a trigger that got lost here would leave the gate shut. */
	struct kf_trigger fired[KF_FIRED_MAX];
	size_t n_fired;
};

static inline const struct kf_ring_head *kf_recorder_ring(const struct kf_recorder *r, int class, uint32_t cpu)
{
	return (const void *)(r->rings[class] + cpu * kf_ring_bytes(r->plan.slots[class]));
}

/* Loads the programs, not yet attached; maps the rings, fills the other maps. On failure kf_recorder_close() cleans up. */
int kf_recorder_load(struct kf_recorder *r, const struct kf_recorder_options *opts, struct kf_error *e);

/*
 * Before load: what the verifier knows of filters and rules; after it: the rest. What only the host can tell of a term's filter
 * (is there such a process, such a cgroup) is looked at here.
 */
int kf_recorder_plan_filters(struct kf_recorder *r, const struct kf_recorder_options *opts, struct kf_error *e);
int kf_recorder_fill_filters(struct kf_recorder *r, const struct kf_recorder_options *opts, struct kf_error *e);
void kf_recorder_plan_rules(struct kf_recorder *r, const struct kf_trigger_set *set);
void kf_recorder_set_rules(struct kf_recorder *r, const struct kf_trigger_set *set);

/* Runs a program of type "syscall"; its return value, or a negative errno. */
int kf_recorder_command(struct bpf_program *program);
/* The same; the program reads and writes context. */
int kf_recorder_command_with(struct bpf_program *program, void *context, size_t len);

/* Reads an iter/task program to its end; bytes (may be NULL) gets what it wrote, for free(). */
int kf_recorder_scan(struct bpf_program *program, void **bytes, size_t *len, struct kf_error *e);

uint64_t kf_monotonic_ns(void);

#endif
