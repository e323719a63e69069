/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/status.h"
#include "snapshot/snapshot.h"

#define NS_PER_S	1000000000ULL
#define PPM		1000000ULL
#define LABEL_MAX_BYTES 256

static void family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* value / unit as a decimal number, exactly, without zeros at its end: 1500000000 ns are "1.5". */
static void put_decimal(FILE *out, uint64_t value, uint64_t unit)
{
	uint64_t rest = value % unit;

	fprintf(out, "%" PRIu64, value / unit);
	if (rest)
		fputc('.', out);
	while (rest) {
		unit /= 10;
		fputc((int)('0' + rest / unit), out);
		rest %= unit;
	}
}

static void put_value(FILE *out, uint64_t value, uint64_t unit)
{
	put_decimal(out, value, unit);
	fputc('\n', out);
}

/* Printable first, so that it is UTF-8 without newlines; then the format's own two escapes. */
static void put_label(FILE *out, const char *name, const char *value)
{
	char text[4 * LABEL_MAX_BYTES + 1];

	kf_text_printable(value ? value : "", LABEL_MAX_BYTES, text, sizeof(text));
	fprintf(out, "%s=\"", name);
	for (const char *c = text; *c; c++) {
		if (*c == '\\' || *c == '"')
			fputc('\\', out);
		fputc(*c, out);
	}
	fputc('"', out);
}

/* NAME{LABEL="..."} VALUE */
static void put_labelled(FILE *out, const char *name, const char *label, const char *label_value, uint64_t value,
			 uint64_t unit)
{
	fprintf(out, "%s{", name);
	put_label(out, label, label_value);
	fputs("} ", out);
	put_value(out, value, unit);
}

/* A family of one sample. */
static void put_single(FILE *out, const char *name, const char *type, const char *help, uint64_t value, uint64_t unit)
{
	family(out, name, type, help);
	fprintf(out, "%s ", name);
	put_value(out, value, unit);
}

static void put_bucket(FILE *out, const char *name, uint64_t below_ns, uint64_t count)
{
	fprintf(out, "%s_bucket{le=\"", name);
	put_decimal(out, below_ns, NS_PER_S);
	fprintf(out, "\"} %" PRIu64 "\n", count);
}

/* buckets[i] counts those below 2^i us, the last one the rest. */
static void put_buckets(FILE *out, const char *name, const __u64 *buckets, int n)
{
	uint64_t count = 0;

	for (int i = 0; i < n; i++) {
		count += buckets[i];
		if (i < n - 1)
			put_bucket(out, name, 1000ULL << i, count);
	}
	fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_count %" PRIu64 "\n", name, count, name, count);
}

static const struct wait_family {
	const char *name, *help;
} wait_families[KF_WAITS_KINDS] = {
	[KF_WAITS_RUNQ] = { "kflight_run_queue_wait_seconds",
			    "Time threads of the filter were ready to run but did not run." },
	[KF_WAITS_FUTEX] = { "kflight_futex_wait_seconds", "Time threads of the filter waited in futex(2)." },
	[KF_WAITS_SYSCALL] = { "kflight_syscall_seconds", "Time threads of the filter spent in a syscall." },
	[KF_WAITS_BLOCK] = { "kflight_blocked_seconds",
			     "Time threads of the filter were off the CPU for any reason until they were woken." },
	[KF_WAITS_THROTTLED] = { "kflight_throttled_seconds",
				 "Time threads of the filter were kept off the CPU by the quota of their cgroup." },
};

static void put_waits(FILE *out, const struct kf_daemon_status *s)
{
	for (int kind = 0; kind < KF_WAITS_KINDS; kind++) {
		const struct wait_family *f = &wait_families[kind];

		if (!(s->waits_counted & (1u << kind)))
			continue;
		family(out, f->name, "histogram", f->help);
		put_buckets(out, f->name, s->waits[kind].buckets, KF_WAITS_BUCKETS);
		fprintf(out, "%s_sum ", f->name);
		put_value(out, s->waits[kind].ns, NS_PER_S);
	}
}

