/* SPDX-License-Identifier: BSD-2-Clause */
/* ForkStorm: a program starts threads or processes by the hundreds a second. docs/rules/ForkStorm.md */
#include "rules/rule.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"
#include "rules/search.h"
#include "rules/words.h"

#define SECOND_NS 1000000000ULL
/* Fewer, or in a shorter window, say nothing about a rate. */
#define MIN_BIRTHS    50
#define MIN_WINDOW_NS 50000000ULL

/* Numbers of a hit. */
enum { N_BIRTHS, N_DIED, N_MEAN_LIFE_NS, N_THREADS };

struct birth {
	uint64_t ts_ns;
	uint32_t parent;
	uint32_t child;
	uint32_t name; /* of the parent's process */
};

struct births {
	struct birth *items;
	size_t n, room;
};

static int by_name(const void *va, const void *vb)
{
	const struct birth *a = va, *b = vb;

	if (a->name != b->name)
		return a->name < b->name ? -1 : 1;
	return (a->ts_ns > b->ts_ns) - (a->ts_ns < b->ts_ns);
}

static int collect(struct births *births, const struct kf_search *s, struct kf_error *e)
{
	for (size_t i = 0; i < s->t->n_moves; i++) {
		const struct kf_transition *move = &s->t->moves[i];

		if (move->kind != KF_MOVE_FORK || move->other >= s->t->n_threads || !s->wanted[move->other])
			continue;
		if (KF_GROW(births->items, births->n, births->room))
			return kf_fail_memory(e, "findings");
		births->items[births->n++] =
			(struct birth){ move->ts_ns, move->other, move->thread, s->name[move->other] };
	}
	return 0;
}

/* The most in a second, of n in time order; *at is the first of them. Of a shorter window, as if it went on like that. */
static uint64_t highest_rate(const struct birth *births, size_t n, uint64_t window_ns, size_t *at)
{
	size_t most = 0;

	*at = 0;
	for (size_t first = 0, last = 0; last < n; last++) {
		while (births[last].ts_ns - births[first].ts_ns >= SECOND_NS)
			first++;
		if (last - first + 1 > most) {
			most = last - first + 1;
			*at = first;
		}
	}
	return window_ns < SECOND_NS ? most * SECOND_NS / window_ns : most;
}

/* Births by processes of one name. */
static int hit_name(struct kf_search *s, const struct birth *births, size_t n, struct kf_error *e)
{
	uint64_t window_ns = s->t->end_ns - s->t->floor_ns, lives_ns = 0;
	struct kf_hit hit = { .culprit = KF_NOBODY, .cpu = KF_NO_CPU, .wait = { .nr = KF_NR_USER } };
	size_t at;

	if (n < MIN_BIRTHS || window_ns < MIN_WINDOW_NS)
		return 0;
	hit.value = highest_rate(births, n, window_ns, &at);
	hit.ts_ns = births[at].ts_ns;
	hit.thread = births[at].parent;
	hit.numbers[N_BIRTHS] = n;
	for (size_t i = 0; i < n; i++) {
		const struct kf_thread *child = &s->t->threads[births[i].child];

		hit.ns += child->running_ns;
		hit.numbers[N_THREADS] += child->tgid != child->tid;
		if (child->died_ns <= births[i].ts_ns)
			continue;
		hit.numbers[N_DIED]++;
		lives_ns += child->died_ns - births[i].ts_ns;
	}
	if (hit.numbers[N_DIED])
		hit.numbers[N_MEAN_LIFE_NS] = lives_ns / hit.numbers[N_DIED];
	return kf_search_hit(s, &hit, e);
}

static int find(struct kf_search *s, struct kf_error *e)
{
	struct births births = { 0 };
	size_t next;
	int err = collect(&births, s, e);

	if (!err && births.n)
		qsort(births.items, births.n, sizeof(*births.items), by_name);
	for (size_t i = 0; !err && i < births.n; i = next) {
		for (next = i + 1; next < births.n && births.items[next].name == births.items[i].name;)
			next++;
		err = hit_name(s, births.items + i, next - i, e);
	}
	free(births.items);
	return err;
}

static void tell(struct kf_search *s, const struct kf_alike *group, struct kf_words *words)
{
	const struct kf_hit *hit = &group->worst;
	bool threads = hit->numbers[N_THREADS] * 2 > hit->numbers[N_BIRTHS];
	struct kf_line *line = &words->message;
	char n[32];

	kf_line_process(line, s->t, hit->thread);
	kf_line_add(line, " and others of that name started %s %s",
		    kf_format_count(hit->numbers[N_BIRTHS], n, sizeof(n)), threads ? "threads" : "processes");
	kf_line_add(line, ", up to %s a second", kf_format_count(hit->value, n, sizeof(n)));
	if (hit->numbers[N_DIED]) {
		kf_line_add(line, "; %s ended in the window, after ",
			    kf_format_count(hit->numbers[N_DIED], n, sizeof(n)));
		kf_line_duration(line, hit->numbers[N_MEAN_LIFE_NS]);
		kf_line_text(line, " on average");
	}
	kf_line_text(&words->detail, "together they ran for ");
	kf_line_duration(&words->detail, hit->ns);
	kf_line_text(&words->suggestion,
		     threads ? "keep threads and give them work (a pool) instead of starting one per job"
			     : "start fewer programs: do more in each (`xargs -n`, `find -exec +`, what the shell "
			       "itself can do), or "
			       "keep a helper running and talk to it");
}

const struct kf_rule kf_rule_fork_storm = {
	.name = "ForkStorm",
	.summary = "a program started threads or processes by the hundreds a second",
	.unit = KF_RULE_COUNT,
	.warn = 500,
	.error = 2000,
	.by_victim = true,
	.find = find,
	.tell = tell,
};
