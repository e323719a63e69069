/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chains, convoys and placement of timelines that nothing has checked: moves of any kind, out of order, by threads that do
 * not exist, runs and gaps of any length. Each must come to an end, and its sums be right.
 */
#include <linux/futex.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/error.h"
#include "model/chain.h"
#include "model/convoy.h"
#include "model/placement.h"
#include "model/timeline.h"

#define N_THREADS 6
#define N_CPUS	  3
#define END_NS	  70000
#define MAX_ITEMS 500

struct item {
	uint8_t kind, thread, other, flags;
	uint16_t at, value;
};

struct made {
	struct kf_timeline t;
	struct kf_thread threads[N_THREADS];
	struct kf_transition moves[MAX_ITEMS];
	struct kf_gap gaps[MAX_ITEMS];
	struct kf_stretch stretches[MAX_ITEMS];
	struct kf_run runs[N_CPUS][MAX_ITEMS];
	struct kf_cpu cpus[N_CPUS];
	struct kf_mask mask;
};

static struct kf_wait wait_of(const struct item *item)
{
	return (struct kf_wait){ .arg0 = 1 + item->value % 3,
				 .arg1 = item->flags,
				 .arg2 = item->value % 5,
				 .nr = item->flags & 1 ? SYS_futex : item->value,
				 .kind = item->flags % (KF_WAIT_KINDS + 1),
				 .in_syscall = item->flags & 2 };
}

static void add_move(struct made *m, const struct item *item)
{
	m->moves[m->t.n_moves++] = (struct kf_transition){ .ts_ns = item->at,
							   .thread = item->thread % (N_THREADS + 1),
							   .other = item->other % (N_THREADS + 2) - 1U,
							   .kind = item->kind % 14,
							   .flags = item->flags,
							   .state = item->value % (KF_STATES + 1),
							   .wait = wait_of(item) };
}

static void add_gap(struct made *m, const struct item *item)
{
	m->stretches[m->t.n_stretches] = (struct kf_stretch){ item->at, item->at + item->value, item->flags % 4 };
	m->gaps[m->t.n_gaps++] = (struct kf_gap){ .thread = item->thread % (N_THREADS + 1),
						  .start_ns = item->at,
						  .end_ns = item->at + item->value,
						  .first_stretch = m->t.n_stretches++,
						  .n_stretches = 1,
						  .throttled_start_ns = item->other * 100,
						  .throttled_end_ns = item->flags * 100 };
}

/* Runs follow one another, as everywhere; some have no length. */
static void add_run(struct made *m, const struct item *item)
{
	struct kf_cpu *cpu = &m->cpus[item->thread % N_CPUS];
	uint64_t start_ns = cpu->n_runs ? cpu->runs[cpu->n_runs - 1].end_ns : 0;

	cpu->runs[cpu->n_runs++] =
		(struct kf_run){ start_ns, start_ns + item->value % 1000, item->flags & 1 ? KF_IDLE : item->other };
}

static void add_thread(struct made *m, const struct item *item)
{
	m->threads[item->thread % N_THREADS] = (struct kf_thread){ .tid = item->thread,
								   .tgid = item->other % 2,
								   .born_ns = item->flags & 4 ? item->at : 0,
								   .start_state = item->value % (KF_STATES + 1),
								   .start_since_ns = item->at,
								   .start_wait = wait_of(item),
								   .allowed = item->flags & 8 ? 0 : KF_NO_MASK };
}

static void make(struct made *m, const uint8_t *data, size_t size)
{
	memset(m, 0, sizeof(*m));
	for (int cpu = 0; cpu < N_CPUS; cpu++)
		m->cpus[cpu].runs = m->runs[cpu];
	m->mask.words[0] = 5;
	m->t = (struct kf_timeline){ .floor_ns = 5000,
				     .end_ns = END_NS,
				     .threads = m->threads,
				     .n_threads = N_THREADS,
				     .moves = m->moves,
				     .cpus = m->cpus,
				     .n_cpus = N_CPUS,
				     .gaps = m->gaps,
				     .stretches = m->stretches,
				     .masks = &m->mask,
				     .n_masks = 1 };
	for (size_t i = 0; i < MAX_ITEMS && (i + 1) * sizeof(struct item) <= size; i++) {
		struct item item;

		memcpy(&item, data + i * sizeof(item), sizeof(item));
		if (item.kind < 160)
			add_move(m, &item);
		else if (item.kind < 200)
			add_gap(m, &item);
		else if (item.kind < 240)
			add_run(m, &item);
		else
			add_thread(m, &item);
	}
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_chain(const struct kf_chain *chain)
{
	must(chain->n >= 1 && chain->n <= KF_CHAIN_MAX);
	for (size_t i = 0; i < chain->n; i++) {
		const struct kf_link *l = &chain->links[i];

		must(l->end_ns >= l->start_ns && l->thread < N_THREADS && l->end < KF_CHAIN_ENDS);
		must(l->running_ns + l->runnable_ns + l->blocked_ns + l->unknown_ns == l->end_ns - l->start_ns);
		must((l->end == KF_CHAIN_GOES_ON) == (i + 1 < chain->n));
		must(!l->blocked_ns == !l->n_waits);
	}
}

static void check_chains(const struct made *m)
{
	struct kf_chains *chains = NULL;
	struct kf_chain chain;
	struct kf_error e;

	must(!kf_chains_open(&chains, &m->t, &e));
	for (uint32_t thread = 0; thread < N_THREADS; thread++)
		for (uint64_t start = 0; start < END_NS; start += 17000) {
			kf_chain_of(chains, thread, start, start + 30000, &chain);
			check_chain(&chain);
		}
	kf_chains_close(&chains);
}

static void check_convoys(const struct made *m)
{
	struct kf_convoys convoys = { 0 };
	struct kf_error e;

	must(!kf_convoys_find(&convoys, &m->t, &e));
	must(convoys.n <= KF_CONVOYS_MAX);
	for (size_t i = 0; i < convoys.n; i++) {
		const struct kf_convoy *c = &convoys.items[i];

		must(c->max_waiters >= KF_CONVOY_MIN && c->n_threads <= N_THREADS && c->longest_thread < N_THREADS);
		must(c->worst_ns <= c->total_ns && c->first_ns <= c->last_ns);
		must(c->n_steps <= c->n_handovers && c->n_steps <= KF_CONVOY_STEPS_MAX);
		for (uint32_t k = 0; k < c->n_steps; k++)
			must(c->steps[k].thread < N_THREADS && c->steps[k].from < N_THREADS);
	}
	kf_convoys_release(&convoys);
}

static void check_placement(const struct made *m)
{
	for (size_t i = 0; i < m->t.n_gaps; i++) {
		const struct kf_gap *gap = &m->gaps[i];
		struct kf_placement p = kf_gap_placement(&m->t, gap);

		must(p.idle_ns + p.forbidden_ns <= gap->end_ns - gap->start_ns);
		must(!p.idle_ns == (p.idle_cpu == KF_NO_CPU));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct made *m = malloc(sizeof(*m));

	must(m != NULL);
	make(m, data, size);
	check_chains(m);
	check_convoys(m);
	check_placement(m);
	free(m);
	return 0;
}
