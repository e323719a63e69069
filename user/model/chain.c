/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/chain.h"

#include <stdlib.h>

#include "base/bisect.h"
#include "base/error.h"

/* A wait shorter than 1/4 of the stretch does not explain it. */
#define MATTERS 4

/* What belongs to each thread, in order: items[first[thread]] to items[first[thread + 1] - 1]. */
struct index {
	uint32_t *first;
	uint32_t *items;
};

struct kf_chains {
	const struct kf_timeline *t;
	struct index moves, turns, gaps;
};

/* A stretch of one state in a thread's life. */
struct phase {
	uint64_t start_ns;
	uint64_t end_ns;
	enum kf_state state;
	bool old;			  /* began before the window, not known when */
	const struct kf_wait *wait;	  /* BLOCKED: for what */
	const struct kf_transition *next; /* the move that ends it, NULL none: it lasts to the end of the window */
};

static bool is_turn(const struct kf_transition *move)
{
	return move->kind != KF_MOVE_MIGRATE && move->kind != KF_MOVE_EXEC && move->kind != KF_MOVE_SYSCALL;
}

static uint32_t thread_of_move(const struct kf_timeline *t, size_t i)
{
	return t->moves[i].thread;
}

static uint32_t thread_of_turn(const struct kf_timeline *t, size_t i)
{
	return is_turn(&t->moves[i]) ? t->moves[i].thread : KF_NOBODY;
}

static uint32_t thread_of_gap(const struct kf_timeline *t, size_t i)
{
	return t->gaps[i].thread;
}

/* Counts per thread, then places. Items of threads that do not exist are left out. */
static int make_index(struct index *x, const struct kf_timeline *t, size_t n,
		      uint32_t (*thread_of)(const struct kf_timeline *, size_t))
{
	uint32_t sum = 0;

	x->first = calloc(t->n_threads + 2, sizeof(*x->first));
	if (!x->first || n >= UINT32_MAX)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (thread_of(t, i) < t->n_threads)
			x->first[thread_of(t, i) + 2]++;
	for (size_t thread = 2; thread < t->n_threads + 2; thread++)
		sum = x->first[thread] += sum;
	x->items = malloc(((size_t)sum + 1) * sizeof(*x->items));
	if (!x->items)
		return -1;
	/* first[thread + 1] counts up from where thread begins to where it ends, which is what it has to be. */
	for (size_t i = 0; i < n; i++)
		if (thread_of(t, i) < t->n_threads)
			x->items[x->first[thread_of(t, i) + 1]++] = (uint32_t)i;
	return 0;
}

static void free_index(struct index *x)
{
	free(x->first);
	free(x->items);
}

static const uint32_t *of_thread(const struct kf_chains *c, const struct index *x, uint32_t thread, size_t *n)
{
	if (thread >= c->t->n_threads) {
		*n = 0;
		return NULL;
	}
	*n = x->first[thread + 1] - x->first[thread];
	return x->items + x->first[thread];
}

int kf_chains_open(struct kf_chains **out, const struct kf_timeline *t, struct kf_error *e)
{
	struct kf_chains *c = calloc(1, sizeof(*c));

	if (!c)
		return kf_fail_memory(e, "wake chains");
	c->t = t;
	if (make_index(&c->moves, t, t->n_moves, thread_of_move) ||
	    make_index(&c->turns, t, t->n_moves, thread_of_turn) || make_index(&c->gaps, t, t->n_gaps, thread_of_gap)) {
		kf_chains_close(&c);
		return kf_fail_memory(e, "wake chains");
	}
	*out = c;
	return 0;
}

void kf_chains_close(struct kf_chains **c)
{
	if (!c || !*c)
		return;
	free_index(&(*c)->moves);
	free_index(&(*c)->turns);
	free_index(&(*c)->gaps);
	free(*c);
	*c = NULL;
}

const uint32_t *kf_chains_moves(const struct kf_chains *c, uint32_t thread, size_t *n)
{
	return of_thread(c, &c->moves, thread, n);
}

const uint32_t *kf_chains_turns(const struct kf_chains *c, uint32_t thread, size_t *n)
{
	return of_thread(c, &c->turns, thread, n);
}

const uint32_t *kf_chains_gaps(const struct kf_chains *c, uint32_t thread, size_t *n)
{
	return of_thread(c, &c->gaps, thread, n);
}

