/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/doubt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "expr/expr.h"
#include "expr/settings.h"
#include "check/samples.h"
#include "check/select.h"
#include "cli/options.h"
#include "model/timeline.h"
#include "output/line.h"
#include "snapshot/snapshot.h"

bool kf_sees_all_syscalls(const struct kf_view *v)
{
	return v->s->syscall_mode == KF_SYSCALLS_SLOW || v->s->syscall_mode == KF_SYSCALLS_ALL;
}

/* Were records of this class refused in the window, or is their history shorter than it? */
static bool has_hole(const struct kf_view *v, unsigned int class)
{
	for (uint32_t cpu = 0; cpu < v->s->n_cpus; cpu++) {
		const struct kf_ring_copy *ring = &v->s->rings[class][cpu];

		if (ring->drop_first_ns && ring->drop_first_ns < v->t->end_ns)
			return true;
		if (ring->drop_last_ns && ring->drop_last_ns > v->t->floor_ns)
			return true;
		if (ring->written && ring->oldest_ns > v->t->floor_ns)
			return true;
	}
	return false;
}

static bool is_short(const struct kf_view *v, char *why, size_t len)
{
	uint64_t held_ns = v->t->end_ns - v->t->floor_ns;
	char held[32], wanted[32];

	kf_format_duration(held_ns, held, sizeof(held));
	if (held_ns < v->window_min_ns) {
		snprintf(why, len, "the window holds %s, less than %s", held,
			 kf_format_duration(v->window_min_ns, wanted, sizeof(wanted)));
		return true;
	}
	if (v->from_ns && v->t->floor_ns > v->from_ns) {
		kf_format_duration(v->t->floor_ns - v->from_ns, wanted, sizeof(wanted));
		snprintf(why, len, "the window holds the last %s, and not the first %s (--window)", held, wanted);
		return true;
	}
	if (v->from_ns && v->t->end_ns < v->s->mono_ns) {
		snprintf(why, len, "the window holds %s, and not the end: records were refused (--window)", held);
		return true;
	}
	return false;
}

enum kf_doubt kf_doubt_window(const struct kf_view *v, char *why, size_t len)
{
	if (v->t->end_ns <= v->t->floor_ns) {
		snprintf(why, len, "the window is empty");
		return KF_DOUBT_HOLES;
	}
	if (has_hole(v, KF_CLASS_SCHED)) {
		snprintf(why, len, "scheduling records of the window were lost");
		return KF_DOUBT_HOLES;
	}
	return is_short(v, why, len) ? KF_DOUBT_SHORT : KF_DOUBT_NONE;
}

/* ", did you mean 'nginx'?": of the threads and processes that could have been asked for. "" if none is like it. */
static void suggest(const struct kf_view *v, const char *who, char *buf, size_t len)
{
	const char **names = calloc(2 * v->t->n_threads + 1, sizeof(*names)), *near;
	struct kf_selection all = { 0 };
	char printable[KF_TEXT_COMM_BYTES];
	size_t n = 0;

	buf[0] = '\0';
	if (names && !kf_select(&all, v->t, NULL, NULL, v->tgid, NULL)) {
		for (size_t i = 0; i < v->t->n_threads; i++)
			if (all.has[i]) {
				names[n++] = v->t->threads[i].process_comm;
				names[n++] = v->t->threads[i].comm;
			}
		near = kf_nearest(who, names);
		if (near) {
			kf_text_printable(near, strlen(near), printable, sizeof(printable));
			snprintf(buf, len, ", did you mean '%s'?", printable);
		}
	}
	kf_selection_release(&all);
	free(names);
}

/* The names asked for, by whoever selected nobody. */
static const char *name_asked_for(const struct kf_expr *x, const struct kf_settings *settings)
{
	if (x->who[0])
		return x->who;
	for (size_t i = 0; settings && i < settings->n_filters; i++)
		if (settings->filters[i].by == KF_FILTER_COMM && settings->n_filters == 1)
			return settings->filters[i].comm.text;
	return "";
}

static void tell_nobody(const struct kf_view *v, const struct kf_expr *x, const struct kf_settings *settings, char *why,
			size_t len)
{
	const char *name = name_asked_for(x, settings);
	char who[128], near[KF_TEXT_COMM_BYTES + 24]; /* why has room for both */

	kf_text_printable(name, strlen(name), who, sizeof(who));
	suggest(v, name, near, sizeof(near));
	if (x->pid && !(settings && settings->n_filters))
		snprintf(why, len, "no process or thread %u is in the window", x->pid);
	else if (name[0])
		snprintf(why, len, "no thread or process named '%s' is in the window%s", who, near);
	else if (settings && settings->n_filters)
		snprintf(why, len, "no thread that all of {} fits is in the window");
	else
		snprintf(why, len, "no thread is in the window");
}

