/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/sentence.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "model/timeline.h"
#include "output/line.h"
#include "output/namesakes.h"

#define NO_MEMORY ": not enough memory to tell who ran instead"
/* So many culprits are named; one more than that is named too, instead of "and 1 more". */
#define N_NAMED 4
/* The named ones, the sum of the others, the unknown time. */
#define N_SHOWN (N_NAMED + 3)

/* One item of the list: a part, or the parts of several threads with the same name. */
struct kf_share {
	uint64_t ns;
	uint64_t start_ns;
	uint32_t thread; /* KF_PART_THREAD: one of them */
	uint32_t n_threads;
	uint16_t cpu; /* KF_NO_CPU: several */
	uint8_t kind; /* enum kf_part_kind */
	bool again;   /* an earlier one is of the same thread, on another CPU */
};

/* What the sentence says of the parts: items[], then the sum of n_rest that are not named, then the unknown time. */
struct shares {
	struct kf_share items[N_SHOWN];
	size_t n;
	uint32_t n_rest;
	uint64_t rest_ns;
	uint64_t unknown_ns; /* not among the items */
	unsigned int percent[N_SHOWN];
	unsigned int rest_percent;
	unsigned int unknown_percent;
};

static void give_point(const uint64_t *weights, size_t n, uint64_t total, unsigned int *percent)
{
	uint64_t best_left = 0;
	size_t best = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned __int128 exact = (unsigned __int128)weights[i] * 100;
		unsigned __int128 given = (unsigned __int128)percent[i] * total;

		if (exact > given && (uint64_t)(exact - given) > best_left) {
			best_left = (uint64_t)(exact - given);
			best = i;
		}
	}
	percent[best]++;
}

void kf_percentages(const uint64_t *weights, size_t n, unsigned int *percent)
{
	uint64_t total = 0;
	unsigned int sum = 0;

	for (size_t i = 0; i < n; i++)
		total += weights[i];
	for (size_t i = 0; i < n; i++) {
		percent[i] = total ? (unsigned int)((unsigned __int128)weights[i] * 100 / total) : 0;
		sum += percent[i];
	}
	for (; total && sum < 100; sum++)
		give_point(weights, n, total, percent);
}

static int by_ns_then_time(const void *va, const void *vb)
{
	const struct kf_share *a = va, *b = vb;

	if (a->ns != b->ns)
		return a->ns < b->ns ? 1 : -1;
	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	return (a->thread > b->thread) - (a->thread < b->thread);
}

static int reserve_names(struct kf_sentences *s)
{
	if (s->namesakes)
		return 0;
	s->by_name = calloc(s->t->n_threads + 1, sizeof(*s->by_name));
	s->namesakes = s->by_name ? kf_namesakes(s->t) : NULL;
	if (s->namesakes)
		return 0;
	free(s->by_name);
	s->by_name = NULL;
	return -1;
}

/* Adds a share to an earlier one with the same name. */
static void merge(struct kf_share *into, const struct kf_share *share)
{
	into->ns += share->ns;
	into->n_threads += !share->again;
	if (into->thread < share->thread)
		into->thread = share->thread;
	if (into->cpu != share->cpu)
		into->cpu = KF_NO_CPU;
}

/* A hundred workers of one name become one share: the reader wants to know the program. Returns how many are left. */
static size_t merge_names(struct kf_sentences *s, size_t n)
{
	struct kf_share *shares = s->shares;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		const struct kf_share *share = &shares[i];

		if (share->kind == KF_PART_THREAD) {
			uint32_t name = s->namesakes[share->thread], at = s->by_name[name];

			/* by_name is never cleared: what it says of other gaps does not fit. */
			if (at < kept && shares[at].kind == KF_PART_THREAD && s->namesakes[shares[at].thread] == name) {
				merge(&shares[at], share);
				continue;
			}
			s->by_name[name] = (uint32_t)kept;
		}
		shares[kept++] = *share;
	}
	return kept;
}

/* All unknown time becomes one share: on which CPU nothing was known is of no use to the reader. */
static size_t make_shares(const struct kf_parts *p, struct kf_share *shares)
{
	struct kf_share *unknown = NULL;
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct kf_part *part = &p->items[i];

		if (part->kind == KF_PART_UNKNOWN && unknown) {
			unknown->ns += part->ns;
			continue;
		}
		shares[n] = (struct kf_share){
			part->ns, part->start_ns, part->thread, 1, part->cpu, part->kind, part->before != KF_NO_PART
		};
		if (part->kind == KF_PART_UNKNOWN)
			unknown = &shares[n];
		n++;
	}
	return n;
}

static void fill_percent(struct shares *s)
{
	uint64_t weights[N_SHOWN + 2];
	unsigned int percent[N_SHOWN + 2];

	for (size_t i = 0; i < s->n; i++)
		weights[i] = s->items[i].ns;
	weights[s->n] = s->rest_ns;
	weights[s->n + 1] = s->unknown_ns;
	kf_percentages(weights, s->n + 2, percent);
	memcpy(s->percent, percent, s->n * sizeof(percent[0]));
	s->rest_percent = percent[s->n];
	s->unknown_percent = percent[s->n + 1];
}

