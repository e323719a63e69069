/* SPDX-License-Identifier: BSD-2-Clause */
#include "expr/expr.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/limit.h"
#include "expr/reader.h"
#include "model/wait.h"

#define EXAMPLE	      "write it like 'max(futex) > 50ms', 'p99.9(runq) of nginx > 2ms' or 'total(throttled) > 1%'"
#define HUNDRED_MICRO (100ULL * KF_EXPR_MICRO)

static const char *const kinds[] = {
	"runq", "futex", "syscall", "block", "throttled", "steal", "softirq", "irq", NULL
};
/* By enum kf_expr_function; what people are told. */
static const char *const functions[] = { "max", "avg", "p99", "total", "count", "rate", NULL };

/* "p99.9" */
static int read_percentile(struct kf_expr *x, struct kf_reader *r, const struct kf_word *w)
{
	const char *behind = r->at;
	uint64_t micro;

	r->at = w->at + 1;
	if (kf_reader_micro(r, &micro))
		return -1;
	if (r->at != behind)
		return kf_reader_fail(r, r->at, EXAMPLE, "'%s' is no percentile", w->text);
	if (!micro || micro > HUNDRED_MICRO)
		return kf_reader_fail(r, w->at, "above 0, up to 100: p50, p99.9, p100",
				      "percentile '%s' is out of range", w->text);
	x->function = KF_EXPR_PERCENTILE;
	x->percentile = (uint32_t)micro;
	return 0;
}

static int read_function(struct kf_expr *x, struct kf_reader *r, const struct kf_word *w)
{
	int function;

	if (w->text[0] == 'p' && isdigit((unsigned char)w->text[1]))
		return read_percentile(x, r, w);
	function = kf_word_find(w, functions);
	if (function < 0)
		return kf_reader_unknown(r, w, "function", functions,
					 "the functions are max, avg, p99, total, count and rate");
	x->function = (uint8_t)function;
	return 0;
}

static int unknown_syscall(struct kf_reader *r, const struct kf_word *w)
{
	const char *names[KF_MAX_SYSCALLS + 1] = { NULL };
	size_t n = 0;

	for (uint16_t nr = 0; nr < KF_MAX_SYSCALLS; nr++)
		if (kf_syscall_name(nr))
			names[n++] = kf_syscall_name(nr);
	return kf_reader_unknown(r, w, "syscall", names, "take the kernel's names: read, pread64, epoll_wait, ...");
}

static bool has_syscall(const struct kf_expr *x, int nr)
{
	for (uint32_t i = 0; i < x->n_syscalls; i++)
		if (x->syscalls[i] == nr)
			return true;
	return false;
}

static int read_syscall(struct kf_expr *x, struct kf_reader *r)
{
	struct kf_word w = kf_reader_word(r);
	int nr;

	if (!w.len)
		return kf_reader_fail(r, w.at, EXAMPLE, "a syscall name is missing");
	nr = w.len < KF_READER_WORD_BYTES ? kf_syscall_number(w.text) : -1;
	if (nr < 0 || nr >= KF_MAX_SYSCALLS)
		return unknown_syscall(r, &w);
	if (has_syscall(x, nr))
		return kf_reader_fail(r, w.at, NULL, "syscall '%s' is there already", w.text);
	if (x->n_syscalls == KF_EXPR_MAX_SYSCALLS)
		return kf_reader_fail(r, w.at, NULL, "more than %d syscalls", KF_EXPR_MAX_SYSCALLS);
	x->syscalls[x->n_syscalls++] = (uint16_t)nr;
	return 0;
}

