/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/contender.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/libbpf.h>

#include "base/error.h"
#include "bench/ftrace.h"
#include "capture/recorder.h"
#include "expr/trigger_set.h"

#include "bench.skel.h"

/* The size of the rings does not change what a record costs (measured from 256 KiB to 64 MiB per CPU). */
#define WINDOW_BYTES (32ull << 20)
#define MAX_HOOKS    4

struct kf_contenders {
	struct bench_bpf *empty;
	struct bpf_link *links[MAX_HOOKS];
	struct kf_ftrace *ftrace; /* NULL left out */
	bool ftrace_runs;
	struct kf_recorder *recorder;
	struct kf_trigger_set triggers;
};

const char *kf_contender_name(enum kf_contender contender)
{
	static const char *const names[KF_CONTENDERS] = {
		[KF_NOTHING] = "nothing",
		[KF_NOTHING_AGAIN] = "nothing, again",
		[KF_EMPTY_PROGRAMS] = "empty programs",
		[KF_RECORDER] = "kflight",
		[KF_RECORDER_TRIGGER] = "kflight, 5 triggers",
		[KF_RECORDER_ALL] = "kflight --syscalls=all",
		[KF_RECORDER_BARE] = "kflight --causes=none",
		[KF_RECORDER_IRQ] = "kflight --causes=irq",
		[KF_RECORDER_STEAL] = "kflight --causes=steal",
		[KF_RECORDER_QUOTA] = "kflight --causes=quota",
		[KF_RECORDER_PRIO] = "kflight --causes=prio",
		[KF_FTRACE] = "ftrace",
	};

	return names[contender];
}

bool kf_contender_applies(const struct kf_contenders *c, enum kf_contender contender, enum kf_workload workload)
{
	switch (contender) {
	case KF_FTRACE:
		return c->ftrace;
	case KF_RECORDER_TRIGGER:
	case KF_RECORDER_BARE:
	case KF_RECORDER_IRQ:
	case KF_RECORDER_STEAL:
	case KF_RECORDER_QUOTA:
	case KF_RECORDER_PRIO:
		return workload == KF_WORKLOAD_PIPE; /* nothing waits in the other one */
	default:
		return true;
	}
}

/* Rules of all kinds, that never fire here. */
static int set_triggers(struct kf_contenders *c, struct kf_error *e)
{
	static const char *const texts[] = { "runq>1h", "futex>1h", "block>2h{comm=nobody*}", "runq>2h and block>2h",
					     "throttled>1h{sample=10%}" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (kf_trigger_set_add(&c->triggers, texts[i], NULL, e))
			return -1;
	return 0;
}

int kf_contenders_open(struct kf_contenders **out, const char *ftrace_clock, struct kf_error *ftrace_error,
		       struct kf_error *e)
{
	struct kf_contenders *c = calloc(1, sizeof(*c));

	ftrace_error->message[0] = '\0';
	if (!c)
		return kf_fail_memory(e, "the benchmark");
	c->empty = bench_bpf__open_and_load();
	if (!c->empty) {
		kf_fail_errno(e, errno, "`kflight doctor` tells what is missing",
			      "the kernel refused the BPF programs");
	} else if (!set_triggers(c, e)) {
		if (ftrace_clock && kf_ftrace_open(&c->ftrace, ftrace_clock, ftrace_error))
			c->ftrace = NULL;
		*out = c;
		return 0;
	}
	kf_contenders_close(&c);
	return -1;
}

void kf_contenders_close(struct kf_contenders **contenders)
{
	struct kf_contenders *c = *contenders;

	if (!c)
		return;
	kf_contender_stop(c);
	kf_ftrace_close(&c->ftrace);
	bench_bpf__destroy(c->empty);
	free(c);
	*contenders = NULL;
}

static int start_empty(struct kf_contenders *c, enum kf_workload workload, struct kf_error *e)
{
	struct bpf_program *const sched[MAX_HOOKS] = {
		c->empty->progs.empty_sched_switch,
		c->empty->progs.empty_sched_waking,
		c->empty->progs.empty_sched_wakeup_new,
		c->empty->progs.empty_sched_migrate_task,
	};
	struct bpf_program *const syscalls[MAX_HOOKS] = {
		c->empty->progs.empty_sys_enter,
		c->empty->progs.empty_sys_exit,
	};
	struct bpf_program *const *programs = workload == KF_WORKLOAD_PIPE ? sched : syscalls;

	for (int i = 0; i < MAX_HOOKS && programs[i]; i++) {
		c->links[i] = bpf_program__attach(programs[i]);
		if (!c->links[i])
			return kf_fail_errno(e, errno, "`kflight doctor` tells what is missing",
					     "cannot attach the empty BPF programs");
	}
	return 0;
}

static uint32_t sources_of(enum kf_contender contender)
{
	switch (contender) {
	case KF_RECORDER_BARE:
		return 0;
	case KF_RECORDER_IRQ:
		return KF_SOURCE_IRQ;
	case KF_RECORDER_STEAL:
		return KF_SOURCE_STEAL;
	case KF_RECORDER_QUOTA:
		return KF_SOURCE_QUOTA;
	case KF_RECORDER_PRIO:
		return KF_SOURCE_PRIO;
	default:
		return KF_SOURCES_ALL;
	}
}

static int start_recorder(struct kf_contenders *c, enum kf_contender contender, struct kf_error *e)
{
	struct kf_recorder_options opts = {
		.trigger_set = contender == KF_RECORDER_TRIGGER ? &c->triggers : NULL,
		.window_bytes = WINDOW_BYTES,
		.syscalls = contender == KF_RECORDER_ALL ? KF_SYSCALLS_ALL : KF_SYSCALLS_BLOCKING,
		.sources = sources_of(contender),
	};

	if (kf_recorder_open(&c->recorder, &opts, e))
		return -1;
	kf_recorder_arm(c->recorder, 0);
	return 0;
}

static int start_ftrace(struct kf_contenders *c, enum kf_workload workload, struct kf_error *e)
{
	static const char *const sched[] = { "sched/sched_switch", "sched/sched_waking", "sched/sched_wakeup_new",
					     "sched/sched_migrate_task", NULL };
	static const char *const syscalls[] = { "raw_syscalls/sys_enter", "raw_syscalls/sys_exit", NULL };

	c->ftrace_runs = true;
	return kf_ftrace_start(c->ftrace, workload == KF_WORKLOAD_PIPE ? sched : syscalls, e);
}

int kf_contender_start(struct kf_contenders *c, enum kf_contender contender, enum kf_workload workload,
		       struct kf_error *e)
{
	switch (contender) {
	case KF_EMPTY_PROGRAMS:
		return start_empty(c, workload, e);
	case KF_RECORDER:
	case KF_RECORDER_TRIGGER:
	case KF_RECORDER_ALL:
	case KF_RECORDER_BARE:
	case KF_RECORDER_IRQ:
	case KF_RECORDER_STEAL:
	case KF_RECORDER_QUOTA:
	case KF_RECORDER_PRIO:
		return start_recorder(c, contender, e);
	case KF_FTRACE:
		return start_ftrace(c, workload, e);
	default:
		return 0;
	}
}

void kf_contender_stop(struct kf_contenders *c)
{
	kf_recorder_close(&c->recorder);
	if (c->ftrace_runs)
		kf_ftrace_stop(c->ftrace);
	c->ftrace_runs = false;
	for (int i = 0; i < MAX_HOOKS; i++) {
		bpf_link__destroy(c->links[i]);
		c->links[i] = NULL;
	}
}
