/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/sentence.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/prio.h"
#include "model/timeline.h"
#include "output/line.h"
#include "output/shares.h"

#define NO_MEMORY ": not enough memory to tell who ran instead"
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

/* What the words of one sentence depend on, and what it has said already. */
struct kf_words {
	const struct kf_timeline *t;
	const struct kf_gap *gap;
	uint16_t prio; /* of who waited */
	uint32_t told; /* whose rank has been told, KF_NOBODY */
	bool name_cpu; /* several CPUs are involved */
};

static void add_percent(struct kf_line *line, unsigned int percent)
{
	if (percent)
		kf_line_add(line, "%u %%)", percent);
	else
		kf_line_add(line, "<1 %%)");
}

static void add_place(struct kf_line *line, const struct kf_words *w, const struct kf_share *share)
{
	if (w->name_cpu && share->cpu != KF_NO_CPU)
		kf_line_add(line, " on CPU %u", share->cpu);
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

/* Runs before everything, to move the thread that runs: migration/3. */
static bool is_stopper(const struct kf_thread *th)
{
	return th->kernel && !strncmp(th->comm, "migration/", 10);
}

/* "CPU stopper", "SCHED_FIFO 50", "nice -20 against 19": why this culprit came first, if its rank is the reason. */
static bool add_rank(struct kf_line *line, const struct kf_words *w, const struct kf_share *share)
{
	const struct kf_thread *th = &w->t->threads[share->thread];
	uint16_t prio = th->prio ? kf_prio_at(w->t, share->thread, share->start_ns) : 0;
	char text[KF_PRIO_TEXT_BYTES];

	if (is_stopper(th)) {
		if (w->told == share->thread)
			return false;
		kf_line_text(line, "CPU stopper");
		return true;
	}
	if (!prio || (w->prio && kf_prio_outranks(w->prio, prio)))
		return false;
	if (kf_prio_is_realtime(prio)) {
		kf_line_text(line, kf_prio_text(prio, text, sizeof(text)));
		return true;
	}
	if (!kf_prio_is_favoured(prio, w->prio))
		return false;
	kf_line_text(line, kf_prio_text(prio, text, sizeof(text)));
	kf_line_text(line, " against ");
	kf_prio_text(w->prio, text, sizeof(text));
	kf_line_text(line, strncmp(text, "nice ", 5) ? text : text + 5);
	return true;
}

/* "7.10 ms redis/812 on CPU 3 (62 %)", "7.10 ms hackbench (12 threads, 62 %)" */
static void add_threads(struct kf_line *line, const struct kf_words *w, const struct kf_share *share,
			unsigned int percent)
{
	kf_line_duration(line, share->ns);
	kf_line_text(line, " ");
	if (share->n_threads > 1)
		kf_line_comm(line, w->t, share->thread);
	else
		kf_line_thread(line, w->t, share->thread);
	add_place(line, w, share);
	kf_line_text(line, " (");
	if (share->n_threads > 1)
		kf_line_add(line, "%" PRIu32 " threads, ", share->n_threads);
	else if (add_rank(line, w, share))
		kf_line_text(line, ", ");
	add_percent(line, percent);
}

/* "3.00 ms softirq NET_RX (26 %)", "2.10 ms stolen by the hypervisor (18 %)" */
static void add_taken(struct kf_line *line, const struct kf_words *w, const struct kf_share *share,
		      unsigned int percent)
{
	kf_line_duration(line, share->ns);
	kf_line_text(line, " ");
	if (share->kind == KF_PART_STEAL)
		kf_line_text(line, "stolen by the hypervisor");
	else
		kf_line_vector(line, w->t, share->kind, share->vector);
	add_place(line, w, share);
	kf_line_text(line, " (");
	add_percent(line, percent);
}

/* "1.30 ms throttled by /web (quota 50 ms per 100 ms, 12 %)"; short if the sentence began with all that. */
static void add_throttled(struct kf_line *line, const struct kf_words *w, const struct kf_share *share,
			  unsigned int percent)
{
	uint32_t group = w->gap->cgroup;
	bool known = group < w->t->n_cgroups && !w->gap->throttled;

	kf_line_duration(line, share->ns);
	kf_line_text(line, " throttled");
	if (known) {
		kf_line_text(line, " by ");
		kf_line_group(line, w->t, group);
	} else if (!w->gap->throttled) {
		kf_line_text(line, " by a CPU quota");
	}
	kf_line_text(line, " (");
	if (known && w->t->cgroups[group].quota_ns) {
		kf_line_quota(line, w->t, group);
		kf_line_text(line, ", ");
	}
	add_percent(line, percent);
}

static void add_share(struct kf_line *line, const struct kf_words *w, const struct kf_share *share,
		      unsigned int percent)
{
	switch ((enum kf_part_kind)share->kind) {
	case KF_PART_THREAD:
		add_threads(line, w, share, percent);
		return;
	case KF_PART_IDLE:
		add_idle(line, share, percent);
		return;
	case KF_PART_IRQ:
	case KF_PART_SOFTIRQ:
	case KF_PART_STEAL:
		add_taken(line, w, share, percent);
		return;
	case KF_PART_THROTTLED:
		add_throttled(line, w, share, percent);
		return;
	case KF_PART_UNKNOWN:
	case KF_PART_KINDS:
		break;
	}
	add_unknown(line, share->ns, percent);
}

static void add_shares(struct kf_line *line, struct kf_sentences *all, const struct kf_words *w)
{
	struct kf_shares s;

	if (!all->parts.n)
		return;
	if (kf_shares_find(all, &s)) {
		kf_line_text(line, NO_MEMORY);
		return;
	}
	for (size_t i = 0; i < s.n; i++) {
		kf_line_text(line, i ? ", " : ": ");
		add_share(line, w, &s.items[i], s.percent[i]);
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
		if (i >= KF_N_NAMED) {
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

/* " (woken by ksoftirqd/3, moved CPU 1 -> 3)"; that its CPU was idle then, unless the list says nothing else. */
static void add_why(struct kf_line *line, const struct kf_words *w, const struct kf_parts *parts)
{
	const struct kf_timeline *t = w->t;
	const struct kf_gap *gap = w->gap;
	const char *before = " (";

	if (gap->cause == KF_CAUSE_WOKEN) {
		kf_line_add(line, "%swoken by ", before);
		if (gap->waker_irq)
			kf_line_text(line, "an interrupt");
		else
			kf_line_thread(line, t, gap->waker);
		if (gap->kind == KF_GAP_IDLE && parts->n > 1)
			kf_line_text(line, " while its CPU was idle");
		before = ", ";
	} else if (gap->cause == KF_CAUSE_UNKNOWN) {
		kf_line_add(line,
			    is_cut(t, gap) ? "%sready since before the window" : "%swhy it was ready is not known",
			    before);
		before = ", ";
	}
	if (w->name_cpu) {
		kf_line_text(line, before);
		add_way(line, t, gap);
		before = ", ";
	}
	if (before[0] == ',')
		kf_line_text(line, ")");
}

/* " was throttled by /web (quota 50 ms per 100 ms) and" */
static void add_throttle(struct kf_line *line, const struct kf_timeline *t, const struct kf_gap *gap)
{
	if (gap->cgroup >= t->n_cgroups) {
		kf_line_text(line, " was throttled (CPU quota of its cgroup) and");
		return;
	}
	kf_line_text(line, " was throttled by ");
	kf_line_group(line, t, gap->cgroup);
	if (t->cgroups[gap->cgroup].quota_ns) {
		kf_line_text(line, " (");
		kf_line_quota(line, t, gap->cgroup);
		kf_line_text(line, ")");
	}
	kf_line_text(line, " and");
}

/* "nginx/2144 was preempted by redis/812 and" : whatever comes before "waited". parts are still in time order. */
static void add_subject(struct kf_line *line, struct kf_words *w, const struct kf_parts *parts)
{
	const struct kf_timeline *t = w->t;
	const struct kf_gap *gap = w->gap;
	const struct kf_part *first = parts->n ? &parts->items[0] : NULL;

	kf_line_thread(line, t, gap->thread);
	if (gap->throttled) {
		add_throttle(line, t, gap);
	} else if (gap->yielded) {
		kf_line_text(line, " yielded and");
	} else if (gap->cause == KF_CAUSE_PREEMPTED) {
		kf_line_text(line, " was preempted");
		if (first && first->kind == KF_PART_THREAD && first->start_ns == gap->start_ns) {
			kf_line_text(line, " by ");
			kf_line_thread(line, t, first->thread);
			if (is_stopper(&t->threads[first->thread])) {
				kf_line_text(line, " (CPU stopper)");
				w->told = first->thread;
			}
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
	struct kf_words w = { .t = t,
			      .gap = gap,
			      .prio = kf_prio_at(t, gap->thread, gap->start_ns),
			      .told = KF_NOBODY,
			      .name_cpu = has_migrated(t, gap) };
	struct kf_line line;
	int err = kf_gap_parts(t, gap, &s->parts, NULL);

	kf_line_init(&line, buf, len);
	add_subject(&line, &w, &s->parts);
	kf_line_text(&line, gap->open ? " has waited " : " waited ");
	if (is_cut(t, gap))
		kf_line_text(&line, "at least ");
	kf_line_duration(&line, gap->end_ns - gap->start_ns);
	kf_line_text(&line, until(gap));
	add_cpu(&line, gap);
	if (gap->open)
		kf_line_text(&line, " and still waits");
	add_why(&line, &w, &s->parts);
	if (err)
		kf_line_text(&line, NO_MEMORY);
	else
		add_shares(&line, s, &w);
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