static void put_window(FILE *out, const struct kf_daemon_status *s)
{
	static const char of_cpu[] = "kflight_cpu_window_seconds";
	char number[16];

	put_single(out, "kflight_window_seconds", "gauge", "Length of the past that the rings of every CPU hold now.",
		   s->held_ns, NS_PER_S);
	put_single(out, "kflight_window_wished_seconds", "gauge",
		   "Length of the past that was asked for; 0 is as long as the rings hold.", s->wished_ns, NS_PER_S);
	if (!s->n_cpus || s->n_cpus > KF_METRICS_MAX_CPUS)
		return;
	family(out, of_cpu, "gauge", "Length of the past that the rings of a CPU hold now.");
	for (uint32_t cpu = 0; cpu < s->n_cpus; cpu++) {
		snprintf(number, sizeof(number), "%" PRIu32, cpu);
		put_labelled(out, of_cpu, "cpu", number, s->cpus[cpu].held_ns, NS_PER_S);
	}
}

static void put_records(FILE *out, const struct kf_daemon_status *s)
{
	static const char *const classes[KF_CLASSES] = { [KF_CLASS_SCHED] = "sched",
							 [KF_CLASS_SYSCALL] = "syscall",
							 [KF_CLASS_LIFE] = "life",
							 [KF_CLASS_TAKEN] = "taken" };
	static const char slots[] = "kflight_record_slots_total", lost[] = "kflight_records_lost_total";
	static const char missed[] = "kflight_filter_overflow_total";

	family(out, slots, "counter", "Slots of 32 bytes written to the rings; an event takes one or two.");
	for (int i = 0; i < KF_CLASSES; i++)
		put_labelled(out, slots, "class", classes[i], s->class_slots[i], 1);
	family(out, lost, "counter", "Records that were not written, or without what they should tell.");
	for (int i = 0; i < KF_LOSS_UNWATCHED; i++)
		put_labelled(out, lost, "reason", kf_loss_name((enum kf_loss)i), s->lost[i], 1);
	family(out, missed, "counter", "Threads and processes of the filter beyond what can be watched or followed.");
	for (int i = KF_LOSS_UNWATCHED; i < KF_LOSSES; i++)
		put_labelled(out, missed, "kind", kf_loss_name((enum kf_loss)i), s->lost[i], 1);
}

static void put_fired(FILE *out, const char *name, const struct kf_status_rule *rule)
{
	const struct kf_rule_counts *n = &rule->counts;
	const struct {
		const char *result;
		uint64_t count;
	} results[] = { { "hit", n->hits },
			{ "cooling", n->cooling },
			{ "busy", n->busy },
			{ "sampled", n->sampled },
			{ "limited", n->limited } };

	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		fprintf(out, "%s{", name);
		put_label(out, "rule", rule->name);
		fprintf(out, ",result=\"%s\"} %" PRIu64 "\n", results[i].result, results[i].count);
	}
}

static void put_rules(FILE *out, const struct kf_daemon_status *s)
{
	static const char fired[] = "kflight_triggers_fired_total", enabled[] = "kflight_trigger_enabled";

	if (!s->n_rules)
		return;
	family(out, fired, "counter", "How often a trigger was true: hit got a snapshot, the others did not.");
	for (size_t i = 0; i < s->n_rules; i++)
		put_fired(out, fired, &s->rules[i]);
	family(out, enabled, "gauge", "Whether a trigger is enabled.");
	for (size_t i = 0; i < s->n_rules; i++)
		put_labelled(out, enabled, "rule", s->rules[i].name, s->rules[i].enabled, 1);
}

static void put_runs(FILE *out, const char *name, const char *help, const struct kf_status_runs *runs)
{
	uint64_t failed = runs->failed > runs->timed_out ? runs->failed - runs->timed_out : 0;

	family(out, name, "counter", help);
	put_labelled(out, name, "result", "ok", runs->ok, 1);
	put_labelled(out, name, "result", "failed", failed, 1);
	put_labelled(out, name, "result", "timed_out", runs->timed_out, 1);
}

static void put_retention(FILE *out, const struct kf_daemon_status *s)
{
	if (s->kept_known) {
		put_single(out, "kflight_snapshots_kept", "gauge",
			   "Snapshots in the folder, those of earlier recorders among them.", s->kept, 1);
		put_single(out, "kflight_snapshots_kept_bytes", "gauge", "Size of the snapshots in the folder.",
			   s->kept_bytes, 1);
	}
	put_single(out, "kflight_retention_removed_total", "counter", "Snapshots removed to keep within --keep.",
		   s->removed, 1);
	put_single(out, "kflight_retention_removed_bytes_total", "counter", "Size of the snapshots removed.",
		   s->removed_bytes, 1);
	put_single(out, "kflight_retention_failed_total", "counter", "Snapshots that could not be removed.",
		   s->undeletable, 1);
}

