/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timeline.h - what every thread and every CPU did in the window, without contradictions.
 *
 * kf_timeline_build() merges the records of a snapshot by time, runs one state machine per thread and per CPU over
 * them, repairs what lost records left open, and gives: the threads with the state each starts in, one list of
 * transitions in time order, what ran on each CPU, and the gaps. Applying the transitions to the start states is always
 * legal: only a runnable thread RUNs, only a running one STOPs, BLOCKs or EXITs, only a blocked one WAKEs, and a CPU
 * runs one thread at a time. Whatever the records do not tell is state or part UNKNOWN, never a guess.
 *
 * All times are CLOCK_MONOTONIC ns. All arrays belong to the timeline; it does not keep the snapshot.
 */
#ifndef KF_MODEL_TIMELINE_H
#define KF_MODEL_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kflight/record.h"
#include "model/container.h"
#include "model/wait.h"

struct kf_error;
struct kf_snapshot;

enum kf_state {
	KF_STATE_UNKNOWN = 0,
	KF_STATE_RUNNING,
	KF_STATE_RUNNABLE, /* ready, but not running: a gap */
	KF_STATE_BLOCKED,
	KF_STATE_DEAD, /* not born yet or gone */
	KF_STATES,
};

/* Instead of a thread index. */
#define KF_NOBODY    UINT32_MAX	      /* nobody, or not known who */
#define KF_IDLE	     (UINT32_MAX - 1) /* the idle task of a CPU */
#define KF_NOT_KNOWN (UINT32_MAX - 2) /* runs: who ran is not known */

#define KF_NO_CPU    UINT16_MAX
#define KF_NO_CGROUP UINT32_MAX
#define KF_NO_MASK   UINT32_MAX

/* What a thread waits for, or what it was doing when it was switched out. */
struct kf_wait {
	uint64_t arg0; /* first syscall argument: the futex address, the fd, ... (48 bits are sure) */
	uint64_t arg1;
	uint32_t arg2;
	uint16_t nr;	  /* syscall number, KF_NR_USER, KF_NR_KTHREAD */
	uint8_t kind;	  /* enum kf_wait_kind */
	uint8_t filetype; /* S_IFMT >> 12 of the fd in arg0, 0 unknown */
	bool in_syscall;
	bool uninterruptible; /* D state */
	uint8_t device;	      /* enum kf_device, of an uninterruptible one */
};

struct kf_thread {
	uint32_t tid;
	uint32_t tgid;
	uint32_t reuse; /* 0 for the first user of this tid in the window, then 1, 2, ... */
	bool kernel;	/* kernel thread */
	bool process_leader;
	char comm[KF_COMM_BYTES];	  /* its last name in the window, NUL-terminated, any other byte possible */
	char process_comm[KF_COMM_BYTES]; /* name of its process (leader); equal to comm if not known */
	uint32_t parent_tgid;		  /* 0 not known */
	uint64_t born_ns;		  /* 0: lived before the window */
	uint64_t died_ns;		  /* 0: lived on; the floor: died before it and is only named as a waker */
	uint16_t prio;			  /* its last one in the window, packed (record.h, prio.h); 0 not known */
	bool go;			  /* its process is a Go program */
	uint32_t cgroup;		  /* index in cgroups, KF_NO_CGROUP: none or not known */
	uint32_t allowed; /* index in masks: the CPUs it might run on when the window ended; KF_NO_MASK not known */

	/* At the floor (threads that lived then); state is KF_STATE_DEAD for those born later. */
	enum kf_state start_state;
	uint16_t start_cpu;	 /* running: there; runnable: whose queue; else last seen, or KF_NO_CPU */
	uint64_t start_since_ns; /* since when it is in that state, 0 not known; can be before the floor */
	uint8_t start_cause;	 /* enum kf_cause, for a runnable one */
	uint32_t start_waker;	 /* for a woken one */
	bool start_waker_irq;
	struct kf_wait start_wait; /* for a blocked one; also set for a running or runnable one inside a syscall */

	/* How it spent the window; sums to the part of the window it lived in. */
	uint64_t running_ns;
	uint64_t runnable_ns;
	uint64_t unknown_ns;
	uint64_t blocked_ns;		       /* all kinds */
	uint64_t blocked_by_ns[KF_WAIT_KINDS]; /* by kind of wait */
	uint64_t worst_gap_ns;
	uint32_t n_gaps;
	uint32_t n_runs;
};

