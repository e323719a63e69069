/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h - the state machines behind kf_timeline_build(): one per thread (a track) and one per CPU (a lane).
 *
 * Records go in by time, one kf_machine_step() each. What a thread was at the floor follows from its first record, so a
 * track begins UNSEEN and its start state is settled late: at the first record that tells it, or at the end, by records
 * after the window and by the task scan (start.h). A wake-up that comes while its thread still runs is kept pending
 * until the thread's next move tells whether it counted.
 *
 * When a record contradicts the state, records were lost. Then the state is declared lost from the last moment it was
 * certain, and found again at the record: UNKNOWN in between (repair.h). Nothing is invented to bridge it.
 *
 * Internal to model/. Functions that add moves, threads or runs rely on kf_machine_reserve() and cannot fail.
 */
#ifndef KF_MODEL_MACHINE_H
#define KF_MODEL_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/drift.h"
#include "model/events.h"
#include "model/moves.h"
#include "model/tids.h"
#include "model/timeline.h"

struct kf_error;
struct kf_snapshot;

/* States of a track beyond enum kf_state. */
enum {
	KF_TRACK_UNSEEN = KF_STATES, /* lived at the floor, nothing else known yet */
	KF_TRACK_UNBORN,	     /* about to be born or reborn in this very step */
};

#define KF_NO_MOVE SIZE_MAX

/* A wake-up as its record told it. */
struct kf_wakeup {
	uint64_t ts_ns; /* 0: there is none */
	uint64_t arg0;
	uint32_t waker; /* index, KF_IDLE, KF_NOBODY */
	uint16_t cpu;	/* whose queue it put the thread on */
	uint16_t nr;	/* what the waker was doing */
	uint8_t flags;	/* KF_MOVE_F_* */
	bool in_syscall;
	bool on_cpu; /* the thread had not left its CPU yet */
};

/* What records after the window say of a thread: what it was at the end. */
enum kf_after { KF_AFTER_NOTHING = 0, KF_AFTER_SWITCHED_IN, KF_AFTER_SWITCHED_OUT, KF_AFTER_WOKEN };

struct kf_track {
	uint8_t state;	    /* enum kf_state, KF_TRACK_* */
	uint8_t after;	    /* enum kf_after */
	uint16_t cpu;	    /* running: there; runnable: its queue; else where it was last */
	uint16_t home;	    /* UNSEEN: on which CPU it must have run last before the floor, KF_NO_CPU not known */
	uint16_t after_cpu; /* where the record after the window was written */
	uint32_t tid;
	bool placing;	     /* just woken: the wake-up may still choose another CPU */
	bool spoke;	     /* it has moves that change no state */
	bool present;	     /* a record says that it lived in the window; else it was only named as a past waker */
	bool was_lost;	     /* it has a LOST move */
	bool past_known;     /* its last record before the floor was looked at */
	uint64_t since_ns;   /* begin of state */
	uint64_t certain_ns; /* the state was certainly still so then */
	uint64_t again_ns;   /* last wake-up while it was runnable already */
	uint64_t after_since_ns;
	size_t wake_move; /* index of the WAKE that `placing` is about, or KF_NO_MOVE */
	struct kf_wakeup pending;
	uint32_t first_drift, last_drift; /* 1 + index in drifts, 0 none */
};

struct kf_lane {
	bool seen;	      /* it is known who runs (or that it is not known) */
	bool witness_differs; /* records disagree about who ran there */
	uint32_t who;	      /* index, KF_IDLE, KF_NOT_KNOWN */
	uint32_t witness;     /* CPUs without a switch: the thread that wrote records there; KF_NOBODY none */
	uint32_t after;	      /* who left it first after the window: index, KF_IDLE, KF_NOBODY */
	uint64_t since_ns;    /* begin of the run that is open */
	uint64_t certain_ns;  /* who was certainly still there then */
	struct kf_run *runs;
	size_t n_runs, room_runs;
};

struct kf_machine {
	const struct kf_snapshot *snapshot;
	uint64_t floor_ns, end_ns;
	struct kf_tids tids;
	struct kf_thread *threads;
	struct kf_track *tracks; /* one per thread */
	size_t n_threads, room_threads, room_tracks;
	struct kf_lane *lanes;
	uint32_t n_cpus;
	struct kf_moves moves;
	struct kf_drift *drifts;
	size_t n_drifts, room_drifts;
	char *names;
	size_t n_names, room_names;
	struct kf_prio_change *prios;
	size_t n_prios, room_prios;
	uint64_t n_records, n_repaired, n_ignored;
};