static void put_snapshots(FILE *out, const struct kf_daemon_status *s)
{
	static const char snapshots[] = "kflight_snapshots_total", requests[] = "kflight_requests_total";

	family(out, snapshots, "counter", "Snapshots that were taken, by how that ended.");
	put_labelled(out, snapshots, "result", "written", s->snapshots_written, 1);
	put_labelled(out, snapshots, "result", "failed", s->snapshots_failed, 1);
	put_single(out, "kflight_snapshot_written_bytes_total", "counter", "Size of all snapshots written.",
		   s->snapshot_bytes, 1);
	put_runs(out, "kflight_hooks_total", "Runs of the command of --exec.", &s->hooks);
	put_runs(out, "kflight_conversions_total", "Conversions of snapshots by --convert.", &s->conversions);
	put_single(out, "kflight_hook_snapshots_left_out_total", "counter",
		   "Snapshots neither converted nor shipped, because too many waited.", s->left_out, 1);
	family(out, requests, "counter", "Requests to the control socket and the metrics port, by how they ended.");
	for (int i = 0; i < KF_REQUEST_RESULTS; i++)
		put_labelled(out, requests, "result", kf_request_result_name((enum kf_request_result)i), s->requests[i],
			     1);
}

static void put_cost(FILE *out, const struct kf_daemon_status *s)
{
	static const char shed[] = "kflight_shed_changes_total";

	if (s->cost_ppm != UINT32_MAX)
		put_single(out, "kflight_overhead_ratio", "gauge",
			   "Share of the CPU time of the host that probes and recorder took when measured last.",
			   s->cost_ppm, PPM);
	if (kf_status_has_budget(s))
		put_single(out, "kflight_overhead_budget_ratio", "gauge", "Share of the CPU time of the host allowed.",
			   s->budget_ppm, PPM);
	put_single(out, "kflight_shed_level", "gauge",
		   "What is given up for the budget: 0 nothing, 1 syscall records, 2 also interrupts.", s->shed, 1);
	family(out, shed, "counter", "How often something was given up for the budget, or taken back.");
	put_labelled(out, shed, "change", "shed", s->sheds, 1);
	put_labelled(out, shed, "change", "restore", s->restores, 1);
}

static void put_self(FILE *out, const struct kf_daemon_status *s)
{
	uint64_t up_ns = s->now_ns > s->started_ns ? s->now_ns - s->started_ns : 0;

	family(out, "kflight_build_info", "gauge", "Version of the recorder.");
	put_labelled(out, "kflight_build_info", "version", s->version, 1, 1);
	put_single(out, "kflight_ring_bytes", "gauge", "Memory of the rings.", s->ring_bytes, 1);
	put_single(out, "process_start_time_seconds", "gauge", "Start of recording, in seconds since 1970.",
		   s->real_ns > up_ns ? s->real_ns - up_ns : 0, NS_PER_S);
	put_single(out, "process_cpu_seconds_total", "counter", "CPU time of the recorder without its probes.",
		   s->own_cpu_ns, NS_PER_S);
	put_single(out, "process_resident_memory_bytes", "gauge", "Resident memory of the recorder.", s->resident_bytes,
		   1);
}

/* Its sum is not known, so it is a family of buckets with a count. */
static void put_hold_latency(FILE *out, const struct kf_daemon_status *s)
{
	static const char name[] = "kflight_hold_latency_seconds";

	family(out, name, "histogram", "Time from the event that fired a trigger to the protected window.");
	put_buckets(out, name, s->hold_latency, sizeof(s->hold_latency) / sizeof(s->hold_latency[0]));
}

char *kf_metrics_text(const struct kf_daemon_status *s, size_t *len)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return NULL;
	put_self(out, s);
	put_window(out, s);
	put_records(out, s);
	put_rules(out, s);
	put_snapshots(out, s);
	put_retention(out, s);
	put_cost(out, s);
	put_hold_latency(out, s);
	put_waits(out, s);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	if (len)
		*len = bytes;
	return text;
}
