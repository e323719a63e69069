/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/csv.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "model/parts.h"
#include "model/placement.h"
#include "model/prio.h"
#include "model/timeline.h"
#include "output/clock.h"
#include "output/gap_json.h"
#include "snapshot/snapshot.h"
#include "snapshot/trigger_kind.h"

/* The names of one thread as fields, NULL until used. */
struct names {
	char *comm;
	char *process;
};

struct table {
	const struct kf_timeline *t;
	const struct kf_snapshot *s;
	struct names *names; /* by thread */
	char **places;	     /* by cgroup: the fields pod, container, unit; NULL until used */
	struct kf_parts parts;
	FILE *out;
	/* What the rows of a gap begin with: the columns of the file, file_bytes long, and those of the gap. */
	FILE *start;
	char *start_text;
	size_t start_bytes;
	off_t file_bytes;
};

static const char columns[] = "host,kernel,snapshot_time,trigger,window_ns,"
			      "gap,tid,tgid,comm,process,cpu,start_ns,end_ns,start_time,wait_ns,kind,"
			      "waker_tid,waker_comm,waker_irq,open,throttled_ns,quota_cgroup,quota_ns,period_ns,"
			      "idle_elsewhere_ns,cgroup,prio,"
			      "part,part_kind,part_tid,part_comm,part_process,part_prio,part_vector,part_cpu,part_ns,"
			      "pod,container,unit,part_pod,part_container,part_unit\n";

/* A field that needs no quotes: our own words. Every field but the last of a row is followed by a comma. */
static void put_word(FILE *out, const char *word)
{
	fputs_unlocked(word, out);
	putc_unlocked(',', out);
}

static void put_digits(FILE *out, uint64_t number)
{
	char digits[24];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	fwrite_unlocked(digits + at, 1, sizeof(digits) - at, out);
}

static void put_number(FILE *out, uint64_t number)
{
	put_digits(out, number);
	putc_unlocked(',', out);
}

static void put_nothing(FILE *out)
{
	putc_unlocked(',', out);
}

/* Printable text. A name that is empty is one that is not known. */
static void put_field(FILE *out, const char *text)
{
	size_t len = strlen(text);

	if (!len || (!strpbrk(text, ",\"") && text[0] != ' ' && text[len - 1] != ' ')) {
		put_word(out, text);
		return;
	}
	putc_unlocked('"', out);
	for (const char *c = text; *c; c++) {
		if (*c == '"')
			putc_unlocked('"', out);
		putc_unlocked(*c, out);
	}
	fputs_unlocked("\",", out);
}

/* Strangers' bytes, up to max or the first NUL. */
static void put_text(FILE *out, const char *bytes, size_t max)
{
	char text[4 * PATH_MAX + 1];

	kf_text_printable(bytes, max, text, sizeof(text));
	put_field(out, text);
}

static void put_time(FILE *out, const struct kf_snapshot *s, uint64_t mono_ns)
{
	char text[64];

	put_word(out, kf_format_timestamp(kf_real_ns(s, mono_ns), text, sizeof(text)));
}

/* pod, container and unit of a cgroup, each followed by a comma. */
static char *make_place(const struct kf_container *container)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	put_word(out, container->pod);
	put_word(out, container->id);
	put_text(out, container->unit ? container->unit : "", container->unit_len);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

/* The same of a thread; the last comma of a row is left out. */
static int put_place(FILE *out, struct table *table, uint32_t thread, bool last)
{
	const struct kf_timeline *t = table->t;
	uint32_t cgroup = thread < t->n_threads ? t->threads[thread].cgroup : KF_NO_CGROUP;
	const char *place = ",,,";

	if (cgroup < t->n_cgroups) {
		if (!table->places[cgroup])
			table->places[cgroup] = make_place(&t->cgroups[cgroup].container);
		place = table->places[cgroup];
	}
	if (!place)
		return -1;
	fwrite_unlocked(place, 1, strlen(place) - last, out);
	return 0;
}

static char *make_field(const char *bytes)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	put_text(out, bytes, KF_COMM_BYTES);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