static bool doubt_threads(const struct kf_view *v, const struct kf_expr *x, const struct kf_settings *settings,
			  const struct kf_selection *threads, char *why, size_t len)
{
	if (threads->n_unknown && !v->as_seen) {
		snprintf(why, len, "of %zu thread%s the cgroup is not known", threads->n_unknown,
			 threads->n_unknown == 1 ? "" : "s");
		return true;
	}
	if (!threads->n)
		tell_nobody(v, x, settings, why, len);
	return !threads->n;
}

/* A thread that slept in a syscall and came back, but of whose syscalls there is no record: the filter left it out. */
static uint32_t find_unrecorded(const struct kf_view *v, const struct kf_selection *threads)
{
	const struct kf_sample_list *calls = &v->samples->lists[KF_SAMPLE_SYSCALL];
	const struct kf_sample_list *blocks = &v->samples->lists[KF_SAMPLE_BLOCK];
	bool *recorded = calloc(v->t->n_threads + 1, sizeof(*recorded));
	uint32_t found = KF_NOBODY;

	for (size_t i = 0; recorded && i < calls->n; i++)
		if (!(calls->items[i].flags & KF_SAMPLE_OPEN))
			recorded[calls->items[i].thread] = true;
	for (size_t i = 0; i < blocks->n && found == KF_NOBODY; i++) {
		const struct kf_sample *b = &blocks->items[i];

		if (threads->has[b->thread] && b->in_syscall && !(b->flags & KF_SAMPLE_CUT) &&
		    !(recorded && recorded[b->thread]))
			found = b->thread;
	}
	free(recorded);
	return found;
}

static bool doubt_syscalls(const struct kf_view *v, const struct kf_selection *threads, char *why, size_t len)
{
	struct kf_line line;
	uint32_t thread;

	if (v->s->syscall_mode == KF_SYSCALLS_OFF) {
		snprintf(why, len, "recorded with --syscalls off");
		return true;
	}
	if (!kf_sees_all_syscalls(v)) {
		snprintf(why, len, "syscalls that did not block were not recorded (record with --syscalls slow)");
		return true;
	}
	if (has_hole(v, KF_CLASS_SYSCALL)) {
		snprintf(why, len, "syscall records of the window were lost");
		return true;
	}
	thread = v->s->filter && v->s->filter[0] ? find_unrecorded(v, threads) : KF_NOBODY;
	if (thread == KF_NOBODY)
		return false;
	kf_line_init(&line, why, len);
	kf_line_text(&line, "syscalls of ");
	kf_line_thread(&line, v->t, thread);
	kf_line_text(&line, " were not recorded: the filter left it out");
	return true;
}

/* Of interrupts, steal and quotas. */
static bool doubt_source(const struct kf_view *v, const struct kf_expr *x, uint32_t source, char *why, size_t len)
{
	if (!(v->s->sources & source))
		snprintf(why, len, "%s was not recorded (see record --causes)", kf_expr_kind_name(x->kind));
	else if (has_hole(v, KF_CLASS_TAKEN))
		snprintf(why, len, "records of %s in the window were lost", kf_expr_kind_name(x->kind));
	else
		return false;
	return true;
}

static bool doubt_kind(const struct kf_view *v, const struct kf_expr *x, const struct kf_selection *threads, char *why,
		       size_t len)
{
	switch (x->kind) {
	case KF_EXPR_FUTEX:
		if (v->s->syscall_mode != KF_SYSCALLS_OFF)
			return false;
		snprintf(why, len, "recorded with --syscalls off");
		return true;
	case KF_EXPR_SYSCALL:
		return doubt_syscalls(v, threads, why, len);
	case KF_EXPR_THROTTLED:
		return doubt_source(v, x, KF_SOURCE_QUOTA, why, len);
	case KF_EXPR_STEAL:
		return doubt_source(v, x, KF_SOURCE_STEAL, why, len);
	case KF_EXPR_SOFTIRQ:
	case KF_EXPR_IRQ:
		return doubt_source(v, x, KF_SOURCE_IRQ, why, len);
	}
	return false;
}

enum kf_doubt kf_doubt(const struct kf_view *v, const struct kf_expr *x, const struct kf_settings *settings,
		       const struct kf_selection *threads, char *why, size_t len)
{
	char of_window[KF_DOUBT_BYTES];
	enum kf_doubt doubt = kf_doubt_window(v, of_window, sizeof(of_window));

	if (doubt != KF_DOUBT_HOLES &&
	    (doubt_threads(v, x, settings, threads, why, len) || doubt_kind(v, x, threads, why, len)))
		return KF_DOUBT_HOLES;
	if (doubt != KF_DOUBT_NONE)
		snprintf(why, len, "%s", of_window);
	return doubt;
}
