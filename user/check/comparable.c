/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/comparable.h"

#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "check/diff.h"
#include "model/timeline.h"
#include "output/info.h"
#include "snapshot/snapshot.h"

#define HINT		  "--force compares them nevertheless"
#define MAX_TIMES_AS_LONG 10
#define SHOWN_BYTES	  100

static int differ(const char *what, const char *a, const char *b, struct kf_error *e)
{
	char shown_a[SHOWN_BYTES], shown_b[SHOWN_BYTES];

	if (!strcmp(a, b))
		return 0;
	kf_text_printable(a, strlen(a), shown_a, sizeof(shown_a));
	kf_text_printable(b, strlen(b), shown_b, sizeof(shown_b));
	return kf_fail(e, KF_USAGE, HINT, "the windows cannot be compared: %s '%s' and '%s'", what, shown_a, shown_b);
}

/* Those that are known to be online. */
static size_t count_cpus(const struct kf_timeline *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_cpus; i++)
		n += t->cpus[i].n_runs != 0;
	return n;
}

static int check_window(const struct kf_diff_side *side, const struct kf_diff_options *o, struct kf_error *e)
{
	uint64_t held_ns = side->t->end_ns - side->t->floor_ns;
	char held[32], least[32];

	if (held_ns && held_ns >= o->window_min_ns)
		return 0;
	return kf_fail(e, KF_USAGE, "record longer, give another --window-min, or --force",
		       "the windows cannot be compared: '%s' holds %s, less than %s", side->path,
		       kf_format_duration(held_ns, held, sizeof(held)),
		       kf_format_duration(o->window_min_ns, least, sizeof(least)));
}

static int check_lengths(const struct kf_diff_side *a, const struct kf_diff_side *b, struct kf_error *e)
{
	uint64_t a_ns = a->t->end_ns - a->t->floor_ns, b_ns = b->t->end_ns - b->t->floor_ns;
	char shown_a[32], shown_b[32];

	if (a_ns / MAX_TIMES_AS_LONG <= b_ns && b_ns / MAX_TIMES_AS_LONG <= a_ns)
		return 0;
	return kf_fail(e, KF_USAGE, HINT,
		       "the windows cannot be compared: one holds %s, the other %s, more than %d times as much",
		       kf_format_duration(a_ns, shown_a, sizeof(shown_a)),
		       kf_format_duration(b_ns, shown_b, sizeof(shown_b)), MAX_TIMES_AS_LONG);
}

/* Blocks are told alike in all modes but off; records of syscalls are only made in two. */
static int check_syscalls(const struct kf_diff_side *a, const struct kf_diff_side *b, const struct kf_diff_options *o,
			  struct kf_error *e)
{
	uint32_t mode_a = a->s->syscall_mode, mode_b = b->s->syscall_mode;
	bool asked = o->waits >> KF_DIFF_SYSCALL & 1;

	if (asked && (mode_a < KF_SYSCALLS_SLOW || mode_b < KF_SYSCALLS_SLOW))
		return kf_fail(e, KF_USAGE, "record both with --syscalls slow",
			       "the syscalls cannot be compared: recorded with --syscalls %s and %s",
			       kf_syscall_mode_name(mode_a), kf_syscall_mode_name(mode_b));
	if (mode_a == mode_b || (!asked && mode_a != KF_SYSCALLS_OFF && mode_b != KF_SYSCALLS_OFF))
		return 0;
	return kf_fail(e, KF_USAGE, HINT, "the windows cannot be compared: recorded with --syscalls %s and %s",
		       kf_syscall_mode_name(mode_a), kf_syscall_mode_name(mode_b));
}

int kf_check_comparable(const struct kf_diff_side *a, const struct kf_diff_side *b, const struct kf_diff_options *o,
			struct kf_error *e)
{
	size_t cpus_a = count_cpus(a->t), cpus_b = count_cpus(b->t);

	if (differ("hosts", a->s->host, b->s->host, e) || differ("kernels", a->s->kernel, b->s->kernel, e) ||
	    differ("machines", a->s->machine, b->s->machine, e))
		return -1;
	if (cpus_a != cpus_b)
		return kf_fail(e, KF_USAGE, HINT, "the windows cannot be compared: %zu and %zu CPUs", cpus_a, cpus_b);
	if (check_window(a, o, e) || check_window(b, o, e) || check_lengths(a, b, e))
		return -1;
	return check_syscalls(a, b, o, e);
}
