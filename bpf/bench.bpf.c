/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* bench.bpf.c - programs that do nothing, on the hooks of the recorder: what attaching alone costs. */
#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define EMPTY(name)                                                                                                    \
	SEC("tp_btf/" #name)                                                                                           \
	int empty_##name(void *ctx)                                                                                    \
	{                                                                                                              \
		return 0;                                                                                              \
	}

EMPTY(sched_switch)
EMPTY(sched_waking)
EMPTY(sched_wakeup_new)
EMPTY(sched_migrate_task)
EMPTY(sys_enter)
EMPTY(sys_exit)
