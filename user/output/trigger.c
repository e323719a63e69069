/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/trigger.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "model/family.h"
#include "model/timeline.h"
#include "output/circumstances.h"
#include "output/line.h"
#include "output/sentence.h"
#include "snapshot/snapshot.h"

/* How the triggering thread spent the time from since_ns to until_ns. */
struct spent {
	uint64_t ns[KF_STATES];
	uint8_t longest_wait; /* enum kf_wait_kind of its longest stretch of being blocked */
	uint64_t longest_ns;
};

static uint64_t length(const struct kf_gap *gap)
{
	return gap->end_ns - gap->start_ns;
}

static uint64_t waited_ns(const struct kf_trigger *trigger)
{
	return trigger->ts_ns > trigger->since_ns ? trigger->ts_ns - trigger->since_ns : 0;
}

/* How much of the wait that fired lies in this gap. */
static uint64_t overlap(const struct kf_gap *gap, const struct kf_trigger *trigger)
{
	uint64_t from = gap->start_ns > trigger->since_ns ? gap->start_ns : trigger->since_ns;
	uint64_t to = gap->end_ns < trigger->ts_ns ? gap->end_ns : trigger->ts_ns;

	return to > from ? to - from : 0;
}

/* The gap that holds most of the wait; less than half of it would be another one. */
static const struct kf_gap *find_fired(const struct kf_timeline *t, const struct kf_trigger *trigger)
{
	uint64_t most = waited_ns(trigger) / 2;
	const struct kf_gap *best = NULL;

	for (size_t i = 0; i < t->n_gaps; i++) {
		const struct kf_gap *gap = &t->gaps[i];

		if (t->threads[gap->thread].tid == trigger->tid && overlap(gap, trigger) > most) {
			most = overlap(gap, trigger);
			best = gap;
		}
	}
	return best;
}

/* The worst gap; a request about one process (tgid, else 0) means the worst of that and its children. */
static const struct kf_gap *find_worst(const struct kf_timeline *t, uint32_t tgid)
{
	const struct kf_gap *worst = NULL;

	for (size_t i = 0; i < t->n_gaps; i++) {
		const struct kf_gap *gap = &t->gaps[i];

		if ((!worst || length(gap) > length(worst)) && (!tgid || kf_is_family(t, gap->thread, tgid)))
			worst = gap;
	}
	return worst;
}

const struct kf_gap *kf_trigger_gap(const struct kf_timeline *t, const struct kf_snapshot *s)
{
	switch (s->trigger.kind) {
	case KF_TRIGGER_RUNQ:
	case KF_TRIGGER_THROTTLED:
		return find_fired(t, &s->trigger);
	case KF_TRIGGER_NONE:
	case KF_TRIGGER_REQUEST:
	case KF_TRIGGER_AGGREGATE:
		return find_worst(t, s->trigger.tgid);
	default:
		return NULL;
	}
}

/* The triggering thread by index, or as the trigger itself names it when the records do not know it. */
static void add_who(struct kf_line *line, const struct kf_timeline *t, const struct kf_trigger *trigger,
		    uint32_t thread)
{
	char name[KF_TEXT_COMM_BYTES + 1];

	if (thread < t->n_threads) {
		kf_line_thread(line, t, thread);
		return;
	}
	kf_text_printable(trigger->comm, sizeof(trigger->comm), name, sizeof(name));
	kf_line_add(line, "%s/%" PRIu32, name, trigger->tid);
}

static void add_gap(struct kf_line *line, const struct kf_timeline *t, const struct kf_gap *gap)
{
	line->used += kf_gap_sentence(t, gap, line->buf + line->used, line->room - line->used);
}

static void add_runq(struct kf_line *line, const struct kf_timeline *t, const struct kf_snapshot *s, uint32_t thread)
{
	const struct kf_gap *gap = find_fired(t, &s->trigger);

	if (gap) {
		add_gap(line, t, gap);
		return;
	}
	add_who(line, t, &s->trigger, thread);
	kf_line_add(line, " waited ");
	kf_line_duration(line, waited_ns(&s->trigger));
	kf_line_add(line, " to run on CPU %" PRIu32, s->trigger.cpu);
	if (s->trigger.kind == KF_TRIGGER_THROTTLED) {
		kf_line_text(line, ", ");
		kf_line_duration(line, s->trigger.threshold_ns);
		kf_line_text(line, " or more of that for the quota of its cgroup");
	}
	kf_line_text(line, " (the records show no such gap)");
}

