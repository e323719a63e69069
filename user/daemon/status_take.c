/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/status.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"
#include "capture/recorder.h"
#include "expr/trigger_set.h"

static int take_cpus(struct kf_daemon_status *s, const struct kf_recorder *r, struct kf_error *e)
{
	struct kf_recorder_cpu cpu;
	size_t n = 0, room = 0;

	kf_status_release(s);
	while (kf_recorder_cpu_status(r, (uint32_t)n, &cpu)) {
		if (KF_GROW(s->cpus, n, room))
			return kf_fail_memory(e, "the status");
		s->cpus[n++] = (struct kf_status_cpu){ .held_ns = cpu.window_held_ns,
						       .slots = cpu.slots_written,
						       .dropped = cpu.records_dropped };
	}
	s->n_cpus = (uint32_t)n;
	return 0;
}

static void take_totals(struct kf_daemon_status *s, const struct kf_recorder *r)
{
	struct kf_recorder_status now;

	kf_recorder_status(r, &now);
	s->held_ns = now.window_held_ns;
	s->ring_bytes = kf_recorder_ring_bytes(r);
	s->slots = now.slots_written;
	for (int class = 0; class < KF_CLASSES; class ++)
		s->class_slots[class] = now.class_slots[class];
	s->looks = now.checks;
	s->looks_ns = now.check_ns;
	s->lost[KF_LOSS_HELD] = now.records_dropped;
	s->lost[KF_LOSS_FLOOD] = now.flooded;
	s->lost[KF_LOSS_NO_STATE] = now.no_state;
	s->lost[KF_LOSS_BAD_WAIT] = now.bad_waits;
	s->lost[KF_LOSS_TRIGGER] = now.lost_triggers;
	s->lost[KF_LOSS_UNWATCHED] = now.unwatched;
	s->lost[KF_LOSS_UNFOLLOWED] = now.unfollowed;
}

static void take_rules(struct kf_daemon_status *s, const struct kf_recorder *r, const struct kf_trigger_set *set)
{
	s->n_rules = set ? set->n_rules : 0;
	for (size_t i = 0; i < s->n_rules; i++) {
		s->rules[i].name = set->rules[i].name;
		s->rules[i].text = set->rules[i].text;
		s->rules[i].enabled = set->rules[i].enabled;
		kf_recorder_rule_counts(r, (int)i, &s->rules[i].counts);
	}
}

int kf_status_take_recorder(struct kf_daemon_status *s, const struct kf_recorder *r, const struct kf_trigger_set *set,
			    struct kf_error *e)
{
	uint64_t latency[sizeof(s->hold_latency) / sizeof(s->hold_latency[0])];

	if (take_cpus(s, r, e))
		return -1;
	take_totals(s, r);
	take_rules(s, r, set);
	kf_recorder_hold_latency(r, latency);
	for (size_t i = 0; i < sizeof(latency) / sizeof(latency[0]); i++)
		s->hold_latency[i] = latency[i];
	for (unsigned int kind = 0; kind < KF_WAITS_KINDS; kind++)
		if (s->waits_counted & (1u << kind))
			kf_recorder_waits(r, (enum kf_waits_kind)kind, &s->waits[kind]);
	return 0;
}
