/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bisect.h"
#include "base/error.h"
#include "model/timeline.h"

/* A thread while the moves are replayed. */
struct seen {
	uint64_t since_ns;
	uint64_t gap_ns; /* begin of the gap that is open */
	uint64_t spent_ns[KF_STATES];
	uint64_t gaps_ns; /* all gaps that the moves make, and their number */
	uint32_t n_gaps;
	uint16_t cpu;
	uint8_t state;
	bool lived;
};

/* A CPU, likewise. */
struct core {
	uint32_t who; /* index, or KF_NOBODY */
	uint64_t since_ns;
	uint64_t busy_ns; /* by the moves */
};

struct check {
	const struct kf_timeline *t;
	struct seen *seen;
	struct core *cores;
	struct kf_error *e;
};

#define BROKEN(c, ...) kf_fail((c)->e, KF_USAGE, NULL, "timeline: " __VA_ARGS__)

static const char *state_name(unsigned state)
{
	static const char *const names[KF_STATES] = { "unknown", "running", "runnable", "blocked", "dead" };

	return state < KF_STATES ? names[state] : "?";
}

/* Does a run of this thread on this CPU contain the whole interval? */
static bool ran(const struct kf_cpu *cpu, uint32_t thread, uint64_t start_ns, uint64_t end_ns)
{
	size_t at = KF_BISECT(cpu->n_runs, i, cpu->runs[i].end_ns <= start_ns);

	return at < cpu->n_runs && cpu->runs[at].thread == thread && cpu->runs[at].start_ns == start_ns &&
	       cpu->runs[at].end_ns == end_ns;
}

static int occupy(struct check *c, uint32_t thread, uint16_t cpu, uint64_t ts_ns)
{
	if (cpu >= c->t->n_cpus)
		return BROKEN(c, "thread %u runs on CPU %u, which does not exist", thread, cpu);
	if (c->cores[cpu].who != KF_NOBODY)
		return BROKEN(c, "at %" PRIu64 " thread %u runs on CPU %u, which still runs %u", ts_ns, thread, cpu,
			      c->cores[cpu].who);
	c->cores[cpu].who = thread;
	c->cores[cpu].since_ns = ts_ns;
	return 0;
}

static int vacate(struct check *c, uint32_t thread, uint64_t ts_ns)
{
	struct core *core = &c->cores[c->seen[thread].cpu];

	if (core->who != thread)
		return BROKEN(c, "at %" PRIu64 " thread %u leaves CPU %u, where it was not", ts_ns, thread,
			      c->seen[thread].cpu);
	core->who = KF_NOBODY;
	if (ts_ns == core->since_ns)
		return 0;
	core->busy_ns += ts_ns - core->since_ns;
	if (!ran(&c->t->cpus[c->seen[thread].cpu], thread, core->since_ns, ts_ns))
		return BROKEN(c, "no run of thread %u on CPU %u from %" PRIu64 " to %" PRIu64, thread,
			      c->seen[thread].cpu, core->since_ns, ts_ns);
	return 0;
}

static int enter(struct check *c, uint32_t thread, uint8_t state, uint16_t cpu, uint64_t ts_ns)
{
	struct seen *s = &c->seen[thread];

	s->spent_ns[s->state] += ts_ns - s->since_ns;
	if (s->state == KF_STATE_RUNNING && vacate(c, thread, ts_ns))
		return -1;
	if (s->state == KF_STATE_RUNNABLE && state != KF_STATE_RUNNABLE && ts_ns > s->gap_ns) {
		s->gaps_ns += ts_ns - s->gap_ns;
		s->n_gaps++;
	}
	if (state == KF_STATE_RUNNABLE && s->state != KF_STATE_RUNNABLE)
		s->gap_ns = ts_ns;
	s->state = state;
	s->since_ns = ts_ns;
	s->cpu = cpu;
	s->lived |= state != KF_STATE_DEAD;
	return state == KF_STATE_RUNNING ? occupy(c, thread, cpu, ts_ns) : 0;
}

