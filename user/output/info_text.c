/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/info.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"
#include "model/wait.h"
#include "output/circumstances.h"
#include "output/clock.h"
#include "output/line.h"
#include "output/table.h"
#include "snapshot/snapshot.h"
#include "snapshot/trigger_kind.h"

/* A page of text: where it goes, and whether a table could not be made. */
struct page {
	FILE *out;
	const struct kf_snapshot *s;
	const struct kf_info_options *o;
	bool no_memory;
};

const char *kf_syscall_mode_name(uint32_t mode)
{
	static const char *const names[] = {
		[KF_SYSCALLS_OFF] = "off",
		[KF_SYSCALLS_BLOCKING] = "blocking",
		[KF_SYSCALLS_SLOW] = "slow",
		[KF_SYSCALLS_ALL] = "all",
	};

	return mode < sizeof(names) / sizeof(names[0]) ? names[mode] : "unknown";
}

const char *kf_class_name(unsigned int class)
{
	static const char *const names[KF_CLASSES] = {
		[KF_CLASS_SCHED] = "scheduling",
		[KF_CLASS_SYSCALL] = "syscall",
		[KF_CLASS_LIFE] = "birth and name",
		[KF_CLASS_TAKEN] = "interrupt",
	};

	return class < KF_CLASSES ? names[class] : "unknown";
}

const char *kf_source_name(unsigned int i)
{
	static const char *const names[] = { "irq", "steal", "quota", "prio" };

	_Static_assert(KF_SOURCES_ALL == (1 << sizeof(names) / sizeof(names[0])) - 1, "a name for each");
	return i < sizeof(names) / sizeof(names[0]) ? names[i] : NULL;
}

/* ---- headline ---- */

static void add_name(struct kf_line *line, const char *comm, uint32_t tid)
{
	char name[KF_TEXT_COMM_BYTES];

	kf_text_printable(comm, KF_COMM_BYTES, name, sizeof(name));
	kf_line_add(line, "%s/%" PRIu32, name, tid);
}

static void add_thread(struct kf_line *line, const struct kf_trigger *t)
{
	add_name(line, t->comm, t->tid);
	if (t->tid == t->tgid || !t->process_comm[0] || !strncmp(t->comm, t->process_comm, KF_COMM_BYTES))
		return;
	kf_line_add(line, " of ");
	add_name(line, t->process_comm, t->tgid);
}

static void add_waited(struct kf_line *line, const struct kf_trigger *t)
{
	kf_line_add(line, t->flags & KF_TRIGGER_OPEN ? " was waiting for " : " waited ");
	if (t->since_ns && t->since_ns <= t->ts_ns)
		kf_line_duration(line, t->ts_ns - t->since_ns);
	else
		kf_line_add(line, "an unknown time");
	switch (t->kind) {
	case KF_TRIGGER_RUNQ:
		kf_line_add(line, " to run on CPU %" PRIu32, t->cpu);
		break;
	case KF_TRIGGER_THROTTLED:
		kf_line_text(line, " to run, ");
		kf_line_duration(line, t->threshold_ns);
		kf_line_text(line, " or more of that for the quota of its cgroup");
		break;
	case KF_TRIGGER_FUTEX:
		kf_line_add(line, " in futex 0x%" PRIx64, (uint64_t)t->arg0);
		break;
	case KF_TRIGGER_SYSCALL:
	case KF_TRIGGER_BLOCK:
		kf_line_add(line, " in %s", kf_syscall_name(t->nr));
		break;
	}
}

static void add_what(struct kf_line *line, const struct kf_snapshot *s)
{
	const struct kf_trigger *t = &s->trigger;
	char reason[192];

	kf_text_printable(s->reason, strlen(s->reason), reason, sizeof(reason));
	switch (t->kind) {
	case KF_TRIGGER_NONE:
		kf_line_add(line, "no trigger");
		return;
	case KF_TRIGGER_REQUEST:
		kf_line_add(line, "requested");
		kf_requester_add(line, s);
		if (reason[0])
			kf_line_add(line, " (\"%s\")", reason);
		return;
	case KF_TRIGGER_AGGREGATE:
		kf_fired_label(line, s);
		if (reason[0])
			kf_line_add(line, ": %s", reason);
		return;
	}
	kf_fired_label(line, s);
	kf_line_add(line, ": ");
	add_thread(line, t);
	add_waited(line, t);
}

