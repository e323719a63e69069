/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/circumstances_json.h"

#include <string.h>

#include "output/circumstances.h"
#include "output/gap_json.h"
#include "snapshot/shed_name.h"
#include "snapshot/snapshot.h"

static json_t *text_of(const char *text)
{
	return kf_json_text(text, strlen(text));
}

static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

json_t *kf_fired_json(const struct kf_snapshot *s)
{
	const struct kf_snapshot_rule *rule = kf_snapshot_fired(s);

	return rule ? json_pack("{so so}", "name", text_of(rule->name), "text", text_of(rule->text)) : json_null();
}

json_t *kf_requester_json(const struct kf_snapshot *s)
{
	const struct kf_requester *by = &s->requester;

	if (!by->pid && !s->trace_id[0] && !s->span_id[0])
		return json_null();
	return json_pack("{so so so so so}", "pid", by->pid ? number(by->pid) : json_null(), "uid",
			 by->pid ? number(by->uid) : json_null(), "comm",
			 by->pid ? kf_json_text(by->comm, sizeof(by->comm)) : json_null(), "trace_id",
			 text_of(s->trace_id), "span_id", text_of(s->span_id));
}

/* Adds {hits, cooling, busy, sampled, limited} to o. */
static json_t *add_counts(json_t *o, const struct kf_rule_counts *c)
{
	if (o && !json_object_set_new(o, "hits", number(c->hits)) &&
	    !json_object_set_new(o, "cooling", number(c->cooling)) &&
	    !json_object_set_new(o, "busy", number(c->busy)) &&
	    !json_object_set_new(o, "sampled", number(c->sampled)) &&
	    !json_object_set_new(o, "limited", number(c->limited)))
		return o;
	json_decref(o);
	return NULL;
}

json_t *kf_suppressed_json(const struct kf_snapshot *s)
{
	struct kf_rule_counts c = kf_suppressed_recently(s);
	char text[KF_CIRCUMSTANCE_BYTES];

	kf_suppressed_text(s, text, sizeof(text));
	return json_pack("{so so so so so so so}", "since_ns", number(s->suppressed_since_ns), "total",
			 number(kf_suppressed(&c)), "cooling", number(c.cooling), "busy", number(c.busy), "sampled",
			 number(c.sampled), "limited", number(c.limited), "text", json_string(text));
}

static json_t *rule_json(const struct kf_snapshot_rule *rule)
{
	const struct kf_rule_counts *c = &rule->counts;
	uint64_t suppressed = kf_suppressed(c);

	return add_counts(json_pack("{so so so so}", "name", text_of(rule->name), "text", text_of(rule->text), "fired",
				    number(c->hits > UINT64_MAX - suppressed ? UINT64_MAX : c->hits + suppressed),
				    "recent", add_counts(json_object(), &rule->recent)),
			  c);
}

json_t *kf_rules_json(const struct kf_snapshot *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->n_rules; i++)
		if (json_array_append_new(all, rule_json(&s->rules[i]))) {
			json_decref(all);
			return NULL;
		}
	return all;
}

static json_t *sheds_json(const struct kf_snapshot *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->n_sheds; i++) {
		const struct kf_shed *shed = &s->sheds[i];

		if (json_array_append_new(all, json_pack("{so so ss ss}", "ts_ns", number(shed->ts_ns), "cost_ppm",
							 number(shed->cost_ppm), "before", kf_shed_name(shed->before),
							 "after", kf_shed_name(shed->after)))) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

json_t *kf_recorder_json(const struct kf_snapshot *s)
{
	char given_up[KF_CIRCUMSTANCE_BYTES];

	kf_given_up_text(s, given_up, sizeof(given_up));
	return json_pack("{so so so so so}", "cost_ppm",
			 s->cost_ppm == KF_COST_UNKNOWN ? json_null() : number(s->cost_ppm), "budget_ppm",
			 s->budget_ppm ? number(s->budget_ppm) : json_null(), "snapshots_before",
			 number(s->snapshots_before), "given_up", json_string(given_up), "sheds", sheds_json(s));
}
