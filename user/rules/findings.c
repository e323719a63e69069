/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/finding.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/units.h"
#include "rules/search.h"
#include "rules/where.h"

/* What wins when one gap has several findings comes first: the cause, then what it leads to. */
static const struct kf_rule *const rules[] = {
	&kf_rule_realtime_hog,
	&kf_rule_cpu_quota_throttled,
	&kf_rule_softirq_storm,
	&kf_rule_steal_time,
	&kf_rule_bad_placement,
	&kf_rule_priority_inversion,
	&kf_rule_futex_convoy,
	&kf_rule_blocked_on_disk,
	&kf_rule_long_syscall,
	&kf_rule_oversubscribed_process,
	&kf_rule_fork_storm,
	&kf_rule_preempted,
	&kf_rule_run_queue_latency,
	&kf_rule_sleep_overrun,
	NULL,
};

const struct kf_rule *const *kf_rules(void)
{
	return rules;
}

const struct kf_rule *kf_rule_find(const char *name)
{
	for (size_t i = 0; rules[i]; i++)
		if (!strcmp(rules[i]->name, name))
			return rules[i];
	return NULL;
}

const char *kf_rule_name(const struct kf_rule *rule)
{
	return rule->name;
}

const char *kf_rule_summary(const struct kf_rule *rule)
{
	return rule->summary;
}

static void format_threshold(const struct kf_rule *rule, uint64_t value, char *buf, size_t len)
{
	switch (rule->unit) {
	case KF_RULE_NS:
		kf_format_duration(value, buf, len);
		return;
	case KF_RULE_PERMILLE:
		if (value % 10)
			snprintf(buf, len, "%" PRIu64 ".%" PRIu64 " %%", value / 10, value % 10);
		else
			snprintf(buf, len, "%" PRIu64 " %%", value / 10);
		return;
	case KF_RULE_COUNT:
		kf_format_count(value, buf, len);
		return;
	}
}

const char *kf_rule_defaults(const struct kf_rule *rule, char *buf, size_t len)
{
	char warn[32], error[32];

	format_threshold(rule, rule->warn, warn, sizeof(warn));
	format_threshold(rule, rule->error, error, sizeof(error));
	snprintf(buf, len, "%s, %s", warn, error);
	return buf;
}

const char *kf_severity_name(enum kf_severity severity)
{
	static const char *const names[KF_SEVERITIES] = { "INFO", "WARN", "ERROR" };

	return (unsigned)severity < KF_SEVERITIES ? names[severity] : names[KF_SEVERITY_INFO];
}

static bool is_off(const struct kf_rule *rule, const struct kf_rule_options *o)
{
	for (size_t i = 0; i < o->n_off; i++)
		if (o->off[i] == rule)
			return true;
	return false;
}

/* ---- words ---- */

static void release_words(struct kf_finding *f)
{
	free(f->message);
	free(f->detail);
	free(f->suggestion);
	free(f->where);
}

static int put_into_words(struct kf_finding *f, struct kf_search *s, const struct kf_alike *group, struct kf_error *e)
{
	char message[KF_SENTENCE_BYTES], detail[KF_SENTENCE_BYTES], suggestion[1024], where[128];
	struct kf_words words;
	struct kf_line at;

	kf_line_init(&words.message, message, sizeof(message));
	kf_line_init(&words.detail, detail, sizeof(detail));
	kf_line_init(&words.suggestion, suggestion, sizeof(suggestion));
	kf_line_init(&at, where, sizeof(where));
	s->rule->tell(s, group, &words);
	if (kf_where(s, &group->worst, &at, e))
		return -1;
	f->message = strdup(message);
	f->detail = strdup(detail);
	f->suggestion = strdup(suggestion);
	f->where = strdup(where);
	if (f->message && f->detail && f->suggestion && f->where)
		return 0;
	release_words(f);
	return kf_fail_memory(e, "findings");
}

static int add_finding(struct kf_findings *f, struct kf_search *s, const struct kf_alike *group, struct kf_error *e)
{
	const struct kf_hit *worst = &group->worst;
	struct kf_finding finding = {
		.rule = s->rule,
		.severity = group->severity,
		.ts_ns = worst->ts_ns,
		.worst_ns = worst->ns,
		.total_ns = group->total_ns,
		.count = group->count,
		.thread = worst->thread,
		.culprit = worst->culprit,
		.cpu = worst->cpu,
		.gap = worst->gap,
	};

	if (KF_GROW(f->items, f->n, f->room))
		return kf_fail_memory(e, "findings");
	if (put_into_words(&finding, s, group, e))
		return -1;
	f->items[f->n++] = finding;
	return 0;
}

/* ---- all of them ---- */

static size_t place_of(const struct kf_rule *rule)
{
	size_t i = 0;

	while (rules[i] && rules[i] != rule)
		i++;
	return i;
}

static int worst_first(const void *va, const void *vb)
{
	const struct kf_finding *a = va, *b = vb;
	size_t place_a = place_of(a->rule), place_b = place_of(b->rule);

	if (a->severity != b->severity)
		return a->severity < b->severity ? 1 : -1;
	if (a->total_ns != b->total_ns)
		return a->total_ns < b->total_ns ? 1 : -1;
	if (place_a != place_b)
		return place_a < place_b ? -1 : 1;
	return (a->ts_ns > b->ts_ns) - (a->ts_ns < b->ts_ns);
}

static int apply(struct kf_findings *f, struct kf_search *s, const struct kf_rule *rule, struct kf_error *e)
{
	struct kf_alike *groups;
	size_t n;
	int err = kf_search_apply(s, rule, &groups, &n, e);

	for (size_t i = 0; !err && i < n; i++) {
		if (s->o->top && i >= s->o->top) {
			f->n_more += n - i;
			break;
		}
		err = add_finding(f, s, &groups[i], e);
	}
	free(groups);
	return err;
}

int kf_findings_find(struct kf_findings *f, const struct kf_timeline *t, const struct kf_snapshot *snapshot,
		     const struct kf_rule_options *o, struct kf_error *e)
{
	static const struct kf_rule_options everything;
	struct kf_search s;
	int err;

	o = o ? o : &everything;
	*f = (struct kf_findings){ 0 };
	err = kf_search_init(&s, t, o, e);
	for (size_t i = 0; !err && rules[i]; i++)
		if (!is_off(rules[i], o))
			err = apply(f, &s, rules[i], e);
	kf_search_release(&s);
	if (!err && f->n)
		qsort(f->items, f->n, sizeof(*f->items), worst_first);
	return err;
}

void kf_findings_cut(struct kf_findings *f, uint64_t top)
{
	uint64_t kept_of_rule[sizeof(rules) / sizeof(rules[0])] = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (top && kept_of_rule[place_of(f->items[i].rule)]++ >= top) {
			release_words(&f->items[i]);
			f->n_more++;
		} else {
			f->items[kept++] = f->items[i];
		}
	}
	f->n = kept;
}

void kf_findings_release(struct kf_findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		release_words(&f->items[i]);
	free(f->items);
	*f = (struct kf_findings){ 0 };
}