size_t kf_info_headline(const struct kf_snapshot *s, char *buf, size_t len)
{
	uint64_t at_ns = s->trigger.ts_ns ? s->trigger.ts_ns : s->end_ns;
	struct kf_line line;
	char time[40];

	kf_line_init(&line, buf, len);
	add_what(&line, s);
	kf_line_add(&line, " at %s; window of ", kf_format_timestamp(kf_real_ns(s, at_ns), time, sizeof(time)));
	kf_line_duration(&line, s->end_ns - s->floor_ns);
	kf_line_add(&line, " held");
	return line.used;
}

/* ---- sections of the page ---- */

static void row(struct page *p, const char *name, const char *text)
{
	char printable[1024];

	kf_text_printable(text, strlen(text), printable, sizeof(printable));
	fprintf(p->out, "  %-11s %s\n", name, printable[0] ? printable : "-");
}

static void print_causes(struct page *p)
{
	struct kf_line line;
	char text[64];

	kf_line_init(&line, text, sizeof(text));
	for (unsigned int i = 0; kf_source_name(i); i++)
		if (p->s->sources & 1u << i)
			kf_line_add(&line, "%s%s", line.used ? ", " : "", kf_source_name(i));
	row(p, "causes", line.used ? text : "none");
}

/* Which rule, and who asked: rows only where there is one. */
static void print_asked(struct page *p)
{
	const struct kf_snapshot_rule *rule = kf_snapshot_fired(p->s);
	char text[KF_CIRCUMSTANCE_BYTES];
	struct kf_line line;

	if (rule) {
		snprintf(text, sizeof(text), "%.64s: %.512s", rule->name, rule->text);
		row(p, "rule", text);
	}
	kf_line_init(&line, text, sizeof(text));
	kf_requester_add(&line, p->s);
	if (line.used)
		fprintf(p->out, "  %-11s%s\n", "asked for", text);
}

static void print_origin(struct page *p)
{
	const struct kf_snapshot *s = p->s;
	char size[32], text[512];

	fputs("\nfile\n", p->out);
	row(p, "name", p->o->path);
	row(p, "size", kf_format_size(p->o->file_bytes, size, sizeof(size)));
	snprintf(text, sizeof(text), "%.64s on %.64s", s->version, s->host);
	row(p, "kflight", text);
	snprintf(text, sizeof(text), "%.128s %.64s", s->kernel, s->machine);
	row(p, "kernel", text);
	row(p, "filter", s->filter);
	row(p, "triggers", s->triggers);
	row(p, "syscalls", kf_syscall_mode_name(s->syscall_mode));
	print_causes(p);
	print_asked(p);
}

static void print_window(struct page *p)
{
	const struct kf_snapshot *s = p->s;
	char from[40], to[40], held[32], asked[32];

	kf_format_timestamp(kf_real_ns(s, s->floor_ns), from, sizeof(from));
	kf_format_timestamp(kf_real_ns(s, s->end_ns), to, sizeof(to));
	fputs("\nwindow\n", p->out);
	fprintf(p->out, "  %-11s %s\n  %-11s %s\n", "from", from, "to", to);
	fprintf(p->out, "  %-11s %s", "held", kf_format_duration(s->end_ns - s->floor_ns, held, sizeof(held)));
	if (s->window_ns)
		fprintf(p->out, " of %s asked for", kf_format_duration(s->window_ns, asked, sizeof(asked)));
	fputc('\n', p->out);
	if (!kf_window_was_full(s))
		fprintf(p->out, "  %-11s recording had run for only %s when it fired\n", "not full",
			kf_format_duration(kf_recorded_before_ns(s), held, sizeof(held)));
	fprintf(p->out, "  %-11s %" PRIu64 " to %" PRIu64 " ns\n", "monotonic", s->floor_ns, s->end_ns);
	fprintf(p->out, "  %-11s since %s before the end\n", "recording",
		kf_format_duration(s->end_ns > s->started_ns ? s->end_ns - s->started_ns : 0, held, sizeof(held)));
}

static void print_table(struct page *p, struct kf_table **table)
{
	if (!*table || kf_table_print(*table, p->out, "  "))
		p->no_memory = true;
	kf_table_free(table);
}

static void print_counts(struct page *p)
{
	static const struct kf_column columns[] = {
		{ "trigger", KF_LEFT, 0 },
		{ "snapshots", KF_RIGHT, 0 },
		{ "in cool-down", KF_RIGHT, 0 },
		{ "while busy", KF_RIGHT, 0 },
	};
	struct kf_table *table = kf_table_new(columns, 4);

	fputs("\ntriggers since the start of recording\n", p->out);
	for (unsigned int kind = KF_TRIGGER_NONE + 1; table && kind < KF_TRIGGER_KINDS; kind++) {
		const struct kf_trigger_counts *c = &p->s->counts[kind];

		kf_table_cell(table, "%s", kf_trigger_kind_name(kind));
		kf_table_cell(table, "%" PRIu64, c->hits);
		kf_table_cell(table, "%" PRIu64, c->cooling);
		kf_table_cell(table, "%" PRIu64, c->busy);
	}
	print_table(p, &table);
}

