/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/story_wait.h"

#include <inttypes.h>

#include "model/timeline.h"
#include "output/line.h"

static void add_syscall(struct kf_line *line, const struct kf_wait *wait)
{
	const char *name = kf_syscall_name(wait->nr);

	if (wait->nr == KF_NR_COMPAT)
		kf_line_text(line, " in a 32-bit syscall");
	else if (name)
		kf_line_add(line, " in %s", name);
	else
		kf_line_add(line, " in syscall %u", wait->nr);
	if (wait->kind == KF_WAIT_FUTEX_LOCK || wait->kind == KF_WAIT_FUTEX_COND)
		kf_line_add(line, " %#" PRIx64, wait->arg0);
	else if (wait->kind != KF_WAIT_OTHER && wait->kind != KF_WAIT_KIND_UNKNOWN)
		kf_line_add(line, " (%s)", kf_wait_kind_name(wait->kind));
}

void kf_line_wait(struct kf_line *line, const struct kf_wait *wait)
{
	switch (wait->kind) {
	case KF_WAIT_PAGE_FAULT:
		kf_line_text(line, " in a page fault");
		return;
	case KF_WAIT_STOPPED:
		kf_line_text(line, " stopped");
		return;
	case KF_WAIT_KTHREAD:
		kf_line_text(line, " without work");
		return;
	case KF_WAIT_KTHREAD_IO:
		kf_line_text(line, " in I/O of the kernel");
		return;
	}
	if (wait->in_syscall)
		add_syscall(line, wait);
	else
		kf_line_text(line, " in something unknown");
}