enum kf_move {
	KF_MOVE_RUN = 1, /* thread starts to run on cpu */
	KF_MOVE_STOP,	 /* leaves cpu, still runnable; queued on cpu */
	KF_MOVE_BLOCK,	 /* leaves cpu, waits for wait */
	KF_MOVE_WAKE,	 /* blocked -> runnable; queued on cpu; other is the waker */
	KF_MOVE_MIGRATE, /* runnable, now queued on cpu */
	KF_MOVE_FORK,	 /* born runnable, queued on cpu; other is the parent */
	KF_MOVE_EXIT,	 /* leaves cpu for good */
	KF_MOVE_EXEC,	 /* new program; name is in note */
	KF_MOVE_SYSCALL, /* a recorded syscall ended at ts_ns; it began at since_ns; changes no state */
	KF_MOVE_LOST,	 /* records of this thread were lost: state unknown from here until its next move */
	/* unknown -> the state in `state` (cpu, wait as for the start); DEAD: its end was lost, its tid has a new user */
	KF_MOVE_FOUND,
};

enum {
	KF_MOVE_F_REPAIRED = 1 << 0,  /* follows from later records, its own was lost; the time is the best known */
	KF_MOVE_F_IRQ = 1 << 1,	      /* WAKE: by an interrupt (other is whom it interrupted, or KF_IDLE) */
	KF_MOVE_F_YIELD = 1 << 2,     /* STOP: sched_yield */
	KF_MOVE_F_THROTTLED = 1 << 3, /* STOP: cgroup quota */
	KF_MOVE_F_IN_KERNEL = 1 << 4, /* STOP: preempted inside the kernel */
	KF_MOVE_F_CTX_KNOWN = 1 << 5, /* WAKE: whether an interrupt did it is known */
};

struct kf_transition {
	uint64_t ts_ns;
	uint32_t thread;     /* index in threads */
	uint32_t other;	     /* index, KF_NOBODY, KF_IDLE */
	uint16_t cpu;	     /* KF_NO_CPU if not known */
	uint8_t kind;	     /* enum kf_move */
	uint8_t flags;	     /* KF_MOVE_F_* */
	uint8_t state;	     /* FOUND: enum kf_state */
	uint32_t note;	     /* EXEC: offset in names */
	uint64_t since_ns;   /* SYSCALL: its begin */
	int64_t ret;	     /* SYSCALL: its result */
	struct kf_wait wait; /* BLOCK, STOP, FOUND, SYSCALL: of the thread; WAKE: what the waker was doing */
};

/* A stretch of time on one CPU. Runs of a CPU follow one another without hole from floor_ns to end_ns. */
struct kf_run {
	uint64_t start_ns;
	uint64_t end_ns;
	uint32_t thread; /* index, KF_IDLE, KF_NOT_KNOWN */
};

/* CPU time that nobody in a run got, somewhere between start_ns and end_ns. */
struct kf_taken {
	uint64_t start_ns;
	uint64_t end_ns;
	uint64_t ns;	      /* how much, at most end_ns - start_ns */
	uint8_t kind;	      /* enum kf_part_kind: KF_PART_IRQ, KF_PART_SOFTIRQ, KF_PART_STEAL */
	uint16_t vector;      /* KF_PART_SOFTIRQ: softirq number; KF_PART_IRQ: interrupt number, KF_VECTOR_* */
	uint64_t earliest_ns; /* the earliest start_ns of this one and all behind it: there a search can stop */
};

struct kf_cpu {
	struct kf_run *runs;
	size_t n_runs;		/* 0: the CPU wrote nothing and is not known to be online */
	struct kf_taken *taken; /* by end_ns; they may overlap, an interrupt hits a softirq */
	size_t n_taken;
	uint64_t taken_floor_ns; /* from here on taken is whole; before, and with UINT64_MAX always, nothing is known */
};

/* A stretch of a gap spent on the queue of one CPU. */
struct kf_stretch {
	uint64_t start_ns;
	uint64_t end_ns;
	uint16_t cpu; /* KF_NO_CPU: not known which */
};

/* What a gap is, as a person would say it. */
enum kf_gap_kind {
	KF_GAP_UNKNOWN = 0,
	KF_GAP_PREEMPTED, /* somebody else was put on its CPU */
	KF_GAP_YIELDED,	  /* it gave its CPU away by sched_yield */
	KF_GAP_THROTTLED, /* the CPU quota of its cgroup was used up, at its beginning or later */
	KF_GAP_QUEUED,	  /* woken, and its CPU was busy */
	KF_GAP_IDLE,	  /* woken, its CPU was idle for at least half of the gap, and yet it was late */
	KF_GAP_FORKED,	  /* waited for its first run */
	KF_GAP_KINDS,
};

