/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/status.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"

/* Members of what another recorder sent: 0 or "" for what is missing. Objects may be NULL. */
static uint64_t number(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n > 0 ? (uint64_t)n : 0;
}

static bool has(const json_t *o, const char *key)
{
	return json_is_integer(json_object_get(o, key));
}

/* At most so much of a text, printable; buf is returned. */
#define TEXT_BYTES 512
static const char *text(const json_t *o, const char *key, char buf[TEXT_BYTES])
{
	const char *value = json_string_value(json_object_get(o, key));

	kf_text_printable(value ? value : "", SIZE_MAX, buf, TEXT_BYTES);
	return buf;
}

static const char *duration(const json_t *o, const char *key, char buf[32])
{
	return kf_format_duration(number(o, key), buf, 32);
}

static const char *size(const json_t *o, const char *key, char buf[32])
{
	return kf_format_size(number(o, key), buf, 32);
}

static double percent(uint64_t ppm)
{
	return (double)ppm / 1e4;
}

static void put_head(const json_t *s, FILE *out)
{
	char version[TEXT_BYTES], host[TEXT_BYTES], state[TEXT_BYTES], started[TEXT_BYTES], filter[TEXT_BYTES];
	char up[32];

	fprintf(out, "kflight %s on %s, pid %" PRIu64 ": %s for %s, since %s\n", text(s, "version", version),
		text(s, "host", host), number(s, "pid"), text(s, "state", state), duration(s, "uptime_ns", up),
		text(s, "started", started));
	if (*text(s, "filter", filter))
		fprintf(out, "  filter       %s\n", filter);
}

static void put_window(const json_t *window, FILE *out)
{
	const json_t *cpus = json_object_get(window, "cpus"), *cpu, *least = NULL;
	char held[32], wished[32], bytes[32];
	size_t i;

	json_array_foreach(cpus, i, cpu) if (!least || number(cpu, "held_ns") < number(least, "held_ns")) least = cpu;
	fprintf(out, "  window       %s held", duration(window, "held_ns", held));
	if (number(window, "wished_ns"))
		fprintf(out, " of %s wished", duration(window, "wished_ns", wished));
	if (!json_is_true(json_object_get(window, "full")))
		fprintf(out, ", not yet full");
	if (json_array_size(cpus) > 1)
		fprintf(out, ", shortest on CPU %" PRIu64, number(least, "cpu"));
	fprintf(out, "; rings of %s\n", size(window, "ring_bytes", bytes));
}

/* "lost 12 (held 10, flood 2)" */
static void put_lost(const json_t *lost, FILE *out)
{
	const char *before = " (";
	const json_t *value;
	uint64_t total = 0;
	const char *key;

	json_object_foreach((json_t *)lost, key, value) total += number(lost, key);
	fprintf(out, "lost %" PRIu64, total);
	json_object_foreach((json_t *)lost, key, value)
	{
		char name[TEXT_BYTES];

		if (!number(lost, key))
			continue;
		kf_text_printable(key, SIZE_MAX, name, sizeof(name));
		fprintf(out, "%s%s %" PRIu64, before, name, number(lost, key));
		before = ", ";
	}
	fprintf(out, "%s\n", total ? ")" : "");
}

static void put_records(const json_t *records, FILE *out)
{
	const json_t *rates = json_object_get(records, "rates");
	char over[32];

	fprintf(out, "  records      %" PRIu64 " slots", number(records, "slots"));
	if (has(rates, "over_ns"))
		fprintf(out, " (%.1f k/s in the last %s)",
			json_number_value(json_object_get(rates, "slots_per_s")) / 1e3,
			duration(rates, "over_ns", over));
	fprintf(out, ", ");
	put_lost(json_object_get(records, "lost"), out);
}

static void put_reasons(const json_t *rule, FILE *out)
{
	static const char *const keys[] = { "cooling", "busy", "sampled", "limited" };
	const char *before = " (";

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!number(rule, keys[i]))
			continue;
		fprintf(out, "%s%s %" PRIu64, before, keys[i], number(rule, keys[i]));
		before = ", ";
	}
	fprintf(out, "%s", before[0] == ',' ? ")" : "");
}

static void put_rule(const json_t *rule, FILE *out)
{
	char name[TEXT_BYTES], condition[TEXT_BYTES], last[TEXT_BYTES];

	fprintf(out, "  trigger      %s: %s%s\n", text(rule, "name", name), text(rule, "text", condition),
		json_is_true(json_object_get(rule, "enabled")) ? "" : " (disabled)");
	fprintf(out, "               fired %" PRIu64 " times: %" PRIu64 " hits, %" PRIu64 " suppressed",
		number(rule, "fired"), number(rule, "hits"), number(rule, "suppressed"));
	put_reasons(rule, out);
	if (*text(rule, "last_hit", last))
		fprintf(out, "; last hit %s", last);
	fputc('\n', out);
}

