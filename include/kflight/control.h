/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * control.h - what BPF and user space say to each other while recording: ring heads, settings, triggers, the task scan.
 * struct kf_trigger and struct kf_task are also stored in snapshot files.
 */
#ifndef KFLIGHT_CONTROL_H
#define KFLIGHT_CONTROL_H

#include "kflight/record.h"

/*
 * First page of each ring. Only BPF writes it.
 *
 * While a window is held, limit is the slot number that head may not pass: new records are dropped (and counted)
 * instead of overwriting the window. mark_ns[s mod 64] is the time of the first record in segment s, a segment being
 * 1/64 of the ring; BPF finds the start of a window with it.
 */
#define KF_RING_HEAD_BYTES 4096
#define KF_RING_SEGMENTS   64
#define KF_RING_MIN_SLOTS  1024
#define KF_NO_LIMIT	   (~0ULL)

#define KF_FLOOD_PERIOD_SHIFT 27 /* 134 ms: cheaper than a division */
#define KF_FLOOD_ACCOUNT_BITS 7
struct kf_flood_account {
	__u32 tgid;
	__u32 period; /* up to which it has leaked */
	__u32 slots;  /* in the bucket */
	__u32 zero;
};

struct kf_ring_head {
	__u64 head;	     /* slots handed out so far */
	__u64 limit;	     /* KF_NO_LIMIT when not held */
	__u64 hold_until_ns; /* a hold that user space never ends, ends by itself then */
	__u64 dropped;	     /* records refused since the start, because the window was held */
	__u64 drop_first_ns; /* first refused record of the hold in force, 0 none */
	__u64 drop_last_ns;  /* last refused record ever, 0 none */
	__u64 flooded;	     /* records refused since the start, because their process had its share */
	__u64 flood_last_ns; /* the last of them, 0 none */
	__u64 mark_ns[KF_RING_SEGMENTS];
	/* For the shares (bpf/flood.bpf.h). */
	__u64 shared_ns; /* when a process wrote here and it was another one before */
	__u32 last_tgid;
	__u32 zero;
	struct kf_flood_account accounts[1 << KF_FLOOD_ACCOUNT_BITS];
};
_Static_assert(sizeof(struct kf_ring_head) <= KF_RING_HEAD_BYTES, "head page");

/*
 * Did this segment begin at or before at_ns? A mark older than that of the segment before is last round's: nobody has
 * written to this segment yet, or whoever took its first slot has not come to the mark.
 */
static inline int kf_segment_began_by(const struct kf_ring_head *ring, __u64 segment, __u64 at_ns)
{
	__u64 mark_ns = ring->mark_ns[segment & (KF_RING_SEGMENTS - 1)];

	return mark_ns <= at_ns && mark_ns >= ring->mark_ns[(segment - 1) & (KF_RING_SEGMENTS - 1)];
}

enum kf_trigger_kind {
	KF_TRIGGER_NONE = 0,
	KF_TRIGGER_RUNQ = 1,	  /* waited to run */
	KF_TRIGGER_FUTEX = 2,	  /* waited in futex(2) */
	KF_TRIGGER_SYSCALL = 3,	  /* a syscall took long */
	KF_TRIGGER_BLOCK = 4,	  /* any wait off the CPU */
	KF_TRIGGER_REQUEST = 5,	  /* asked for: signal, socket, end of recording */
	KF_TRIGGER_THROTTLED = 6, /* kept off the CPU by the quota of its cgroup */
	KF_TRIGGER_AGGREGATE = 7, /* a percentile, a rate, ... of many waits: no thread of its own */
	KF_TRIGGER_KINDS,
};

#define KF_TRIGGER_OPEN 1u /* flags: the wait had not ended when it fired */

struct kf_trigger {
	__u64 ts_ns;	/* when it fired */
	__u64 since_ns; /* since when the thread waited */
	__u64 arg0;	/* first syscall argument, where known */
	__u32 kind;	/* enum kf_trigger_kind */
	__u32 flags;	/* KF_TRIGGER_* */
	__u32 tid;
	__u32 tgid;
	__u32 cpu;  /* where it fired */
	__u16 nr;   /* syscall, KF_NR_USER, KF_NR_KTHREAD */
	__u16 rule; /* 1 + its index in the trigger set, 0 none (or a file of format 1.1 and before) */
	__u64 threshold_ns;
	char comm[KF_COMM_BYTES];
	char process_comm[KF_COMM_BYTES];
};
_Static_assert(sizeof(struct kf_trigger) == 88, "stored layout");

/* One task as the scan after the copy saw it. */
#define KF_TASK_KTHREAD	   1u
#define KF_TASK_IN_SYSCALL 2u
#define KF_TASK_ON_CPU	   4u
#define KF_TASK_GO	   8u /* its process is a Go program: set by user space, on all threads */

/* CPUs whose affinity is stored: a thread that may run on others is of unknown affinity. */
#define KF_ALLOWED_WORDS 16