static void add_rule(struct kf_table *table, const char *name, const struct kf_rule_counts *c, uint64_t recent)
{
	const uint64_t numbers[] = {
		c->hits + kf_suppressed(c), c->hits, c->cooling, c->busy, c->sampled, c->limited, recent
	};
	char printable[128];

	kf_text_printable(name, strlen(name), printable, sizeof(printable));
	kf_table_cell(table, "%s", printable);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		kf_table_cell(table, "%" PRIu64, numbers[i]);
}

static void print_rules(struct page *p)
{
	static const struct kf_column columns[] = {
		{ "rule", KF_LEFT, 0 },	       { "fired", KF_RIGHT, 0 },
		{ "snapshots", KF_RIGHT, 0 },  { "in cool-down", KF_RIGHT, 0 },
		{ "while busy", KF_RIGHT, 0 }, { "sampled out", KF_RIGHT, 0 },
		{ "over limit", KF_RIGHT, 0 }, { "suppressed lately", KF_RIGHT, 0 },
	};
	const struct kf_trigger_counts *requests = &p->s->counts[KF_TRIGGER_REQUEST];
	struct kf_table *table = kf_table_new(columns, 8);
	char text[KF_CIRCUMSTANCE_BYTES];

	fputs("\ntriggers since the start of recording\n", p->out);
	for (size_t i = 0; table && i < p->s->n_rules; i++) {
		const struct kf_snapshot_rule *rule = &p->s->rules[i];

		add_rule(table, rule->name, &rule->counts, kf_suppressed(&rule->recent));
	}
	if (table && (requests->hits || requests->busy)) {
		struct kf_rule_counts c = { .hits = requests->hits,
					    .cooling = requests->cooling,
					    .busy = requests->busy };

		add_rule(table, "(requested)", &c, 0);
	}
	print_table(p, &table);
	if (kf_suppressed_text(p->s, text, sizeof(text)))
		fprintf(p->out, "  %s\n", text);
}

/* What recording cost, and what it gave up for that; nothing if nobody measured. */
static void print_recorder(struct page *p)
{
	const struct kf_snapshot *s = p->s;
	char text[KF_CIRCUMSTANCE_BYTES], n[32];
	bool measured = kf_cost_text(s, text, sizeof(text));

	if (!measured && !s->n_sheds && !s->snapshots_before)
		return;
	fputs("\nrecorder\n", p->out);
	if (measured)
		fprintf(p->out, "  %s\n", text);
	if (s->snapshots_before)
		fprintf(p->out, "  %s snapshot%s written before this one\n",
			kf_format_count(s->snapshots_before, n, sizeof(n)), s->snapshots_before == 1 ? "" : "s");
	for (size_t i = 0; i < s->n_sheds; i++) {
		kf_shed_text(s, &s->sheds[i], text, sizeof(text));
		fprintf(p->out, "  %s\n", text);
	}
}

static void add_ring(struct kf_table *table, const struct kf_snapshot *s, uint32_t cpu, unsigned int class)
{
	const struct kf_ring_copy *r = &s->rings[class][cpu];
	char since[32];

	kf_table_cell(table, "%" PRIu32, cpu);
	kf_table_cell(table, "%s", kf_class_name(class));
	kf_table_cell(table, "%zu", r->n_slots);
	kf_table_cell(table, "%" PRIu64, r->written);
	kf_table_cell(table, "%" PRIu64, r->overwritten);
	kf_table_cell(table, "%" PRIu64, r->dropped);
	kf_table_cell(table, "%" PRIu64, r->torn);
	kf_table_cell(table, "%s", kf_format_offset(r->oldest_ns, s->end_ns, since, sizeof(since)));
}

static bool ring_was_used(const struct kf_ring_copy *r)
{
	return r->written || r->n_slots || r->dropped || r->torn;
}

