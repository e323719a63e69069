/* SPDX-License-Identifier: BSD-2-Clause */
/* go_about.c - the trace says what it is, in logs at its start: the format has no other place for it before Go 1.25. */
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "base/units.h"
#include "output/circumstances.h"
#include "output/clock.h"
#include "output/go_writer.h"
#include "output/missing.h"
#include "output/sentence.h"
#include "output/trigger.h"
#include "snapshot/snapshot.h"

#define MAX_MISSING_LINES 32

/* Where the next log goes. */
struct about {
	struct kf_go_writer *w;
	uint64_t ts_ns;
	uint32_t thread;
};

static void say(const struct about *a, const char *key, const char *text)
{
	if (text[0])
		kf_go_lanes_log(a->w->lanes, a->ts_ns, a->thread, 0, kf_go_wire_string(a->w->wire, key),
				kf_go_wire_string(a->w->wire, text));
}

static void say_origin(const struct about *a)
{
	const struct kf_snapshot *s = a->w->meta;
	char host[256], kernel[256], machine[128], version[128], text[KF_GO_STRING_BYTES];

	kf_text_printable(s->host, 128, host, sizeof(host));
	kf_text_printable(s->kernel, 128, kernel, sizeof(kernel));
	kf_text_printable(s->machine, 64, machine, sizeof(machine));
	kf_text_printable(s->version, 64, version, sizeof(version));
	snprintf(text, sizeof(text), "written by kflight %s from a recording of kflight %s on %s, Linux %s %s",
		 KF_VERSION, version, host, kernel, machine);
	say(a, "kflight", text);
}

static void say_clock(const struct about *a)
{
	char stamp[32], text[160];

	kf_format_timestamp(kf_real_ns(a->w->meta, a->w->from_ns), stamp, sizeof(stamp));
	snprintf(text, sizeof(text), "%s is CLOCK_MONOTONIC %" PRIu64 " ns", stamp, a->w->from_ns);
	say(a, "kflight clock", text);
}

static void say_window(const struct about *a)
{
	const struct kf_go_writer *w = a->w;
	char shown[32], whole[32], offset[32], text[256];
	bool cut = w->from_ns != w->t->floor_ns || w->to_ns != w->t->end_ns;

	kf_format_duration(w->to_ns - w->from_ns, shown, sizeof(shown));
	kf_format_duration(w->t->end_ns - w->t->floor_ns, whole, sizeof(whole));
	if (cut)
		snprintf(text, sizeof(text), "%s of a window of %s, from %s into it", shown, whole,
			 kf_format_duration(w->from_ns - w->t->floor_ns, offset, sizeof(offset)));
	else
		snprintf(text, sizeof(text), "%s, the whole window", whole);
	say(a, "kflight window", text);
}

static void say_trigger(const struct about *a)
{
	char text[KF_SENTENCE_BYTES];

	kf_trigger_sentence(a->w->t, a->w->meta, text, sizeof(text));
	say(a, "kflight trigger", text);
	kf_rule_text(a->w->meta, text, sizeof(text));
	say(a, "kflight rule", text);
	kf_suppressed_text(a->w->meta, text, sizeof(text));
	say(a, "kflight suppressed", text);
}

static void say_missing(const struct about *a)
{
	struct kf_missing m = { 0 };

	if (!kf_missing_find(&m, a->w->t, a->w->meta, NULL))
		for (size_t i = 0; i < m.n && i < MAX_MISSING_LINES; i++)
			say(a, "kflight missing", m.lines[i]);
	kf_missing_release(&m);
}

void kf_go_about(struct kf_go_writer *w, uint64_t ts_ns, uint32_t thread)
{
	struct about a = { w, ts_ns, thread };

	if (w->introduced || !kf_go_lanes_on_cpu(w->lanes, thread))
		return;
	w->introduced = true;
	say_origin(&a);
	say_clock(&a);
	say_window(&a);
	say_trigger(&a);
	say_missing(&a);
}