/* How many of n sorted shares are named: the largest four, but none below one per cent behind the first. */
static size_t count_named(const struct kf_share *all, size_t n)
{
	uint64_t total = 0;
	size_t named = 1;

	for (size_t i = 0; i < n; i++)
		total += all[i].ns;
	while (named < n && named < N_NAMED && all[named].ns >= total / 100)
		named++;
	return n <= named + 1 ? n : named;
}

/* Of all[0] to all[n - 1], which get sorted; n may not be 0. */
static struct shares choose_shares(struct kf_share *all, size_t n)
{
	struct shares s = { .n = 0 };

	qsort(all, n, sizeof(*all), by_ns_then_time);
	s.n = count_named(all, n);
	memcpy(s.items, all, s.n * sizeof(s.items[0]));
	for (size_t i = s.n; i < n; i++) {
		if (all[i].kind == KF_PART_UNKNOWN) {
			s.unknown_ns = all[i].ns;
		} else {
			s.rest_ns += all[i].ns;
			s.n_rest += all[i].n_threads;
		}
	}
	fill_percent(&s);
	return s;
}

static void add_percent(struct kf_line *line, unsigned int percent)
{
	if (percent)
		kf_line_add(line, "%u %%)", percent);
	else
		kf_line_add(line, "<1 %%)");
}

static void add_unknown(struct kf_line *line, uint64_t ns, unsigned int percent)
{
	kf_line_duration(line, ns);
	kf_line_text(line, " unknown (");
	add_percent(line, percent);
}

static void add_idle(struct kf_line *line, const struct kf_share *share, unsigned int percent)
{
	if (share->cpu == KF_NO_CPU)
		kf_line_text(line, "its CPU was idle ");
	else
		kf_line_add(line, "CPU %u was idle ", share->cpu);
	kf_line_duration(line, share->ns);
	kf_line_text(line, " (wake-up path, ");
	add_percent(line, percent);
}

/* "7.10 ms redis/812 on CPU 3 (62 %)", "7.10 ms hackbench (12 threads, 62 %)" */
static void add_threads(struct kf_line *line, const struct kf_timeline *t, const struct kf_share *share,
			unsigned int percent, bool name_cpu)
{
	kf_line_duration(line, share->ns);
	kf_line_text(line, " ");
	if (share->n_threads > 1)
		kf_line_comm(line, t, share->thread);
	else
		kf_line_thread(line, t, share->thread);
	if (name_cpu && share->cpu != KF_NO_CPU)
		kf_line_add(line, " on CPU %u", share->cpu);
	kf_line_text(line, " (");
	if (share->n_threads > 1)
		kf_line_add(line, "%" PRIu32 " threads, ", share->n_threads);
	add_percent(line, percent);
}

static void add_share(struct kf_line *line, const struct kf_timeline *t, const struct kf_share *share,
		      unsigned int percent, bool name_cpu)
{
	switch ((enum kf_part_kind)share->kind) {
	case KF_PART_THREAD:
		add_threads(line, t, share, percent, name_cpu);
		return;
	case KF_PART_IDLE:
		add_idle(line, share, percent);
		return;
	default:
		add_unknown(line, share->ns, percent);
	}
}

/* Who ran during the parts of s, all of them: at least one. Returns 0, -1 out of memory. */
static int find_shares(struct kf_sentences *s, struct shares *out)
{
	size_t n;

	while (s->room_shares < s->parts.n)
		if (kf_grow((void **)&s->shares, s->room_shares, &s->room_shares, sizeof(*s->shares)))
			return -1;
	n = make_shares(&s->parts, s->shares);
	if (n > N_NAMED + 1) {
		if (reserve_names(s))
			return -1;
		n = merge_names(s, n);
	}
	*out = choose_shares(s->shares, n);
	return 0;
}

static void add_shares(struct kf_line *line, struct kf_sentences *all, bool name_cpu)
{
	const struct kf_timeline *t = all->t;
	struct shares s;

	if (!all->parts.n)
		return;
	if (find_shares(all, &s)) {
		kf_line_text(line, NO_MEMORY);
		return;
	}
	for (size_t i = 0; i < s.n; i++) {
		kf_line_text(line, i ? ", " : ": ");
		add_share(line, t, &s.items[i], s.percent[i], name_cpu);
	}
	if (s.n_rest) {
		kf_line_add(line, ", and %" PRIu32 " more ", s.n_rest);
		kf_line_duration(line, s.rest_ns);
		kf_line_text(line, " (");
		add_percent(line, s.rest_percent);
	}
	if (s.unknown_ns) {
		kf_line_text(line, ", ");
		add_unknown(line, s.unknown_ns, s.unknown_percent);
	}
}

/* " on CPU 3", or nothing if that is not known. */
static void add_cpu(struct kf_line *line, const struct kf_gap *gap)
{
	if (gap->cpu != KF_NO_CPU)
		kf_line_add(line, " on CPU %u", gap->cpu);
}