/* From which state a move is legal; KF_STATES: from any in which the thread is alive. */
static unsigned legal_from(uint8_t kind)
{
	switch (kind) {
	case KF_MOVE_RUN:
	case KF_MOVE_MIGRATE:
		return KF_STATE_RUNNABLE;
	case KF_MOVE_STOP:
	case KF_MOVE_BLOCK:
	case KF_MOVE_EXIT:
		return KF_STATE_RUNNING;
	case KF_MOVE_WAKE:
		return KF_STATE_BLOCKED;
	case KF_MOVE_FORK:
		return KF_STATE_DEAD;
	case KF_MOVE_FOUND:
		return KF_STATE_UNKNOWN;
	}
	return KF_STATES;
}

static int check_references(struct check *c, const struct kf_transition *move)
{
	const struct kf_timeline *t = c->t;

	if (move->thread >= t->n_threads)
		return BROKEN(c, "a move of thread %u, which does not exist", move->thread);
	if (move->other >= t->n_threads && move->other != KF_NOBODY && move->other != KF_IDLE)
		return BROKEN(c, "a move names thread %u, which does not exist", move->other);
	if (move->cpu >= t->n_cpus && move->cpu != KF_NO_CPU)
		return BROKEN(c, "a move names CPU %u, which does not exist", move->cpu);
	if (move->kind < KF_MOVE_RUN || move->kind > KF_MOVE_FOUND)
		return BROKEN(c, "a move of kind %u", move->kind);
	if (move->kind == KF_MOVE_EXEC && move->note >= t->names_bytes)
		return BROKEN(c, "a name outside the names");
	if (move->kind == KF_MOVE_FOUND && (move->state == KF_STATE_UNKNOWN || move->state >= KF_STATES))
		return BROKEN(c, "a thread found in state %u", move->state);
	if (move->ts_ns < t->floor_ns || move->ts_ns > t->end_ns)
		return BROKEN(c, "a move at %" PRIu64 ", outside the window", move->ts_ns);
	return 0;
}

static int replay(struct check *c, const struct kf_transition *move)
{
	unsigned from = legal_from(move->kind);
	struct seen *s;

	if (check_references(c, move))
		return -1;
	s = &c->seen[move->thread];
	if (from != KF_STATES ? s->state != from : s->state == KF_STATE_DEAD)
		return BROKEN(c, "at %" PRIu64 " move %u of thread %u (tid %u), which is %s", move->ts_ns, move->kind,
			      move->thread, c->t->threads[move->thread].tid, state_name(s->state));
	if (move->kind == KF_MOVE_LOST && s->state == KF_STATE_UNKNOWN)
		return BROKEN(c, "at %" PRIu64 " thread %u is lost twice", move->ts_ns, move->thread);
	if (move->kind == KF_MOVE_FORK && (s->lived || c->t->threads[move->thread].born_ns != move->ts_ns))
		return BROKEN(c, "at %" PRIu64 " thread %u is born wrongly", move->ts_ns, move->thread);
	if (kf_move_leads_to(move, s->state) != s->state)
		return enter(c, move->thread, kf_move_leads_to(move, s->state), move->cpu, move->ts_ns);
	return 0;
}

static int replay_all(struct check *c)
{
	const struct kf_timeline *t = c->t;

	for (uint32_t i = 0; i < t->n_threads; i++) {
		const struct kf_thread *thread = &t->threads[i];
		bool told = thread->start_since_ns && thread->start_since_ns < t->floor_ns;

		c->seen[i] = (struct seen){ .since_ns = t->floor_ns, .state = KF_STATE_DEAD };
		if (thread->start_state >= KF_STATES || thread->start_wait.kind >= KF_WAIT_KINDS)
			return BROKEN(c, "thread %u starts in state %u", i, thread->start_state);
		if (enter(c, i, thread->start_state, thread->start_cpu, t->floor_ns))
			return -1;
		c->seen[i].gap_ns = told ? thread->start_since_ns : t->floor_ns;
	}
	for (size_t i = 0; i < t->n_moves; i++) {
		if (i && t->moves[i].ts_ns < t->moves[i - 1].ts_ns)
			return BROKEN(c, "move %zu goes back in time", i);
		if (replay(c, &t->moves[i]))
			return -1;
	}
	return 0;
}

