/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * record.h - the 32-byte slots that BPF writes, the rings carry and snapshot files store.
 *
 * Every CPU has one ring per class of history. A ring is a head page (struct kf_ring_head) followed by 2^n slots; slot
 * number i (counted from 0 since the start, never reset) lives at index i mod 2^n. A record is one slot, or a slot with
 * KF_F_MORE set and the slot behind it, whose kind is KF_MORE. Slots are little-endian and their layout is stored in
 * files: kinds are append-only, retired ones leave their number unused, and a changed layout raises KF_FORMAT_MAJOR.
 *
 * Common to all slots:
 *
 *   offset size  field
 *        0    8  ts_ns    CLOCK_MONOTONIC (in KF_MORE slots: payload)
 *        8    4  seq      low 32 bits of slot number + 1, stored last: a slot with another seq is not (yet) this one
 *       12    4  tid      the thread the record is about; 0 is the idle task of the CPU
 *       16    4  peer     the other thread
 *       20    1  kind     enum kf_kind
 *       21    1  flags    KF_F_*
 *       22    2  nr       syscall number, or KF_NR_USER, KF_NR_KTHREAD
 *       24    8  payload  selected by kind
 *
 * kind          ring     tid      peer     nr                payload @24
 * SWITCH        sched    prev     next     prev's syscall    u32 waker, u32 wait: who made next runnable, how long ago
 * WAKING        sched    wakee    waker    waker's syscall   u48 arg0 of waker's syscall, u16 cpu wakee last ran on
 * WAKEUP_NEW    sched    child    parent   -                 u48 0, u16 cpu the child is queued on
 * MIGRATE       sched    moved    current  -                 u16 0, u16 0, u16 from cpu, u16 to cpu
 * FORK          life     child    parent   -                 u32 tgid of child, u32 tgid of parent
 * EXEC          life     tid now  old tid  -                 u32 tgid, u32 0
 * EXIT          life     tid      0        -                 u32 tgid, u32 0
 * RENAME        life     tid      current  -                 u32 tgid, u32 0
 * SYSCALL       syscall  tid      ret@lo   nr                u64 start_ns (ts_ns is the end)
 * PRIO          sched    tid      before   priority now      u32 tgid, u32 0
 * IRQ           taken    current  ns       vector            u64 start_ns (ts_ns is the end)
 * STEAL         taken    current  ns       0                 u64 start_ns
 * THROTTLE      taken    tid      ticks    0                 u64 id of the cgroup
 *
 * A SWITCH with KF_F_MORE is one where prev blocked (or died). Its second slot:
 *
 *        0    8  arg0     first argument of the syscall prev sleeps in (futex address, fd, ...)
 *       12    4  state    prev_state as the tracepoint gives it (TASK_INTERRUPTIBLE, ...), and KF_STATE_*
 *       16    4  arg2     low half of the third argument
 *       20    1  kind     KF_MORE
 *       21    1  filetype S_IFMT of arg0's file >> 12 where arg0 is an fd; 0 unknown
 *       22    2  -        0
 *       24    8  arg1     second argument
 *
 * A WAKING with KF_F_MORE ends a wait that began long ago (KF_LONG_WAIT_NS) or before recording: its begin may be
 * overwritten, so it tells what the wait was. Its second slot:
 *
 *        0    8  arg0     first argument of the syscall the wakee slept in
 *       12    4  state    the wakee's task state in its sleep, and KF_STATE_*
 *       16    4  arg1     low half of the second argument
 *       20    1  kind     KF_MORE
 *       21    1  filetype as above; KF_PAST_IN_SYSCALL: nr was being executed
 *       22    2  nr       syscall the wakee slept in
 *       24    8  since_ns when it began to sleep; 0 before recording
 *
 * An IRQ slot is one interrupt or softirq, or several short ones of one vector in a row: peer is the time they took together,
 * no longer than from start_ns to ts_ns. A STEAL slot is time the hypervisor gave to others, somewhere between the two. A
 * THROTTLE slot is written when tid runs again: for that many ticks of KF_WAIT_TICK_NS of the gap that ends here, the CPU
 * quota of its cgroup, or of one above it, was used up; with KF_F_AT_START from the beginning of the gap.
 *
 * The nr of life records is the thread's priority, packed by KF_PRIO_PACK(), and so is the peer of PRIO; 0 is not known.
 *
 * FORK, EXEC, EXIT and RENAME always have a second slot: comm[0..7] at 0, comm[8..15] at 12, task start_time_ns at 24.
 * A SYSCALL with KF_F_MORE has one too: arg0 at 0, arg2 (low) at 12, ret (high) at 16, arg1 at 24.
 */