static void add_syscall(struct kf_line *line, const struct kf_trigger *trigger)
{
	const char *name = kf_syscall_name(trigger->nr);

	if (name)
		kf_line_add(line, " in %s", name);
	else if (trigger->nr == KF_NR_USER)
		kf_line_add(line, " outside any syscall");
	else if (trigger->nr == KF_NR_KTHREAD)
		kf_line_add(line, " in the kernel");
	else if (trigger->nr == KF_NR_COMPAT)
		kf_line_add(line, " in a 32-bit syscall");
	else
		kf_line_add(line, " in syscall %u", trigger->nr);
	if (trigger->kind == KF_TRIGGER_FUTEX)
		kf_line_add(line, " %#" PRIx64, (uint64_t)trigger->arg0);
}

/* The wait that fired: its BLOCK (NULL: began before the window) and the WAKE that ended it (NULL: not yet). */
struct found_wait {
	const struct kf_wait *wait;
	const struct kf_transition *wake;
};

static struct found_wait find_wait(const struct kf_timeline *t, const struct kf_trigger *trigger, uint32_t thread)
{
	struct found_wait f = { 0 };

	if (thread >= t->n_threads)
		return f;
	if (t->threads[thread].start_state == KF_STATE_BLOCKED)
		f.wait = &t->threads[thread].start_wait;
	for (size_t i = 0; i < t->n_moves; i++) {
		const struct kf_transition *m = &t->moves[i];

		if (m->thread != thread)
			continue;
		if (m->ts_ns > trigger->ts_ns && (m->kind != KF_MOVE_WAKE || f.wake))
			break;
		if (m->kind == KF_MOVE_BLOCK) {
			f.wait = &m->wait;
			f.wake = NULL;
		} else if (m->kind == KF_MOVE_WAKE) {
			f.wake = m;
		}
	}
	return f;
}

static void add_waker(struct kf_line *line, const struct kf_timeline *t, const struct kf_transition *wake)
{
	kf_line_add(line, ", woken by ");
	if (wake->flags & KF_MOVE_F_IRQ)
		kf_line_add(line, "an interrupt");
	else
		kf_line_thread(line, t, wake->other);
}

static void add_wait(struct kf_line *line, const struct kf_timeline *t, const struct kf_snapshot *s, uint32_t thread)
{
	const struct kf_trigger *trigger = &s->trigger;
	struct found_wait f = find_wait(t, trigger, thread);
	bool still = trigger->flags & KF_TRIGGER_OPEN && !f.wake;
	uint64_t until = f.wake ? f.wake->ts_ns : still ? t->end_ns : trigger->ts_ns;

	add_who(line, t, trigger, thread);
	kf_line_add(line, still ? " has waited " : " waited ");
	kf_line_duration(line, until > trigger->since_ns ? until - trigger->since_ns : 0);
	add_syscall(line, trigger);
	if (f.wait && f.wait->kind != KF_WAIT_KIND_UNKNOWN)
		kf_line_add(line, " (%s)", kf_wait_kind_name(f.wait->kind));
	if (still)
		kf_line_add(line, " and still waits");
	else if (f.wake)
		add_waker(line, t, f.wake);
}

static void spend(struct spent *sp, enum kf_state state, uint8_t wait, uint64_t from, uint64_t to)
{
	if (from >= to)
		return;
	sp->ns[state] += to - from;
	if (state == KF_STATE_BLOCKED && to - from > sp->longest_ns) {
		sp->longest_ns = to - from;
		sp->longest_wait = wait;
	}
}

static struct spent measure(const struct kf_timeline *t, uint32_t thread, uint64_t since_ns, uint64_t until_ns)
{
	enum kf_state state = t->threads[thread].start_state;
	uint8_t wait = t->threads[thread].start_wait.kind;
	uint64_t at = t->floor_ns > since_ns ? t->floor_ns : since_ns;
	struct spent sp = { 0 };

	spend(&sp, KF_STATE_UNKNOWN, 0, since_ns, at < until_ns ? at : until_ns);
	for (size_t i = 0; i < t->n_moves && t->moves[i].ts_ns < until_ns; i++) {
		const struct kf_transition *m = &t->moves[i];

		if (m->thread != thread)
			continue;
		spend(&sp, state, wait, at, m->ts_ns);
		if (m->ts_ns > at)
			at = m->ts_ns;
		state = kf_move_leads_to(m, state);
		if (m->kind == KF_MOVE_BLOCK || m->kind == KF_MOVE_FOUND)
			wait = m->wait.kind;
	}
	spend(&sp, state, wait, at, until_ns);
	return sp;
}

