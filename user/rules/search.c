/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/search.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/error.h"
#include "model/chain.h"

/* ---- numbers for names and processes ---- */

typedef int (*compare_fn)(const struct kf_thread *a, const struct kf_thread *b);

struct ordering {
	const struct kf_timeline *t;
	compare_fn compare;
};

static int by_process_comm(const struct kf_thread *a, const struct kf_thread *b)
{
	return strncmp(a->process_comm, b->process_comm, KF_COMM_BYTES);
}

/* A process that is not known is one per thread. */
static int by_process(const struct kf_thread *a, const struct kf_thread *b)
{
	uint32_t x = a->tgid ? a->tgid : a->tid, y = b->tgid ? b->tgid : b->tid;

	return (x > y) - (x < y);
}

static int compare_threads(const void *va, const void *vb, void *arg)
{
	const struct ordering *o = arg;
	const uint32_t *a = va, *b = vb;

	return o->compare(&o->t->threads[*a], &o->t->threads[*b]);
}

/* Numbers the threads so that equal ones share a number, from 0 to *n - 1. NULL when out of memory. */
static uint32_t *number_threads(const struct kf_timeline *t, compare_fn compare, uint32_t *n)
{
	uint32_t *order = calloc(t->n_threads + 1, sizeof(*order)),
		 *numbers = calloc(t->n_threads + 1, sizeof(*numbers));
	struct ordering by = { t, compare };

	if (!order || !numbers) {
		free(order);
		free(numbers);
		return NULL;
	}
	for (size_t i = 0; i < t->n_threads; i++)
		order[i] = (uint32_t)i;
	if (t->n_threads)
		qsort_r(order, t->n_threads, sizeof(*order), compare_threads, &by);
	*n = 0;
	for (size_t i = 0; i < t->n_threads; i++) {
		if (i && compare_threads(&order[i - 1], &order[i], &by))
			(*n)++;
		numbers[order[i]] = *n;
	}
	*n += t->n_threads > 0;
	free(order);
	return numbers;
}

/* ---- whose waits count ---- */

static bool is_wanted(const struct kf_timeline *t, size_t thread, const struct kf_rule_options *o)
{
	const struct kf_thread *th = &t->threads[thread];

	if ((o->tgid && th->tgid != o->tgid) || (o->tid && th->tid != o->tid) || (o->threads && !o->threads[thread]))
		return false;
	return !o->comm || !fnmatch(o->comm, th->comm, 0) || !fnmatch(o->comm, th->process_comm, 0);
}

bool kf_search_wants(const struct kf_search *s, uint32_t thread)
{
	return thread < s->t->n_threads ? s->wanted[thread] : !s->selective;
}

/* ---- life cycle ---- */

int kf_search_init(struct kf_search *s, const struct kf_timeline *t, const struct kf_rule_options *o,
		   struct kf_error *e)
{
	uint32_t n_names = 0;

	*s = (struct kf_search){ .t = t, .o = o, .sentences = { .t = t } };
	s->selective = o->tgid || o->tid || o->comm || o->threads;
	s->wanted = calloc(t->n_threads + 1, sizeof(*s->wanted));
	s->name = number_threads(t, by_process_comm, &n_names);
	s->ns_of_name = s->name ? calloc((size_t)n_names + 1, sizeof(*s->ns_of_name)) : NULL;
	s->process = number_threads(t, by_process, &s->n_processes);
	if (!s->wanted || !s->name || !s->ns_of_name || !s->process)
		return kf_fail_memory(e, "findings");
	for (size_t i = 0; i < t->n_threads; i++)
		s->wanted[i] = !s->selective || is_wanted(t, i, o);
	return 0;
}

/* ---- groups ---- */

/* Zeroed as a whole before use: it is hashed byte by byte. */
struct group_key {
	uint64_t own;
	uint32_t victim;
	uint32_t culprit;
};

struct kf_grouped {
	struct group_key key;
	struct kf_alike group;
	UT_hash_handle hh;
};

