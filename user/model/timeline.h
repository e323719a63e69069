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

#define KF_NO_CPU UINT16_MAX

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

struct kf_cpu {
	struct kf_run *runs;
	size_t n_runs; /* 0: the CPU wrote nothing and is not known to be online */
};

/* A stretch of a gap spent on the queue of one CPU. */
struct kf_stretch {
	uint64_t start_ns;
	uint64_t end_ns;
	uint16_t cpu; /* KF_NO_CPU: not known which */
};

struct kf_gap {
	uint32_t thread;
	uint8_t cause;	   /* enum kf_cause */
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

	/* What did not fit together, for the "incomplete" part of every output. */
	uint64_t n_records;
	uint64_t n_repaired; /* transitions that had to be inferred */
	uint64_t n_ignored;  /* records that contradict the state of their thread and were passed over */
};

int kf_timeline_build(struct kf_timeline **out, const struct kf_snapshot *snapshot, struct kf_error *e);
void kf_timeline_free(struct kf_timeline **t);

/* Index of the thread that had this tid at that time, or KF_NOBODY. ts_ns 0: the last one. */
uint32_t kf_timeline_find(const struct kf_timeline *t, uint32_t tid, uint64_t ts_ns);

/* The state of its thread after a move; `state` is the one before, which some moves leave as it is. */
enum kf_state kf_move_leads_to(const struct kf_transition *move, enum kf_state state);

#endif