struct kf_task {
	__u64 start_time_ns;
	__u64 scanned_ns; /* when this line was true */
	__u64 arg0;
	__u64 arg1;
	__u32 tid;
	__u32 tgid;
	__u32 state; /* task->__state, and KF_STATE_* */
	__u32 cpu;
	__u32 arg2;
	__u16 nr;
	__u8 flags; /* KF_TASK_* */
	__u8 filetype;
	char comm[KF_COMM_BYTES];
	__u32 ppid; /* tgid of the parent */
	__u16 prio; /* KF_PRIO_PACK() */
	__u16 zero;
	/* Since format 1.1. */
	__u64 cgroup_id;		 /* of the cpu controller, 0 not known */
	__u64 allowed[KF_ALLOWED_WORDS]; /* CPUs it may run on, all 0 not known */
};
#define KF_TASK_BYTES_1_0 80
_Static_assert(__builtin_offsetof(struct kf_task, cgroup_id) == KF_TASK_BYTES_1_0, "stored layout");
_Static_assert(sizeof(struct kf_task) == 216, "stored layout");

/* Who may start a snapshot. Only BPF moves ARMED to HELD, only user space moves back. */
enum kf_gate {
	KF_GATE_CLOSED = 0, /* not recording yet, or no more snapshots wanted */
	KF_GATE_ARMED = 1,
	KF_GATE_HELD = 2, /* a snapshot is being taken */
};

/*
 * Triggers. A rule is what the user gave a name; it is an OR of clauses, a clause an AND of terms. A term is true until
 * true_until_ns: an event term becomes true, for KF_TERM_MEMORY_NS, when BPF sees a wait that is longer than its limit; an
 * aggregate term (p99, rate, ...) is made true by user space, which reads what BPF counts for it (kflight/waits.h). Rules
 * are looked at when one of their terms becomes true. Each rule that is then true has fired; of those that fire at once the first one
 * gets the snapshot, the others are counted as busy.
 */
#define KF_MAX_RULES	  16
#define KF_MAX_TERMS	  32
#define KF_MAX_CLAUSES	  32
#define KF_TERM_MEMORY_NS 1000000000ULL

/* What is measured. */
enum kf_waits_kind {
	KF_WAITS_RUNQ = 0,
	KF_WAITS_FUTEX = 1,
	KF_WAITS_SYSCALL = 2,
	KF_WAITS_BLOCK = 3,
	KF_WAITS_THROTTLED = 4,
	KF_WAITS_KINDS,
};

struct kf_term {
	__u64 true_until_ns;
	__u64 limit_ns;	  /* event: a wait longer than this fires; aggregate: waits longer than this count as above */
	__u8 kind;	  /* enum kf_waits_kind */
	__u8 event;	  /* 0: an aggregate */
	__u8 any_syscall; /* SYSCALL: all of them, else those in the set below */
	__u8 or_equal;	  /* as long as the limit is enough */
	__u32 zero;
	__u64 syscalls[512 / 64]; /* by number */
};

struct kf_clause {
	__u32 terms; /* a bit each: all must be true */
	__u32 rule;
};

struct kf_rule {
	__u64 cooldown_until_ns; /* written by BPF when it fires, ... */
	__u64 cooldown_ns;	 /* ... which is then so long ago at least */
	__u64 limited_until_ns;	 /* written by user space: it has had its share of snapshots */
	__u32 sample;		 /* fires with a chance of (sample + 1) / 2^32 */
	__u32 enabled;
	__u32 terms; /* of all its clauses, a bit each */
	__u32 zero;
};

/*
 * What a rule did since the start. Each time it fired is counted once: hits, or the reason why no snapshot was taken. Of several
 * reasons it is the first in the order sampled, limited, cooling, busy: chance thins out what fires, before anything else is
 * looked at; then comes what holds on longest, for raising the others would not have helped.
 */
struct kf_rule_counts {
	__u64 hits;
	__u64 cooling; /* its own cool-down, or that of all */
	__u64 busy;    /* a snapshot was being taken */
	__u64 sampled; /* left out by chance */
	__u64 limited; /* no more snapshots in this minute, hour, day */
};

/* Sources of causes beside the scheduler's own events; each has its price (docs/cost.md). */
enum kf_sources {
	KF_SOURCE_IRQ = 1 << 0,	  /* interrupts and softirqs */
	KF_SOURCE_STEAL = 1 << 1, /* time the hypervisor took */
	KF_SOURCE_QUOTA = 1 << 2, /* CPU quotas of cgroups */
	KF_SOURCE_PRIO = 1 << 3,  /* priorities */
	KF_SOURCES_ALL = (1 << 4) - 1,
};

/* How many syscalls get a threshold of their own (syscall:read>1ms). */
#define KF_MAX_SYSCALLS 512

