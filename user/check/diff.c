/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/diff.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/units.h"
#include "check/comparable.h"
#include "check/samples.h"
#include "model/timeline.h"
#include "snapshot/snapshot.h"

/* Waits that nobody does on purpose. */
#define UNWANTED                                                                                                       \
	(1u << KF_DIFF_RUNQ | 1u << KF_DIFF_THROTTLED | 1u << KF_WAIT_FUTEX_LOCK | 1u << KF_WAIT_LOCK |                \
	 1u << KF_WAIT_DISK | 1u << KF_WAIT_KERNEL | 1u << KF_WAIT_PAGE_FAULT)

_Static_assert(KF_DIFF_WAITS <= 32, "a bit each");

static const char *const more_names[] = { "runq", "throttled", "syscall" };

const char *kf_diff_wait_name(unsigned int wait)
{
	if (wait < KF_WAIT_KINDS)
		return kf_wait_kind_name((enum kf_wait_kind)wait);
	return wait < KF_DIFF_WAITS ? more_names[wait - KF_WAIT_KINDS] : "unknown";
}

int kf_diff_wait_find(const char *name)
{
	for (int wait = 0; wait < KF_DIFF_WAITS; wait++)
		if (!strcmp(name, kf_diff_wait_name((unsigned int)wait)))
			return wait;
	return -1;
}

/* One wait. */
struct item {
	const char *comm;
	uint64_t ns;
	uint64_t window_ns;
	uint8_t wait;
};

struct side {
	const struct kf_diff_side *given;
	struct kf_samples samples;
	struct item *items; /* by comm, wait, ns */
	size_t n, room;
	const struct kf_thread *
		*names; /* a thread per name of process, sorted by that; of the kernel only if all are */
	size_t n_names;
};

static bool is_wanted(const struct kf_diff_options *o, const struct kf_thread *th)
{
	return !o->comm || !fnmatch(o->comm, th->process_comm, 0);
}

static int add(struct side *side, const struct kf_sample *s, uint8_t wait, const struct kf_diff_options *o)
{
	const struct kf_timeline *t = side->given->t;

	if (!is_wanted(o, &t->threads[s->thread]))
		return 0;
	if (KF_GROW(side->items, side->n, side->room))
		return -1;
	side->items[side->n++] =
		(struct item){ t->threads[s->thread].process_comm, kf_sample_ns(s), kf_sample_window_ns(s, t), wait };
	return 0;
}

static int add_list(struct side *side, enum kf_sample_kind kind, uint8_t wait, const struct kf_diff_options *o)
{
	const struct kf_sample_list *list = &side->samples.lists[kind];

	for (size_t i = 0; i < list->n; i++) {
		const struct kf_sample *s = &list->items[i];

		if (kind == KF_SAMPLE_THROTTLED && (s->flags & KF_SAMPLE_VAGUE))
			continue;
		if (add(side, s, kind == KF_SAMPLE_BLOCK ? s->wait : wait, o))
			return -1;
	}
	return 0;
}

static int by_kind_and_length(const void *va, const void *vb)
{
	const struct item *a = va, *b = vb;
	int order = strncmp(a->comm, b->comm, KF_COMM_BYTES);

	if (order)
		return order;
	if (a->wait != b->wait)
		return a->wait < b->wait ? -1 : 1;
	return (a->ns > b->ns) - (a->ns < b->ns);
}

static int by_name(const void *va, const void *vb)
{
	const struct kf_thread *const *a = va, *const *b = vb;

	return strncmp((*a)->process_comm, (*b)->process_comm, KF_COMM_BYTES);
}

static void leave_one_per_name(struct side *side)
{
	size_t n = 0;

	for (size_t i = 0; i < side->n_names; i++) {
		if (!n || by_name(&side->names[n - 1], &side->names[i]))
			side->names[n++] = side->names[i];
		else if (!side->names[i]->kernel)
			side->names[n - 1] = side->names[i];
	}
	side->n_names = n;
}

static int name_processes(struct side *side)
{
	const struct kf_timeline *t = side->given->t;

	side->names = calloc(t->n_threads + 1, sizeof(const struct kf_thread *));
	if (!side->names)
		return -1;
	for (size_t i = 0; i < t->n_threads; i++)
		side->names[side->n_names++] = &t->threads[i];
	if (side->n_names)
		qsort(side->names, side->n_names, sizeof(const struct kf_thread *), by_name);
	leave_one_per_name(side);
	return 0;
}

