/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/gap_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "model/placement.h"
#include "model/prio.h"
#include "model/timeline.h"

json_t *kf_json_text(const char *bytes, size_t max)
{
	char text[1024], *longer;
	size_t len = strnlen(bytes, max);
	json_t *made;

	if (len < sizeof(text) / 4) { /* room for every byte as \\xNN */
		kf_text_printable(bytes, len, text, sizeof(text));
		return json_string(text);
	}
	longer = malloc(4 * len + 1);
	if (!longer)
		return NULL;
	kf_text_printable(bytes, len, longer, 4 * len + 1);
	made = json_string(longer);
	free(longer);
	return made;
}

int kf_gap_json_init(struct kf_gap_json *g, const struct kf_timeline *t, struct kf_error *e)
{
	*g = (struct kf_gap_json){ .timeline = t };
	g->names = calloc(t->n_threads + 1, sizeof(*g->names));
	g->processes = calloc(t->n_threads + 1, sizeof(*g->processes));
	g->groups = calloc(t->n_cgroups + 1, sizeof(*g->groups));
	g->units = calloc(t->n_cgroups + 1, sizeof(*g->units));
	return g->names && g->processes && g->groups && g->units ? 0 : kf_fail_memory(e, "names");
}

static void release_texts(char **texts, size_t n)
{
	for (size_t i = 0; texts && i < n; i++)
		free(texts[i]);
	free(texts);
}

void kf_gap_json_release(struct kf_gap_json *g)
{
	release_texts(g->names, g->timeline->n_threads);
	release_texts(g->processes, g->timeline->n_threads);
	release_texts(g->groups, g->timeline->n_cgroups);
	release_texts(g->units, g->timeline->n_cgroups);
	g->names = g->processes = g->groups = g->units = NULL;
	kf_parts_release(&g->parts);
}

/* Quotes and escapes are the library's business. NULL when out of memory. */
static char *quote(const char *bytes, size_t max)
{
	json_t *text = kf_json_text(bytes, max);
	char *quoted = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL;

	json_decref(text);
	return quoted;
}

static const char *name_of(struct kf_gap_json *g, uint32_t thread)
{
	const struct kf_timeline *t = g->timeline;

	if (thread == KF_IDLE)
		return "\"idle\"";
	if (thread >= t->n_threads)
		return "null";
	if (!g->names[thread])
		g->names[thread] = quote(t->threads[thread].comm, sizeof(t->threads[thread].comm));
	return g->names[thread];
}

static const char *process_of(struct kf_gap_json *g, uint32_t thread)
{
	const struct kf_thread *th = &g->timeline->threads[thread];

	if (!g->processes[thread])
		g->processes[thread] = quote(th->process_comm, sizeof(th->process_comm));
	return g->processes[thread];
}

static const char *group_of(struct kf_gap_json *g, uint32_t group)
{
	const struct kf_timeline *t = g->timeline;

	if (group >= t->n_cgroups)
		return "null";
	if (!g->groups[group])
		g->groups[group] = quote(t->cgroups[group].path, SIZE_MAX);
	return g->groups[group];
}

static const char *unit_of(struct kf_gap_json *g, uint32_t group)
{
	const struct kf_timeline *t = g->timeline;

	if (group >= t->n_cgroups || !t->cgroups[group].container.unit)
		return "null";
	if (!g->units[group])
		g->units[group] = quote(t->cgroups[group].container.unit, t->cgroups[group].container.unit_len);
	return g->units[group];
}

/* As the library prints it: the type of its numbers is signed, which only absurd times notice. */
static void write_number(const char *key, uint64_t number, FILE *out)
{
	bool negative = number > INT64_MAX;
	char digits[24];
	size_t at = sizeof(digits);

	number = negative ? -number : number;
	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	if (negative)
		digits[--at] = '-';
	fputs_unlocked(key, out);
	fwrite_unlocked(digits + at, 1, sizeof(digits) - at, out);
}

