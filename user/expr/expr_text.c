/* SPDX-License-Identifier: BSD-2-Clause */
#include "expr/expr_text.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "expr/expr.h"
#include "model/wait.h"
#include "output/line.h"

static void add_waits(struct kf_line *line, const struct kf_expr *x)
{
	kf_line_text(line, kf_expr_kind_name(x->kind));
	for (uint32_t i = 0; i < x->n_syscalls; i++) {
		const char *name = kf_syscall_name(x->syscalls[i]);

		kf_line_add(line, "%c%s", i ? ',' : ':', name ? name : "unknown");
	}
}

static void add_who(struct kf_line *line, const struct kf_expr *x)
{
	char who[4 * KF_EXPR_WHO_BYTES];

	if (x->pid)
		kf_line_add(line, " of %u", x->pid);
	if (!x->who[0])
		return;
	kf_text_printable(x->who, sizeof(x->who), who, sizeof(who));
	kf_line_add(line, strchr(who, ' ') ? " of '%s'" : " of %s", who);
}

const char *kf_expr_measure(const struct kf_expr *x, char *buf, size_t len)
{
	struct kf_line line;
	char function[32];

	kf_line_init(&line, buf, len);
	if (!kf_expr_is_event(x))
		kf_line_add(&line, "%s(", kf_expr_function_name(x, function, sizeof(function)));
	add_waits(&line, x);
	if (x->longer_given) {
		kf_line_text(&line, x->longer_or_equal ? " >= " : " > ");
		kf_line_duration(&line, x->longer_ns);
	}
	if (!kf_expr_is_event(x))
		kf_line_text(&line, ")");
	add_who(&line, x);
	return buf;
}

const char *kf_expr_per(const struct kf_expr *x)
{
	return x->per_ns > 60000000000ULL ? "/h" : x->per_ns > 1000000000ULL ? "/m" : "/s";
}

/* "17", "0.5": millionths as a number. */
static void add_micro(struct kf_line *line, uint64_t micro)
{
	char text[40];
	size_t used;

	snprintf(text, sizeof(text), "%llu.%06llu", (unsigned long long)(micro / KF_EXPR_MICRO),
		 (unsigned long long)(micro % KF_EXPR_MICRO));
	used = strlen(text);
	while (text[used - 1] == '0')
		used--;
	text[text[used - 1] == '.' ? used - 1 : used] = '\0';
	kf_line_text(line, text);
}

const char *kf_expr_limit(const struct kf_expr *x, char *buf, size_t len)
{
	static const char *const compares[] = { "> ", ">= ", "< ", "<= " };
	struct kf_line line;

	kf_line_init(&line, buf, len);
	kf_line_text(&line, compares[x->compare & 3]);
	if (x->unit == KF_EXPR_NS)
		kf_line_duration(&line, x->limit);
	else
		add_micro(&line, x->limit);
	if (x->unit == KF_EXPR_PERCENT)
		kf_line_text(&line, " %");
	else if (x->unit == KF_EXPR_PER_TIME)
		kf_line_text(&line, kf_expr_per(x));
	return buf;
}
