/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/convoy.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "base/array.h"
#include "base/error.h"
#include "model/timeline.h"

/* The lock word "taken, and somebody waits" of glibc, Rust and Go. */
#define CONTENDED_WORD 2

/* Threads that one call wakes are woken that soon one after the other. */
#define BROADCAST_NS 10000

#define ADDRESS_MASK 0xffffffffffffULL /* as much as a wake-up tells of it */
#define NOT_OPEN     SIZE_MAX

/* One futex wait. */
struct wait {
	uint64_t address;
	uint64_t start_ns;
	uint64_t end_ns;
	uint32_t tgid;
	uint32_t thread;
	uint32_t from; /* who handed over: index, KF_NOBODY */
	uint8_t kind;
	bool locks; /* waits for a value that locks have */
	bool open;
};

struct by_end {
	uint64_t end_ns;
	const struct wait *wait;
};

/* What is counted per thread in one convoy; of another round it counts nothing. */
struct tally {
	uint32_t round;
	uint64_t held_ns;
};

struct search {
	const struct kf_timeline *t;
	struct wait *waits;
	size_t n_waits, room_waits;
	size_t *open; /* per thread: its open wait in waits, or NOT_OPEN */
	struct by_end *ends;
	struct tally *tallies; /* per thread */
	uint32_t round;
	struct kf_convoys *found;
};

/* The waits of one address that ended in one convoy: in search.ends. */
struct range {
	size_t from, to;
};

static bool is_futex(const struct kf_wait *wait)
{
	if (wait->kind != KF_WAIT_FUTEX_LOCK && wait->kind != KF_WAIT_FUTEX_COND)
		return false;
	return wait->nr != SYS_futex_waitv && wait->arg0;
}

static bool is_for_lock(const struct kf_wait *wait)
{
	uint64_t op = wait->arg1 & FUTEX_CMD_MASK;

	if (wait->nr == SYS_futex && (op == FUTEX_LOCK_PI || op == FUTEX_LOCK_PI2))
		return true;
	return wait->arg2 == CONTENDED_WORD || (wait->arg2 & FUTEX_WAITERS);
}

static int begin_wait(struct search *s, uint32_t thread, const struct kf_wait *wait, uint64_t ts_ns)
{
	if (!is_futex(wait) || !s->t->threads[thread].tgid)
		return 0;
	if (KF_GROW(s->waits, s->n_waits, s->room_waits))
		return -1;
	s->open[thread] = s->n_waits;
	s->waits[s->n_waits++] = (struct wait){ .address = wait->arg0 & ADDRESS_MASK,
						.start_ns = ts_ns,
						.end_ns = s->t->end_ns,
						.tgid = s->t->threads[thread].tgid,
						.thread = thread,
						.from = KF_NOBODY,
						.kind = wait->kind,
						.locks = is_for_lock(wait),
						.open = true };
	return 0;
}

/* Did this wake-up come from a call on the address? When its record was lost, only who did it is known. */
static bool is_handover(const struct search *s, const struct kf_transition *wake, uint64_t address)
{
	if (wake->kind != KF_MOVE_WAKE || (wake->flags & KF_MOVE_F_IRQ) || wake->other >= s->t->n_threads)
		return false;
	if (wake->flags & KF_MOVE_F_REPAIRED)
		return true;
	return wake->wait.in_syscall && (wake->wait.arg0 & ADDRESS_MASK) == address;
}

static void end_wait(struct search *s, const struct kf_transition *move)
{
	struct wait *wait;

	if (s->open[move->thread] == NOT_OPEN)
		return;
	wait = &s->waits[s->open[move->thread]];
	s->open[move->thread] = NOT_OPEN;
	wait->end_ns = move->ts_ns > wait->start_ns ? move->ts_ns : wait->start_ns;
	wait->open = false;
	if (is_handover(s, move, wait->address))
		wait->from = move->other;
}

static int collect(struct search *s)
{
	const struct kf_timeline *t = s->t;

	for (uint32_t i = 0; i < t->n_threads; i++) {
		const struct kf_thread *th = &t->threads[i];

		s->open[i] = NOT_OPEN;
		if (th->start_state == KF_STATE_BLOCKED &&
		    begin_wait(s, i, &th->start_wait,
			       th->start_since_ns && th->start_since_ns < t->floor_ns ? th->start_since_ns
										      : t->floor_ns))
			return -1;
	}
	for (size_t i = 0; i < t->n_moves; i++) {
		const struct kf_transition *move = &t->moves[i];

		if (move->thread >= t->n_threads || kf_move_leads_to(move, KF_STATES) == KF_STATES)
			continue;
		end_wait(s, move);
		if (kf_move_leads_to(move, KF_STATES) == KF_STATE_BLOCKED &&
		    begin_wait(s, move->thread, &move->wait, move->ts_ns))
			return -1;
	}
	return 0;
}

