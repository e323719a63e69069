/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * snapshot.h - one saved window: what the recorder copied out of the kernel, in memory and as a .kfl file.
 *
 * It holds raw records, so that a better model can read old incidents again. capture/ fills a struct kf_snapshot and
 * writes it; everything in model/ and output/ starts from one that was read. Layout of the file: see snapshot/format.h.
 */
#ifndef KF_SNAPSHOT_SNAPSHOT_H
#define KF_SNAPSHOT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kflight/control.h"
#include "kflight/record.h"

struct kf_error;

/* Slots of one ring, oldest first, in ring order (not exactly time order: probes nest). A KF_MORE slot directly follows
 * its record; there are no orphans. */
struct kf_ring_copy {
	struct kf_slot *slots;
	size_t n_slots;
	uint64_t written;	/* slots written since the start of recording */
	uint64_t overwritten;	/* ... of which lost to newer ones */
	uint64_t dropped;	/* records refused because the window was held */
	uint64_t torn;		/* slots of this copy thrown away: overwritten during the copy or never committed */
	uint64_t oldest_ns;	/* from here on this ring is whole; recording start if it never wrapped */
	uint64_t drop_first_ns; /* first record refused during this hold, 0 none */
	uint64_t drop_last_ns;	/* last record refused before this hold, 0 none */
};

/* Things that went wrong in BPF since the start, for the whole host. */
struct kf_losses {
	uint64_t missed_runs;	/* probe runs the kernel skipped because the same probe was already running */
	uint64_t no_state;	/* events whose thread got no state (out of memory) */
	uint64_t bad_waits;	/* waits that were negative or absurd, and reported as unknown */
	uint64_t lost_triggers; /* triggers that fired but did not fit their ring */
	uint64_t flooded;	/* records refused because their process had its share */
};

/* What each trigger kind did since the start. */
struct kf_trigger_counts {
	uint64_t hits;	  /* snapshots asked for */
	uint64_t cooling; /* suppressed during cool-down */
	uint64_t busy;	  /* suppressed while a snapshot was being taken */
};

/* One rule of the trigger set, and what it did. */
struct kf_snapshot_rule {
	char *name;		      /* "runq-5ms" */
	char *text;		      /* as the user gave it: "runq>5ms{comm=nginx*}" */
	struct kf_rule_counts counts; /* since the start of recording */
	struct kf_rule_counts recent; /* ... of which since the snapshot before this one (suppressed_since_ns) */
};

/* Ids of a trace and a span, lower-case hexadecimal digits and a NUL: https://www.w3.org/TR/trace-context/ */
#define KF_TRACE_ID_BYTES 33
#define KF_SPAN_ID_BYTES  17

/* Who asked for the snapshot over the control socket. */
struct kf_requester {
	uint32_t pid; /* 0: nobody, or not known */
	uint32_t uid;
	char comm[KF_COMM_BYTES];
};

/* The budget guard gave something up, or took it back. */
struct kf_shed {
	uint64_t ts_ns;
	uint32_t cost_ppm; /* what made it so: own CPU time, in millionths of the host's */
	uint16_t before;   /* enum kf_shed_level */
	uint16_t after;
};

enum kf_shed_level {
	KF_SHED_NOTHING = 0,
	KF_SHED_SYSCALLS = 1,	/* records of syscalls */
	KF_SHED_INTERRUPTS = 2, /* ... and of interrupts */
	KF_SHED_LEVELS,
};

/* A cgroup of the cpu controller, as it was when the snapshot was taken. */
struct kf_cgroup {
	uint64_t id;
	uint64_t quota_ns;  /* CPU time per period, of its own, 0 no quota */
	uint64_t period_ns; /* 0 without a quota */
	uint64_t parent_id; /* 0: the root, or not known */
	char *path;	    /* from the root of the hierarchy: "/web" */
};

#define KF_MAX_SHEDS	64
#define KF_COST_UNKNOWN UINT32_MAX

struct kf_snapshot {
	/* Clocks. real_ns is CLOCK_REALTIME at CLOCK_MONOTONIC mono_ns. */
	uint64_t mono_ns;
	uint64_t real_ns;
	uint64_t boot_ns; /* CLOCK_BOOTTIME at mono_ns */

	/* The window: whole from floor_ns to end_ns on every CPU (CLOCK_MONOTONIC). */
	uint64_t started_ns; /* when recording started */
	uint64_t floor_ns;
	uint64_t end_ns;