static int check_thread(struct check *c, uint32_t i)
{
	const struct kf_thread *thread = &c->t->threads[i];
	uint64_t born = thread->born_ns ? thread->born_ns : c->t->floor_ns;
	uint64_t died = thread->died_ns ? thread->died_ns : c->t->end_ns;
	struct seen *s = &c->seen[i];
	uint8_t last = s->state;
	uint64_t sum = thread->running_ns + thread->runnable_ns + thread->blocked_ns + thread->unknown_ns;
	uint64_t by_kind = 0;

	if (enter(c, i, KF_STATE_DEAD, KF_NO_CPU, c->t->end_ns))
		return -1;
	for (int kind = 0; kind < KF_WAIT_KINDS; kind++)
		by_kind += thread->blocked_by_ns[kind];
	if (thread->running_ns != s->spent_ns[KF_STATE_RUNNING] ||
	    thread->runnable_ns != s->spent_ns[KF_STATE_RUNNABLE] ||
	    thread->blocked_ns != s->spent_ns[KF_STATE_BLOCKED] ||
	    thread->unknown_ns != s->spent_ns[KF_STATE_UNKNOWN] || by_kind != thread->blocked_ns)
		return BROKEN(c, "thread %u (tid %u) spent other times than its moves say", i, thread->tid);
	if (!s->lived && thread->died_ns != c->t->floor_ns)
		return BROKEN(c, "thread %u (tid %u) never lived", i, thread->tid);
	if (died < born || sum != died - born)
		return BROKEN(c, "thread %u lived from %" PRIu64 " to %" PRIu64 ", but spent %" PRIu64 " ns", i, born,
			      died, sum);
	if ((last == KF_STATE_DEAD) != (thread->died_ns != 0))
		return BROKEN(c, "thread %u ends %s, but died at %" PRIu64, i, state_name(last), thread->died_ns);
	if (thread->n_gaps != s->n_gaps)
		return BROKEN(c, "thread %u has %u gaps, its moves make %u", i, thread->n_gaps, s->n_gaps);
	if (memchr(thread->comm, 0, KF_COMM_BYTES) == NULL || memchr(thread->process_comm, 0, KF_COMM_BYTES) == NULL)
		return BROKEN(c, "thread %u has a name without end", i);
	return 0;
}

static int check_cpu(struct check *c, uint32_t i)
{
	const struct kf_cpu *cpu = &c->t->cpus[i];
	uint64_t at = c->t->floor_ns, busy = 0;

	for (size_t k = 0; k < cpu->n_runs; k++) {
		const struct kf_run *run = &cpu->runs[k];

		if (run->start_ns != at || run->end_ns <= run->start_ns)
			return BROKEN(c,
				      "CPU %u: run %zu goes from %" PRIu64 " to %" PRIu64
				      ", the last one ended at %" PRIu64,
				      i, k, run->start_ns, run->end_ns, at);
		if (run->thread >= c->t->n_threads && run->thread != KF_IDLE && run->thread != KF_NOT_KNOWN)
			return BROKEN(c, "CPU %u: a run of thread %u, which does not exist", i, run->thread);
		busy += run->thread < KF_NOT_KNOWN ? run->end_ns - run->start_ns : 0;
		at = run->end_ns;
	}
	if (cpu->n_runs && at != c->t->end_ns)
		return BROKEN(c, "CPU %u: the runs end at %" PRIu64, i, at);
	if (busy != c->cores[i].busy_ns)
		return BROKEN(c, "CPU %u: busy for %" PRIu64 " ns by its runs, %" PRIu64 " by the moves", i, busy,
			      c->cores[i].busy_ns);
	return 0;
}

static int check_taken(struct check *c, uint32_t i)
{
	const struct kf_cpu *cpu = &c->t->cpus[i];

	for (size_t k = 0; k < cpu->n_taken; k++) {
		const struct kf_taken *taken = &cpu->taken[k];

		if (taken->end_ns <= taken->start_ns || !taken->ns || taken->ns > taken->end_ns - taken->start_ns ||
		    (k && taken->end_ns < taken[-1].end_ns) || taken->earliest_ns > taken->start_ns ||
		    (k && taken->earliest_ns < taken[-1].earliest_ns))
			return BROKEN(c, "CPU %u: what was taken at %zu does not fit", i, k);
	}
	return 0;
}