static void write_text(const char *key, const char *text, FILE *out)
{
	fputs_unlocked(key, out);
	fputs_unlocked(text, out);
}

static void write_tid(const struct kf_timeline *t, const char *key, uint32_t thread, FILE *out)
{
	if (thread == KF_IDLE)
		write_text(key, "0", out);
	else if (thread < t->n_threads)
		write_number(key, t->threads[thread].tid, out);
	else
		write_text(key, "null", out);
}

/* Needs no escapes: see model/container.h. */
static void write_plain(const char *key, const char *text, FILE *out)
{
	fputs_unlocked(key, out);
	if (!text[0]) {
		fputs_unlocked("null", out);
		return;
	}
	putc_unlocked('"', out);
	fputs_unlocked(text, out);
	putc_unlocked('"', out);
}

static void write_container(const struct kf_timeline *t, uint32_t thread, FILE *out)
{
	const struct kf_container *container = kf_thread_container(t, thread);

	write_plain(",\"pod\":", container->pod, out);
	write_plain(",\"container\":", container->id, out);
}

static void write_cpu(uint16_t cpu, FILE *out)
{
	if (cpu == KF_NO_CPU)
		write_text(",\"cpu\":", "null", out);
	else
		write_number(",\"cpu\":", cpu, out);
}

/* thread may be no index. */
static void write_prio(const struct kf_timeline *t, const char *key, uint32_t thread, uint64_t ts_ns, FILE *out)
{
	uint16_t prio = thread < t->n_threads && t->threads[thread].prio ? kf_prio_at(t, thread, ts_ns) : 0;
	char text[KF_PRIO_TEXT_BYTES];

	write_plain(key, kf_prio_text(prio, text, sizeof(text)), out);
}

static int write_vector(const struct kf_timeline *t, const struct kf_part *part, FILE *out)
{
	char buf[KF_VECTOR_BYTES];
	const char *name = kf_part_vector_name(t, part, buf, sizeof(buf));
	json_t *text = name ? json_string(name) : NULL; /* printable already */
	char *quoted = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL;

	write_text(",\"vector\":", quoted ? quoted : "null", out);
	free(quoted);
	json_decref(text);
	return name && !quoted ? -1 : 0;
}

static int write_parts(struct kf_gap_json *g, FILE *out)
{
	for (size_t i = 0; i < g->parts.n; i++) {
		const struct kf_part *part = &g->parts.items[i];
		const char *name = name_of(g, part->thread);

		if (!name)
			return -1;
		write_text(i ? ",{\"kind\":\"" : "{\"kind\":\"", kf_part_kind_name(part->kind), out);
		write_tid(g->timeline, "\",\"tid\":", part->thread, out);
		write_text(",\"comm\":", name, out);
		write_cpu(part->cpu, out);
		write_number(",\"ns\":", part->ns, out);
		if (write_vector(g->timeline, part, out))
			return -1;
		write_prio(g->timeline, ",\"prio\":", part->thread, part->start_ns, out);
		write_container(g->timeline, part->thread, out);
		putc_unlocked('}', out);
	}
	return 0;
}

static int write_victim(struct kf_gap_json *g, const struct kf_gap *gap, FILE *out)
{
	const struct kf_timeline *t = g->timeline;
	const struct kf_thread *th = &t->threads[gap->thread];
	const char *name = name_of(g, gap->thread), *process = process_of(g, gap->thread);
	const char *group = group_of(g, th->cgroup), *unit = unit_of(g, th->cgroup);

	if (!name || !process || !group || !unit)
		return -1;
	write_tid(t, "{\"tid\":", gap->thread, out);
	write_number(",\"tgid\":", th->tgid, out);
	write_text(",\"comm\":", name, out);
	write_text(",\"process\":", process, out);
	write_prio(t, ",\"prio\":", gap->thread, gap->start_ns, out);
	write_text(",\"cgroup\":", group, out);
	write_container(t, gap->thread, out);
	write_text(",\"unit\":", unit, out);
	return 0;
}