const char *kf_chain_end_name(unsigned int end)
{
	static const char *const names[KF_CHAIN_ENDS] = {
		[KF_CHAIN_GOES_ON] = "",
		[KF_CHAIN_RAN] = "ran",
		[KF_CHAIN_QUEUED] = "queued",
		[KF_CHAIN_INTERRUPT] = "interrupt",
		[KF_CHAIN_FLOOR] = "floor",
		[KF_CHAIN_UNKNOWN] = "unknown",
		[KF_CHAIN_DEEP] = "deep",
		[KF_CHAIN_LOOP] = "loop",
		[KF_CHAIN_SCATTERED] = "scattered",
	};

	return end < KF_CHAIN_ENDS ? names[end] : "unknown";
}

static uint64_t clamp(uint64_t ns, uint64_t low, uint64_t high)
{
	return ns < low ? low : ns > high ? high : ns;
}

/* How many of these moves are not after ts_ns. */
static size_t count_until(const struct kf_timeline *t, const uint32_t *items, size_t n, uint64_t ts_ns)
{
	return KF_BISECT(n, i, t->moves[items[i]].ts_ns <= ts_ns);
}

static size_t count_gaps_until(const struct kf_timeline *t, const uint32_t *items, size_t n, uint64_t ts_ns)
{
	return KF_BISECT(n, i, t->gaps[items[i]].end_ns <= ts_ns);
}

/* The phase behind the first `turn` turns of a thread; 0 is the one it is in at the floor. */
static struct phase phase_at(const struct kf_chains *c, uint32_t thread, const uint32_t *turns, size_t n, size_t turn)
{
	const struct kf_timeline *t = c->t;
	const struct kf_thread *th = &t->threads[thread];
	const struct kf_transition *move = turn ? &t->moves[turns[turn - 1]] : NULL;
	struct phase phase = { .next = turn < n ? &t->moves[turns[turn]] : NULL };

	if (move) {
		phase.start_ns = move->ts_ns;
		phase.state = kf_move_leads_to(move, KF_STATE_UNKNOWN);
		phase.wait = &move->wait;
	} else {
		phase.old = !th->start_since_ns;
		phase.start_ns = phase.old || th->start_since_ns > t->floor_ns ? t->floor_ns : th->start_since_ns;
		phase.state = th->start_state;
		phase.wait = &th->start_wait;
	}
	phase.end_ns = phase.next ? phase.next->ts_ns : t->end_ns;
	return phase;
}

static void take_wait(struct kf_link *link, const struct phase *phase, const struct kf_timeline *t)
{
	const struct kf_transition *wake = phase->next && phase->next->kind == KF_MOVE_WAKE ? phase->next : NULL;

	link->wait = *phase->wait;
	link->wait_start_ns = phase->start_ns;
	link->wait_end_ns = phase->end_ns;
	link->wait_old = phase->old;
	link->wait_open = !phase->next;
	link->waker = wake && (wake->other < t->n_threads || wake->other == KF_IDLE) ? wake->other : KF_NOBODY;
	link->waker_irq = wake && (wake->flags & KF_MOVE_F_IRQ);
	link->waker_did = wake ? wake->wait : (struct kf_wait){ .nr = KF_NR_USER };
}

/* Adds the part of a phase that lies in the stretch of the link; longest_ns is that of its waits so far. */
static void spend(struct kf_link *link, const struct phase *phase, const struct kf_timeline *t, uint64_t *longest_ns)
{
	uint64_t from = clamp(phase->start_ns, link->start_ns, link->end_ns);
	uint64_t ns = clamp(phase->end_ns, from, link->end_ns) - from;

	switch (phase->state) {
	case KF_STATE_RUNNING:
		link->running_ns += ns;
		break;
	case KF_STATE_RUNNABLE:
		link->runnable_ns += ns;
		break;
	case KF_STATE_BLOCKED:
		link->blocked_ns += ns;
		link->n_waits += ns != 0;
		if (ns > *longest_ns) {
			*longest_ns = ns;
			take_wait(link, phase, t);
		}
		break;
	default: /* what is left over is unknown */
		break;
	}
}

static void find_gap(struct kf_link *link, const struct kf_chains *c)
{
	uint64_t longest_ns = 0;
	size_t n;
	const uint32_t *gaps = kf_chains_gaps(c, link->thread, &n);

	for (size_t i = count_gaps_until(c->t, gaps, n, link->start_ns); i < n; i++) {
		const struct kf_gap *gap = &c->t->gaps[gaps[i]];
		uint64_t from = clamp(gap->start_ns, link->start_ns, link->end_ns);
		uint64_t ns = clamp(gap->end_ns, from, link->end_ns) - from;

		if (gap->start_ns >= link->end_ns)
			break;
		link->n_gaps += ns != 0;
		if (ns > longest_ns) {
			longest_ns = ns;
			link->gap = gap;
		}
	}
}