/* Kind and quota. */
static int check_judgement(struct check *c, size_t i)
{
	const struct kf_gap *gap = &c->t->gaps[i];
	bool is_timed = gap->throttled_start_ns || gap->throttled_end_ns;

	if (gap->kind >= KF_GAP_KINDS)
		return BROKEN(c, "gap %zu is of kind %u", i, gap->kind);
	if (gap->cgroup >= c->t->n_cgroups && gap->cgroup != KF_NO_CGROUP)
		return BROKEN(c, "gap %zu: throttled by cgroup %u, which does not exist", i, gap->cgroup);
	if (is_timed && (gap->throttled_start_ns < gap->start_ns || gap->throttled_end_ns > gap->end_ns ||
			 gap->throttled_end_ns <= gap->throttled_start_ns))
		return BROKEN(c, "gap %zu: throttled from %" PRIu64 " to %" PRIu64, i, gap->throttled_start_ns,
			      gap->throttled_end_ns);
	return 0;
}

static int check_prios(struct check *c)
{
	const struct kf_timeline *t = c->t;

	for (size_t i = 0; i < t->n_prios; i++)
		if (t->prios[i].thread >= t->n_threads || (i && (t->prios[i].thread < t->prios[i - 1].thread ||
								 (t->prios[i].thread == t->prios[i - 1].thread &&
								  t->prios[i].ts_ns < t->prios[i - 1].ts_ns))))
			return BROKEN(c, "change of priority %zu is out of order", i);
	return 0;
}

static int check_gap(struct check *c, size_t i)
{
	const struct kf_timeline *t = c->t;
	const struct kf_gap *gap = &t->gaps[i];
	uint64_t at = gap->start_ns;

	if (gap->thread >= t->n_threads || gap->end_ns <= gap->start_ns || gap->end_ns > t->end_ns)
		return BROKEN(c, "gap %zu of thread %u from %" PRIu64 " to %" PRIu64, i, gap->thread, gap->start_ns,
			      gap->end_ns);
	if (i && gap->end_ns < t->gaps[i - 1].end_ns)
		return BROKEN(c, "gap %zu ends before the one before it", i);
	if (gap->waker >= t->n_threads && gap->waker != KF_NOBODY && gap->waker != KF_IDLE)
		return BROKEN(c, "gap %zu: woken by thread %u, which does not exist", i, gap->waker);
	if (gap->n_stretches == 0 || (uint64_t)gap->first_stretch + gap->n_stretches > t->n_stretches)
		return BROKEN(c, "gap %zu has no stretches", i);
	for (uint32_t k = 0; k < gap->n_stretches; k++) {
		const struct kf_stretch *stretch = &t->stretches[gap->first_stretch + k];

		if (stretch->start_ns != at || stretch->end_ns <= at ||
		    (stretch->cpu >= t->n_cpus && stretch->cpu != KF_NO_CPU))
			return BROKEN(c, "gap %zu: stretch %u does not follow", i, k);
		at = stretch->end_ns;
	}
	if (at != gap->end_ns)
		return BROKEN(c, "gap %zu: its stretches end at %" PRIu64, i, at);
	c->seen[gap->thread].gaps_ns -= gap->end_ns - gap->start_ns;
	if (gap->end_ns - gap->start_ns > t->threads[gap->thread].worst_gap_ns)
		return BROKEN(c, "gap %zu is worse than the worst of its thread", i);
	return 0;
}

static int check_all(struct check *c)
{
	for (size_t i = 0; i < c->t->n_cpus; i++)
		c->cores[i].who = KF_NOBODY;
	if (replay_all(c))
		return -1;
	for (uint32_t i = 0; i < c->t->n_threads; i++)
		if (check_thread(c, i))
			return -1;
	for (uint32_t i = 0; i < c->t->n_cpus; i++)
		if (check_cpu(c, i) || check_taken(c, i))
			return -1;
	for (size_t i = 0; i < c->t->n_gaps; i++)
		if (check_gap(c, i) || check_judgement(c, i))
			return -1;
	for (uint32_t i = 0; i < c->t->n_threads; i++)
		if (c->seen[i].gaps_ns)
			return BROKEN(c, "the gaps of thread %u do not add up", i);
	return check_prios(c);
}

int kf_timeline_check(const struct kf_timeline *t, struct kf_error *e)
{
	struct check c = { .t = t, .e = e };
	int err = -1;

	c.seen = calloc(t->n_threads + 1, sizeof(*c.seen));
	c.cores = calloc(t->n_cpus + 1, sizeof(*c.cores));
	if (c.seen && c.cores)
		err = check_all(&c);
	else
		kf_fail_memory(e, "check");
	free(c.seen);
	free(c.cores);
	return err;
}
