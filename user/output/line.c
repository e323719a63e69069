/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "model/parts.h"
#include "model/timeline.h"

/* Of the path of a cgroup: containers have names of 64 digits. */
#define LONGEST_PATH 96

void kf_line_init(struct kf_line *line, char *buf, size_t len)
{
	line->buf = buf;
	line->room = len;
	line->used = 0;
	buf[0] = '\0';
}

/* Takes back the bytes of a character whose end was cut off. */
static void drop_half_character(struct kf_line *line)
{
	size_t start = line->used;
	unsigned char lead;
	size_t want;

	while (start > 0 && ((unsigned char)line->buf[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return;
	lead = (unsigned char)line->buf[start - 1];
	want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	if (line->used - (start - 1) < want)
		line->used = start - 1;
	line->buf[line->used] = '\0';
}

void kf_line_add(struct kf_line *line, const char *format, ...)
{
	size_t left = line->room - line->used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->buf + line->used, left, format, args);
	va_end(args);
	if (n < 0) {
		line->buf[line->used] = '\0';
	} else if ((size_t)n < left) {
		line->used += (size_t)n;
	} else {
		line->used = line->room - 1;
		drop_half_character(line);
	}
}

void kf_line_text(struct kf_line *line, const char *text)
{
	size_t n = strlen(text), left = line->room - line->used;
	bool cut = n >= left;

	n = cut ? left - 1 : n;
	memcpy(line->buf + line->used, text, n);
	line->used += n;
	line->buf[line->used] = '\0';
	if (cut)
		drop_half_character(line);
}

void kf_line_duration(struct kf_line *line, uint64_t ns)
{
	char buf[32];

	kf_line_text(line, kf_format_duration(ns, buf, sizeof(buf)));
}

void kf_line_comm(struct kf_line *line, const struct kf_timeline *t, uint32_t thread)
{
	char name[KF_TEXT_COMM_BYTES + 1];

	kf_text_printable(t->threads[thread].comm, KF_COMM_BYTES, name, sizeof(name));
	kf_line_text(line, name[0] ? name : "?");
}

static void add_tid_and_process(struct kf_line *line, const struct kf_thread *th)
{
	char process[KF_TEXT_COMM_BYTES + 1];

	/* Per-CPU kernel threads: a second number behind ksoftirqd/3 would only confuse. */
	if (th->kernel && strchr(th->comm, '/'))
		return;
	kf_line_add(line, "/%" PRIu32, th->tid);
	if (th->kernel || th->tid == th->tgid || !strncmp(th->comm, th->process_comm, sizeof(th->comm)))
		return;
	if (kf_text_printable(th->process_comm, sizeof(th->process_comm), process, sizeof(process)))
		kf_line_add(line, " of %s", process);
}

void kf_line_thread(struct kf_line *line, const struct kf_timeline *t, uint32_t thread)
{
	const struct kf_container *container = kf_thread_container(t, thread);

	if (thread == KF_IDLE) {
		kf_line_text(line, "the idle task");
	} else if (thread >= t->n_threads) {
		kf_line_text(line, "an unknown thread");
	} else {
		kf_line_comm(line, t, thread);
		add_tid_and_process(line, &t->threads[thread]);
		if (container->id[0])
			kf_line_add(line, " [%s]", container->id);
	}
}

void kf_line_vector(struct kf_line *line, const struct kf_timeline *t, unsigned int kind, uint16_t vector)
{
	const struct kf_part part = { .kind = (uint8_t)kind, .vector = vector };
	char buf[KF_VECTOR_BYTES];
	const char *name = kf_part_vector_name(t, &part, buf, sizeof(buf));

	if (!name)
		return;
	if (kind == KF_PART_SOFTIRQ)
		kf_line_add(line, "softirq %s", name);
	else if (vector == KF_VECTOR_CALL)
		kf_line_text(line, "function call interrupt");
	else if (vector >= KF_VECTOR_IRQ_WORK)
		kf_line_add(line, "%s interrupt", name);
	else
		kf_line_add(line, "interrupt %s", name);
}

void kf_line_group(struct kf_line *line, const struct kf_timeline *t, uint32_t group)
{
	const char *path = t->cgroups[group].path;
	char text[2 * LONGEST_PATH + 1];
	size_t bytes = strlen(path);

	if (bytes > LONGEST_PATH) {
		kf_line_text(line, "...");
		path += bytes - LONGEST_PATH;
	}
	kf_text_printable(path, LONGEST_PATH, text, sizeof(text));
	kf_line_text(line, text[0] ? text : "?");
}

/* Quotas are set in whole milliseconds mostly. */
static void add_round(struct kf_line *line, uint64_t ns)
{
	if (ns % 1000000 || ns >= 1000000000)
		kf_line_duration(line, ns);
	else
		kf_line_add(line, "%" PRIu64 " ms", ns / 1000000);
}

void kf_line_quota(struct kf_line *line, const struct kf_timeline *t, uint32_t group)
{
	if (!t->cgroups[group].quota_ns)
		return;
	kf_line_text(line, "quota ");
	add_round(line, t->cgroups[group].quota_ns);
	kf_line_text(line, " per ");
	add_round(line, t->cgroups[group].period_ns);
}

const char *kf_format_count(uint64_t n, char *buf, size_t len)
{
	char digits[24];
	int n_digits = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	size_t used = 0;

	for (int i = 0; i < n_digits && used + 2 < len; i++) {
		if (i > 0 && (n_digits - i) % 3 == 0)
			buf[used++] = ',';
		buf[used++] = digits[i];
	}
	buf[used] = '\0';
	return buf;
}
