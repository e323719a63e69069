/* SPDX-License-Identifier: BSD-2-Clause */
/* PriorityInversion: waiting for a lock whose holder is kept from running by lesser ones. docs/rules/PriorityInversion.md */
#include "rules/rule.h"

#include "base/bisect.h"
#include "model/prio.h"
#include "rules/block.h"
#include "rules/search.h"
#include "rules/words.h"

/* Numbers of a hit. */
enum { N_HOLDER, N_WAITED_NS, N_HOLDER_READY_NS };

/* Is a of lower rank than b, or nicer? Not if either is not known. */
static bool is_lower(uint16_t a, uint16_t b)
{
	if (kf_prio_outranks(b, a))
		return true;
	if (!(a & b & KF_PRIO_KNOWN) || kf_prio_is_realtime(a) || kf_prio_is_realtime(b))
		return false;
	return kf_prio_nice(a) > kf_prio_nice(b);
}

static bool is_lock(const struct kf_wait *wait)
{
	return wait->kind == KF_WAIT_FUTEX_LOCK || wait->kind == KF_WAIT_LOCK;
}

/* What threads lower than the victim had of the CPU in s->parts; adds it to the hit, and names the worst. */
static uint64_t lower_ns(const struct kf_search *s, uint16_t victim, uint32_t *top, uint64_t *top_ns)
{
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < s->parts.n; i++) {
		const struct kf_part *part = &s->parts.items[i];

		if (part->kind != KF_PART_THREAD || !is_lower(kf_prio_at(s->t, part->thread, part->start_ns), victim))
			continue;
		sum_ns += part->ns;
		if (part->ns > *top_ns) {
			*top_ns = part->ns;
			*top = part->thread;
		}
	}
	return sum_ns;
}

/* How much of a gap was in the wait. */
static uint64_t overlap_ns(const struct kf_gap *gap, const struct kf_block *block)
{
	uint64_t from = gap->start_ns > block->start_ns ? gap->start_ns : block->start_ns;
	uint64_t to = gap->end_ns < block->end_ns ? gap->end_ns : block->end_ns;

	return to > from ? to - from : 0;
}

/* The first of n gaps of a thread that ends after ts_ns. */
static size_t gap_after(const struct kf_timeline *t, const uint32_t *gaps, size_t n, uint64_t ts_ns)
{
	return KF_BISECT(n, i, t->gaps[gaps[i]].end_ns <= ts_ns);
}

/* Sums up the gaps of the holder while the victim waited. */
static int look_at_holder(struct kf_search *s, const struct kf_block *block, uint16_t victim, struct kf_hit *hit,
			  struct kf_error *e)
{
	uint64_t top_ns = 0;
	size_t n;
	const uint32_t *gaps = kf_search_gaps(s, block->waker, &n, e);

	if (!gaps)
		return -1;
	for (size_t i = gap_after(s->t, gaps, n, block->start_ns); i < n; i++) {
		const struct kf_gap *gap = &s->t->gaps[gaps[i]];
		uint64_t common_ns = overlap_ns(gap, block), length_ns = gap->end_ns - gap->start_ns, ns;

		if (gap->start_ns >= block->end_ns)
			break;
		if (!common_ns)
			continue;
		if (kf_search_parts(s, gap, e))
			return -1;
		/* Of a gap that began before the wait, the same share. */
		ns = lower_ns(s, victim, &hit->culprit, &top_ns);
		hit->value += (uint64_t)((unsigned __int128)ns * common_ns / length_ns);
		hit->numbers[N_HOLDER_READY_NS] += common_ns;
		hit->cpu = gap->cpu;
	}
	hit->ns = hit->value;
	return 0;
}

static int look_at(struct kf_search *s, const struct kf_block *block, void *arg, struct kf_error *e)
{
	uint16_t victim = kf_prio_at(s->t, block->thread, block->end_ns);
	struct kf_hit hit = { .ts_ns = block->start_ns,
			      .thread = block->thread,
			      .culprit = KF_NOBODY,
			      .cpu = KF_NO_CPU,
			      .wait = *block->wait,
			      .numbers = {
				      [N_HOLDER] = block->waker, [N_WAITED_NS] = block->end_ns - block->start_ns } };

	if (hit.numbers[N_WAITED_NS] < s->warn || !is_lock(block->wait) || block->waker >= s->t->n_threads ||
	    block->waker_irq || block->waker == block->thread)
		return 0;
	if (!is_lower(kf_prio_at(s->t, block->waker, block->end_ns), victim))
		return 0;
	hit.mild = !kf_prio_is_realtime(victim);
	if (look_at_holder(s, block, victim, &hit, e))
		return -1;
	return kf_search_hit(s, &hit, e);
}

static int find(struct kf_search *s, struct kf_error *e)
{
	return kf_search_blocks(s, look_at, NULL, e);
}

static void tell_ranked(struct kf_line *line, const struct kf_timeline *t, uint32_t thread, uint64_t ts_ns)
{
	kf_line_thread(line, t, thread);
	kf_line_text(line, " (");
	kf_line_prio(line, kf_prio_at(t, thread, ts_ns));
	kf_line_text(line, ")");
}

/* "audio/91 (SCHED_FIFO 50) waited 41.0 ms in futex(0x7f00c0) for low/77 (nice 0), which itself was ready ... */
static void tell(struct kf_search *s, const struct kf_alike *group, struct kf_words *words)
{
	const struct kf_hit *hit = &group->worst;
	uint64_t end_ns = hit->ts_ns + hit->numbers[N_WAITED_NS];
	uint32_t holder = (uint32_t)hit->numbers[N_HOLDER];
	struct kf_line *line = &words->message;

	tell_ranked(line, s->t, hit->thread, end_ns);
	kf_line_text(line, " waited ");
	kf_line_duration(line, hit->numbers[N_WAITED_NS]);
	kf_line_text(line, " in ");
	kf_line_where(line, &hit->wait);
	kf_line_text(line, " until ");
	tell_ranked(line, s->t, holder, end_ns);
	kf_line_text(line, " woke it, which was kept from running for ");
	kf_line_duration(line, hit->ns);
	kf_line_text(line, " by ");
	tell_ranked(line, s->t, hit->culprit, end_ns);
	kf_line_text(&words->detail, "meanwhile ");
	kf_line_thread(&words->detail, s->t, holder);
	kf_line_text(&words->detail, " was ready but not running for ");
	kf_line_duration(&words->detail, hit->numbers[N_HOLDER_READY_NS]);
	kf_line_text(&words->suggestion, "let the lock lend its holder the rank of who waits (PTHREAD_PRIO_INHERIT), "
					 "keep threads of lower rank out of "
					 "it, or give ");
	kf_line_thread(&words->suggestion, s->t, holder);
	kf_line_text(&words->suggestion, " the same rank");
}

const struct kf_rule kf_rule_priority_inversion = {
	.name = "PriorityInversion",
	.summary = "a thread waited for one of lower priority, which others of lower priority kept from running",
	.unit = KF_RULE_NS,
	.warn = 1000000,
	.error = 10000000,
	.by_victim = true,
	.by_culprit = true,
	.find = find,
	.tell = tell,
};