struct kf_gap {
	uint32_t thread;
	uint8_t cause;	   /* enum kf_cause */
	uint8_t kind;	   /* enum kf_gap_kind */
	bool open;	   /* still runnable at end_ns, the end of the window */
	bool throttled;	   /* began with a quota throttle */
	bool yielded;	   /* began with sched_yield */
	bool waker_irq;	   /* woken by an interrupt */
	uint16_t cpu;	   /* where it ran at last, or whose queue it is on */
	uint32_t waker;	   /* who made it runnable: waker, or the parent; KF_NOBODY, KF_IDLE */
	uint64_t start_ns; /* may lie before the floor when the record told so: that part is unknown */
	uint64_t end_ns;
	uint32_t first_stretch; /* in stretches: n_stretches of them, covering start_ns to end_ns */
	uint32_t n_stretches;
	uint32_t cgroup;	     /* index in cgroups: whose quota was used up; KF_NO_CGROUP not known */
	uint64_t throttled_start_ns; /* inside the gap; both 0: not throttled, or not known for how long */
	uint64_t throttled_end_ns;
};

/* A thread's priority from ts_ns on. */
struct kf_prio_change {
	uint64_t ts_ns;
	uint32_t thread;
	uint16_t prio; /* packed; 0 not known */
};

/* A cgroup of the cpu controller. */
struct kf_group {
	const char *path; /* from the root of the hierarchy: "/web" */
	uint64_t id;
	uint32_t parent;   /* index in cgroups, KF_NO_CGROUP */
	uint32_t limiting; /* itself or the one above it with the smallest quota per period, KF_NO_CGROUP: no quota */
	uint64_t quota_ns; /* CPU time per period, of its own; 0: no quota */
	uint64_t period_ns;
	struct kf_container container; /* what the path tells; its unit points there */
};

#define KF_MASK_WORDS 16 /* as KF_ALLOWED_WORDS */
struct kf_mask {
	uint64_t words[KF_MASK_WORDS];
};

struct kf_timeline {
	uint64_t floor_ns;
	uint64_t end_ns;

	struct kf_thread *threads;
	size_t n_threads;
	struct kf_transition *moves; /* in time order */
	size_t n_moves;
	struct kf_cpu *cpus; /* index is the CPU number */
	size_t n_cpus;
	struct kf_gap *gaps; /* in order of their end */
	size_t n_gaps;
	struct kf_stretch *stretches;
	size_t n_stretches;
	char *names; /* NUL-terminated texts that notes point into */
	size_t names_bytes;
	struct kf_prio_change *prios; /* by thread, then time */
	size_t n_prios;
	struct kf_group *cgroups;
	size_t n_cgroups;
	char *group_paths;
	struct kf_mask *masks;
	size_t n_masks;
	char *irqs; /* as in the snapshot: "24 virtio0-input.0" lines */

	/* What did not fit together, for the "incomplete" part of every output. */
	uint64_t n_records;
	uint64_t n_repaired; /* transitions that had to be inferred */
	uint64_t n_ignored;  /* records that contradict the state of their thread and were passed over */
};

int kf_timeline_build(struct kf_timeline **out, const struct kf_snapshot *snapshot, struct kf_error *e);
void kf_timeline_free(struct kf_timeline **t);

/* Index of the thread that had this tid at that time, or KF_NOBODY. ts_ns 0: the last one. */
uint32_t kf_timeline_find(const struct kf_timeline *t, uint32_t tid, uint64_t ts_ns);

/* The first run of a CPU that ends after ts_ns; n_runs if there is none. */
size_t kf_cpu_run_at(const struct kf_cpu *cpu, uint64_t ts_ns);
/* The same for what was taken from a CPU; n_taken if there is none. */
size_t kf_cpu_taken_at(const struct kf_cpu *cpu, uint64_t ts_ns);

/* The thread's priority at that time, packed; 0 not known. */
uint16_t kf_prio_at(const struct kf_timeline *t, uint32_t thread, uint64_t ts_ns);

/* Container, pod and unit of a thread (an index or not); all empty if its cgroup is not known. Never NULL. */
const struct kf_container *kf_thread_container(const struct kf_timeline *t, uint32_t thread);

/* Might the thread run on this CPU? -1 not known. As of the end of the window: an earlier change of affinity is not seen. */
int kf_thread_may_run_on(const struct kf_timeline *t, uint32_t thread, uint32_t cpu);

/* "unknown", "preempted", "yielded", "throttled", "woken", "woken_idle", "forked" */
const char *kf_gap_kind_name(unsigned int kind);

/* The state of its thread after a move; `state` is the one before, which some moves leave as it is. */
enum kf_state kf_move_leads_to(const struct kf_transition *move, enum kf_state state);

#endif
