/* SPDX-License-Identifier: BSD-2-Clause */
/* BlockedOnDisk: waits for the disk, and for memory that is there. docs/rules/BlockedOnDisk.md */
#include "rules/rule.h"

#include <sys/syscall.h>

#include "rules/block.h"
#include "rules/search.h"
#include "rules/words.h"

/* Numbers of a hit. */
enum { N_OPEN, N_CUT };

/* A page fault that can be interrupted waits for something else: a userfaultfd, a frozen file system. */
static bool is_disk(const struct kf_wait *wait)
{
	return wait->kind == KF_WAIT_DISK || (wait->kind == KF_WAIT_PAGE_FAULT && wait->uninterruptible);
}

static int look_at(struct kf_search *s, const struct kf_block *block, void *arg, struct kf_error *e)
{
	struct kf_hit hit = { .ts_ns = block->start_ns,
			      .thread = block->thread,
			      .culprit = KF_NOBODY,
			      .cpu = block->cpu,
			      .wait = *block->wait,
			      .numbers[N_OPEN] = block->open,
			      .numbers[N_CUT] = block->cut };

	if (!is_disk(block->wait))
		return 0;
	hit.value = hit.ns = block->end_ns - block->start_ns;
	return kf_search_hit(s, &hit, e);
}

static int find(struct kf_search *s, struct kf_error *e)
{
	return kf_search_blocks(s, look_at, NULL, e);
}

static const char *advice(const struct kf_wait *wait)
{
	if (!wait->in_syscall)
		return "the memory was not there: read from a file anew or swapped out; give it more memory (look for "
		       "pgmajfault in /proc/vmstat and in memory.stat of its cgroup), or lock what must stay (mlock)";
	switch (wait->nr) {
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_msync:
	case SYS_sync:
	case SYS_syncfs:
	case SYS_sync_file_range:
		return "a sync waits for all that was written before it: sync from a thread that nobody waits for, "
		       "several changes "
		       "at a time, and see with `iostat -x 1` whether the device is slow or others write to it";
	case SYS_write:
	case SYS_writev:
	case SYS_pwrite64:
	case SYS_pwritev:
	case SYS_pwritev2:
		return "a write that waits is held back until dirty pages are on the disk: write less at a time, lower "
		       "vm.dirty_background_bytes so that it starts earlier, or use a faster device";
	case SYS_read:
	case SYS_readv:
	case SYS_pread64:
	case SYS_preadv:
	case SYS_preadv2:
		return "the data was not in the page cache: more memory, reading ahead (posix_fadvise), io_uring; "
		       "`iostat -x "
		       "1` tells whether the device is slow or busy with others";
	}
	return "see with `iostat -x 1` whether the device is slow or busy with others, and do file work in a thread "
	       "that nobody "
	       "waits for";
}

static void tell(struct kf_search *s, const struct kf_alike *group, struct kf_words *words)
{
	const struct kf_hit *hit = &group->worst;
	struct kf_line *line = &words->message;

	kf_line_thread(line, s->t, hit->thread);
	kf_line_text(line, hit->numbers[N_OPEN] ? " has waited " : " waited ");
	if (hit->numbers[N_CUT])
		kf_line_text(line, "at least ");
	kf_line_duration(line, hit->ns);
	kf_line_text(line, hit->wait.in_syscall ? " for the disk in " : " for the disk in a page fault");
	if (hit->wait.in_syscall)
		kf_line_where(line, &hit->wait);
	if (hit->numbers[N_OPEN])
		kf_line_text(line, " and still waits");
	kf_line_text(&words->suggestion, advice(&hit->wait));
}

const struct kf_rule kf_rule_blocked_on_disk = {
	.name = "BlockedOnDisk",
	.summary = "a thread waited for the disk, in a syscall or in a page fault",
	.unit = KF_RULE_NS,
	.warn = 20000000,
	.error = 200000000,
	.by_victim = true,
	.find = find,
	.tell = tell,
};