/* ": 7.00 ms blocked (disk), 1.00 ms ready but not running, 20.0 us running" */
static void add_spent(struct kf_line *line, const struct spent *sp)
{
	static const struct {
		enum kf_state state;
		const char *words;
	} rows[] = {
		{ KF_STATE_BLOCKED, "blocked" },
		{ KF_STATE_RUNNABLE, "ready but not running" },
		{ KF_STATE_RUNNING, "running" },
		{ KF_STATE_UNKNOWN, "unknown" },
	};
	const char *before = ": ";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!sp->ns[rows[i].state])
			continue;
		kf_line_add(line, "%s", before);
		kf_line_duration(line, sp->ns[rows[i].state]);
		kf_line_add(line, " %s", rows[i].words);
		if (rows[i].state == KF_STATE_BLOCKED && sp->longest_wait != KF_WAIT_KIND_UNKNOWN)
			kf_line_add(line, " (%s)", kf_wait_kind_name(sp->longest_wait));
		before = ", ";
	}
}

static void add_slow_syscall(struct kf_line *line, const struct kf_timeline *t, const struct kf_snapshot *s,
			     uint32_t thread)
{
	const struct kf_trigger *trigger = &s->trigger;
	struct spent sp;

	add_who(line, t, trigger, thread);
	kf_line_add(line, trigger->flags & KF_TRIGGER_OPEN ? " has been " : " was ");
	kf_line_duration(line, waited_ns(trigger));
	add_syscall(line, trigger);
	if (trigger->flags & KF_TRIGGER_OPEN)
		kf_line_add(line, " so far");
	if (thread >= t->n_threads)
		return;
	sp = measure(t, thread, trigger->since_ns, trigger->ts_ns);
	add_spent(line, &sp);
}

/* No thread fired: the worst gap stands for all. */
static void add_request(struct kf_line *line, const struct kf_timeline *t, const struct kf_snapshot *s)
{
	const struct kf_trigger *trigger = &s->trigger;
	uint32_t thread = kf_timeline_find(t, trigger->tid, trigger->ts_ns);
	const struct kf_gap *gap = find_worst(t, trigger->tgid);
	char reason[512];

	kf_text_printable(s->reason ? s->reason : "", sizeof(reason), reason, sizeof(reason));
	if (trigger->kind == KF_TRIGGER_AGGREGATE) {
		kf_fired_label(line, s);
		kf_line_add(line, "%s%s", reason[0] ? ": " : "", reason);
	} else {
		kf_line_text(line, trigger->kind == KF_TRIGGER_REQUEST ? "requested" : "no trigger");
		kf_requester_add(line, s);
		if (reason[0])
			kf_line_add(line, " (\"%s\")", reason);
	}
	kf_line_add(line, gap ? "; worst gap" : "; no thread");
	if (trigger->tgid) {
		kf_line_add(line, " of ");
		add_who(line, t, trigger, thread);
		kf_line_add(line, " and its children");
	}
	kf_line_add(line, gap ? ": " : " waited to run");
	if (gap)
		add_gap(line, t, gap);
}

size_t kf_trigger_sentence(const struct kf_timeline *t, const struct kf_snapshot *s, char *buf, size_t len)
{
	uint32_t thread = kf_timeline_find(t, s->trigger.tid, s->trigger.ts_ns);
	struct kf_line line;

	kf_line_init(&line, buf, len);
	switch (s->trigger.kind) {
	case KF_TRIGGER_RUNQ:
	case KF_TRIGGER_THROTTLED:
		kf_fired_label(&line, s);
		kf_line_text(&line, ": ");
		add_runq(&line, t, s, thread);
		break;
	case KF_TRIGGER_FUTEX:
	case KF_TRIGGER_BLOCK:
		kf_fired_label(&line, s);
		kf_line_text(&line, ": ");
		add_wait(&line, t, s, thread);
		break;
	case KF_TRIGGER_SYSCALL:
		kf_fired_label(&line, s);
		kf_line_text(&line, ": ");
		add_slow_syscall(&line, t, s, thread);
		break;
	default:
		add_request(&line, t, s);
	}
	return line.used;
}
