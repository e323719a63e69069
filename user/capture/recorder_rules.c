/* SPDX-License-Identifier: BSD-2-Clause */
/* recorder_rules.c - the triggers: hands them to BPF, changes them while they are in use. */
#include "capture/recorder_internal.h"

#include <string.h>

#include "capture/trigger_spec.h"

#include "kflight.skel.h"

#define CHECK_MIN_NS (1 * KF_NS_PER_MS)
#define CHECK_MAX_NS (1000 * KF_NS_PER_MS)

/* Any of these can pass its threshold while the wait is still open. */
static uint64_t smallest_threshold(const struct kf_trigger_spec *triggers)
{
	uint64_t smallest = 0;

	for (int kind = KF_TRIGGER_RUNQ; triggers && kind < KF_TRIGGER_REQUEST; kind++) {
		uint64_t ns = triggers->threshold_ns[kind];

		if (ns && (!smallest || ns < smallest))
			smallest = ns;
	}
	return smallest;
}

bool kf_recorder_watches(const struct kf_recorder_options *opts)
{
	return smallest_threshold(opts->triggers) != 0;
}

void kf_recorder_set_rules(struct kf_recorder *r, const struct kf_recorder_options *opts)
{
	struct kf_control *control = &r->bpf->bss->control;
	uint64_t smallest = smallest_threshold(opts->triggers);

	if (!smallest)
		return;
	memcpy(control->threshold_ns, opts->triggers->threshold_ns, sizeof(control->threshold_ns));
	memcpy(control->syscall_threshold_ns, opts->triggers->syscall_threshold_ns,
	       sizeof(control->syscall_threshold_ns));
	control->check_every_ns = smallest / 4 < CHECK_MIN_NS ? CHECK_MIN_NS : smallest / 4;
	if (control->check_every_ns > CHECK_MAX_NS)
		control->check_every_ns = CHECK_MAX_NS;
}

void kf_recorder_change_rule(struct kf_recorder *r, const struct kf_trigger_set *set, int rule)
{
}

void kf_recorder_limit(struct kf_recorder *r, int rule, uint64_t until_ns)
{
	struct kf_control *control = &r->bpf->bss->control;

	if (rule >= KF_MAX_RULES)
		return;
	*(rule < 0 ? &control->limited_until_ns : &control->rules[rule].limited_until_ns) = until_ns;
}

int kf_recorder_set_true(struct kf_recorder *r, int term, uint64_t until_ns, struct kf_trigger *out)
{
	return 1;
}