#ifndef KFLIGHT_RECORD_H
#define KFLIGHT_RECORD_H

#ifndef KF_BPF /* BPF code has these types from its own header */
#include <linux/types.h>
#endif

enum kf_kind {
	KF_INVALID = 0,
	KF_SWITCH = 1,
	KF_WAKING = 2,
	KF_WAKEUP_NEW = 3,
	KF_MIGRATE = 4,
	KF_FORK = 5,
	KF_EXEC = 6,
	KF_EXIT = 7,
	KF_RENAME = 8,
	KF_SYSCALL = 9,
	KF_PRIO = 10,
	KF_IRQ = 11,
	KF_STEAL = 12,
	KF_THROTTLE = 13,
	KF_MORE = 0x80, /* second slot of the record before it */
};

/* Flags. Bits are reused between kinds where the table says so. */
enum {
	/* all kinds */
	KF_F_MORE = 1 << 0,	  /* a KF_MORE slot follows */
	KF_F_IN_SYSCALL = 1 << 1, /* nr is being executed (not just returning): of prev, or of the waker */
	/* SWITCH */
	KF_F_PREEMPT = 1 << 2,	 /* the tracepoint's preempt argument: preempted inside the kernel */
	KF_F_THROTTLED = 1 << 3, /* prev leaves because its cgroup's quota is used up */
	KF_F_CAUSE_SHIFT = 4,	 /* two bits, enum kf_cause: why next was runnable */
	KF_F_CAUSE_MASK = 3 << KF_F_CAUSE_SHIFT,
	KF_F_WAKER_IRQ = 1 << 6, /* next was woken by an interrupt, waker is whom it interrupted */
	/* WAKING, WAKEUP_NEW: context of the waker, enum kf_context */
	KF_F_CONTEXT_SHIFT = 2,
	KF_F_CONTEXT_MASK = 7 << KF_F_CONTEXT_SHIFT,
	KF_F_ON_CPU = 1 << 5, /* wakee had not yet left its CPU */
	/* MIGRATE */
	KF_F_QUEUED = 1 << 2, /* moved while runnable, from queue to queue */
	/* IRQ */
	KF_F_SOFTIRQ = 1 << 2, /* nr is a softirq vector, else an interrupt number or KF_VECTOR_* */
	/* THROTTLE */
	KF_F_AT_START = 1 << 2,
	KF_F_LIMITING = 1 << 3, /* the cgroup is the one whose quota it was, else the thread's own */
};

/* Why a thread was runnable when it was switched in. */
enum kf_cause {
	KF_CAUSE_UNKNOWN = 0,
	KF_CAUSE_WOKEN = 1,
	KF_CAUSE_PREEMPTED = 2, /* was switched out while still runnable */
	KF_CAUSE_FORKED = 3,
};

/* What the CPU was doing when it woke somebody. */
enum kf_context {
	KF_CTX_UNKNOWN = 0,
	KF_CTX_TASK = 1,
	KF_CTX_SOFTIRQ = 2,
	KF_CTX_HARDIRQ = 3,
	KF_CTX_NMI = 4,
};

#define KF_NR_USER    0xffff /* not in a syscall: user mode, page fault or exit-to-user work */
#define KF_NR_KTHREAD 0xfffe /* kernel thread: has no syscalls */
#define KF_NR_COMPAT  0xfffd /* 32-bit syscall of a 64-bit kernel: other numbers, not decoded */

/* Beside the kernel's bits in a task state: whether it waits for a device (task->in_iowait). Neither: not known. */
#define KF_STATE_DEVICE	   0x40000000u
#define KF_STATE_NO_DEVICE 0x80000000u

/* Interrupts of the CPU itself, which have no interrupt number. */
#define KF_VECTOR_TIMER	   0xffff /* local timer */
#define KF_VECTOR_CALL	   0xfffe /* function call from another CPU */
#define KF_VECTOR_IRQ_WORK 0xfffd

/*
 * A priority in 16 bits: 1 + task->prio (-1 deadline, 0..99 real-time: 99 - rt_priority, 100..139: 120 + nice), and
 * task->policy (SCHED_OTHER, ..., sched(7)).
 */