static int compare_addresses(const struct wait *a, const struct wait *b)
{
	if (a->tgid != b->tgid)
		return a->tgid < b->tgid ? -1 : 1;
	return (a->address > b->address) - (a->address < b->address);
}

static int by_address_and_start(const void *va, const void *vb)
{
	const struct wait *a = va, *b = vb;
	int order = compare_addresses(a, b);

	if (order)
		return order;
	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	return (a->thread > b->thread) - (a->thread < b->thread);
}

static int by_end(const void *va, const void *vb)
{
	const struct by_end *a = va, *b = vb;

	if (a->end_ns != b->end_ns)
		return a->end_ns < b->end_ns ? -1 : 1;
	return (a->wait > b->wait) - (a->wait < b->wait);
}

/* n waits of one address, whose ends are sorted: is it used as a lock? */
static bool is_lock(const struct search *s, size_t n)
{
	size_t handovers = 0, passed_on = 0, in_broadcast = 0, lock_words = 0;
	const struct wait *last = NULL;
	bool last_in_broadcast = false;

	for (size_t i = 0; i < n; i++) {
		const struct wait *wait = s->ends[i].wait;

		lock_words += wait->locks;
		if (wait->from == KF_NOBODY)
			continue;
		handovers++;
		if (last && last->from == wait->from && wait->end_ns - last->end_ns < BROADCAST_NS) {
			in_broadcast += last_in_broadcast ? 1 : 2;
			last_in_broadcast = true;
		} else {
			last_in_broadcast = false;
			passed_on += last && last->thread == wait->from;
		}
		last = wait;
	}
	if (in_broadcast > handovers / 2)
		return false;
	/* A condition variable counts to 2, too. */
	if (lock_words > n / 2 && (s->ends[0].wait->kind == KF_WAIT_FUTEX_LOCK || passed_on))
		return true;
	return passed_on > handovers / 2;
}

static uint64_t waiting_time(const struct search *s, struct range r)
{
	uint64_t ns = 0;

	for (size_t i = r.from; i < r.to; i++)
		ns += s->ends[i].wait->end_ns - s->ends[i].wait->start_ns;
	return ns;
}

static struct tally *tally_of(struct search *s, struct kf_convoy *c, uint32_t thread, bool waits)
{
	struct tally *tally = &s->tallies[thread];

	/* Two rounds per convoy: the second is that of threads that waited. */
	if (tally->round < s->round)
		*tally = (struct tally){ .round = s->round };
	if (waits && tally->round == s->round) {
		tally->round = s->round + 1;
		c->n_threads++;
	}
	return tally;
}

/* thread had the lock for that long. */
static void hold(struct search *s, struct kf_convoy *c, uint32_t thread, uint64_t ns)
{
	struct tally *tally = tally_of(s, c, thread, false);

	tally->held_ns += ns;
	if (tally->held_ns > c->holder_ns) {
		c->holder_ns = tally->held_ns;
		c->holder = thread;
	}
}

static void tell_wait(struct search *s, struct kf_convoy *c, const struct wait *wait)
{
	uint64_t ns = wait->end_ns - wait->start_ns;

	tally_of(s, c, wait->thread, true);
	if (wait->start_ns < c->first_ns)
		c->first_ns = wait->start_ns;
	if (wait->end_ns > c->last_ns)
		c->last_ns = wait->end_ns;
	c->open |= wait->open;
	if (ns >= c->longest_ns) {
		c->longest_ns = ns;
		c->longest_thread = wait->thread;
	}
}

/* Who had it, and who got it next. */
static int tell_steps(struct search *s, struct kf_convoy *c, struct range r)
{
	uint64_t since_ns = c->first_ns;
	uint32_t last = KF_NOBODY;
	size_t room = 0;

	for (size_t i = r.from; i < r.to; i++) {
		const struct wait *wait = s->ends[i].wait;
		uint64_t held_ns = wait->end_ns - since_ns;

		if (wait->from == KF_NOBODY)
			continue;
		hold(s, c, wait->from, held_ns);
		since_ns = wait->end_ns;
		last = wait->thread;
		if (c->n_handovers++ >= KF_CONVOY_STEPS_MAX)
			continue;
		if (KF_GROW(c->steps, c->n_steps, room))
			return -1;
		c->steps[c->n_steps++] = (struct kf_convoy_step){ .ts_ns = wait->end_ns,
								  .waited_ns = wait->end_ns - wait->start_ns,
								  .held_ns = held_ns,
								  .thread = wait->thread,
								  .from = wait->from };
	}
	if (c->open && last != KF_NOBODY)
		hold(s, c, last, c->last_ns - since_ns);
	return 0;
}

