/* SPDX-License-Identifier: BSD-2-Clause */
/* OversubscribedProcess: more threads of a process ready than CPUs it may use. docs/rules/OversubscribedProcess.md */
#include "rules/rule.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "rules/search.h"
#include "rules/words.h"

/* Numbers of a hit. */
enum { N_LIMIT, N_MAX_READY, N_MEAN_TENTHS, N_QUOTA_GROUP, N_GROUP_KNOWN };

/* One process at some moment. */
struct crowd {
	uint32_t cpus; /* that it may use at a time: by affinity, by quota */
	uint32_t quota_cpus;
	uint32_t quota_group;
	bool group_known;
	uint32_t worst_thread; /* the one that waited most */
	uint32_t ready;	       /* threads running or ready */
	uint32_t max_ready;
	uint64_t changed_ns;
	uint64_t over_ns;    /* time with more ready than CPUs */
	uint64_t over_ready; /* ready threads times ns in it */
	uint64_t present_ns; /* the stretch of it that goes on */
	uint64_t longest_ns;
	uint64_t longest_end_ns;
};

static bool is_ready(enum kf_state state)
{
	return state == KF_STATE_RUNNING || state == KF_STATE_RUNNABLE;
}

static uint32_t limit_of(const struct crowd *c)
{
	uint32_t limit = c->cpus < c->quota_cpus ? c->cpus : c->quota_cpus;

	return limit ? limit : 1;
}

/* How many of the online CPUs a thread may use; all, if that is not known. */
static uint32_t allowed_cpus(const struct kf_timeline *t, uint32_t thread)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n_cpus; i++)
		n += t->cpus[i].n_runs != 0 && kf_thread_may_run_on(t, thread, i) != 0;
	return n;
}

/* CPUs that the quota of a cgroup is worth, rounded up. */
static void take_quota(struct crowd *c, const struct kf_timeline *t, uint32_t own)
{
	uint32_t limiting = own < t->n_cgroups ? t->cgroups[own].limiting : KF_NO_CGROUP;
	const struct kf_group *group = limiting < t->n_cgroups ? &t->cgroups[limiting] : NULL;
	uint64_t cpus;

	c->group_known |= own < t->n_cgroups;
	if (!group || !group->quota_ns || !group->period_ns)
		return;
	cpus = group->quota_ns / group->period_ns + (group->quota_ns % group->period_ns != 0);
	c->quota_cpus = cpus < UINT32_MAX ? (uint32_t)cpus : UINT32_MAX;
	c->quota_group = limiting;
}

/* Threads that died before they were asked for their cgroup: if they were throttled, it is known by whom. */
static void take_throttling(struct crowd *crowds, const struct kf_search *s)
{
	for (size_t i = 0; i < s->t->n_gaps; i++) {
		const struct kf_gap *gap = &s->t->gaps[i];
		struct crowd *c = &crowds[s->process[gap->thread]];

		if ((gap->throttled || gap->throttled_end_ns) && c->quota_group == KF_NO_CGROUP)
			take_quota(c, s->t, gap->cgroup);
	}
}

/* Threads of a process may have different masks: the widest counts. */
static struct crowd *make_crowds(const struct kf_search *s)
{
	struct crowd *crowds = calloc((size_t)s->n_processes + 1, sizeof(*crowds));
	uint32_t mask = KF_NO_MASK, cpus = s->t->n_threads ? allowed_cpus(s->t, KF_NOBODY) : 0;

	for (uint32_t i = 0; crowds && i < s->n_processes; i++)
		crowds[i] = (struct crowd){ .quota_cpus = UINT32_MAX,
					    .quota_group = KF_NO_CGROUP,
					    .worst_thread = KF_NOBODY,
					    .changed_ns = s->t->floor_ns };
	for (uint32_t i = 0; crowds && i < s->t->n_threads; i++) {
		const struct kf_thread *th = &s->t->threads[i];
		struct crowd *c = &crowds[s->process[i]];

		if (th->allowed != mask) {
			mask = th->allowed;
			cpus = allowed_cpus(s->t, i);
		}
		if (cpus > c->cpus)
			c->cpus = cpus;
		if (c->worst_thread == KF_NOBODY || th->runnable_ns > s->t->threads[c->worst_thread].runnable_ns)
			c->worst_thread = i;
		if (th->process_leader || c->quota_group == KF_NO_CGROUP)
			take_quota(c, s->t, th->cgroup);
		c->ready += is_ready(th->start_state);
	}
	if (crowds)
		take_throttling(crowds, s);
	return crowds;
}

static void pass_time(struct crowd *c, uint64_t ts_ns)
{
	uint64_t ns = ts_ns > c->changed_ns ? ts_ns - c->changed_ns : 0;

	if (c->ready > limit_of(c)) {
		c->over_ns += ns;
		c->over_ready += ns * c->ready;
		c->present_ns += ns;
		if (c->present_ns > c->longest_ns) {
			c->longest_ns = c->present_ns;
			c->longest_end_ns = ts_ns;
		}
		if (ns && c->ready > c->max_ready)
			c->max_ready = c->ready;
	} else if (ns) {
		c->present_ns = 0;
	}
	if (ts_ns > c->changed_ns)
		c->changed_ns = ts_ns;
}

