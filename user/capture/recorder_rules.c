/* SPDX-License-Identifier: BSD-2-Clause */
/* recorder_rules.c - the triggers: hands them to BPF, changes them while they are in use. */
#include "capture/recorder_internal.h"

#include <bpf/libbpf.h>
#include <string.h>

#include "capture/recorder_waits.h"
#include "expr/trigger_set.h"

#include "kflight.skel.h"

#define CHECK_MIN_NS (1 * KF_NS_PER_MS)
#define CHECK_MAX_NS (1000 * KF_NS_PER_MS)

static const enum kf_trigger_kind trigger_kinds[KF_WAITS_KINDS] = {
	[KF_WAITS_RUNQ] = KF_TRIGGER_RUNQ,	     [KF_WAITS_FUTEX] = KF_TRIGGER_FUTEX,
	[KF_WAITS_SYSCALL] = KF_TRIGGER_SYSCALL,     [KF_WAITS_BLOCK] = KF_TRIGGER_BLOCK,
	[KF_WAITS_THROTTLED] = KF_TRIGGER_THROTTLED,
};

void kf_recorder_plan_rules(struct kf_recorder *r, const struct kf_trigger_set *set)
{
	for (size_t i = 0; set && i < set->n_terms; i++) {
		const struct kf_term *term = &set->terms[i];

		r->bpf->rodata->all_terms |= 1u << i;
		if (!term->event)
			continue;
		r->bpf->rodata->terms_of[term->kind] |= 1u << i;
		if (term->kind != KF_WAITS_THROTTLED) /* of which nothing is known before its end */
			r->bpf->rodata->open_terms |= 1u << i;
	}
}

static void lower(__u64 *limit_ns, uint64_t ns)
{
	ns = ns ? ns : 1; /* 0 is none */
	if (!*limit_ns || ns < *limit_ns)
		*limit_ns = ns;
}

static void lower_syscalls(struct kf_control *limits, const struct kf_term *term)
{
	for (int nr = 0; nr < KF_MAX_SYSCALLS; nr++)
		if (term->any_syscall || term->syscalls[nr / 64] >> (nr % 64) & 1)
			lower(&limits->syscall_threshold_ns[nr], term->limit_ns);
}

static uint32_t enabled_terms(const struct kf_control *control)
{
	uint32_t terms = 0;

	for (uint32_t i = 0; i < control->n_rules; i++)
		if (control->rules[i].enabled)
			terms |= control->rules[i].terms;
	return terms;
}

/* How often open waits are looked at: it must not stop as long as a rule can be enabled, or nothing would start it again. */
static uint64_t check_every_ns(const uint64_t smallest_ns)
{
	uint64_t every_ns = smallest_ns / 4;

	if (!smallest_ns || every_ns > CHECK_MAX_NS)
		return CHECK_MAX_NS;
	return every_ns < CHECK_MIN_NS ? CHECK_MIN_NS : every_ns;
}

/* The smallest limits, what hot paths compare with; all are computed before the first is stored, so that none is ever missing. */
static void set_limits(struct kf_recorder *r)
{
	struct kf_control *control = &r->bpf->bss->control;
	uint32_t enabled = enabled_terms(control);
	struct kf_control limits = { 0 };
	__u64 smallest_open_ns = 0;

	for (uint32_t i = 0; i < control->n_terms; i++) {
		const struct kf_term *term = &control->terms[i];

		if (!(enabled >> i & 1) || !term->event)
			continue;
		lower(&limits.threshold_ns[trigger_kinds[term->kind]], term->limit_ns);
		if (term->kind == KF_WAITS_SYSCALL)
			lower_syscalls(&limits, term);
		if (term->kind != KF_WAITS_THROTTLED)
			lower(&smallest_open_ns, term->limit_ns);
	}
	memcpy(control->threshold_ns, limits.threshold_ns, sizeof(control->threshold_ns));
	memcpy(control->syscall_threshold_ns, limits.syscall_threshold_ns, sizeof(control->syscall_threshold_ns));
	if (!r->bpf->rodata->open_terms)
		return;
	control->check_every_ns = check_every_ns(smallest_open_ns);
	if (r->check_every_ns)
		r->check_every_ns = control->check_every_ns;
}