static int side_init(struct side *side, const struct kf_diff_side *given, const struct kf_diff_options *o,
		     struct kf_error *e)
{
	*side = (struct side){ .given = given };
	if (kf_samples_collect(&side->samples, given->t, e))
		return -1;
	if (name_processes(side) || add_list(side, KF_SAMPLE_RUNQ, KF_DIFF_RUNQ, o) ||
	    add_list(side, KF_SAMPLE_BLOCK, 0, o) || add_list(side, KF_SAMPLE_THROTTLED, KF_DIFF_THROTTLED, o) ||
	    add_list(side, KF_SAMPLE_SYSCALL, KF_DIFF_SYSCALL, o))
		return kf_fail_memory(e, "the waits");
	if (side->n)
		qsort(side->items, side->n, sizeof(*side->items), by_kind_and_length);
	return 0;
}

static void side_release(struct side *side)
{
	kf_samples_release(&side->samples);
	free(side->items);
	free(side->names);
}

/* A thread of a process of that name, NULL if there is none. */
static const struct kf_thread *find_process(const struct side *side, const char *comm)
{
	struct kf_thread wanted = { 0 };
	const struct kf_thread *key = &wanted, **found;

	memcpy(wanted.process_comm, comm, sizeof(wanted.process_comm));
	found = side->n_names ? bsearch(&key, side->names, side->n_names, sizeof(const struct kf_thread *), by_name)
			      : NULL;
	return found ? *found : NULL;
}

/* Is it unknown for longer than that what a thread of the process did? */
static bool has_hole(const struct side *side, const char *comm, uint64_t longer_ns)
{
	const struct kf_sample_list *holes = &side->samples.lists[KF_SAMPLE_HOLE];

	for (size_t i = 0; i < holes->n; i++)
		if (kf_sample_ns(&holes->items[i]) > longer_ns &&
		    !strncmp(side->given->t->threads[holes->items[i].thread].process_comm, comm, KF_COMM_BYTES))
			return true;
	return false;
}

/* How many items from `at` on are of one row. */
static size_t row_length(const struct side *side, size_t at)
{
	const struct item *first = &side->items[at];
	size_t n = 1;

	while (at + n < side->n && side->items[at + n].wait == first->wait &&
	       !strncmp(side->items[at + n].comm, first->comm, KF_COMM_BYTES))
		n++;
	return n;
}

/* Items sorted by length. */
static struct kf_distribution distribution(const struct item *items, size_t n)
{
	struct kf_distribution d = { .n = n };

	if (!n)
		return d;
	d.p50_ns = items[(n + 1) / 2 - 1].ns;
	d.p99_ns = items[(99 * n + 99) / 100 - 1].ns;
	d.max_ns = items[n - 1].ns;
	for (size_t i = 0; i < n; i++) {
		d.total_ns += items[i].window_ns;
		d.most_ns = items[i].window_ns > d.most_ns ? items[i].window_ns : d.most_ns;
	}
	return d;
}

static double per_second(uint64_t n, uint64_t window_ns)
{
	return window_ns ? (double)n * 1e9 / (double)window_ns : 0;
}

static bool grew(double before, double after, const struct kf_diff_options *o)
{
	return after > before * o->ratio && after - before > (double)o->floor_ns;
}

static bool has_percentiles(const struct kf_diff_row *row)
{
	return row->b.n >= KF_DIFF_PERCENTILE_WAITS && (!row->a.n || row->a.n >= KF_DIFF_PERCENTILE_WAITS);
}

static bool are_percentiles_worse(const struct kf_diff_row *row, const struct kf_diff_options *o)
{
	return grew((double)row->a.p50_ns, (double)row->b.p50_ns, o) ||
	       grew((double)row->a.p99_ns, (double)row->b.p99_ns, o);
}

/* Of what B waited, this much less. */
static bool is_total_worse(const struct kf_diff *d, const struct kf_diff_row *row, uint64_t less_ns,
			   const struct kf_diff_options *o)
{
	return grew(per_second(row->a.total_ns, d->window_a_ns), per_second(row->b.total_ns - less_ns, d->window_b_ns),
		    o);
}

static bool is_worse(const struct kf_diff *d, const struct kf_diff_row *row, const struct kf_diff_options *o)
{
	return (has_percentiles(row) && are_percentiles_worse(row, o)) ||
	       (row->b.n >= KF_DIFF_TOTAL_WAITS && is_total_worse(d, row, row->b.most_ns, o));
}

/* Not to know of quotas is not to be free of them. */
static bool was_recorded(const struct side *side, uint8_t wait)
{
	return wait != KF_DIFF_THROTTLED || (side->given->s->sources & KF_SOURCE_QUOTA);
}