#define KF_PRIO_KNOWN		   0x8000
#define KF_PRIO_PACK(prio, policy) (KF_PRIO_KNOWN | (((policy)&7) << 8) | (((prio) + 1) & 0xff))
#define KF_PRIO_OF(packed)	   ((int)((packed)&0xff) - 1)
#define KF_PRIO_POLICY(packed)	   (((packed) >> 8) & 7)

/* SWITCH.wait counts ticks of 64 ns: 32 bits then reach 274 s. */
#define KF_WAIT_TICK_NS 64
#define KF_WAIT_UNKNOWN 0xffffffffu
#define KF_WAIT_MAX	0xfffffffeu /* this long or longer */

struct kf_slot {
	__u64 ts_ns;
	__u32 seq;
	__u32 tid;
	__u32 peer;
	__u8 kind;
	__u8 flags;
	__u16 nr;
	union {
		__u64 start_ns;	 /* SYSCALL, IRQ, STEAL */
		__u64 cgroup_id; /* THROTTLE */
		struct {	 /* SWITCH */
			__u32 waker;
			__u32 wait;
		};
		struct { /* WAKING, WAKEUP_NEW, MIGRATE (arg0_hi is "from") */
			__u32 arg0_lo;
			__u16 arg0_hi;
			__u16 cpu;
		};
		struct { /* FORK, EXEC, EXIT, RENAME, PRIO */
			__u32 tgid;
			__u32 parent_tgid;
		};
	};
};

/* The KF_MORE slot of SWITCH and SYSCALL. */
struct kf_slot_args {
	__u64 arg0;
	__u32 seq;
	__u32 state; /* SYSCALL: low half of arg2 */
	__u32 arg2;  /* SYSCALL: high half of ret */
	__u8 kind;
	__u8 filetype;
	__u16 zero;
	__u64 arg1;
};

/* The KF_MORE slot of WAKING. */
struct kf_slot_past {
	__u64 arg0;
	__u32 seq;
	__u32 state;
	__u32 arg1;
	__u8 kind;
	__u8 filetype;
	__u16 nr;
	__u64 since_ns;
};
#define KF_PAST_IN_SYSCALL 0x80
#define KF_LONG_WAIT_NS	   100000000ULL

/* The KF_MORE slot of FORK, EXEC, EXIT, RENAME. */
struct kf_slot_name {
	char comm_lo[8];
	__u32 seq;
	char comm_hi[8]; /* unaligned to 8 on purpose: seq and kind stay where they are in every slot */
	__u8 kind;
	__u8 zero8;
	__u16 zero16;
	__u64 start_time_ns; /* task->start_time: tells users of one tid apart */
};

#define KF_SLOT_BYTES 32
_Static_assert(sizeof(struct kf_slot) == KF_SLOT_BYTES, "stored layout");
_Static_assert(sizeof(struct kf_slot_args) == KF_SLOT_BYTES, "stored layout");
_Static_assert(sizeof(struct kf_slot_name) == KF_SLOT_BYTES, "stored layout");
_Static_assert(sizeof(struct kf_slot_past) == KF_SLOT_BYTES, "stored layout");
_Static_assert(__builtin_offsetof(struct kf_slot_past, seq) == 8, "stored layout");
_Static_assert(__builtin_offsetof(struct kf_slot_past, kind) == 20, "stored layout");
_Static_assert(__builtin_offsetof(struct kf_slot, seq) == 8, "stored layout");
_Static_assert(__builtin_offsetof(struct kf_slot, kind) == 20, "stored layout");
_Static_assert(__builtin_offsetof(struct kf_slot_args, seq) == 8, "stored layout");
_Static_assert(__builtin_offsetof(struct kf_slot_args, kind) == 20, "stored layout");
_Static_assert(__builtin_offsetof(struct kf_slot_name, seq) == 8, "stored layout");
_Static_assert(__builtin_offsetof(struct kf_slot_name, kind) == 20, "stored layout");

/* Classes of history: a flood in one cannot evict another. */
enum kf_class {
	KF_CLASS_SCHED = 0,
	KF_CLASS_SYSCALL = 1,
	KF_CLASS_LIFE = 2,
	KF_CLASS_TAKEN = 3, /* CPU time that no thread got */
	KF_CLASSES,
};

#define KF_COMM_BYTES 16 /* TASK_COMM_LEN: NUL included */

#endif
