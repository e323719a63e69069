/* SPDX-License-Identifier: BSD-2-Clause */
#include "expr/expr.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/options.h"
#include "model/wait.h"

#define EXAMPLE	      "write it like 'max(futex) > 50ms', 'p99.9(runq) of nginx > 2ms' or 'total(throttled) > 1%'"
#define WORD_BYTES    64
#define HUNDRED_MICRO (100ULL * KF_EXPR_MICRO)
#define NUMBER_MAX    1000000000000ULL /* millionths of it still fit 64 bits */
#define NS_PER_S      1000000000ULL

static const char *const kinds[] = {
	"runq", "futex", "syscall", "block", "throttled", "steal", "softirq", "irq", NULL
};
/* By enum kf_expr_function; what people are told. */
static const char *const functions[] = { "max", "avg", "p99", "total", "count", "rate", NULL };

struct parser {
	struct kf_expr *expr;
	const char *text;
	const char *at;
	const char *blame; /* where it went wrong, NULL nowhere in particular */
	struct kf_error *e;
};

/* A part of the text. */
struct word {
	const char *at;
	size_t len;
	char text[WORD_BYTES]; /* cut: what is longer is no word we know */
};

static int fail_at(struct parser *p, const char *at, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static int fail_at(struct parser *p, const char *at, const char *hint, const char *format, ...)
{
	char shown[200], why[200];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	p->blame = at;
	kf_text_printable(p->text, strlen(p->text), shown, sizeof(shown));
	return kf_fail(p->e, KF_USAGE, hint, "expression '%s', column %zu: %s", shown, (size_t)(at - p->text) + 1, why);
}

static void skip_blanks(struct parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

static bool takes(struct parser *p, char c)
{
	skip_blanks(p);
	if (*p->at != c)
		return false;
	p->at++;
	return true;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.';
}

static struct word take_word(struct parser *p)
{
	struct word w = { 0 };

	skip_blanks(p);
	w.at = p->at;
	while (is_word(*p->at))
		p->at++;
	w.len = (size_t)(p->at - w.at);
	snprintf(w.text, sizeof(w.text), "%.*s", (int)(w.len < WORD_BYTES ? w.len : WORD_BYTES - 1), w.at);
	return w;
}

static int find(const char *const *names, const struct word *w)
{
	for (int i = 0; names[i]; i++)
		if (w->len < WORD_BYTES && !strcmp(names[i], w->text))
			return i;
	return -1;
}

static int unknown_word(struct parser *p, const struct word *w, const char *what, const char *const *names,
			const char *hint)
{
	const char *near = w->len < WORD_BYTES ? kf_nearest(w->text, names) : NULL;

	if (near)
		return fail_at(p, w->at, hint, "unknown %s '%s', did you mean '%s'?", what, w->text, near);
	return fail_at(p, w->at, hint, "unknown %s '%s'", what, w->text);
}

/* Digits with a point, as millionths. Moves on only if there is a number. */
static int take_micro(struct parser *p, uint64_t *out)
{
	const char *at, *start;
	uint64_t whole = 0, fraction = 0, place = KF_EXPR_MICRO;

	skip_blanks(p);
	start = at = p->at;
	if (!isdigit((unsigned char)*at))
		return fail_at(p, start, EXAMPLE, "a number is missing");
	for (; isdigit((unsigned char)*at); at++) {
		whole = whole * 10 + (uint64_t)(*at - '0');
		if (whole > NUMBER_MAX)
			return fail_at(p, start, NULL, "the number is too large");
	}
	if (*at == '.' && isdigit((unsigned char)at[1]))
		for (at++; isdigit((unsigned char)*at); at++) {
			place /= 10;
			if (!place && *at != '0')
				return fail_at(p, at, NULL, "more than six digits behind the point");
			fraction += (uint64_t)(*at - '0') * place;
		}
	p->at = at;
	*out = whole * KF_EXPR_MICRO + fraction;
	return 0;
}

/* "p99.9" */
static int parse_percentile(struct parser *p, const struct word *w)
{
	const char *behind = p->at;
	uint64_t micro;

	p->at = w->at + 1;
	if (take_micro(p, &micro))
		return -1;
	if (p->at != behind)
		return fail_at(p, p->at, EXAMPLE, "'%s' is no percentile", w->text);
	if (!micro || micro > HUNDRED_MICRO)
		return fail_at(p, w->at, "above 0, up to 100: p50, p99.9, p100", "percentile '%s' is out of range",
			       w->text);
	p->expr->function = KF_EXPR_PERCENTILE;
	p->expr->percentile = (uint32_t)micro;
	return 0;
}

static int parse_function(struct parser *p, const struct word *w)
{
	int function;

	if (w->text[0] == 'p' && isdigit((unsigned char)w->text[1]))
		return parse_percentile(p, w);
	function = find(functions, w);
	if (function < 0)
		return unknown_word(p, w, "function", functions,
				    "the functions are max, avg, p99, total, count and rate");
	p->expr->function = (uint8_t)function;
	return 0;
}

static int unknown_syscall(struct parser *p, const struct word *w)
{
	const char *names[1024] = { NULL };
	size_t n = 0;

	for (uint16_t nr = 0; nr < 1023; nr++)
		if (kf_syscall_name(nr))
			names[n++] = kf_syscall_name(nr);
	return unknown_word(p, w, "syscall", names, "take the kernel's names: read, pread64, epoll_wait, ...");
}

static int parse_syscall(struct parser *p)
{
	struct word w = take_word(p);
	int nr;

	if (!w.len)
		return fail_at(p, w.at, EXAMPLE, "a syscall name is missing");
	nr = w.len < WORD_BYTES ? kf_syscall_number(w.text) : -1;
	if (nr < 0)
		return unknown_syscall(p, &w);
	if (p->expr->n_syscalls == KF_EXPR_MAX_SYSCALLS)
		return fail_at(p, w.at, NULL, "more than %d syscalls", KF_EXPR_MAX_SYSCALLS);
	p->expr->syscalls[p->expr->n_syscalls++] = (uint16_t)nr;
	return 0;
}

/* KIND [ ":" SYSCALL {...} ], whose first word was read already. */
static int parse_waits(struct parser *p, const struct word *w)
{
	int kind = find(kinds, w);

	if (!w->len)
		return fail_at(p, w->at, EXAMPLE, "it does not say what to look at");
	if (kind < 0)
		return unknown_word(p, w, "kind", kinds,
				    "the kinds are runq, futex, syscall, block, throttled, steal, softirq and irq");
	p->expr->kind = (uint8_t)kind;
	if (!takes(p, ':'))
		return 0;
	if (kind != KF_EXPR_SYSCALL)
		return fail_at(p, p->at - 1, "only 'syscall' takes names", "'%s' takes no ':'", w->text);
	do
		if (parse_syscall(p))
			return -1;
	while (takes(p, ','));
	return 0;
}

/* A duration that ends at `to`, or with the text. */
static int parse_duration(struct parser *p, const char *to, uint64_t *out_ns)
{
	char text[WORD_BYTES];
	struct kf_error why;
	size_t len;

	skip_blanks(p);
	while (to > p->at && isspace((unsigned char)to[-1]))
		to--;
	len = (size_t)(to - p->at);
	if (!len)
		return fail_at(p, p->at, EXAMPLE, "a duration is missing");
	snprintf(text, sizeof(text), "%.*s", (int)(len < WORD_BYTES ? len : WORD_BYTES - 1), p->at);
	if (len >= WORD_BYTES || kf_parse_duration(text, out_ns, &why))
		return fail_at(p, p->at, len < WORD_BYTES ? why.hint : NULL, "%s",
			       len < WORD_BYTES ? why.message : "this is no duration");
	p->at = to;
	return 0;
}

static bool take_greater(struct parser *p, bool *or_equal)
{
	if (!takes(p, '>'))
		return false;
	*or_equal = *p->at == '=';
	p->at += *or_equal;
	return true;
}

/* Behind the "(". */
static int parse_argument(struct parser *p)
{
	struct word w = take_word(p);
	const char *close;

	if (parse_waits(p, &w))
		return -1;
	skip_blanks(p);
	close = strchr(p->at, ')');
	if (!close)
		return fail_at(p, p->at, EXAMPLE, "the ')' is missing");
	if (take_greater(p, &p->expr->longer_or_equal)) {
		if (p->expr->function != KF_EXPR_COUNT && p->expr->function != KF_EXPR_RATE)
			return fail_at(p, p->at - 1, "compare the whole: max(runq) > 5ms",
				       "only count and rate take a length inside the brackets");
		if (parse_duration(p, close, &p->expr->longer_ns))
			return -1;
		p->expr->longer_given = true;
	}
	if (!takes(p, ')'))
		return fail_at(p, p->at, EXAMPLE, "a ')' belongs here");
	return 0;
}

static int parse_measure(struct parser *p)
{
	struct word w = take_word(p);

	skip_blanks(p);
	if (*p->at != '(') {
		p->expr->function = KF_EXPR_MAX;
		return parse_waits(p, &w);
	}
	if (!w.len)
		return fail_at(p, p->at, EXAMPLE, "a function is missing before the '('");
	if (parse_function(p, &w))
		return -1;
	p->at++;
	return parse_argument(p);
}

static bool ends_who(char c, char quote)
{
	return !c || (quote ? c == quote : isspace((unsigned char)c) || c == '>' || c == '<');
}

/* All digits: a PID, unless it is quoted. */
static int understand_pid(struct parser *p, const char *at)
{
	uint64_t pid = 0;

	for (const char *c = p->expr->who; *c; c++) {
		if (!isdigit((unsigned char)*c))
			return 0;
		pid = pid * 10 + (uint64_t)(*c - '0');
		if (pid > INT32_MAX)
			return fail_at(p, at, NULL, "there is no PID that large");
	}
	if (!pid)
		return fail_at(p, at, NULL, "there is no PID 0");
	p->expr->pid = (uint32_t)pid;
	p->expr->who[0] = '\0';
	return 0;
}

static int parse_who(struct parser *p)
{
	const char *at;
	char quote = 0;
	size_t len = 0;

	skip_blanks(p);
	if (strncmp(p->at, "of", 2) || !isspace((unsigned char)p->at[2]))
		return 0;
	p->at += 2;
	skip_blanks(p);
	if (*p->at == '\'' || *p->at == '"')
		quote = *p->at++;
	at = p->at;
	while (!ends_who(at[len], quote))
		len++;
	if (!len)
		return fail_at(p, at, EXAMPLE, "the name of a thread or process, or a PID, is missing");
	if (quote && at[len] != quote)
		return fail_at(p, at - 1, NULL, "the closing %c is missing", quote);
	if (len >= sizeof(p->expr->who))
		return fail_at(p, at, "thread names have at most 15 bytes", "the name is too long");
	memcpy(p->expr->who, at, len);
	p->expr->who[len] = '\0';
	p->at = at + len + (quote != 0);
	return quote ? 0 : understand_pid(p, at);
}

static int parse_compare(struct parser *p)
{
	bool or_equal;

	skip_blanks(p);
	if (take_greater(p, &or_equal)) {
		p->expr->compare = or_equal ? KF_EXPR_AT_LEAST : KF_EXPR_ABOVE;
		return 0;
	}
	if (!takes(p, '<'))
		return fail_at(p, p->at, "one of > >= < <=, then a limit: 'max(runq) > 5ms'",
			       *p->at ? "this is no comparison" : "the comparison is missing");
	or_equal = *p->at == '=';
	p->at += or_equal;
	p->expr->compare = or_equal ? KF_EXPR_AT_MOST : KF_EXPR_BELOW;
	return 0;
}

/* "100/s" */
static int parse_rate(struct parser *p)
{
	static const struct {
		char unit;
		uint64_t ns;
	} periods[] = { { 's', NS_PER_S }, { 'm', 60 * NS_PER_S }, { 'h', 3600 * NS_PER_S } };

	if (take_micro(p, &p->expr->limit))
		return -1;
	p->expr->unit = KF_EXPR_PER_TIME;
	if (!takes(p, '/'))
		return fail_at(p, p->at, "write it like 100/s, 5/m or 1/h", "a rate needs its time");
	skip_blanks(p);
	for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++)
		if (*p->at == periods[i].unit) {
			p->expr->period_ns = periods[i].ns;
			p->at++;
			return 0;
		}
	return fail_at(p, p->at, "write it like 100/s, 5/m or 1/h", "a rate is per s, m or h");
}

static int parse_limit(struct parser *p)
{
	const char *end = p->text + strlen(p->text), *last = end;

	skip_blanks(p);
	while (last > p->at && isspace((unsigned char)last[-1]))
		last--;
	if (last == p->at)
		return fail_at(p, p->at, EXAMPLE, "the limit is missing");
	switch (p->expr->function) {
	case KF_EXPR_RATE:
		return parse_rate(p);
	case KF_EXPR_COUNT:
		p->expr->unit = KF_EXPR_NUMBER;
		return take_micro(p, &p->expr->limit);
	}
	if (last[-1] != '%')
		return parse_duration(p, end, &p->expr->limit);
	if (p->expr->function != KF_EXPR_TOTAL)
		return fail_at(p, last - 1, "give a duration: 5ms",
			       "only total() is compared with a share of the window");
	p->expr->unit = KF_EXPR_PERCENT;
	if (take_micro(p, &p->expr->limit))
		return -1;
	return takes(p, '%') ? 0 : fail_at(p, p->at, NULL, "a '%%' belongs here");
}

/* Of CPUs only sums make sense. */
static int check_sense(struct parser *p)
{
	const char *name = kinds[p->expr->kind];

	if (p->expr->kind < KF_EXPR_STEAL)
		return 0;
	if (p->expr->function != KF_EXPR_TOTAL)
		return fail_at(p, p->text, "write it like 'total(softirq) > 10%'",
			       "'%s' is time of CPUs, of which there is only a total", name);
	if (p->expr->who[0] || p->expr->pid)
		return fail_at(p, p->text, "leave the 'of' out", "'%s' is time of CPUs, not of threads", name);
	return 0;
}

static int check_bytes(struct parser *p)
{
	if (strlen(p->text) >= KF_EXPR_BYTES)
		return fail_at(p, p->text, NULL, "it is longer than %d bytes", KF_EXPR_BYTES - 1);
	for (const char *c = p->text; *c; c++)
		if (iscntrl((unsigned char)*c) && *c != '\t')
			return fail_at(p, c, NULL, "a control character");
	return 0;
}

static int parse(struct parser *p)
{
	if (check_bytes(p) || parse_measure(p) || parse_who(p) || parse_compare(p) || parse_limit(p))
		return -1;
	skip_blanks(p);
	if (*p->at)
		return fail_at(p, p->at, EXAMPLE, "the expression should end here");
	return check_sense(p);
}

static void keep_text(struct kf_expr *expr, const char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	memcpy(expr->text, text, len);
	expr->text[len] = '\0';
}

int kf_expr_parse(struct kf_expr *out, const char *text, size_t *column, struct kf_error *e)
{
	struct kf_error ignored;
	struct parser p = { .expr = out, .text = text, .at = text, .e = e ? e : &ignored };
	int err;

	*out = (struct kf_expr){ 0 };
	err = parse(&p);
	if (column)
		*column = p.blame ? (size_t)(p.blame - text) + 1 : 0;
	if (!err)
		keep_text(out, text);
	return err;
}

const char *kf_expr_kind_name(unsigned int kind)
{
	return kind < KF_EXPR_KINDS ? kinds[kind] : "unknown";
}