static int name_thread(struct table *table, uint32_t thread)
{
	const struct kf_thread *th = &table->t->threads[thread];
	struct names *names = &table->names[thread];

	if (!names->comm)
		names->comm = make_field(th->comm);
	if (!names->process)
		names->process = make_field(th->process_comm);
	return names->comm && names->process ? 0 : -1;
}

static void put_tid(FILE *out, const struct kf_timeline *t, uint32_t thread)
{
	if (thread == KF_IDLE)
		put_number(out, 0);
	else if (thread < t->n_threads)
		put_number(out, t->threads[thread].tid);
	else
		put_nothing(out);
}

static int put_comm(FILE *out, struct table *table, uint32_t thread)
{
	if (thread == KF_IDLE) {
		put_word(out, "idle");
	} else if (thread < table->t->n_threads) {
		if (name_thread(table, thread))
			return -1;
		fputs_unlocked(table->names[thread].comm, out);
	} else {
		put_nothing(out);
	}
	return 0;
}

static void put_cpu(FILE *out, uint16_t cpu)
{
	if (cpu == KF_NO_CPU)
		put_nothing(out);
	else
		put_number(out, cpu);
}

static void put_cgroup(FILE *out, const struct kf_timeline *t, uint32_t cgroup)
{
	if (cgroup < t->n_cgroups)
		put_text(out, t->cgroups[cgroup].path, PATH_MAX);
	else
		put_nothing(out);
}

static void put_quota(FILE *out, const struct kf_timeline *t, uint32_t cgroup)
{
	put_cgroup(out, t, cgroup);
	if (cgroup < t->n_cgroups && t->cgroups[cgroup].quota_ns) {
		put_number(out, t->cgroups[cgroup].quota_ns);
		put_number(out, t->cgroups[cgroup].period_ns);
	} else {
		put_nothing(out);
		put_nothing(out);
	}
}

static void put_placement(FILE *out, const struct kf_timeline *t, const struct kf_gap *gap)
{
	struct kf_placement place = { .known = false };

	if (gap->end_ns - gap->start_ns >= KF_GAP_PLACED_NS && t->threads[gap->thread].allowed != KF_NO_MASK)
		place = kf_gap_placement(t, gap);
	if (place.known)
		put_number(out, place.idle_ns);
	else
		put_nothing(out);
}

static void put_prio(FILE *out, const struct kf_timeline *t, uint32_t thread, uint64_t ts_ns)
{
	char text[KF_PRIO_TEXT_BYTES];

	put_word(out, kf_prio_text(kf_prio_at(t, thread, ts_ns), text, sizeof(text)));
}

static void put_file(FILE *out, const struct kf_timeline *t, const struct kf_snapshot *s)
{
	put_text(out, s->host, strlen(s->host));
	put_text(out, s->kernel, strlen(s->kernel));
	put_time(out, s, s->trigger.kind == KF_TRIGGER_NONE ? s->end_ns : s->trigger.ts_ns);
	put_word(out, kf_trigger_kind_name(s->trigger.kind));
	put_number(out, t->end_ns - t->floor_ns);
}

static int put_gap(FILE *out, struct table *table, const struct kf_gap *gap)
{
	const struct kf_timeline *t = table->t;
	const struct kf_thread *th = &t->threads[gap->thread];

	if (name_thread(table, gap->thread))
		return -1;
	put_number(out, (uint64_t)(gap - t->gaps));
	put_number(out, th->tid);
	put_number(out, th->tgid);
	fputs_unlocked(table->names[gap->thread].comm, out);
	fputs_unlocked(table->names[gap->thread].process, out);
	put_cpu(out, gap->cpu);
	put_number(out, gap->start_ns);
	put_number(out, gap->end_ns);
	put_time(out, table->s, gap->start_ns);
	put_number(out, gap->end_ns - gap->start_ns);
	put_word(out, kf_gap_kind_name(gap->kind));
	put_tid(out, t, gap->waker);
	if (put_comm(out, table, gap->waker))
		return -1;
	put_word(out, gap->waker_irq ? "true" : "false");
	put_word(out, gap->open ? "true" : "false");
	put_number(out, gap->throttled_end_ns - gap->throttled_start_ns);
	put_quota(out, t, gap->cgroup);
	put_placement(out, t, gap);
	put_cgroup(out, t, th->cgroup);
	put_prio(out, t, gap->thread, gap->start_ns);
	return 0;
}

