/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/circumstances.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "expr/rule_name.h"
#include "output/line.h"
#include "snapshot/shed_name.h"
#include "snapshot/snapshot.h"
#include "snapshot/trigger_kind.h"

/* A window that is short by this part is full. */
#define TOLERATED_PART 100

static void add_foreign(struct kf_line *line, const char *text)
{
	char printable[600];

	kf_text_printable(text, strlen(text), printable, sizeof(printable));
	kf_line_text(line, printable);
}

static uint64_t fired_ns(const struct kf_snapshot *s)
{
	return s->trigger.ts_ns ? s->trigger.ts_ns : s->end_ns;
}

/* ---- the rule ---- */

static bool has_own_name(const struct kf_snapshot_rule *rule)
{
	return rule && rule->name[0] && !kf_rule_name_is_made(rule->name, rule->text);
}

static void add_threshold(struct kf_line *line, const struct kf_trigger *trigger)
{
	static const struct {
		uint64_t ns;
		const char *unit;
	} units[] = { { 1000000000, "s" }, { 1000000, "ms" }, { 1000, "us" }, { 1, "ns" } };
	uint64_t ns = trigger->threshold_ns;
	size_t i = 0;

	kf_line_text(line, kf_trigger_kind_name(trigger->kind));
	if (!ns)
		return;
	while (ns % units[i].ns)
		i++;
	kf_line_add(line, " > %" PRIu64 " %s", ns / units[i].ns, units[i].unit);
}

void kf_fired_label(struct kf_line *line, const struct kf_snapshot *s)
{
	const struct kf_snapshot_rule *rule = kf_snapshot_fired(s);
	bool named = has_own_name(rule);

	if (named) {
		add_foreign(line, rule->name);
		kf_line_text(line, " (");
	}
	/* Of many waits: there is no one kind and threshold. */
	if (s->trigger.kind == KF_TRIGGER_AGGREGATE && rule && rule->text[0])
		add_foreign(line, rule->text);
	else
		add_threshold(line, &s->trigger);
	if (named)
		kf_line_text(line, ")");
}

static bool says_more(const char *text, const struct kf_trigger *trigger)
{
	char label[64];
	struct kf_line line;
	size_t at = 0;

	kf_line_init(&line, label, sizeof(label));
	add_threshold(&line, trigger);
	for (; *text; text++) {
		if (*text == ' ')
			continue;
		while (label[at] == ' ')
			at++;
		if (label[at++] != *text)
			return true;
	}
	return label[at] != '\0';
}

size_t kf_rule_text(const struct kf_snapshot *s, char *buf, size_t len)
{
	const struct kf_snapshot_rule *rule = kf_snapshot_fired(s);
	struct kf_line line;

	kf_line_init(&line, buf, len);
	if (!rule || s->trigger.kind == KF_TRIGGER_AGGREGATE || !says_more(rule->text, &s->trigger))
		return 0;
	kf_line_text(&line, "fired by rule ");
	add_foreign(&line, rule->name);
	kf_line_text(&line, ": ");
	add_foreign(&line, rule->text);
	return line.used;
}

/* ---- who asked ---- */

static bool is_set(const char *text)
{
	return text && text[0];
}

void kf_requester_add(struct kf_line *line, const struct kf_snapshot *s)
{
	const struct kf_requester *by = &s->requester;
	char name[KF_TEXT_COMM_BYTES + 1];

	if (by->pid) {
		kf_text_printable(by->comm, sizeof(by->comm), name, sizeof(name));
		kf_line_add(line, " by %s/%" PRIu32 " (uid %" PRIu32 ")", name[0] ? name : "?", by->pid, by->uid);
	}
	if (is_set(s->trace_id)) {
		kf_line_text(line, " for trace ");
		add_foreign(line, s->trace_id);
	}
	if (is_set(s->span_id)) {
		kf_line_text(line, is_set(s->trace_id) ? ", span " : " for span ");
		add_foreign(line, s->span_id);
	}
}

/* ---- what else fired ---- */

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t kf_suppressed(const struct kf_rule_counts *c)
{
	return sum(sum(c->cooling, c->busy), sum(c->sampled, c->limited));
}

struct kf_rule_counts kf_suppressed_recently(const struct kf_snapshot *s)
{
	struct kf_rule_counts all = { 0 };

	for (size_t i = 0; i < s->n_rules; i++) {
		const struct kf_rule_counts *c = &s->rules[i].recent;

		all.hits = sum(all.hits, c->hits);
		all.cooling = sum(all.cooling, c->cooling);
		all.busy = sum(all.busy, c->busy);
		all.sampled = sum(all.sampled, c->sampled);
		all.limited = sum(all.limited, c->limited);
	}
	return all;
}