static int write_quota(struct kf_gap_json *g, const struct kf_gap *gap, FILE *out)
{
	const struct kf_timeline *t = g->timeline;
	const char *path = group_of(g, gap->cgroup);

	if (!path)
		return -1;
	write_number(",\"throttled_ns\":", gap->throttled_end_ns - gap->throttled_start_ns, out);
	write_text(",\"quota_cgroup\":", path, out);
	if (gap->cgroup < t->n_cgroups && t->cgroups[gap->cgroup].quota_ns) {
		write_number(",\"quota_ns\":", t->cgroups[gap->cgroup].quota_ns, out);
		write_number(",\"period_ns\":", t->cgroups[gap->cgroup].period_ns, out);
	} else {
		fputs_unlocked(",\"quota_ns\":null,\"period_ns\":null", out);
	}
	return 0;
}

static void write_placement(const struct kf_timeline *t, const struct kf_gap *gap, FILE *out)
{
	struct kf_placement place = { .known = false };

	if (gap->end_ns - gap->start_ns >= KF_GAP_PLACED_NS && t->threads[gap->thread].allowed != KF_NO_MASK)
		place = kf_gap_placement(t, gap);
	if (place.known)
		write_number(",\"idle_elsewhere_ns\":", place.idle_ns, out);
	else
		fputs_unlocked(",\"idle_elsewhere_ns\":null", out);
}

int kf_gap_json_write_open(struct kf_gap_json *g, const struct kf_gap *gap, FILE *out, struct kf_error *e)
{
	const struct kf_timeline *t = g->timeline;

	if (kf_gap_parts(t, gap, &g->parts, e))
		return -1;
	if (write_victim(g, gap, out))
		return kf_fail_memory(e, "a gap as JSON");
	write_cpu(gap->cpu, out);
	write_number(",\"start_ns\":", gap->start_ns, out);
	write_number(",\"end_ns\":", gap->end_ns, out);
	write_number(",\"wait_ns\":", gap->end_ns - gap->start_ns, out);
	write_text(",\"kind\":\"", kf_gap_kind_name(gap->kind), out);
	write_tid(t, "\",\"waker_tid\":", gap->waker, out);
	write_text(",\"waker_irq\":", gap->waker_irq ? "true" : "false", out);
	write_text(",\"open\":", gap->open ? "true" : "false", out);
	write_text(",\"throttled\":", gap->throttled ? "true" : "false", out);
	write_text(",\"yielded\":", gap->yielded ? "true" : "false", out);
	if (write_quota(g, gap, out))
		return kf_fail_memory(e, "a gap as JSON");
	write_placement(t, gap, out);
	fputs_unlocked(",\"parts\":[", out);
	if (write_parts(g, out))
		return kf_fail_memory(e, "a gap as JSON");
	putc_unlocked(']', out);
	return 0;
}

int kf_gap_json_write(struct kf_gap_json *g, const struct kf_gap *gap, FILE *out, struct kf_error *e)
{
	if (kf_gap_json_write_open(g, gap, out, e))
		return -1;
	putc_unlocked('}', out);
	return 0;
}

json_t *kf_gap_json_make(struct kf_gap_json *g, const struct kf_gap *gap, struct kf_error *e)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	json_t *o = NULL;
	int err;

	if (!out) {
		kf_fail_memory(e, "a gap as JSON");
		return NULL;
	}
	err = kf_gap_json_write(g, gap, out, e);
	if (fclose(out) && !err)
		err = kf_fail_memory(e, "a gap as JSON");
	if (!err)
		o = json_loadb(text, len, 0, NULL);
	if (!err && !o)
		kf_fail_memory(e, "a gap as JSON");
	free(text);
	return o;
}
