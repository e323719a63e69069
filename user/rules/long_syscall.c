/* SPDX-License-Identifier: BSD-2-Clause */
/* LongSyscall: one call that took long, and is not one to idle in. docs/rules/LongSyscall.md */
#include "rules/rule.h"

#include <stdlib.h>
#include <sys/syscall.h>

#include "base/error.h"
#include "rules/block.h"
#include "rules/search.h"
#include "rules/words.h"

#define INTERRUPTIBLE 1 /* task state, for kf_wait_classify() */

/* Numbers of a hit. */
enum { N_OPEN, N_CUT, N_RECORDED };

/* Waits for whoever sends something, as long as it takes. */
static bool is_receiving(uint16_t nr)
{
	switch (nr) {
	case SYS_accept:
	case SYS_accept4:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_read:
	case SYS_readv:
	case SYS_msgrcv:
	case SYS_mq_timedreceive:
	case SYS_semop:
	case SYS_semtimedop:
		return true;
	}
	return false;
}

/* Threads idle in these for hours, and nothing is wrong: not even a long one says anything. */
static bool is_idle_by_design(const struct kf_wait *wait, enum kf_wait_kind kind)
{
	switch (kind) {
	case KF_WAIT_LOCK:
	case KF_WAIT_NETWORK:
		return is_receiving(wait->nr);
	case KF_WAIT_DISK:
	case KF_WAIT_KERNEL:
	case KF_WAIT_PIPE_WRITE:
		return false;
	case KF_WAIT_OTHER: /* the kernel is busy with it; else whatever it waits for is not known */
		return !wait->uninterruptible;
	default:
		return true;
	}
}

static int look_at_block(struct kf_search *s, const struct kf_block *block, void *arg, struct kf_error *e)
{
	const bool *has_records = arg;
	const struct kf_wait *wait = block->wait;
	struct kf_hit hit = { .ts_ns = block->start_ns,
			      .key = wait->nr,
			      .thread = block->thread,
			      .culprit = KF_NOBODY,
			      .cpu = block->cpu,
			      .mild = wait->kind == KF_WAIT_PIPE_WRITE,
			      .wait = *wait,
			      .numbers[N_OPEN] = block->open,
			      .numbers[N_CUT] = block->cut };

	/* Its syscalls are recorded as a whole when they end: each tells all its waits. */
	if (!wait->in_syscall || (has_records[block->thread] && !block->open) || is_idle_by_design(wait, wait->kind))
		return 0;
	hit.value = hit.ns = block->end_ns - block->start_ns;
	return kf_search_hit(s, &hit, e);
}

/* Recorded ones do not say in what state the thread was: where the number alone leaves it open, it may have idled. */
static bool may_have_idled(const struct kf_wait *wait)
{
	struct kf_wait again = *wait;
	enum kf_wait_kind kind;

	if (wait->nr == SYS_restart_syscall || wait->nr == SYS_ioctl || wait->nr == SYS_io_uring_enter ||
	    is_receiving(wait->nr))
		return true;
#ifdef SYS_vfork
	if (wait->nr == SYS_vfork)
		return true;
#endif
	if (!kf_syscall_name(wait->nr))
		return true;
	again.in_syscall = true;
	kind = kf_wait_classify(&again, INTERRUPTIBLE);
	return kind != KF_WAIT_OTHER && is_idle_by_design(wait, kind);
}

static int look_at_record(struct kf_search *s, const struct kf_transition *move, struct kf_error *e)
{
	struct kf_hit hit = { .ts_ns = move->since_ns,
			      .key = move->wait.nr,
			      .thread = move->thread,
			      .culprit = KF_NOBODY,
			      .cpu = move->cpu,
			      .wait = move->wait,
			      .numbers[N_RECORDED] = true };

	if (move->ts_ns < move->since_ns || may_have_idled(&move->wait))
		return 0;
	hit.wait.in_syscall = true;
	hit.value = hit.ns = move->ts_ns - move->since_ns;
	return kf_search_hit(s, &hit, e);
}

static int find(struct kf_search *s, struct kf_error *e)
{
	bool *has_records = calloc(s->t->n_threads + 1, sizeof(*has_records));
	int err = 0;

	if (!has_records)
		return kf_fail_memory(e, "findings");
	for (size_t i = 0; !err && i < s->t->n_moves; i++) {
		if (s->t->moves[i].kind != KF_MOVE_SYSCALL)
			continue;
		has_records[s->t->moves[i].thread] = true;
		err = look_at_record(s, &s->t->moves[i], e);
	}
	if (!err)
		err = kf_search_blocks(s, look_at_block, has_records, e);
	free(has_records);
	return err;
}

static void advise(struct kf_line *line, const struct kf_hit *hit)
{
	switch ((enum kf_wait_kind)hit->wait.kind) {
	case KF_WAIT_LOCK:
		kf_line_text(
			line,
			"somebody else holds the file lock or fills the queue: `lslocks` or /proc/locks names who");
		return;
	case KF_WAIT_NETWORK:
		kf_line_text(line, "the other side does not answer or does not read: a time-out, non-blocking sockets, "
				   "and `ss -tnoi` "
				   "for what is queued and sent again");
		return;
	case KF_WAIT_PIPE_WRITE:
		kf_line_text(
			line,
			"whoever reads this pipe is too slow (a logger?): `lsof +E -p PID` names it; a larger pipe "
			"(F_SETPIPE_SZ), or writing that does not block");
		return;
	case KF_WAIT_KERNEL:
		kf_line_text(line, "it waits inside the kernel, for no device: a lock on its address space or a file "
				   "system, memory that "
				   "must be freed first, RCU; /proc/PID/stack tells which while it lasts");
		return;
	default:
		kf_line_text(line, "do it in a thread that nobody waits for; ");
		kf_line_text(line,
			     hit->numbers[N_RECORDED]
				     ? "the report of its thread tells how much of it was waiting"
				     : "`--syscalls=slow` records how long it took as a whole, and what it returned");
	}
}

static void tell(struct kf_search *s, const struct kf_alike *group, struct kf_words *words)
{
	const struct kf_hit *hit = &group->worst;
	struct kf_line *line = &words->message;

	kf_line_thread(line, s->t, hit->thread);
	if (hit->numbers[N_RECORDED])
		kf_line_text(line, " was ");
	else
		kf_line_text(line, hit->numbers[N_OPEN] ? " has been blocked " : " was blocked ");
	if (hit->numbers[N_CUT])
		kf_line_text(line, "at least ");
	kf_line_duration(line, hit->ns);
	kf_line_text(line, " in ");
	kf_line_where(line, &hit->wait);
	if (hit->wait.kind != KF_WAIT_OTHER && hit->wait.kind != KF_WAIT_KIND_UNKNOWN)
		kf_line_add(line, " (%s)", kf_wait_kind_name(hit->wait.kind));
	if (hit->numbers[N_OPEN])
		kf_line_text(line, ", and still is");
	advise(&words->suggestion, hit);
}

const struct kf_rule kf_rule_long_syscall = {
	.name = "LongSyscall",
	.summary = "one syscall took long, other than those to idle in",
	.unit = KF_RULE_NS,
	.warn = 100000000,
	.error = 1000000000,
	.by_victim = true,
	.find = find,
	.tell = tell,
};
