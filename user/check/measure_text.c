/* SPDX-License-Identifier: BSD-2-Clause */
/* What was measured, in words. */
#include "check/measure.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "expr/expr_text.h"
#include "output/line.h"
#include "output/sentence.h"

const char *kf_measured_value(const struct kf_measured *m, const struct kf_expr *x, char *buf, size_t len)
{
	long double window_ns = m->window_ns ? m->window_ns : 1;
	struct kf_line line;

	kf_line_init(&line, buf, len);
	if (!m->has_value) {
		kf_line_text(&line, "no such wait");
		return buf;
	}
	switch (x->unit) {
	case KF_EXPR_NS:
		kf_line_duration(&line, m->value);
		break;
	case KF_EXPR_PERCENT:
		kf_line_add(&line, "%.3Lg %%", 100 * m->value / window_ns);
		break;
	case KF_EXPR_PER_TIME:
		kf_line_add(&line, "%.3Lg%s", (long double)m->value * x->per_ns / window_ns, kf_expr_per(x));
		break;
	default:
		kf_line_add(&line, "%llu", (unsigned long long)m->value);
	}
	return buf;
}

static void add_what(struct kf_line *line, const struct kf_sample *s)
{
	const char *name = kf_syscall_name(s->nr);

	if (s->in_syscall && name)
		kf_line_add(line, " in %s(0x%llx)", name, (unsigned long long)s->arg0);
	else if (s->flags & KF_SAMPLE_VAGUE)
		kf_line_text(line, ", for what is not known");
	else
		kf_line_add(line, " (%s)", kf_wait_kind_name(s->wait));
}

static void add_block(struct kf_line *line, const struct kf_timeline *t, const struct kf_sample *s)
{
	kf_line_thread(line, t, s->thread);
	kf_line_text(line, s->wait == KF_WAIT_KIND_UNKNOWN && s->in_syscall ? " spent " : " waited ");
	kf_line_duration(line, kf_sample_ns(s));
	add_what(line, s);
	if (s->waker != KF_NOBODY && s->waker != KF_IDLE) {
		kf_line_text(line, ", woken by ");
		kf_line_thread(line, t, s->waker);
	}
	if (s->flags & KF_SAMPLE_OPEN)
		kf_line_text(line, ", and still did when the window ended");
}

const char *kf_measured_worst(const struct kf_measured *m, const struct kf_expr *x, const struct kf_timeline *t,
			      char *buf, size_t len)
{
	struct kf_line line;

	kf_line_init(&line, buf, len);
	if (m->most.thread != KF_NOBODY) {
		kf_line_text(&line, "most of it: ");
		kf_line_thread(&line, t, m->most.thread);
		kf_line_text(&line, ", ");
		kf_line_duration(&line, m->most.ns);
	} else if (m->has_worst && m->worst.gap) {
		kf_gap_sentence(t, m->worst.gap, buf, len);
	} else if (m->has_worst) {
		add_block(&line, t, &m->worst);
	}
	return buf;
}