static int by_number(const void *va, const void *vb)
{
	const uint16_t *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

/* KIND [ ":" SYSCALL {...} ], whose first word was read already. */
static int read_waits(struct kf_expr *x, struct kf_reader *r, const struct kf_word *w)
{
	int kind = kf_word_find(w, kinds);

	if (!w->len)
		return kf_reader_fail(r, w->at, EXAMPLE, "it does not say what to look at");
	if (kind < 0)
		return kf_reader_unknown(
			r, w, "kind", kinds,
			"the kinds are runq, futex, syscall, block, throttled, steal, softirq and irq");
	x->kind = (uint8_t)kind;
	if (!kf_reader_takes(r, ':'))
		return 0;
	if (kind != KF_EXPR_SYSCALL)
		return kf_reader_fail(r, r->at - 1, "only 'syscall' takes names", "'%s' takes no ':'", w->text);
	do
		if (read_syscall(x, r))
			return -1;
	while (kf_reader_takes(r, ','));
	qsort(x->syscalls, x->n_syscalls, sizeof(x->syscalls[0]), by_number);
	return 0;
}

static bool takes_greater(struct kf_reader *r, bool *or_equal)
{
	if (!kf_reader_takes(r, '>'))
		return false;
	*or_equal = *r->at == '=';
	r->at += *or_equal;
	return true;
}

/* Behind the "(". */
static int read_argument(struct kf_expr *x, struct kf_reader *r)
{
	struct kf_word w = kf_reader_word(r);

	if (read_waits(x, r, &w))
		return -1;
	kf_reader_skip_blanks(r);
	if (!strchr(r->at, ')'))
		return kf_reader_fail(r, r->at, EXAMPLE, "the ')' is missing");
	if (takes_greater(r, &x->longer_or_equal)) {
		if (x->function != KF_EXPR_COUNT && x->function != KF_EXPR_RATE)
			return kf_reader_fail(r, r->at - 1, "compare the whole: max(runq) > 5ms",
					      "only count and rate take a length inside the brackets");
		if (kf_reader_duration(r, &x->longer_ns))
			return -1;
		x->longer_given = true;
	}
	if (!kf_reader_takes(r, ')'))
		return kf_reader_fail(r, r->at, EXAMPLE, "a ')' belongs here");
	return 0;
}

static int read_measure(struct kf_expr *x, struct kf_reader *r)
{
	struct kf_word w = kf_reader_word(r);

	if (kf_reader_peek(r) != '(') {
		x->function = KF_EXPR_MAX;
		return read_waits(x, r, &w);
	}
	if (!w.len)
		return kf_reader_fail(r, r->at, EXAMPLE, "a function is missing before the '('");
	if (read_function(x, r, &w))
		return -1;
	r->at++;
	return read_argument(x, r);
}

bool kf_expr_glob_is_possible(const char *glob)
{
	size_t least = 0;

	for (; *glob; glob++)
		least += *glob != '*';
	return least < KF_COMM_BYTES;
}

static bool is_number(const char *text)
{
	return text[strspn(text, "0123456789")] == '\0';
}

static bool ends_who(char c, char quote)
{
	return !c || (quote ? c == quote : isspace((unsigned char)c) || c == '>' || c == '<');
}

static int read_who(struct kf_expr *x, struct kf_reader *r)
{
	const char *at;
	char quote = 0;
	size_t len = 0;

	kf_reader_skip_blanks(r);
	if (strncmp(r->at, "of", 2) || !isspace((unsigned char)r->at[2]))
		return 0;
	r->at += 2;
	kf_reader_skip_blanks(r);
	if (*r->at == '\'' || *r->at == '"')
		quote = *r->at++;
	at = r->at;
	while (!ends_who(at[len], quote))
		len++;
	if (!len)
		return kf_reader_fail(r, at, EXAMPLE, "the name of a thread or process, or a PID, is missing");
	if (quote && at[len] != quote)
		return kf_reader_fail(r, at - 1, NULL, "the closing %c is missing", quote);
	if (len >= sizeof(x->who))
		return kf_reader_fail(r, at, "thread names have at most 15 bytes", "the name is too long");
	memcpy(x->who, at, len);
	r->at = at + len + (quote != 0);
	if (!quote && is_number(x->who)) {
		if (kf_reader_pid(r, x->who, at, &x->pid))
			return -1;
		memset(x->who, 0, sizeof(x->who));
	}
	if (!kf_expr_glob_is_possible(x->who))
		return kf_reader_fail(r, at, "thread names have at most 15 bytes: cut it and end it with '*'",
				      "no name can fit '%s'", x->who);
	return 0;
}

static int read_compare(struct kf_expr *x, struct kf_reader *r)
{
	bool or_equal;

	if (takes_greater(r, &or_equal)) {
		x->compare = or_equal ? KF_EXPR_AT_LEAST : KF_EXPR_ABOVE;
		return 0;
	}
	if (!kf_reader_takes(r, '<'))
		return kf_reader_fail(r, r->at, "one of > >= < <=, then a limit: 'max(runq) > 5ms'",
				      *r->at && *r->at != ')' && *r->at != '{' ? "this is no comparison"
									       : "the comparison is missing");
	or_equal = *r->at == '=';
	r->at += or_equal;
	x->compare = or_equal ? KF_EXPR_AT_MOST : KF_EXPR_BELOW;
	return 0;
}

/* Of CPUs only sums make sense. */
static int check_sense(const struct kf_expr *x, struct kf_reader *r, const char *start)
{
	const char *name = kinds[x->kind];

	if (x->kind < KF_EXPR_STEAL)
		return 0;
	if (x->function != KF_EXPR_TOTAL)
		return kf_reader_fail(r, start,
				      "`check` takes 'total(softirq) > 10%'; a trigger can look at total(throttled)",
				      "'%s' is time of CPUs, of which there is only a total", name);
	if (x->who[0] || x->pid)
		return kf_reader_fail(r, start, "leave the 'of' out", "'%s' is time of CPUs, not of threads", name);
	return 0;
}

static int keep_text(struct kf_expr *x, struct kf_reader *r, const char *start)
{
	size_t len = (size_t)(r->at - start);

	while (isspace((unsigned char)start[len - 1]))
		len--;
	if (len >= sizeof(x->text))
		return kf_reader_fail(r, start, NULL, "the expression is longer than %d bytes", KF_EXPR_BYTES - 1);
	memcpy(x->text, start, len);
	return 0;
}

int kf_expr_read(struct kf_expr *out, struct kf_reader *r)
{
	const char *start;

	memset(out, 0, sizeof(*out));
	kf_reader_skip_blanks(r);
	start = r->at;
	if (read_measure(out, r) || read_who(out, r) || read_compare(out, r) || kf_expr_read_limit(out, r) ||
	    check_sense(out, r, start))
		return -1;
	return keep_text(out, r, start);
}

bool kf_expr_is_event(const struct kf_expr *x)
{
	return x->function == KF_EXPR_MAX && (x->compare == KF_EXPR_ABOVE || x->compare == KF_EXPR_AT_LEAST);
}

bool kf_expr_is_of_one_wait(const struct kf_expr *x)
{
	return x->function == KF_EXPR_MAX || x->function == KF_EXPR_AVG || x->function == KF_EXPR_PERCENTILE;
}

uint64_t kf_expr_rank(const struct kf_expr *x, uint64_t n)
{
	unsigned __int128 wide = (unsigned __int128)x->percentile * n + HUNDRED_MICRO - 1;

	return (uint64_t)(wide / HUNDRED_MICRO);
}

/* "Not below" is "at least": what is asked of each wait is the same for both. */
uint64_t kf_expr_each_ns(const struct kf_expr *x, bool *or_equal)
{
	switch (x->function) {
	case KF_EXPR_MAX:
	case KF_EXPR_PERCENTILE:
		*or_equal = x->compare == KF_EXPR_AT_LEAST || x->compare == KF_EXPR_BELOW;
		return x->limit;
	case KF_EXPR_COUNT:
	case KF_EXPR_RATE:
		*or_equal = x->longer_or_equal || !x->longer_given;
		return x->longer_ns;
	}
	*or_equal = true;
	return 0;
}

static bool has_same_syscalls(const struct kf_expr *a, const struct kf_expr *b)
{
	return a->n_syscalls == b->n_syscalls &&
	       !memcmp(a->syscalls, b->syscalls, a->n_syscalls * sizeof(a->syscalls[0]));
}

bool kf_expr_is_equal(const struct kf_expr *a, const struct kf_expr *b)
{
	return a->function == b->function && a->kind == b->kind && a->compare == b->compare && a->unit == b->unit &&
	       a->percentile == b->percentile && a->longer_given == b->longer_given &&
	       a->longer_or_equal == b->longer_or_equal && a->longer_ns == b->longer_ns && has_same_syscalls(a, b) &&
	       a->pid == b->pid && !strcmp(a->who, b->who) && a->limit == b->limit && a->per_ns == b->per_ns &&
	       a->over_ns == b->over_ns;
}

const char *kf_expr_kind_name(unsigned int kind)
{
	return kind < KF_EXPR_KINDS ? kinds[kind] : "unknown";
}

const char *kf_expr_function_name(const struct kf_expr *x, char *buf, size_t len)
{
	if (x->function == KF_EXPR_PERCENTILE)
		snprintf(buf, len, "p%.9g", x->percentile / (double)KF_EXPR_MICRO);
	else
		snprintf(buf, len, "%s", x->function <= KF_EXPR_RATE ? functions[x->function] : "unknown");
	return buf;
}
