/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expr.h - one expression of the language of triggers and `check`: what is not wanted, as a text.
 *
 *	EXPRESSION := MEASURE [ "of" WHO ] COMPARE LIMIT [ "/" PERIOD ]
 *	MEASURE    := WAITS | FUNCTION "(" WAITS [ LONGER DURATION ] ")"	WAITS alone is max(WAITS)
 *	FUNCTION   := max | avg | p NUMBER | total | count | rate	p99.9: 0 < NUMBER <= 100
 *	WAITS      := KIND [ ":" SYSCALL { "," SYSCALL } ]		only `syscall` takes names
 *	KIND       := runq | futex | syscall | block | throttled | steal | softirq | irq
 *	WHO        := GLOB | PID | "'" GLOB "'"				of thread or process names: * and ?
 *	COMPARE    := ">" | ">=" | "<" | "<="
 *	LONGER     := ">" | ">="		only in count and rate: those longer than this
 *	LIMIT      := DURATION (max avg p total) | NUMBER "%" (total) | NUMBER (count) | NUMBER "/" ("s"|"m"|"h") (rate)
 *	PERIOD     := DURATION			100ms to 24h; not for max > and max >=, which are about single waits
 *
 *	runq > 5ms                       p99.9(runq) of nginx > 2ms       total(throttled) > 1% / 10s
 *	max(syscall:fsync,read) > 100ms  count(runq > 1ms) of 2144 > 20   rate(futex > 10ms) >= 5/s
 *
 * `check` fails when an expression is true, as a trigger fires when it is true. Blanks are allowed around every part. steal,
 * softirq and irq are time of CPUs, not waits of threads: only total() takes them, without `of`. 100 % is the length of the
 * window or period: two threads that wait all the time are at 200 %.
 *
 * Whole texts, with and, or and settings, are parsed by expr/condition.h.
 */
#ifndef KF_EXPR_EXPR_H
#define KF_EXPR_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kflight/control.h"

struct kf_reader;

enum kf_expr_kind {
	KF_EXPR_RUNQ = 0,  /* ready to run, but not running */
	KF_EXPR_FUTEX,	   /* blocked in futex(2) */
	KF_EXPR_SYSCALL,   /* in a syscall, from its begin to its end */
	KF_EXPR_BLOCK,	   /* off the CPU for any reason, until woken */
	KF_EXPR_THROTTLED, /* kept off the CPU by the quota of its cgroup */
	KF_EXPR_STEAL,	   /* CPU time the hypervisor gave to others */
	KF_EXPR_SOFTIRQ,   /* CPU time of softirqs */
	KF_EXPR_IRQ,	   /* CPU time of interrupts */
	KF_EXPR_KINDS,
};

enum kf_expr_function {
	KF_EXPR_MAX = 0,
	KF_EXPR_AVG,
	KF_EXPR_PERCENTILE,
	KF_EXPR_TOTAL,
	KF_EXPR_COUNT,
	KF_EXPR_RATE,
};

enum kf_expr_compare { KF_EXPR_ABOVE = 0, KF_EXPR_AT_LEAST, KF_EXPR_BELOW, KF_EXPR_AT_MOST };

enum kf_expr_unit {
	KF_EXPR_NS = 0,	 /* limit is ns */
	KF_EXPR_PERCENT, /* limit is millionths of a per cent of the window or period */
	KF_EXPR_NUMBER,	 /* limit is millionths */
	KF_EXPR_PER_TIME /* limit is millionths per per_ns */
};

#define KF_EXPR_BYTES	      256 /* longest expression, NUL included */
#define KF_EXPR_WHO_BYTES     KF_COMM_GLOB_BYTES
#define KF_EXPR_MAX_SYSCALLS  16
#define KF_EXPR_MICRO	      1000000u
#define KF_EXPR_PERIOD_MIN_NS 100000000ULL
#define KF_EXPR_PERIOD_MAX_NS (24 * 3600 * 1000000000ULL)

struct kf_expr {
	uint8_t function;    /* enum kf_expr_function */
	uint8_t kind;	     /* enum kf_expr_kind */
	uint8_t compare;     /* enum kf_expr_compare */
	uint8_t unit;	     /* enum kf_expr_unit */
	uint32_t percentile; /* PERCENTILE: millionths of a per cent */
	bool longer_given;   /* COUNT, RATE: only waits longer than longer_ns, or as long */
	bool longer_or_equal;
	uint64_t longer_ns;
	uint16_t syscalls[KF_EXPR_MAX_SYSCALLS]; /* SYSCALL: only these, in order and each once; none: all */
	uint32_t n_syscalls;
	uint32_t pid;		     /* of this process or thread; 0: see who */
	char who[KF_EXPR_WHO_BYTES]; /* of threads or processes of this name, "" all */
	uint64_t limit;
	uint64_t per_ns;	  /* PER_TIME: of its unit */
	uint64_t over_ns;	  /* the period behind "/", 0 not given */
	char text[KF_EXPR_BYTES]; /* as given, blanks at its ends left out; no control characters */
};

/*
 * Reads an expression at r->at and stops behind it. Returns 0, or -1 with one line in the reader's error that names the
 * column. *out is zeroed before.
 */
int kf_expr_read(struct kf_expr *out, struct kf_reader *r);

/* Is it about single waits (max > and max >=), one of which makes it true? */
bool kf_expr_is_event(const struct kf_expr *x);
/* Does it compare a wait, or their average, of which there is none without waits (max, avg, percentiles)? */
bool kf_expr_is_of_one_wait(const struct kf_expr *x);
/* Nearest rank: the percentile of n waits is the one at this place, from 1, when they are sorted; 0 of none. */
uint64_t kf_expr_rank(const struct kf_expr *x, uint64_t n);
/* The length a wait is compared with (longer_ns, or the limit of max and percentiles), and how: true is >=. 0 and true for all. */
uint64_t kf_expr_each_ns(const struct kf_expr *x, bool *or_equal);
/* Do both say the same, in whatever words? */
bool kf_expr_is_equal(const struct kf_expr *a, const struct kf_expr *b);

/* "runq", ... */
const char *kf_expr_kind_name(unsigned int kind);
/* "max", "p99.9", ...; returns buf. */
const char *kf_expr_function_name(const struct kf_expr *x, char *buf, size_t len);

/* Can any thread have a name that this glob fits? Reads no further than its NUL. */
bool kf_expr_glob_is_possible(const char *glob);

#endif