static void print_rings(struct page *p)
{
	static const struct kf_column columns[] = {
		{ "CPU", KF_RIGHT, 0 },	    { "history", KF_LEFT, 0 },	    { "slots here", KF_RIGHT, 0 },
		{ "written", KF_RIGHT, 0 }, { "overwritten", KF_RIGHT, 0 }, { "refused", KF_RIGHT, 0 },
		{ "torn", KF_RIGHT, 0 },    { "whole since", KF_RIGHT, 0 },
	};
	struct kf_table *table = kf_table_new(columns, 8);
	const struct kf_snapshot *s = p->s;
	uint32_t silent = 0;

	fputs("\nrings (32-byte slots; a record is one or two; refused: while a window was held)\n", p->out);
	for (uint32_t cpu = 0; table && cpu < s->n_cpus; cpu++) {
		bool used = false;

		for (unsigned int class = 0; class < KF_CLASSES; class ++) {
			if (!ring_was_used(&s->rings[class][cpu]))
				continue;
			add_ring(table, s, cpu, class);
			used = true;
		}
		silent += !used;
	}
	print_table(p, &table);
	if (silent)
		fprintf(p->out, "  %" PRIu32 " of %" PRIu32 " possible CPUs wrote nothing\n", silent, s->n_cpus);
}

static void print_losses(struct page *p)
{
	const struct kf_losses *l = &p->s->losses;
	const struct {
		uint64_t n;
		const char *what;
	} rows[] = {
		{ l->missed_runs, "events missed: the kernel skipped a probe that was already running" },
		{ l->no_state, "events without room for the state of their thread" },
		{ l->bad_waits, "waits negative or absurd, told as unknown" },
		{ l->lost_triggers, "triggers that did not fit their queue" },
		{ l->flooded, "records refused because their process had its share" },
	};
	char n[32];

	fputs("\nlosses since the start of recording\n", p->out);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fprintf(p->out, "  %11s %s\n", kf_format_count(rows[i].n, n, sizeof(n)), rows[i].what);
}

static void print_tasks(struct page *p)
{
	static const struct kf_column columns[] = {
		{ "TID", KF_RIGHT, 0 },	  { "TGID", KF_RIGHT, 0 }, { "PPID", KF_RIGHT, 0 }, { "CPU", KF_RIGHT, 0 },
		{ "state", KF_RIGHT, 0 }, { "in", KF_LEFT, 0 },	   { "name", KF_LEFT, 0 },
	};
	const struct kf_snapshot *s = p->s;
	struct kf_table *table;

	fprintf(p->out, "\ntasks\n  %zu seen by the scan after the copy%s%s\n", s->n_tasks,
		p->o->tasks || !s->n_tasks ? "" : " (--tasks lists them)",
		!s->n_tasks || kf_snapshot_knows_affinity(s) ? "" : "; which CPUs they may use is not known");
	fprintf(p->out, "  %zu cgroup%s\n", s->n_cgroups, s->n_cgroups == 1 ? "" : "s");
	if (!p->o->tasks || !s->n_tasks)
		return;
	table = kf_table_new(columns, 7);
	for (size_t i = 0; table && i < s->n_tasks; i++) {
		const struct kf_task *t = &s->tasks[i];
		char name[KF_TEXT_COMM_BYTES];

		kf_text_printable(t->comm, sizeof(t->comm), name, sizeof(name));
		kf_table_cell(table, "%" PRIu32, t->tid);
		kf_table_cell(table, "%" PRIu32, t->tgid);
		kf_table_cell(table, "%" PRIu32, t->ppid);
		kf_table_cell(table, "%" PRIu32, t->cpu);
		kf_table_cell(table, "0x%" PRIx32, t->state);
		kf_table_cell(table, "%s",
			      t->flags & KF_TASK_ON_CPU	      ? "running"
			      : t->flags & KF_TASK_IN_SYSCALL ? kf_syscall_name(t->nr)
			      : t->flags & KF_TASK_KTHREAD    ? "kernel thread"
							      : "user mode");
		kf_table_cell(table, "%s", name);
	}
	print_table(p, &table);
}

int kf_info_text(const struct kf_snapshot *s, const struct kf_info_options *o, FILE *out, struct kf_error *e)
{
	struct page p = { .out = out, .s = s, .o = o };
	char headline[KF_INFO_HEADLINE_BYTES];

	kf_info_headline(s, headline, sizeof(headline));
	fprintf(out, "%s\n", headline);
	print_origin(&p);
	print_window(&p);
	if (s->n_rules)
		print_rules(&p);
	else
		print_counts(&p);
	print_recorder(&p);
	print_rings(&p);
	print_losses(&p);
	print_tasks(&p);
	if (p.no_memory)
		return kf_fail_memory(e, "the tables");
	if (fflush(out) || ferror(out))
		return kf_fail_errno(e, errno, NULL, "cannot write the answer");
	return 0;
}
