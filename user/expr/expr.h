/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expr.h - the expression language of `check` (and of triggers): what is not wanted, as a text.
 *
 *	EXPRESSION := MEASURE [ "of" WHO ] COMPARE LIMIT
 *	MEASURE    := WAITS | FUNCTION "(" WAITS [ LONGER DURATION ] ")"	WAITS alone is max(WAITS)
 *	FUNCTION   := max | avg | p NUMBER | total | count | rate	p99.9: 0 < NUMBER <= 100
 *	WAITS      := KIND [ ":" SYSCALL { "," SYSCALL } ]		only `syscall` takes names
 *	KIND       := runq | futex | syscall | block | throttled | steal | softirq | irq
 *	WHO        := GLOB | PID | "'" GLOB "'"				of thread or process names
 *	COMPARE    := ">" | ">=" | "<" | "<="
 *	LONGER     := ">" | ">="		only in count and rate: those longer than this
 *	LIMIT      := DURATION (max avg p total) | NUMBER "%" (total) | NUMBER (count) | NUMBER "/" ("s"|"m"|"h") (rate)
 *
 *	runq > 5ms                       p99.9(runq) of nginx > 2ms       total(throttled) > 1%
 *	max(syscall:fsync,read) > 100ms  count(runq > 1ms) of 2144 > 20   rate(futex > 10ms) >= 5/s
 *
 * An expression says what is not wanted: `check` fails when it is true, as a trigger fires when it is true. Blanks are
 * allowed around every part. steal, softirq and irq are time of CPUs, not waits of threads: only total() takes them, without
 * `of`. 100 % is the length of the window: two threads that wait all the time are at 200 %.
 */
#ifndef KF_EXPR_EXPR_H
#define KF_EXPR_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kf_error;

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
	KF_EXPR_PERCENT, /* limit is millionths of a per cent of the window */
	KF_EXPR_NUMBER,	 /* limit is millionths */
	KF_EXPR_PER_TIME /* limit is millionths per period_ns */
};

#define KF_EXPR_BYTES	     256 /* longest expression, NUL included */
#define KF_EXPR_WHO_BYTES    64
#define KF_EXPR_MAX_SYSCALLS 16
#define KF_EXPR_MICRO	     1000000u

struct kf_expr {
	uint8_t function;    /* enum kf_expr_function */
	uint8_t kind;	     /* enum kf_expr_kind */
	uint8_t compare;     /* enum kf_expr_compare */
	uint8_t unit;	     /* enum kf_expr_unit */
	uint32_t percentile; /* PERCENTILE: millionths of a per cent */
	bool longer_given;   /* COUNT, RATE: only waits longer than longer_ns, or as long */
	bool longer_or_equal;
	uint64_t longer_ns;
	uint16_t syscalls[KF_EXPR_MAX_SYSCALLS]; /* SYSCALL: only these; none: all */
	uint32_t n_syscalls;
	uint32_t pid;		     /* of this process or thread; 0: see who */
	char who[KF_EXPR_WHO_BYTES]; /* of threads or processes of this name, "" all */
	uint64_t limit;
	uint64_t period_ns;	  /* PER_TIME */
	char text[KF_EXPR_BYTES]; /* as given, blanks at its ends left out; no control characters */
};

/*
 * Returns 0, or -1 with one line in e that names the column. column (may be NULL) is then where: 1 is the first byte of text,
 * 0 if no place is to blame.
 */
int kf_expr_parse(struct kf_expr *out, const char *text, size_t *column, struct kf_error *e);

/* "runq", ... */
const char *kf_expr_kind_name(unsigned int kind);

#endif