enum kf_syscall_mode {
	KF_SYSCALLS_OFF = 0,
	KF_SYSCALLS_BLOCKING = 1, /* from saved registers when a thread blocks; costs nothing else */
	KF_SYSCALLS_SLOW =
		2, /* also one record per syscall that slept or took KF_SLOW_SYSCALL_NS, of filtered threads */
	KF_SYSCALLS_ALL = 3, /* one record per syscall of filtered threads */
};
#define KF_SLOW_SYSCALL_NS 10000

/* Thresholds and gate; user space writes them through the mapped .bss, so that they can change while recording. */
struct kf_control {
	/* The smallest limits of all enabled event terms, 0 none: what is shorter needs no further look. */
	__u64 threshold_ns[KF_TRIGGER_KINDS];
	__u64 syscall_threshold_ns[KF_MAX_SYSCALLS];
	__u64 window_ns;	 /* how far back from its trigger a hold reaches, 0 as far as the ring allows */
	__u64 hold_max_ns;	 /* a hold that nobody ends is over after that */
	__u64 cooldown_until_ns; /* triggers before are suppressed */
	__u64 check_every_ns;	 /* period of the look at open waits, 0 never */
	__u64 limited_until_ns;	 /* no snapshots before, whatever the rule */
	__u32 gate;		 /* enum kf_gate */
	__u32 n_terms;
	__u32 n_clauses;
	__u32 n_rules;
	__u32 and_terms; /* those in a clause with others: nobody asks the rest whether they are still true */
	__u32 zero;
	struct kf_term terms[KF_MAX_TERMS];
	struct kf_clause clauses[KF_MAX_CLAUSES];
	struct kf_rule rules[KF_MAX_RULES];
};

/* Counters since the start, written by BPF only. */
struct kf_counters {
	__u64 hits[KF_TRIGGER_KINDS];
	__u64 cooling[KF_TRIGGER_KINDS];
	__u64 busy[KF_TRIGGER_KINDS];
	__u64 no_state;	     /* a thread got no state: out of memory */
	__u64 bad_waits;     /* negative or absurd, recorded as unknown */
	__u64 lost_triggers; /* did not fit their ring */
	__u64 unwatched;     /* filtered threads beyond KF_MAX_WATCHED: their open waits are not looked at */
	__u64 unfollowed;    /* children of filtered processes beyond KF_MAX_FOLLOWED: not filtered */
	__u64 checks;	     /* looks at open waits */
	__u64 check_ns;	     /* time spent in them */
	struct kf_rule_counts rules[KF_MAX_RULES];
	__u64 flooded; /* records refused because their process had its share (bpf/flood.bpf.h) */
	/* From the event that fired to the protected window: bucket i counts those below 2^i us, the last one the rest. */
	__u64 hold_latency[16];
};

/* What user space tells the program that looks at the rules of terms it has made true, and gets back. */
struct kf_set_true {
	__u64 ts_ns; /* answer: when */
	__u32 terms; /* a bit each */
	__u32 rule;  /* answer: 1 + the rule that got a snapshot, 0 none */
};

/* Open waits of at most so many filtered threads are looked at. */
#define KF_MAX_WATCHED 32768

#define KF_MAX_FILTER_COMMS   16
#define KF_MAX_FILTER_CGROUPS 16
#define KF_MAX_FILTER_PIDS    4096
#define KF_MAX_FOLLOWED	      16384
#define KF_COMM_GLOB_BYTES    32
/* Different ones, of the recording and of terms together; powers of two. */
#define KF_MAX_GLOBS   32
#define KF_MAX_CGROUPS 32

/* Whom a filter is for: terms, a bit each in the low half, and the recording. */
#define KF_FILTERS_RECORDING (1ULL << 32)

/* Of one process or thread. */
struct kf_id_filters {
	__u64 by_id;	 /* filters that name it as what it is */
	__u64 by_number; /* ... that name a number, be it of a process or of a thread */
};

/* A shell glob with * and ?, NUL-terminated. */
struct kf_comm_glob {
	char text[KF_COMM_GLOB_BYTES];
};

/* The same, compiled (user/capture/glob.c): sets of places in the pattern, a bit each. */
struct kf_glob_table {
	__u64 moves[256]; /* by byte: places it is matched at, which moves to the next place */
	__u64 stays[256]; /* ... places it leaves as they are */
	__u64 stars;	  /* places of *, from where the next place can be had for nothing */
	__u64 accept;	  /* the place behind the end */
};
#define KF_GLOB_LEAVE_STARS(table, places) ((places) | ((places) & (table)->stars) << 1)
#define KF_GLOB_START(table)		   KF_GLOB_LEAVE_STARS(table, 1ULL)
#define KF_GLOB_STEP(table, places, byte)                                                                              \
	KF_GLOB_LEAVE_STARS(table, (((places) & (table)->moves[byte]) << 1 | ((places) & (table)->stays[byte])))

/* A cgroup v2 and all below it. */
struct kf_cgroup_filter {
	__u64 id;
	__u32 level; /* depth below the root of the hierarchy */
	__u32 zero;
};

#endif
