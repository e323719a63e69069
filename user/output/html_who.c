/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/html_who.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"
#include "model/prio.h"
#include "model/timeline.h"
#include "output/html_json.h"
#include "output/line.h"
#include "output/namesakes.h"
#include "output/page.h"

int kf_who_init(struct kf_who *w, const struct kf_timeline *t, struct kf_error *e)
{
	*w = (struct kf_who){ .t = t };
	w->of_thread = calloc(t->n_threads + 1, sizeof(*w->of_thread));
	w->namesakes = kf_namesakes(t);
	w->items = calloc(KF_WHO_FIXED, sizeof(*w->items));
	if (!w->of_thread || !w->namesakes || !w->items)
		return kf_fail_memory(e, "names");
	w->n = w->room = KF_WHO_FIXED;
	w->items[KF_WHO_IDLE].kind = KF_PART_IDLE;
	return 0;
}

void kf_who_release(struct kf_who *w)
{
	free(w->of_thread);
	free(w->namesakes);
	free(w->items);
	free(w->others);
	*w = (struct kf_who){ 0 };
}

static uint32_t add(struct kf_who *w, struct kf_who_entry entry)
{
	if (w->n >= UINT32_MAX || KF_GROW(w->items, w->n, w->room)) {
		w->failed = 1;
		return KF_WHO_UNKNOWN;
	}
	w->items[w->n] = entry;
	return (uint32_t)w->n++;
}

uint32_t kf_who_thread(struct kf_who *w, uint32_t thread)
{
	if (thread == KF_IDLE)
		return KF_WHO_IDLE;
	if (thread >= w->t->n_threads)
		return KF_WHO_UNKNOWN;
	if (!w->of_thread[thread])
		w->of_thread[thread] = add(w, (struct kf_who_entry){ .thread = thread, .kind = KF_PART_THREAD });
	return w->of_thread[thread];
}

/* What is no thread: there are a few dozen of these on a host. */
static uint32_t find_or_add(struct kf_who *w, struct kf_who_entry entry)
{
	for (size_t i = 0; i < w->n_others; i++) {
		const struct kf_who_entry *known = &w->items[w->others[i]];

		if (known->kind == entry.kind && known->vector == entry.vector && known->cgroup == entry.cgroup)
			return w->others[i];
	}
	if (KF_GROW(w->others, w->n_others, w->room_others)) {
		w->failed = 1;
		return KF_WHO_UNKNOWN;
	}
	w->others[w->n_others] = add(w, entry);
	return w->others[w->n_others++];
}

uint32_t kf_who_taken(struct kf_who *w, uint8_t kind, uint16_t vector)
{
	return find_or_add(w, (struct kf_who_entry){ .kind = kind, .vector = vector });
}

uint32_t kf_who_of_kind(struct kf_who *w, uint8_t kind, uint32_t thread, uint16_t vector, uint32_t cgroup)
{
	switch (kind) {
	case KF_PART_THREAD:
	case KF_PART_IDLE:
		return kf_who_thread(w, thread);
	case KF_PART_IRQ:
	case KF_PART_SOFTIRQ:
	case KF_PART_STEAL:
		return kf_who_taken(w, kind, vector);
	case KF_PART_THROTTLED:
		return find_or_add(w, (struct kf_who_entry){ .kind = kind, .cgroup = cgroup });
	default:
		return KF_WHO_UNKNOWN;
	}
}

static void write_label(const struct kf_who *w, const struct kf_who_entry *entry, FILE *out)
{
	char text[512];
	struct kf_line line;

	kf_line_init(&line, text, sizeof(text));
	switch (entry->kind) {
	case KF_PART_THREAD:
		kf_line_thread(&line, w->t, entry->thread);
		break;
	case KF_PART_IDLE:
		kf_line_text(&line, "idle");
		break;
	case KF_PART_IRQ:
	case KF_PART_SOFTIRQ:
		kf_line_vector(&line, w->t, entry->kind, entry->vector);
		break;
	case KF_PART_STEAL:
		kf_line_text(&line, "stolen by the hypervisor");
		break;
	case KF_PART_THROTTLED:
		kf_line_text(&line, "CPU quota");
		if (entry->cgroup < w->t->n_cgroups) {
			kf_line_text(&line, " of ");
			kf_line_group(&line, w->t, entry->cgroup);
		}
		break;
	default:
		kf_line_text(&line, "unknown");
	}
	kf_html_json_text(out, text);
}

static void write_thread(const struct kf_who *w, const struct kf_who_entry *entry, const struct kf_page *p)
{
	const struct kf_thread *th = &w->t->threads[entry->thread];
	char prio[KF_PRIO_TEXT_BYTES];

	putc(',', p->out);
	kf_html_json_number(p->out, th->tid);
	putc(',', p->out);
	kf_html_json_number(p->out, th->tgid);
	putc(',', p->out);
	kf_html_json_number(p->out, w->namesakes[entry->thread]);
	fputs(kf_page_is_own(p, entry->thread) ? ",1," : ",0,", p->out);
	kf_html_json_text(p->out, kf_prio_text(th->prio, prio, sizeof(prio)));
}

void kf_who_write(const struct kf_who *w, const struct kf_page *p)
{
	putc('[', p->out);
	for (size_t i = 0; i < w->n; i++) {
		const struct kf_who_entry *entry = &w->items[i];

		fputs(i ? ",\n[" : "[", p->out);
		if (i == KF_WHO_OTHERS) {
			fputs("\"others\",\"others\"]", p->out);
			continue;
		}
		kf_html_json_text(p->out, kf_part_kind_name(entry->kind));
		putc(',', p->out);
		write_label(w, entry, p->out);
		if (entry->kind == KF_PART_THREAD)
			write_thread(w, entry, p);
		putc(']', p->out);
	}
	putc(']', p->out);
}