static void put_snapshots(const json_t *s, FILE *out)
{
	const json_t *snapshots = json_object_get(s, "snapshots"), *retention = json_object_get(s, "retention");
	char bytes[32], kept[32], removed[32], last[TEXT_BYTES];

	fprintf(out, "  snapshots    %" PRIu64 " written (%s), %" PRIu64 " failed", number(snapshots, "written"),
		size(snapshots, "bytes", bytes), number(snapshots, "failed"));
	if (has(retention, "kept"))
		fprintf(out, "; %" PRIu64 " kept (%s)", number(retention, "kept"), size(retention, "kept_bytes", kept));
	if (number(retention, "removed"))
		fprintf(out, ", %" PRIu64 " removed (%s)", number(retention, "removed"),
			size(retention, "removed_bytes", removed));
	if (number(retention, "undeletable"))
		fprintf(out, ", %" PRIu64 " could not be removed", number(retention, "undeletable"));
	if (*text(snapshots, "last", last))
		fprintf(out, "\n  last         %s", last);
	fputc('\n', out);
}

/* Nothing if there was none. */
static void put_runs(const char *name, const json_t *runs, FILE *out)
{
	if (!number(runs, "ok") && !number(runs, "failed"))
		return;
	fprintf(out, "  %-11s  %" PRIu64 " went well, %" PRIu64 " failed", name, number(runs, "ok"),
		number(runs, "failed"));
	if (number(runs, "timed_out"))
		fprintf(out, " (%" PRIu64 " timed out)", number(runs, "timed_out"));
	fputc('\n', out);
}

static void put_cost(const json_t *s, FILE *out)
{
	const json_t *cost = json_object_get(s, "cost"), *self = json_object_get(s, "self");
	char cpu[32], memory[32], shed[TEXT_BYTES];

	fprintf(out, "  cost         ");
	if (has(cost, "cost_ppm"))
		fprintf(out, "%.2f %% of the host's CPU time", percent(number(cost, "cost_ppm")));
	else
		fprintf(out, "not measured");
	if (has(cost, "budget_ppm"))
		fprintf(out, ", budget %.2f %%, shed: %s", percent(number(cost, "budget_ppm")),
			text(cost, "shed", shed));
	if (number(cost, "sheds"))
		fprintf(out, " (%" PRIu64 " sheds, %" PRIu64 " restores)", number(cost, "sheds"),
			number(cost, "restores"));
	fprintf(out, "; the process itself: %s CPU, %s resident\n", duration(self, "cpu_ns", cpu),
		size(self, "resident_bytes", memory));
}

/* End of the bucket in which the given share of all is reached; 0: not in one that ends. */
static uint64_t latency_below(const json_t *buckets, uint64_t total, unsigned int percentile)
{
	const json_t *bucket;
	uint64_t seen = 0;
	size_t i;

	json_array_foreach(buckets, i, bucket)
	{
		seen += number(bucket, "count");
		if ((double)seen * 100 >= (double)total * percentile)
			return number(bucket, "below_ns");
	}
	return 0;
}

static void put_latency(const json_t *buckets, FILE *out)
{
	uint64_t total = 0, p99_ns;
	const json_t *bucket;
	char text_ns[32];
	size_t i;

	json_array_foreach(buckets, i, bucket) total += number(bucket, "count");
	if (!total)
		return;
	p99_ns = latency_below(buckets, total, 99);
	fprintf(out, "  hold         99 %% of %" PRIu64 " windows protected ", total);
	if (p99_ns)
		fprintf(out, "in less than %s\n", kf_format_duration(p99_ns, text_ns, sizeof(text_ns)));
	else
		fprintf(out, "later than can be told\n");
}

static void put_waits(const json_t *waits, FILE *out)
{
	const json_t *kind;
	const char *key;

	json_object_foreach((json_t *)waits, key, kind)
	{
		char name[TEXT_BYTES], p50[32], p99[32], total[32];

		kf_text_printable(key, SIZE_MAX, name, sizeof(name));
		fprintf(out, "  %-11s  %" PRIu64 " waits, %s in all", name, number(kind, "count"),
			duration(kind, "ns", total));
		if (has(kind, "p50_below_ns"))
			fprintf(out, "; half below %s", duration(kind, "p50_below_ns", p50));
		if (has(kind, "p99_below_ns"))
			fprintf(out, ", 99 %% below %s", duration(kind, "p99_below_ns", p99));
		fputc('\n', out);
	}
}

void kf_status_text(const json_t *s, FILE *out)
{
	const json_t *rules = json_object_get(s, "triggers"), *rule;
	size_t i;

	put_head(s, out);
	put_window(json_object_get(s, "window"), out);
	put_records(json_object_get(s, "records"), out);
	json_array_foreach(rules, i, rule) put_rule(rule, out);
	put_snapshots(s, out);
	put_runs("hooks", json_object_get(s, "hooks"), out);
	put_runs("conversions", json_object_get(s, "conversions"), out);
	if (number(s, "left_out"))
		fprintf(out, "  left out     %" PRIu64 " snapshots not shipped: too many waited\n",
			number(s, "left_out"));
	put_cost(s, out);
	put_latency(json_object_get(s, "hold_latency"), out);
	put_waits(json_object_get(s, "waits"), out);
}