static void judge(struct kf_diff *d, struct kf_diff_row *row, const struct side *a, const struct side *b,
		  const struct kf_diff_options *o)
{
	uint32_t waits = o->waits ? o->waits : UNWANTED;

	row->asked = waits >> row->wait & 1;
	row->judged = row->asked && row->in_a && row->in_b && was_recorded(a, row->wait) &&
		      was_recorded(b, row->wait) && (!row->kernel || o->comm);
	if (!row->judged)
		return;
	d->n_judged++;
	row->worse = is_worse(d, row, o)		   ? KF_ANSWER_YES
		     : has_hole(b, row->comm, o->floor_ns) ? KF_ANSWER_UNKNOWN
							   : KF_ANSWER_NO;
	row->few = row->worse == KF_ANSWER_NO && (are_percentiles_worse(row, o) || is_total_worse(d, row, 0, o));
	d->n_worse += row->worse == KF_ANSWER_YES;
	d->n_unknown += row->worse == KF_ANSWER_UNKNOWN;
}

/* The next row of both: which side has it is 1 (a), 2 (b) or 3. */
static int sides_of_next(const struct side *a, size_t i, const struct side *b, size_t k)
{
	int order;

	if (i >= a->n || k >= b->n)
		return (i < a->n) | (k < b->n) << 1;
	order = strncmp(a->items[i].comm, b->items[k].comm, KF_COMM_BYTES);
	if (!order)
		order = (a->items[i].wait > b->items[k].wait) - (a->items[i].wait < b->items[k].wait);
	return order < 0 ? 1 : order > 0 ? 2 : 3;
}

static struct kf_diff_row make_row(const struct side *a, const struct item *items_a, size_t n_a, const struct side *b,
				   const struct item *items_b, size_t n_b)
{
	const struct item *first = n_a ? items_a : items_b;
	const struct kf_thread *in_a = find_process(a, first->comm), *in_b = find_process(b, first->comm);
	struct kf_diff_row row = {
		.wait = first->wait,
		.in_a = in_a != NULL,
		.in_b = in_b != NULL,
		.kernel = (!in_a || in_a->kernel) && (!in_b || in_b->kernel),
		.a = distribution(items_a, n_a),
		.b = distribution(items_b, n_b),
	};

	memcpy(row.comm, first->comm, KF_COMM_BYTES);
	return row;
}

static int merge(struct kf_diff *d, const struct side *a, const struct side *b, const struct kf_diff_options *o)
{
	size_t i = 0, k = 0;
	int sides;

	while ((sides = sides_of_next(a, i, b, k)) != 0) {
		size_t n_a = sides & 1 ? row_length(a, i) : 0, n_b = sides & 2 ? row_length(b, k) : 0;

		if (KF_GROW(d->rows, d->n, d->room))
			return -1;
		d->rows[d->n] = make_row(a, a->items + i, n_a, b, b->items + k, n_b);
		judge(d, &d->rows[d->n++], a, b, o);
		i += n_a;
		k += n_b;
	}
	return 0;
}

/* Worse, unknown, too few to say so, the rest of what is judged, what cannot be, what nobody asked for. */
static int urgency(const struct kf_diff_row *row)
{
	if (!row->judged)
		return row->asked ? 4 : 5;
	return row->worse == KF_ANSWER_YES ? 0 : row->worse == KF_ANSWER_UNKNOWN ? 1 : row->few ? 2 : 3;
}

static int by_urgency(const void *va, const void *vb)
{
	const struct kf_diff_row *a = va, *b = vb;

	if (urgency(a) != urgency(b))
		return urgency(a) - urgency(b);
	if (a->b.total_ns != b->b.total_ns)
		return a->b.total_ns > b->b.total_ns ? -1 : 1;
	if (a->a.total_ns != b->a.total_ns)
		return a->a.total_ns > b->a.total_ns ? -1 : 1;
	return strncmp(a->comm, b->comm, KF_COMM_BYTES);
}

static enum kf_status sum_up(const struct kf_diff *d)
{
	if (d->n_worse)
		return KF_FINDINGS;
	return d->n_unknown || !d->n_judged ? KF_INCOMPLETE : KF_OK;
}

int kf_diff_find(struct kf_diff *d, const struct kf_diff_side *a, const struct kf_diff_side *b,
		 const struct kf_diff_options *o, struct kf_error *e)
{
	struct side side_a = { 0 }, side_b = { 0 };
	int err;

	*d = (struct kf_diff){ .window_a_ns = a->t->end_ns - a->t->floor_ns,
			       .window_b_ns = b->t->end_ns - b->t->floor_ns };
	if (!o->force && kf_check_comparable(a, b, o, e))
		return -1;
	err = side_init(&side_a, a, o, e) || side_init(&side_b, b, o, e) ? -1 : 0;
	if (!err && merge(d, &side_a, &side_b, o))
		err = kf_fail_memory(e, "the differences");
	side_release(&side_a);
	side_release(&side_b);
	if (!err && d->n)
		qsort(d->rows, d->n, sizeof(*d->rows), by_urgency);
	d->status = sum_up(d);
	return err;
}

void kf_diff_release(struct kf_diff *d)
{
	free(d->rows);
	*d = (struct kf_diff){ 0 };
}