size_t kf_suppressed_text(const struct kf_snapshot *s, char *buf, size_t len)
{
	struct kf_rule_counts c = kf_suppressed_recently(s);
	const struct {
		uint64_t n;
		const char *why;
	} rows[] = {
		{ c.cooling, "cooling down" },
		{ c.busy, "busy" },
		{ c.sampled, "sampled out" },
		{ c.limited, "over the limit" },
	};
	uint64_t n = kf_suppressed(&c), at_ns = fired_ns(s);
	const char *before = ": ";
	struct kf_line line;
	char count[32];

	kf_line_init(&line, buf, len);
	if (!n)
		return 0;
	kf_line_add(&line, "%s more ", kf_format_count(n, count, sizeof(count)));
	if (s->suppressed_since_ns > s->started_ns && s->suppressed_since_ns <= at_ns) {
		kf_line_text(&line, "in the last ");
		kf_line_duration(&line, at_ns - s->suppressed_since_ns);
	} else {
		kf_line_text(&line, "since recording started");
	}
	kf_line_text(&line, n == 1 ? " was suppressed" : " were suppressed");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].n) {
			kf_line_add(&line, "%s%s %s", before, kf_format_count(rows[i].n, count, sizeof(count)),
				    rows[i].why);
			before = ", ";
		}
	return line.used;
}

/* ---- the window ---- */

uint64_t kf_recorded_before_ns(const struct kf_snapshot *s)
{
	return fired_ns(s) > s->started_ns ? fired_ns(s) - s->started_ns : 0;
}

bool kf_window_was_full(const struct kf_snapshot *s)
{
	uint64_t before_ns = s->window_ns > s->after_ns ? s->window_ns - s->after_ns : 0;

	return kf_recorded_before_ns(s) >= before_ns - before_ns / TOLERATED_PART;
}

/* ---- what it cost ---- */

static void add_percent(struct kf_line *line, uint32_t ppm)
{
	kf_line_add(line, "%.3g %%", ppm / 1e4);
}

size_t kf_cost_text(const struct kf_snapshot *s, char *buf, size_t len)
{
	struct kf_line line;

	kf_line_init(&line, buf, len);
	if (s->cost_ppm == KF_COST_UNKNOWN)
		return 0;
	kf_line_text(&line, "recording cost ");
	add_percent(&line, s->cost_ppm);
	kf_line_text(&line, " of this host's CPU time");
	if (s->budget_ppm) {
		kf_line_text(&line, " (budget ");
		add_percent(&line, s->budget_ppm);
		kf_line_text(&line, ")");
	}
	return line.used;
}

/* Levels above `from` up to `to`. */
static void add_levels(struct kf_line *line, unsigned int from, unsigned int to)
{
	const char *before = "";

	if (to >= KF_SHED_LEVELS)
		to = KF_SHED_LEVELS - 1;
	for (unsigned int level = from + 1; level <= to; level++) {
		kf_line_add(line, "%s%s", before, kf_shed_name(level));
		before = " and ";
	}
	if (!*before)
		kf_line_text(line, "something this version does not know");
}

static void add_when(struct kf_line *line, const struct kf_snapshot *s, uint64_t ts_ns)
{
	uint64_t at_ns = fired_ns(s);

	kf_line_duration(line, ts_ns < at_ns ? at_ns - ts_ns : ts_ns - at_ns);
	kf_line_text(line, ts_ns < at_ns ? " before the trigger" : " after the trigger");
}

size_t kf_shed_text(const struct kf_snapshot *s, const struct kf_shed *shed, char *buf, size_t len)
{
	bool worse = shed->after > shed->before;
	struct kf_line line;

	kf_line_init(&line, buf, len);
	add_when(&line, s, shed->ts_ns);
	kf_line_text(&line, ": ");
	add_levels(&line, worse ? shed->before : shed->after, worse ? shed->after : shed->before);
	kf_line_text(&line, worse ? " given up, recording cost " : " recorded again, recording cost ");
	add_percent(&line, shed->cost_ppm);
	return line.used;
}

/* The highest level in force between floor and end, since when, and until when (0: to the end). */
struct given_up {
	unsigned int level;
	uint64_t since_ns, until_ns;
};

static struct given_up given_up_in_window(const struct kf_snapshot *s)
{
	struct given_up g = { 0 };

	for (size_t i = 0; i < s->n_sheds; i++) {
		const struct kf_shed *shed = &s->sheds[i];
		uint64_t until_ns = i + 1 < s->n_sheds ? s->sheds[i + 1].ts_ns : 0;

		if (shed->ts_ns > s->end_ns || (until_ns && until_ns <= s->floor_ns) || !shed->after)
			continue;
		if (!g.level)
			g.since_ns = shed->ts_ns;
		if (shed->after > g.level)
			g.level = shed->after;
		g.until_ns = until_ns && until_ns <= s->end_ns && !s->sheds[i + 1].after ? until_ns : 0;
	}
	return g;
}

size_t kf_given_up_text(const struct kf_snapshot *s, char *buf, size_t len)
{
	struct given_up g = given_up_in_window(s);
	struct kf_line line;

	kf_line_init(&line, buf, len);
	if (!g.level)
		return 0;
	add_levels(&line, KF_SHED_NOTHING, g.level);
	kf_line_text(&line, " given up to stay within the budget");
	if (s->budget_ppm) {
		kf_line_text(&line, " of ");
		add_percent(&line, s->budget_ppm);
	}
	kf_line_text(&line, ", from ");
	add_when(&line, s, g.since_ns);
	if (g.until_ns) {
		kf_line_text(&line, " to ");
		add_when(&line, s, g.until_ns);
	} else {
		kf_line_text(&line, " on");
	}
	return line.used;
}