	/* What was asked. */
	uint64_t window_ns; /* wished length, 0 no wish */
	uint64_t after_ns;
	uint32_t syscall_mode; /* enum kf_syscall_mode */
	uint32_t sources;      /* enum kf_sources that were recorded */
	char *version;	       /* of kflight */
	char *host;	       /* nodename */
	char *kernel;	       /* release */
	char *machine;	       /* "x86_64" */
	char *filter;	       /* as the user gave it, "" none */
	char *triggers;	       /* expressions, comma separated, "" none */
	char *reason;	       /* of a request, "" none */
	char *trace_id;	       /* of a request: trace and span it belongs to (W3C trace context), "" none */
	char *span_id;
	char *irqs; /* names of interrupts, a line each: "24 virtio0-input.0", "" not known */

	struct kf_trigger trigger;
	struct kf_trigger_counts counts[KF_TRIGGER_KINDS];
	struct kf_losses losses;
	struct kf_requester requester;
	struct kf_snapshot_rule *rules; /* in the order of trigger.rule - 1 */
	size_t n_rules;
	uint64_t suppressed_since_ns; /* what rules[].recent counts from: the snapshot before this one, or the start */
	uint64_t snapshots_before;    /* written by this recorder */
	uint32_t cost_ppm;	      /* own share of the host's CPU time when measured last, KF_COST_UNKNOWN never */
	uint32_t budget_ppm;	      /* allowed share, 0 no budget */
	struct kf_shed *sheds;	      /* oldest first, those since the start or the last KF_MAX_SHEDS */
	size_t n_sheds;

	uint32_t n_cpus;			/* possible CPUs: index is the CPU number */
	struct kf_ring_copy *rings[KF_CLASSES]; /* n_cpus each */

	struct kf_task *tasks;
	size_t n_tasks;
	struct kf_cgroup *cgroups; /* those of the tasks and all above them */
	size_t n_cgroups;
};

/* Allocates an empty snapshot with room for n_cpus rings per class, "" for every string, KF_COST_UNKNOWN as its cost. */
struct kf_snapshot *kf_snapshot_new(uint32_t n_cpus);
/* Frees *s and all it holds, sets *s to NULL; NULL and pointer to NULL are fine. */
void kf_snapshot_free(struct kf_snapshot **s);
/* Do the tasks say which CPUs they may use? */
bool kf_snapshot_knows_affinity(const struct kf_snapshot *s);
/* Replaces one of the strings; text may be NULL ("" then). Returns 0 or -1 when out of memory. */
int kf_snapshot_set(char **field, const char *text);

/* Appends a rule; copies the texts. Returns 0 or -1 when out of memory. */
int kf_snapshot_add_rule(struct kf_snapshot *s, const char *name, const char *text, const struct kf_rule_counts *counts,
			 const struct kf_rule_counts *recent);
/* The rule that fired; NULL none, or not known. */
const struct kf_snapshot_rule *kf_snapshot_fired(const struct kf_snapshot *s);

/*
 * Writes s as file `name` in the folder dir_fd: under a temporary name first (O_EXCL, O_NOFOLLOW, mode 0600), renamed
 * when whole and synced, removed on failure. A reader never sees half a file under `name`; an existing `name` is an
 * error. Only a writer that is killed leaves its temporary file, whose name begins with KF_SNAPSHOT_TEMP_PREFIX; as long
 * as it lives the file is locked (flock).
 */
#define KF_SNAPSHOT_TEMP_PREFIX ".kflight-tmp-"
int kf_snapshot_write(const struct kf_snapshot *s, int dir_fd, const char *name, struct kf_error *e);

/* The same; prepare (NULL none) gets the whole file before it has its name: owner, attributes. It returns 0 or an errno. */
typedef int (*kf_snapshot_prepare_fn)(void *context, int fd);
int kf_snapshot_write_prepared(const struct kf_snapshot *s, int dir_fd, const char *name,
			       kf_snapshot_prepare_fn prepare, void *context, struct kf_error *e);

/*
 * Reads a file. Truncated, foreign, newer and corrupt files are errors that say which of these it is and where; nothing
 * in the file is trusted. On success *out belongs to the caller, and holds:
 *  - slots without kind 0 and without orphans, as promised above: what breaks this is left out and counted as torn;
 *    kinds this version does not know are kept;
 *  - names that end with a NUL; other bytes of them, and all numbers (kinds, CPUs, times) as they were stored;
 *  - end_ns >= floor_ns: a window that ends before it begins is empty at its end.
 */
int kf_snapshot_read(struct kf_snapshot **out, const char *path, struct kf_error *e);

/* The same from memory (tests, fuzzing); name is for messages. */
int kf_snapshot_parse(struct kf_snapshot **out, const void *bytes, size_t len, const char *name, struct kf_error *e);

#endif