/* m must be zeroed. It keeps the snapshot. */
int kf_machine_init(struct kf_machine *m, const struct kf_snapshot *s, struct kf_error *e);
void kf_machine_release(struct kf_machine *m);

/* Room for what one record or one thread can add. */
int kf_machine_reserve(struct kf_machine *m);

/* One record; those outside the window teach names only. Returns 0, -1 out of memory. */
int kf_machine_step(struct kf_machine *m, const struct kf_event *event);

/* Threads. */

/* The present user of the number. A number that nobody has gets an UNSEEN thread, that of a dead one an UNBORN one. */
uint32_t kf_machine_thread(struct kf_machine *m, uint32_t tid);
/* Who is meant by a number that is only mentioned (a waker): also a dead thread; 0 is KF_IDLE. */
uint32_t kf_machine_mention(struct kf_machine *m, uint32_t tid);
/* Adds a thread for this number, UNSEEN or UNBORN. */
uint32_t kf_machine_add_thread(struct kf_machine *m, uint32_t tid, uint8_t track_state);
/* Copies what is known of the number to its present thread. */
void kf_machine_identify(struct kf_machine *m, const struct kf_tid *t);

/* The thread has this priority (packed) from then on; ts_ns 0: as far back as the window reaches. */
void kf_machine_set_prio(struct kf_machine *m, uint32_t thread, uint16_t prio, uint64_t ts_ns);

/* A change is seen at a switch: since when in the run that ends there it was so, is not known. */
void kf_machine_doubt_prio(struct kf_machine *m, uint32_t thread);

/* Adds a move; REPAIRED ones are counted. */
struct kf_transition *kf_machine_move(struct kf_machine *m, uint64_t ts_ns, uint32_t thread, enum kf_move kind,
				      uint8_t flags);
/* The thread is in this state (and on this CPU) from ts_ns on. */
void kf_machine_enter(struct kf_machine *m, uint32_t thread, enum kf_state state, uint16_t cpu, uint64_t ts_ns);
/* Settles the start state of an UNSEEN thread. */
void kf_machine_begin(struct kf_machine *m, uint32_t thread, enum kf_state state, uint16_t cpu);

/* Room for the runs that one record can end. */
int kf_lane_reserve(struct kf_lane *lane);
/* Who runs on a CPU changes. */
void kf_lane_set(struct kf_machine *m, uint32_t cpu, uint32_t who, uint64_t ts_ns);
/* A record on this CPU says that this number is its current thread. */
void kf_lane_witness(struct kf_machine *m, uint32_t cpu, uint32_t tid, uint64_t ts_ns);

/* By kind of record. */
void kf_step_switch(struct kf_machine *m, const struct kf_event *event); /* switch.c */
void kf_step_waking(struct kf_machine *m, const struct kf_event *event); /* wake.c */
void kf_step_wakeup_new(struct kf_machine *m, const struct kf_event *event);
void kf_step_migrate(struct kf_machine *m, const struct kf_event *event);
int kf_step_life(struct kf_machine *m, const struct kf_event *event, bool in_window); /* life.c */
void kf_step_syscall(struct kf_machine *m, const struct kf_event *event);

/* Decoding of switches (switch.c). */
struct kf_told;
bool kf_switch_blocks(const struct kf_event *event);
struct kf_wait kf_wait_of_switch(const struct kf_event *event);
struct kf_told kf_told_by(struct kf_machine *m, const struct kf_event *event);
/* A wait in a syscall, judged; task_state as the tracepoint gives it. */
struct kf_wait kf_wait_judged(struct kf_wait wait, uint32_t task_state);
bool kf_task_is_gone(uint32_t task_state);
/* An UNSEEN thread was runnable since the floor or longer, and moved from queue to queue as its drift says. */
void kf_begin_runnable(struct kf_machine *m, uint32_t thread, const struct kf_told *told, uint16_t cpu);

/* Gives a blocked thread this wake-up, at this time (wake.c). */
void kf_wake(struct kf_machine *m, uint32_t thread, const struct kf_wakeup *wakeup, uint64_t ts_ns, uint8_t flags);
struct kf_wakeup kf_wakeup_of(struct kf_machine *m, const struct kf_event *event);

#endif
