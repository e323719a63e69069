/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/perfetto.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "model/timeline.h"
#include "output/circumstances.h"
#include "output/line.h"
#include "output/missing.h"
#include "output/perfetto_writer.h"
#include "output/sentence.h"
#include "output/trigger.h"
#include "snapshot/snapshot.h"
#include "snapshot/trigger_kind.h"

/* Tracks of one kind are numbered in a row. CPUs come first, for their numbers are written most often. */
#define FIRST_THREAD  ((uint64_t)KF_PERFETTO_FIRST_CPU + UINT16_MAX + 1)
#define FIRST_PROCESS (UINT64_C(1) << 33)
#define FIRST_TAKEN   (UINT64_C(1) << 34)

uint64_t kf_perfetto_cpu_track(uint16_t cpu)
{
	return KF_PERFETTO_FIRST_CPU + (uint64_t)cpu;
}

uint64_t kf_perfetto_thread_track(uint32_t thread)
{
	return FIRST_THREAD + thread;
}

uint64_t kf_perfetto_process_track(uint32_t pid)
{
	return FIRST_PROCESS + pid;
}

uint64_t kf_perfetto_taken_track(uint64_t n)
{
	return FIRST_TAKEN + n;
}

uint32_t kf_perfetto_thread_name(struct kf_perfetto_writer *w, uint32_t thread)
{
	char name[KF_PERFETTO_NAME_BYTES];
	struct kf_line line;

	if (!w->names[thread]) {
		kf_line_init(&line, name, sizeof(name));
		kf_line_thread(&line, w->t, thread);
		w->names[thread] = kf_perfetto_wire_name(w->wire, name);
	}
	return w->names[thread];
}

void kf_perfetto_slice(struct kf_perfetto_writer *w, uint64_t track, uint64_t start_ns, uint64_t end_ns, uint32_t name,
		       const struct kf_perfetto_note *notes, size_t n_notes)
{
	struct kf_perfetto_event event = { .track = track, .type = KF_PERFETTO_BEGIN, .name = name };

	start_ns = start_ns > w->from_ns ? start_ns : w->from_ns;
	end_ns = end_ns < w->to_ns ? end_ns : w->to_ns;
	if (start_ns >= end_ns)
		return;
	if (n_notes)
		memcpy(event.notes, notes, n_notes * sizeof(*notes));
	event.ts_ns = start_ns;
	kf_perfetto_wire_event(w->wire, &event);
	kf_perfetto_wire_event(w->wire,
			       &(struct kf_perfetto_event){ .ts_ns = end_ns, .track = track, .type = KF_PERFETTO_END });
}

static void write_trigger(struct kf_perfetto_writer *w, const struct kf_snapshot *s)
{
	const struct kf_trigger *trigger = &s->trigger;
	char sentence[KF_SENTENCE_BYTES], suppressed[KF_CIRCUMSTANCE_BYTES], name[64];
	struct kf_perfetto_event event = { .ts_ns = trigger->ts_ns,
					   .track = KF_PERFETTO_ABOUT,
					   .type = KF_PERFETTO_INSTANT,
					   .notes = { { .key = "why", .text = sentence } } };

	if (kf_suppressed_text(s, suppressed, sizeof(suppressed)))
		event.notes[1] = (struct kf_perfetto_note){ .key = "besides", .text = suppressed };
	if (trigger->kind == KF_TRIGGER_NONE || trigger->ts_ns < w->from_ns || trigger->ts_ns > w->to_ns)
		return;
	kf_trigger_sentence(w->t, s, sentence, sizeof(sentence));
	snprintf(name, sizeof(name), "trigger: %s", kf_trigger_kind_name(trigger->kind));
	event.name = kf_perfetto_wire_name(w->wire, name);
	kf_perfetto_wire_event(w->wire, &event);
}

/* "; " between them; NULL when out of memory. free() it. */
static char *join(const struct kf_missing *missing)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < missing->n; i++)
		fprintf(out, "%s%s", i ? "; " : "", missing->lines[i]);
	if (!missing->n)
		fputs("nothing is known to be", out);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

/* The trigger lies inside of the slice, so that both are on one track. */
static int write_about(struct kf_perfetto_writer *w, const struct kf_snapshot *s, struct kf_error *e)
{
	struct kf_missing missing = { 0 };
	int err = kf_missing_find(&missing, w->t, s, e);
	char *text = err ? NULL : join(&missing), host[256], kernel[256], version[256];
	struct kf_perfetto_event event = { .ts_ns = w->from_ns,
					   .track = KF_PERFETTO_ABOUT,
					   .type = KF_PERFETTO_BEGIN,
					   .notes = { { .key = "missing", .text = text },
						      { .key = "host", .text = host },
						      { .key = "kernel", .text = kernel },
						      { .key = "kflight", .text = version } } };

	kf_missing_release(&missing);
	if (!text)
		return err ? err : kf_fail_memory(e, "what is missing");
	kf_text_printable(s->host, strlen(s->host), host, sizeof(host));
	kf_text_printable(s->kernel, strlen(s->kernel), kernel, sizeof(kernel));
	kf_text_printable(s->version, strlen(s->version), version, sizeof(version));
	kf_perfetto_wire_track(w->wire, w->from_ns,
			       &(struct kf_perfetto_track){ .id = KF_PERFETTO_ABOUT, .name = "kflight", .rank = -2 });
	event.name = kf_perfetto_wire_name(w->wire, "window");
	kf_perfetto_wire_event(w->wire, &event);
	free(text);
	write_trigger(w, s);
	kf_perfetto_wire_event(
		w->wire,
		&(struct kf_perfetto_event){ .ts_ns = w->to_ns, .track = KF_PERFETTO_ABOUT, .type = KF_PERFETTO_END });
	return 0;
}

static uint64_t clamp(uint64_t ns, const struct kf_timeline *t)
{
	return ns < t->floor_ns ? t->floor_ns : ns > t->end_ns ? t->end_ns : ns;
}

int kf_perfetto_write(const struct kf_timeline *t, const struct kf_snapshot *s, const struct kf_perfetto_options *o,
		      FILE *out, struct kf_error *e)
{
	const struct kf_perfetto_clocks clocks = { s->mono_ns, s->real_ns, s->boot_ns };
	struct kf_perfetto_writer w = {
		.t = t, .from_ns = clamp(o->from_ns, t), .to_ns = clamp(o->to_ns, t), .gap_ns = o->gap_ns
	};
	int err = -1;

	w.wire = kf_perfetto_wire_new(out, &clocks);
	w.names = calloc(t->n_threads + 1, sizeof(*w.names));
	if (!w.wire || !w.names)
		kf_fail_memory(e, "the trace");
	else
		err = write_about(&w, s, e) || kf_perfetto_cpus(&w, e) || kf_perfetto_threads(&w, e) ||
		      kf_perfetto_wire_finish(w.wire, e);
	kf_perfetto_wire_free(&w.wire);
	free(w.names);
	return err ? -1 : 0;
}