static void drop_groups(struct kf_search *s)
{
	struct kf_grouped *g = s->groups, *next;

	HASH_CLEAR(hh, s->groups); /* frees the table, not what is in it */
	for (; g; g = next) {
		next = g->hh.next;
		free(g);
	}
}

void kf_search_release(struct kf_search *s)
{
	drop_groups(s);
	free(s->wanted);
	free(s->name);
	free(s->ns_of_name);
	free(s->process);
	kf_chains_close(&s->chains);
	kf_parts_release(&s->parts);
	kf_convoys_release(&s->convoys);
	kf_sentences_release(&s->sentences);
	*s = (struct kf_search){ 0 };
}

static struct group_key key_of(const struct kf_search *s, const struct kf_hit *hit)
{
	struct group_key key;

	memset(&key, 0, sizeof(key));
	key.own = hit->key;
	if (s->rule->by_victim)
		key.victim = hit->thread < s->t->n_threads ? s->name[hit->thread] : hit->thread;
	if (s->rule->by_culprit)
		key.culprit = hit->culprit < s->t->n_threads ? s->name[hit->culprit] : hit->culprit;
	return key;
}

static enum kf_severity severity_of(const struct kf_search *s, const struct kf_hit *hit)
{
	return hit->value >= s->error && !hit->mild ? KF_SEVERITY_ERROR : KF_SEVERITY_WARN;
}

static bool is_worse(const struct kf_hit *a, const struct kf_hit *b)
{
	return a->value != b->value ? a->value > b->value : a->ns > b->ns;
}

int kf_search_hit(struct kf_search *s, const struct kf_hit *hit, struct kf_error *e)
{
	struct group_key key = key_of(s, hit);
	struct kf_grouped *g;

	if (hit->value < s->warn || !kf_search_wants(s, hit->thread))
		return 0;
	HASH_FIND(hh, s->groups, &key, sizeof(key), g);
	if (!g) {
		g = calloc(1, sizeof(*g));
		if (!g)
			return kf_fail_memory(e, "findings");
		g->key = key;
		HASH_ADD(hh, s->groups, key, sizeof(key), g);
	}
	if (!g->group.count || is_worse(hit, &g->group.worst))
		g->group.worst = *hit;
	if (g->group.severity < severity_of(s, hit))
		g->group.severity = severity_of(s, hit);
	g->group.total_ns += hit->total_ns ? hit->total_ns : hit->ns;
	g->group.count += hit->count ? hit->count : 1;
	return 0;
}

static int worst_first(const void *va, const void *vb)
{
	const struct kf_alike *a = va, *b = vb;

	if (a->severity != b->severity)
		return a->severity < b->severity ? 1 : -1;
	if (a->total_ns != b->total_ns)
		return a->total_ns < b->total_ns ? 1 : -1;
	return (a->worst.ts_ns > b->worst.ts_ns) - (a->worst.ts_ns < b->worst.ts_ns);
}

static void choose_thresholds(struct kf_search *s)
{
	s->warn = s->rule->warn;
	s->error = s->rule->error;
	for (size_t i = 0; i < s->o->n_thresholds; i++) {
		const struct kf_rule_threshold *given = &s->o->thresholds[i];

		if (given->rule != s->rule)
			continue;
		s->warn = given->warn ? given->warn : s->rule->warn;
		s->error = given->error ? given->error : s->rule->error;
	}
	if (s->error < s->warn)
		s->error = s->warn;
}

int kf_search_apply(struct kf_search *s, const struct kf_rule *rule, struct kf_alike **groups, size_t *n,
		    struct kf_error *e)
{
	struct kf_grouped *g, *next;

	*groups = NULL;
	*n = 0;
	s->rule = rule;
	choose_thresholds(s);
	if (rule->find(s, e))
		return -1;
	*groups = calloc(HASH_COUNT(s->groups) + 1, sizeof(**groups));
	if (!*groups)
		return kf_fail_memory(e, "findings");
	HASH_ITER (hh, s->groups, g, next)
		(*groups)[(*n)++] = g->group;
	drop_groups(s);
	qsort(*groups, *n, sizeof(**groups), worst_first);
	return 0;
}