static int put_part(FILE *out, struct table *table, size_t number)
{
	const struct kf_timeline *t = table->t;
	const struct kf_part *part = &table->parts.items[number];
	bool is_thread = part->kind == KF_PART_THREAD && part->thread < t->n_threads;
	char name[KF_VECTOR_BYTES];
	const char *vector = kf_part_vector_name(t, part, name, sizeof(name));

	put_number(out, number);
	put_word(out, kf_part_kind_name(part->kind));
	put_tid(out, t, part->thread);
	if (put_comm(out, table, part->thread))
		return -1;
	if (is_thread) {
		fputs_unlocked(table->names[part->thread].process, out);
		put_prio(out, t, part->thread, part->start_ns);
	} else {
		fputs_unlocked(",,", out);
	}
	if (vector)
		put_field(out, vector);
	else
		put_nothing(out);
	put_cpu(out, part->cpu);
	put_number(out, part->ns);
	return 0;
}

/* What a row ends with. */
static int put_places(struct table *table, uint32_t victim, uint32_t of_part)
{
	int err = put_place(table->out, table, victim, false) || put_place(table->out, table, of_part, true);

	putc_unlocked('\n', table->out);
	return err ? -1 : 0;
}

static int put_rows(struct table *table, const struct kf_gap *gap, struct kf_error *e)
{
	static const char no_part[] = ",,,,,,,,,";

	if (kf_gap_parts(table->t, gap, &table->parts, e))
		return -1;
	if (fseeko(table->start, table->file_bytes, SEEK_SET) || put_gap(table->start, table, gap) ||
	    fflush(table->start))
		return kf_fail_memory(e, "a gap as CSV");
	if (!table->parts.n) {
		fwrite_unlocked(table->start_text, 1, table->start_bytes, table->out);
		fputs_unlocked(no_part, table->out);
		if (put_places(table, gap->thread, KF_NOBODY))
			return kf_fail_memory(e, "a gap as CSV");
	}
	for (size_t i = 0; i < table->parts.n; i++) {
		fwrite_unlocked(table->start_text, 1, table->start_bytes, table->out);
		if (put_part(table->out, table, i) || put_places(table, gap->thread, table->parts.items[i].thread))
			return kf_fail_memory(e, "a gap as CSV");
	}
	return 0;
}

static int table_init(struct table *table, const struct kf_timeline *t, const struct kf_snapshot *s, FILE *out,
		      struct kf_error *e)
{
	*table = (struct table){ .t = t, .s = s, .out = out };
	table->names = calloc(t->n_threads + 1, sizeof(*table->names));
	table->places = calloc(t->n_cgroups + 1, sizeof(*table->places));
	table->start = open_memstream(&table->start_text, &table->start_bytes);
	if (!table->names || !table->places || !table->start)
		return kf_fail_memory(e, "a table");
	put_file(table->start, t, s);
	table->file_bytes = ftello(table->start);
	return 0;
}

static void table_release(struct table *table)
{
	for (size_t i = 0; table->names && i < table->t->n_threads; i++) {
		free(table->names[i].comm);
		free(table->names[i].process);
	}
	free(table->names);
	for (size_t i = 0; table->places && i < table->t->n_cgroups; i++)
		free(table->places[i]);
	free(table->places);
	if (table->start)
		fclose(table->start);
	free(table->start_text);
	kf_parts_release(&table->parts);
}

int kf_csv_write(const struct kf_timeline *t, const struct kf_snapshot *s, FILE *out, uint64_t min_gap_ns,
		 struct kf_error *e)
{
	struct table table;
	int err = table_init(&table, t, s, out, e);

	errno = 0;
	fputs_unlocked(columns, out);
	for (size_t i = 0; !err && !ferror(out) && i < t->n_gaps; i++)
		if (t->gaps[i].end_ns - t->gaps[i].start_ns >= min_gap_ns)
			err = put_rows(&table, &t->gaps[i], e);
	table_release(&table);
	if (!err && (fflush(out) || ferror(out)))
		err = kf_fail_errno(e, errno ? errno : EIO, NULL, "cannot write CSV");
	return err;
}