static void walk(const struct kf_search *s, struct crowd *crowds, uint8_t *states)
{
	for (size_t i = 0; i < s->t->n_threads; i++)
		states[i] = s->t->threads[i].start_state;
	for (size_t i = 0; i < s->t->n_moves; i++) {
		const struct kf_transition *move = &s->t->moves[i];
		enum kf_state before = states[move->thread], after = kf_move_leads_to(move, before);
		struct crowd *c = &crowds[s->process[move->thread]];

		states[move->thread] = (uint8_t)after;
		if (is_ready(before) == is_ready(after))
			continue;
		pass_time(c, move->ts_ns);
		if (is_ready(after))
			c->ready++;
		else if (c->ready)
			c->ready--;
	}
	for (uint32_t i = 0; i < s->n_processes; i++)
		pass_time(&crowds[i], s->t->end_ns);
}

static int hit_all(struct kf_search *s, const struct crowd *crowds, struct kf_error *e)
{
	uint64_t window_ns = s->t->end_ns - s->t->floor_ns;

	for (uint32_t i = 0; i < s->n_processes; i++) {
		const struct crowd *c = &crowds[i];
		struct kf_hit hit = {
			.thread = c->worst_thread, .culprit = KF_NOBODY, .cpu = KF_NO_CPU, .wait = { .nr = KF_NR_USER }
		};

		if (!c->over_ns || !window_ns)
			continue;
		hit.value = (uint64_t)((unsigned __int128)c->over_ns * 1000 / window_ns);
		hit.ns = c->over_ns;
		hit.ts_ns = c->longest_end_ns - c->longest_ns;
		hit.numbers[N_LIMIT] = limit_of(c);
		hit.numbers[N_MAX_READY] = c->max_ready;
		hit.numbers[N_MEAN_TENTHS] =
			(uint64_t)(((unsigned __int128)c->over_ready * 10 + c->over_ns / 2) / c->over_ns);
		hit.numbers[N_GROUP_KNOWN] = c->group_known;
		hit.numbers[N_QUOTA_GROUP] = c->quota_cpus < c->cpus ? c->quota_group : KF_NO_CGROUP;
		if (kf_search_hit(s, &hit, e))
			return -1;
	}
	return 0;
}

static int find(struct kf_search *s, struct kf_error *e)
{
	struct crowd *crowds = make_crowds(s);
	uint8_t *states = calloc(s->t->n_threads + 1, sizeof(*states));
	int err;

	if (crowds && states) {
		walk(s, crowds, states);
		err = hit_all(s, crowds, e);
	} else {
		err = kf_fail_memory(e, "findings");
	}
	free(crowds);
	free(states);
	return err;
}

/* "0.5 CPUs (quota of /web)", "2 CPUs" */
static void tell_limit(struct kf_line *line, const struct kf_timeline *t, const struct kf_hit *hit)
{
	const struct kf_group *group =
		hit->numbers[N_QUOTA_GROUP] < t->n_cgroups ? &t->cgroups[hit->numbers[N_QUOTA_GROUP]] : NULL;

	if (!group) {
		kf_line_add(line, "%" PRIu64 " CPU%s", hit->numbers[N_LIMIT], hit->numbers[N_LIMIT] == 1 ? "" : "s");
		if (!hit->numbers[N_GROUP_KNOWN])
			kf_line_text(line, " (or less: its cgroup, and so its quota, is not known)");
		return;
	}
	kf_line_add(line, "%.2g CPUs (the CPU quota of ", (double)group->quota_ns / (double)group->period_ns);
	kf_line_foreign(line, group->path);
	kf_line_text(line, ")");
}

static void advise(struct kf_line *line, const struct kf_timeline *t, const struct kf_hit *hit)
{
	bool quota = hit->numbers[N_QUOTA_GROUP] < t->n_cgroups;

	if (t->threads[hit->thread].go) {
		kf_line_add(line, "start it with GOMAXPROCS=%" PRIu64, hit->numbers[N_LIMIT]);
		kf_line_text(line, quota ? " (Go >= 1.25 reads the CPU quota itself, older ones see all CPUs of the "
					   "host), or raise "
					   "the quota"
					 : "; goroutines wait cheaper than threads");
		return;
	}
	kf_line_add(line, "let it run no more than %" PRIu64 " worker thread%s at a time", hit->numbers[N_LIMIT],
		    hit->numbers[N_LIMIT] == 1 ? "" : "s");
	kf_line_text(line, quota ? " (many programs size their pools by the CPUs of the host, not by the quota), or "
				   "raise the quota"
				 : ", or allow it more CPUs");
}

static void tell(struct kf_search *s, const struct kf_alike *group, struct kf_words *words)
{
	const struct kf_hit *hit = &group->worst;
	struct kf_line *line = &words->message;

	kf_line_process(line, s->t, hit->thread);
	if (s->t->threads[hit->thread].go)
		kf_line_text(line, " (a Go program)");
	kf_line_add(line,
		    " had more threads ready than CPUs for %.0f %% of the window: %.1f on average, up to %" PRIu64
		    ", where it may use ",
		    (double)hit->value / 10, (double)hit->numbers[N_MEAN_TENTHS] / 10, hit->numbers[N_MAX_READY]);
	tell_limit(line, s->t, hit);
	advise(&words->suggestion, s->t, hit);
}

const struct kf_rule kf_rule_oversubscribed_process = {
	.name = "OversubscribedProcess",
	.summary = "a process had more threads ready to run than CPUs it may use",
	.unit = KF_RULE_PERMILLE,
	.warn = 200,
	.error = 500,
	.by_victim = true,
	.find = find,
	.tell = tell,
};