static bool has_migrated(const struct kf_timeline *t, const struct kf_gap *gap)
{
	for (uint32_t i = 1; i < gap->n_stretches; i++)
		if (t->stretches[gap->first_stretch + i].cpu != t->stretches[gap->first_stretch].cpu)
			return true;
	return false;
}

/* "moved CPU 1 -> 2 -> 3" */
static void add_way(struct kf_line *line, const struct kf_timeline *t, const struct kf_gap *gap)
{
	const struct kf_stretch *way = t->stretches + gap->first_stretch;
	const char *before = "moved CPU ";

	for (uint32_t i = 0; i < gap->n_stretches; i++) {
		if (i > 0 && way[i].cpu == way[i - 1].cpu)
			continue;
		if (i >= N_NAMED) {
			kf_line_text(line, " -> ...");
			return;
		}
		if (way[i].cpu == KF_NO_CPU)
			kf_line_add(line, "%s?", before);
		else
			kf_line_add(line, "%s%u", before, way[i].cpu);
		before = " -> ";
	}
}

/* All that is known of its beginning is that the window found it waiting. */
static bool is_cut(const struct kf_timeline *t, const struct kf_gap *gap)
{
	return gap->cause == KF_CAUSE_UNKNOWN && gap->start_ns <= t->floor_ns;
}

/* " (woken by ksoftirqd/3, moved CPU 1 -> 3)" */
static void add_why(struct kf_line *line, const struct kf_timeline *t, const struct kf_gap *gap)
{
	const char *before = " (";

	if (gap->cause == KF_CAUSE_WOKEN) {
		kf_line_add(line, "%swoken by ", before);
		if (gap->waker_irq)
			kf_line_text(line, "an interrupt");
		else
			kf_line_thread(line, t, gap->waker);
		before = ", ";
	} else if (gap->cause == KF_CAUSE_UNKNOWN) {
		kf_line_add(line,
			    is_cut(t, gap) ? "%sready since before the window" : "%swhy it was ready is not known",
			    before);
		before = ", ";
	}
	if (has_migrated(t, gap)) {
		kf_line_text(line, before);
		add_way(line, t, gap);
		before = ", ";
	}
	if (before[0] == ',')
		kf_line_text(line, ")");
}

/* "nginx/2144 was preempted by redis/812 and" : whatever comes before "waited". parts are still in time order. */
static void add_subject(struct kf_line *line, const struct kf_timeline *t, const struct kf_gap *gap,
			const struct kf_parts *parts)
{
	const struct kf_part *first = parts->n ? &parts->items[0] : NULL;

	kf_line_thread(line, t, gap->thread);
	if (gap->throttled) {
		kf_line_text(line, " was throttled (CPU quota of its cgroup) and");
	} else if (gap->yielded) {
		kf_line_text(line, " yielded and");
	} else if (gap->cause == KF_CAUSE_PREEMPTED) {
		kf_line_text(line, " was preempted");
		if (first && first->kind == KF_PART_THREAD && first->start_ns == gap->start_ns) {
			kf_line_text(line, " by ");
			kf_line_thread(line, t, first->thread);
		}
		kf_line_text(line, " and");
	} else if (gap->cause == KF_CAUSE_FORKED) {
		kf_line_text(line, " was started");
		if (gap->waker < t->n_threads) {
			kf_line_text(line, " by ");
			kf_line_thread(line, t, gap->waker);
		}
		kf_line_text(line, " and");
	}
}

static const char *until(const struct kf_gap *gap)
{
	if (gap->cause == KF_CAUSE_FORKED)
		return " for its first run";
	if (gap->cause == KF_CAUSE_PREEMPTED || gap->throttled || gap->yielded)
		return " to run again";
	return " to run";
}

size_t kf_sentences_gap(struct kf_sentences *s, const struct kf_gap *gap, char *buf, size_t len)
{
	const struct kf_timeline *t = s->t;
	struct kf_line line;
	int err = kf_gap_parts(t, gap, &s->parts, NULL);

	kf_line_init(&line, buf, len);
	add_subject(&line, t, gap, &s->parts);
	kf_line_text(&line, gap->open ? " has waited " : " waited ");
	if (is_cut(t, gap))
		kf_line_text(&line, "at least ");
	kf_line_duration(&line, gap->end_ns - gap->start_ns);
	kf_line_text(&line, until(gap));
	add_cpu(&line, gap);
	if (gap->open)
		kf_line_text(&line, " and still waits");
	add_why(&line, t, gap);
	if (err)
		kf_line_text(&line, NO_MEMORY);
	else
		add_shares(&line, s, has_migrated(t, gap));
	return line.used;
}

void kf_sentences_release(struct kf_sentences *s)
{
	kf_parts_release(&s->parts);
	free(s->shares);
	free(s->namesakes);
	free(s->by_name);
	*s = (struct kf_sentences){ 0 };
}

size_t kf_gap_sentence(const struct kf_timeline *t, const struct kf_gap *gap, char *buf, size_t len)
{
	struct kf_sentences s = { .t = t };
	size_t used = kf_sentences_gap(&s, gap, buf, len);

	kf_sentences_release(&s);
	return used;
}
