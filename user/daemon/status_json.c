/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/status.h"

#include <string.h>

#include "output/clock.h"
#include "output/gap_json.h"
#include "snapshot/shed_name.h"

/* JSON has no unsigned numbers. */
static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *text_of(const char *text)
{
	return text ? kf_json_text(text, strlen(text)) : json_null();
}

/* A moment of CLOCK_MONOTONIC, 0 none. */
static json_t *time_of(const struct kf_daemon_status *s, uint64_t mono_ns)
{
	uint64_t ago_ns = s->now_ns > mono_ns ? s->now_ns - mono_ns : 0;
	char text[40];

	if (!mono_ns || s->real_ns < ago_ns)
		return json_null();
	return json_string(kf_format_timestamp(s->real_ns - ago_ns, text, sizeof(text)));
}

static json_t *cpus_json(const struct kf_daemon_status *s)
{
	json_t *all = json_array();

	for (uint32_t i = 0; i < s->n_cpus; i++) {
		const struct kf_status_cpu *cpu = &s->cpus[i];

		if (cpu->slots &&
		    json_array_append_new(all,
					  json_pack("{so so so so}", "cpu", number(i), "held_ns", number(cpu->held_ns),
						    "slots", number(cpu->slots), "dropped", number(cpu->dropped)))) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

static json_t *window_json(const struct kf_daemon_status *s)
{
	return json_pack("{so so sb so so}", "wished_ns", number(s->wished_ns), "held_ns", number(s->held_ns), "full",
			 s->held_ns >= s->wished_ns, "ring_bytes", number(s->ring_bytes), "cpus", cpus_json(s));
}

static json_t *rates_json(const struct kf_status_rates *r)
{
	if (!r->over_ns)
		return json_null();
	return json_pack("{so sf sf sf}", "over_ns", number(r->over_ns), "slots_per_s", r->slots_per_s, "lost_per_s",
			 r->lost_per_s, "fired_per_s", r->fired_per_s);
}

static json_t *lost_json(const struct kf_daemon_status *s)
{
	json_t *lost = json_object();

	for (int i = 0; i < KF_LOSSES; i++)
		if (json_object_set_new(lost, kf_loss_name((enum kf_loss)i), number(s->lost[i]))) {
			json_decref(lost);
			return NULL;
		}
	return lost;
}

static json_t *records_json(const struct kf_daemon_status *s)
{
	const uint64_t *slots = s->class_slots;
	json_t *classes = json_pack("{so so so so}", "sched", number(slots[KF_CLASS_SCHED]), "syscall",
				    number(slots[KF_CLASS_SYSCALL]), "life", number(slots[KF_CLASS_LIFE]), "taken",
				    number(slots[KF_CLASS_TAKEN]));

	return json_pack("{so so so so}", "slots", number(s->slots), "by_class", classes, "lost", lost_json(s), "rates",
			 rates_json(&s->rates));
}

static json_t *rule_json(const struct kf_daemon_status *s, const struct kf_status_rule *rule)
{
	const struct kf_rule_counts *n = &rule->counts;
	uint64_t suppressed = kf_status_suppressed(n);

	return json_pack("{so so sb so so so so so so so so}", "name", text_of(rule->name), "text", text_of(rule->text),
			 "enabled", rule->enabled, "fired", number(n->hits + suppressed), "hits", number(n->hits),
			 "suppressed", number(suppressed), "cooling", number(n->cooling), "busy", number(n->busy),
			 "sampled", number(n->sampled), "limited", number(n->limited), "last_hit",
			 time_of(s, rule->last_hit_ns));
}

static json_t *rules_json(const struct kf_daemon_status *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->n_rules; i++)
		if (json_array_append_new(all, rule_json(s, &s->rules[i]))) {
			json_decref(all);
			return NULL;
		}
	return all;
}

static json_t *snapshots_json(const struct kf_daemon_status *s)
{
	bool any = s->last_snapshot && s->last_snapshot[0];
	uint64_t suppressed = 0;

	for (size_t i = 0; i < s->n_rules; i++)
		suppressed += kf_status_suppressed(&s->rules[i].counts);
	return json_pack("{so so so so so}", "written", number(s->snapshots_written), "failed",
			 number(s->snapshots_failed), "bytes", number(s->snapshot_bytes), "suppressed",
			 number(suppressed), "last", text_of(any ? s->last_snapshot : NULL));
}

static json_t *runs_json(const struct kf_status_runs *runs)
{
	return json_pack("{so so so}", "ok", number(runs->ok), "failed", number(runs->failed), "timed_out",
			 number(runs->timed_out));
}

static json_t *retention_json(const struct kf_daemon_status *s)
{
	return json_pack("{so so so so so}", "kept", s->kept_known ? number(s->kept) : json_null(), "kept_bytes",
			 s->kept_known ? number(s->kept_bytes) : json_null(), "removed", number(s->removed),
			 "removed_bytes", number(s->removed_bytes), "undeletable", number(s->undeletable));
}

static json_t *requests_json(const struct kf_daemon_status *s)
{
	json_t *requests = json_object();

	for (int i = 0; i < KF_REQUEST_RESULTS; i++)
		if (json_object_set_new(requests, kf_request_result_name((enum kf_request_result)i),
					number(s->requests[i]))) {
			json_decref(requests);
			return NULL;
		}
	return requests;
}

static json_t *cost_json(const struct kf_daemon_status *s)
{
	return json_pack("{so so ss so so}", "cost_ppm", s->cost_ppm == UINT32_MAX ? json_null() : number(s->cost_ppm),
			 "budget_ppm", kf_status_has_budget(s) ? number(s->budget_ppm) : json_null(), "shed",
			 kf_shed_name(s->shed), "sheds", number(s->sheds), "restores", number(s->restores));
}

static json_t *latency_json(const struct kf_daemon_status *s)
{
	const int n = sizeof(s->hold_latency) / sizeof(s->hold_latency[0]);
	json_t *all = json_array();

	for (int i = 0; i < n; i++)
		if (json_array_append_new(all, json_pack("{so so}", "below_ns",
							 i < n - 1 ? number(1000ULL << i) : json_null(), "count",
							 number(s->hold_latency[i])))) {
			json_decref(all);
			return NULL;
		}
	return all;
}

/* The end of the bucket that has the wait of this rank, in thousandths; null: none, or longer than all ends. */
static json_t *below(const struct kf_wait_histogram *h, uint64_t count, unsigned int thousandths)
{
	uint64_t rank = (uint64_t)(((unsigned __int128)count * thousandths + 999) / 1000), seen = 0;

	for (int i = 0; count && i < KF_WAITS_BUCKETS - 1; i++) {
		seen += h->buckets[i];
		if (seen >= rank)
			return number(1000ULL << i);
	}
	return json_null();
}

static json_t *waits_json(const struct kf_daemon_status *s)
{
	json_t *all = json_object();

	for (unsigned int kind = 0; kind < KF_WAITS_KINDS; kind++) {
		const struct kf_wait_histogram *h = &s->waits[kind];
		uint64_t count = kf_status_wait_count(h);

		if (!(s->waits_counted & (1u << kind)))
			continue;
		if (json_object_set_new(all, kf_waits_name((enum kf_waits_kind)kind),
					json_pack("{so so so so}", "count", number(count), "ns", number(h->ns),
						  "p50_below_ns", below(h, count, 500), "p99_below_ns",
						  below(h, count, 990)))) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

static json_t *open_waits_json(const struct kf_daemon_status *s)
{
	return json_pack("{so so}", "looks", number(s->looks), "ns", number(s->looks_ns));
}

json_t *kf_status_json(const struct kf_daemon_status *s)
{
	json_t *self =
		json_pack("{so so}", "cpu_ns", number(s->own_cpu_ns), "resident_bytes", number(s->resident_bytes));

	/* json_pack() takes references, also of a NULL, and then returns NULL without leaking the others. */
	return json_pack("{so so so so so so so so so so so so so so so so so so so so so}", "version",
			 text_of(s->version), "host", text_of(s->host), "pid", number(s->pid), "state",
			 text_of(s->state), "started", time_of(s, s->started_ns), "uptime_ns",
			 number(s->now_ns > s->started_ns ? s->now_ns - s->started_ns : 0), "filter",
			 text_of(s->filter), "window", window_json(s), "records", records_json(s), "triggers",
			 rules_json(s), "snapshots", snapshots_json(s), "retention", retention_json(s), "hooks",
			 runs_json(&s->hooks), "conversions", runs_json(&s->conversions), "left_out",
			 number(s->left_out), "requests", requests_json(s), "self", self, "cost", cost_json(s),
			 "hold_latency", latency_json(s), "open_waits", open_waits_json(s), "waits", waits_json(s));
}
