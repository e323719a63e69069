/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cost.c - what our BPF programs cost, by the kernel's own clock.
 *
 * The kernel measures every run of every program on the host while somebody holds a descriptor of bpf_enable_stats(): 20 ns a run, so
 * it is held for short times only. Not in it: the tracepoints themselves, and the detour that every syscall takes while sys_enter
 * and sys_exit are in use (docs/cost.md). The look at open waits runs from a timer, which the kernel does not count: it does itself.
 */
#include "capture/recorder.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/opener.h"
#include "capture/recorder_internal.h"

#include "kflight.skel.h"

static void stop_counting(struct kf_recorder *r)
{
	if (!r->cost.fd)
		return;
	close(r->cost.fd);
	r->cost.fd = 0;
	r->cost.checks_ns += r->bpf->bss->counters.check_ns - r->cost.checks_began_ns;
}

int kf_recorder_count_cost(struct kf_recorder *r, bool on, struct kf_error *e)
{
	int fd;

	if (!on) {
		stop_counting(r);
		return 0;
	}
	if (r->cost.fd)
		return 0;
	fd = kf_opener_stats(r->cost.opener);
	if (fd < 0)
		return kf_fail_errno(e, errno, "it takes CAP_SYS_ADMIN", "cannot measure the cost of the BPF programs");
	r->cost.fd = fd;
	r->cost.checks_began_ns = r->bpf->bss->counters.check_ns;
	return 0;
}

static uint64_t checks_ns(const struct kf_recorder *r)
{
	uint64_t now_ns = r->cost.fd ? r->bpf->bss->counters.check_ns - r->cost.checks_began_ns : 0;

	return r->cost.checks_ns + now_ns;
}

uint64_t kf_recorder_cost_ns(const struct kf_recorder *r)
{
	struct bpf_program *program;
	uint64_t sum_ns = checks_ns(r);

	bpf_object__for_each_program(program, r->bpf->obj)
	{
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);
		int fd = bpf_program__fd(program);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
			sum_ns += info.run_time_ns;
	}
	return sum_ns;
}