static int worst_first(const void *va, const void *vb)
{
	const struct kf_convoy *a = va, *b = vb;

	if (a->total_ns != b->total_ns)
		return a->total_ns < b->total_ns ? 1 : -1;
	if (a->tgid != b->tgid)
		return a->tgid < b->tgid ? -1 : 1;
	return (a->address > b->address) - (a->address < b->address);
}

static void keep_worst(struct kf_convoys *found)
{
	if (found->n)
		qsort(found->items, found->n, sizeof(*found->items), worst_first);
	while (found->n > KF_CONVOYS_MAX)
		free(found->items[--found->n].steps);
}

/* c has been counted; the rest is about its worst one. */
static int keep(struct search *s, struct kf_convoy *c, struct range worst)
{
	struct kf_convoys *found = s->found;

	c->holder = KF_NOBODY;
	c->first_ns = UINT64_MAX;
	s->round += 2;
	for (size_t i = worst.from; i < worst.to; i++)
		tell_wait(s, c, s->ends[i].wait);
	if (found->n >= 2 * KF_CONVOYS_MAX)
		keep_worst(found);
	if (tell_steps(s, c, worst) || KF_GROW(found->items, found->n, found->room)) {
		free(c->steps);
		return -1;
	}
	found->items[found->n++] = *c;
	return 0;
}

/* A look along one address: how many waits have started and ended so far. */
struct sweep {
	struct kf_convoy c;
	struct range now, worst;
	size_t started, ended;
	bool in_convoy;
};

static void end_convoy(const struct search *s, struct sweep *w)
{
	uint64_t ns;

	w->in_convoy = false;
	w->now.to = w->ended;
	ns = waiting_time(s, w->now);
	w->c.n_convoys++;
	w->c.total_ns += ns;
	if (ns >= w->c.worst_ns) {
		w->c.worst_ns = ns;
		w->worst = w->now;
	}
}

static void one_starts(const struct search *s, struct sweep *w)
{
	size_t waiting = w->started - w->ended;

	if (w->in_convoy && waiting <= 1)
		end_convoy(s, w);
	w->started++;
	if (++waiting > w->c.max_waiters)
		w->c.max_waiters = (uint32_t)waiting;
	if (!w->in_convoy && waiting >= KF_CONVOY_MIN) {
		w->in_convoy = true;
		w->now.from = w->ended;
	}
}

static void one_ends(const struct search *s, struct sweep *w)
{
	w->ended++;
	if (w->in_convoy && w->started == w->ended)
		end_convoy(s, w);
}

/* n waits of one address in order of their start. */
static int look_at(struct search *s, const struct wait *waits, size_t n)
{
	struct sweep w = { .c = { .tgid = waits->tgid, .kind = waits->kind, .address = waits->address } };

	for (size_t i = 0; i < n; i++)
		s->ends[i] = (struct by_end){ waits[i].end_ns, &waits[i] };
	qsort(s->ends, n, sizeof(*s->ends), by_end);
	if (!is_lock(s, n))
		return 0;
	while (w.ended < n) {
		if (w.started < n && waits[w.started].start_ns <= s->ends[w.ended].end_ns)
			one_starts(s, &w);
		else
			one_ends(s, &w);
	}
	return w.c.n_convoys ? keep(s, &w.c, w.worst) : 0;
}

static int find(struct search *s)
{
	size_t from = 0;

	if (s->n_waits)
		qsort(s->waits, s->n_waits, sizeof(*s->waits), by_address_and_start);
	s->ends = calloc(s->n_waits + 1, sizeof(*s->ends));
	if (!s->ends)
		return -1;
	while (from < s->n_waits) {
		size_t to = from + 1;

		while (to < s->n_waits && !compare_addresses(&s->waits[from], &s->waits[to]))
			to++;
		if (to - from >= KF_CONVOY_MIN && look_at(s, s->waits + from, to - from))
			return -1;
		from = to;
	}
	keep_worst(s->found);
	return 0;
}

int kf_convoys_find(struct kf_convoys *out, const struct kf_timeline *t, struct kf_error *e)
{
	struct search s = { .t = t, .found = out };
	int err;

	*out = (struct kf_convoys){ 0 };
	s.open = calloc(t->n_threads + 1, sizeof(*s.open));
	s.tallies = calloc(t->n_threads + 1, sizeof(*s.tallies));
	err = !s.open || !s.tallies || collect(&s) || find(&s);
	free(s.open);
	free(s.tallies);
	free(s.waits);
	free(s.ends);
	return err ? kf_fail_memory(e, "convoys") : 0;
}

void kf_convoys_release(struct kf_convoys *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->items[i].steps);
	free(c->items);
	*c = (struct kf_convoys){ 0 };
}