/* How the thread spent the stretch. Returns how long its longest wait in there was. */
static uint64_t measure(const struct kf_chains *c, struct kf_link *link)
{
	uint64_t longest_ns = 0, known_ns, at_ns = link->start_ns;
	size_t n;
	const uint32_t *turns = kf_chains_turns(c, link->thread, &n);

	for (size_t turn = count_until(c->t, turns, n, link->start_ns); turn <= n; turn++) {
		struct phase phase = phase_at(c, link->thread, turns, n, turn);

		if (phase.start_ns >= link->end_ns)
			break;
		if (phase.end_ns <= at_ns) /* of no length, or out of order */
			continue;
		if (phase.start_ns < at_ns && turn && at_ns > link->start_ns)
			phase.start_ns = at_ns;
		spend(link, &phase, c->t, &longest_ns);
		at_ns = phase.end_ns;
	}
	known_ns = link->running_ns + link->runnable_ns + link->blocked_ns;
	link->unknown_ns = link->end_ns - link->start_ns - known_ns;
	find_gap(link, c);
	return longest_ns;
}

static bool was_there(const struct kf_chain *chain, uint32_t thread)
{
	for (size_t i = 0; i < chain->n; i++)
		if (chain->links[i].thread == thread)
			return true;
	return false;
}

static enum kf_chain_end end_of_wait(const struct kf_chains *c, const struct kf_chain *chain,
				     const struct kf_link *link, uint64_t longest_ns)
{
	if (longest_ns < (link->end_ns - link->start_ns) / MATTERS)
		return KF_CHAIN_SCATTERED;
	if (link->waker_irq)
		return KF_CHAIN_INTERRUPT;
	if (link->waker >= c->t->n_threads)
		return KF_CHAIN_UNKNOWN;
	if (was_there(chain, link->waker))
		return KF_CHAIN_LOOP;
	return chain->n == KF_CHAIN_MAX ? KF_CHAIN_DEEP : KF_CHAIN_GOES_ON;
}

/* By what it did most of the time. */
static enum kf_chain_end judge(const struct kf_chains *c, const struct kf_chain *chain, const struct kf_link *link,
			       uint64_t longest_ns)
{
	uint64_t most_ns = link->running_ns;
	enum kf_chain_end end = KF_CHAIN_RAN;

	if (link->runnable_ns > most_ns) {
		most_ns = link->runnable_ns;
		end = KF_CHAIN_QUEUED;
	}
	if (link->unknown_ns > most_ns) {
		most_ns = link->unknown_ns;
		end = link->start_ns < c->t->floor_ns ? KF_CHAIN_FLOOR : KF_CHAIN_UNKNOWN;
	}
	if (link->blocked_ns > most_ns)
		return end_of_wait(c, chain, link, longest_ns);
	return most_ns ? end : KF_CHAIN_UNKNOWN;
}

/* The link of a thread over a stretch, as far as it lived then; an empty one if it did not. */
static struct kf_link begin_link(const struct kf_chains *c, uint32_t thread, uint64_t start_ns, uint64_t end_ns)
{
	const struct kf_thread *th = &c->t->threads[thread];

	if (th->born_ns > start_ns)
		start_ns = th->born_ns;
	return (struct kf_link){ .thread = thread,
				 .start_ns = start_ns,
				 .end_ns = end_ns > start_ns ? end_ns : start_ns,
				 .wait.nr = KF_NR_USER,
				 .waker_did.nr = KF_NR_USER,
				 .waker = KF_NOBODY };
}

void kf_chain_of(const struct kf_chains *c, uint32_t thread, uint64_t start_ns, uint64_t end_ns, struct kf_chain *out)
{
	struct kf_link *link;

	out->n = 0;
	if (thread >= c->t->n_threads)
		return;
	do {
		uint64_t longest_ns;

		link = &out->links[out->n];
		*link = begin_link(c, thread, start_ns, end_ns);
		longest_ns = measure(c, link);
		out->n++;
		link->end = judge(c, out, link, longest_ns);
		thread = link->waker;
		start_ns = link->wait_start_ns > link->start_ns ? link->wait_start_ns : link->start_ns;
		/* The first wait may go on after the time that was asked about. */
		end_ns = link->wait_end_ns < link->end_ns || out->n == 1 ? link->wait_end_ns : link->end_ns;
	} while (link->end == KF_CHAIN_GOES_ON);
}