static void set_rule(struct kf_rule *rule, const struct kf_trigger_rule *from)
{
	/* A cool-down that runs is as long as the new one from its begin. */
	if (rule->cooldown_until_ns)
		rule->cooldown_until_ns += from->cooldown_ns - rule->cooldown_ns;
	rule->cooldown_ns = from->cooldown_ns;
	rule->sample = from->sample;
	rule->terms = from->terms;
	rule->enabled = from->enabled;
}

static uint32_t and_terms(const struct kf_trigger_set *set)
{
	uint32_t terms = 0;

	for (size_t i = 0; i < set->n_clauses; i++)
		if (set->clauses[i].terms & (set->clauses[i].terms - 1))
			terms |= set->clauses[i].terms;
	return terms;
}

void kf_recorder_set_rules(struct kf_recorder *r, const struct kf_trigger_set *set)
{
	struct kf_control *control = &r->bpf->bss->control;

	if (!set)
		return;
	r->set = set;
	memcpy(control->terms, set->terms, set->n_terms * sizeof(set->terms[0]));
	memcpy(control->clauses, set->clauses, set->n_clauses * sizeof(set->clauses[0]));
	for (size_t i = 0; i < set->n_rules; i++)
		set_rule(&control->rules[i], &set->rules[i]);
	control->and_terms = and_terms(set);
	control->n_terms = set->n_terms;
	control->n_clauses = set->n_clauses;
	control->n_rules = set->n_rules;
	set_limits(r);
}

void kf_recorder_change_rule(struct kf_recorder *r, const struct kf_trigger_set *set, int rule)
{
	struct kf_control *control = &r->bpf->bss->control;

	if (rule < 0 || (size_t)rule >= set->n_rules)
		return;
	for (size_t i = 0; i < set->n_terms; i++) {
		if (!(set->rules[rule].terms >> i & 1))
			continue;
		control->terms[i].limit_ns = set->terms[i].limit_ns;
		control->terms[i].or_equal = set->terms[i].or_equal;
		control->terms[i].true_until_ns = 0;
		if (!set->terms[i].event)
			kf_recorder_restart_term(r, i);
	}
	set_rule(&control->rules[rule], &set->rules[rule]);
	set_limits(r);
}

void kf_recorder_limit(struct kf_recorder *r, int rule, uint64_t until_ns)
{
	struct kf_control *control = &r->bpf->bss->control;

	if (rule >= KF_MAX_RULES)
		return;
	*(rule < 0 ? &control->limited_until_ns : &control->rules[rule].limited_until_ns) = until_ns;
}

void kf_recorder_rule_counts(const struct kf_recorder *r, int rule, struct kf_rule_counts *out)
{
	memset(out, 0, sizeof(*out));
	if (rule >= 0 && rule < KF_MAX_RULES)
		*out = r->bpf->bss->counters.rules[rule];
}

void kf_recorder_keep_true(struct kf_recorder *r, int term, uint64_t until_ns)
{
	r->bpf->bss->control.terms[term].true_until_ns = until_ns;
}

int kf_recorder_set_true(struct kf_recorder *r, uint32_t terms, struct kf_trigger *out)
{
	struct kf_set_true context = { .terms = terms };
	int term;

	if (!terms || kf_recorder_command_with(r->bpf->progs.set_terms_true, &context, sizeof(context)) ||
	    !context.rule)
		return 1;
	term = __builtin_ctz(terms); /* what it is said to be about, as in BPF */
	memset(out, 0, sizeof(*out));
	out->kind = KF_TRIGGER_AGGREGATE;
	out->ts_ns = context.ts_ns;
	out->since_ns = context.ts_ns - r->set->period_ns[term];
	out->nr = KF_NR_USER;
	out->rule = context.rule;
	if (r->set->exprs[term].unit == KF_EXPR_NS)
		out->threshold_ns = r->set->exprs[term].limit;
	return 0;
}
