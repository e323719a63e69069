/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/gap_json.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "model/timeline.h"

json_t *kf_json_text(const char *bytes, size_t max)
{
	char text[1024];

	kf_text_printable(bytes, max, text, sizeof(text));
	return json_string(text);
}

int kf_gap_json_init(struct kf_gap_json *g, const struct kf_timeline *t, struct kf_error *e)
{
	*g = (struct kf_gap_json){ .timeline = t };
	g->names = calloc(t->n_threads + 1, sizeof(*g->names));
	return g->names ? 0 : kf_fail_memory(e, "names");
}

void kf_gap_json_release(struct kf_gap_json *g)
{
	for (size_t i = 0; g->names && i < g->timeline->n_threads; i++)
		free(g->names[i]);
	free(g->names);
	g->names = NULL;
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

static void write_cpu(uint16_t cpu, FILE *out)
{
	if (cpu == KF_NO_CPU)
		write_text(",\"cpu\":", "null", out);
	else
		write_number(",\"cpu\":", cpu, out);
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
		putc_unlocked('}', out);
	}
	return 0;
}

int kf_gap_json_write(struct kf_gap_json *g, const struct kf_gap *gap, FILE *out, struct kf_error *e)
{
	const struct kf_timeline *t = g->timeline;
	const char *name = name_of(g, gap->thread);

	if (!name)
		return kf_fail_memory(e, "a gap as JSON");
	if (kf_gap_parts(t, gap, &g->parts, e))
		return -1;
	write_tid(t, "{\"tid\":", gap->thread, out);
	write_number(",\"tgid\":", t->threads[gap->thread].tgid, out);
	write_text(",\"comm\":", name, out);
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
	fputs_unlocked(",\"parts\":[", out);
	if (write_parts(g, out))
		return kf_fail_memory(e, "a gap as JSON");
	fputs_unlocked("]}", out);
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
