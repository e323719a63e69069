/* SPDX-License-Identifier: BSD-2-Clause */
#include "expr/limit.h"

#include <ctype.h>
#include <string.h>

#include "expr/expr.h"
#include "expr/reader.h"

#define NS_PER_S 1000000000ULL

/* "100/s" */
static int read_rate(struct kf_expr *x, struct kf_reader *r)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = { { "s", NS_PER_S }, { "m", 60 * NS_PER_S }, { "h", 3600 * NS_PER_S } };

	if (kf_reader_micro(r, &x->limit))
		return -1;
	x->unit = KF_EXPR_PER_TIME;
	if (!kf_reader_takes(r, '/'))
		return kf_reader_fail(r, r->at, "write it like 100/s, 5/m or 1/h", "a rate needs its time");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (kf_reader_takes_word(r, units[i].unit)) {
			x->per_ns = units[i].ns;
			return 0;
		}
	return kf_reader_fail(r, r->at, "write it like 100/s, 5/m or 1/h; a period comes behind it: 100/s/10s",
			      "a rate is per s, m or h");
}

/* Does a number with a % come next? */
static bool is_percent(const struct kf_reader *r)
{
	const char *at = r->at;

	while (isdigit((unsigned char)*at) || *at == '.')
		at++;
	while (isspace((unsigned char)*at))
		at++;
	return *at == '%';
}

static int read_percent(struct kf_expr *x, struct kf_reader *r)
{
	const char *sign = strchr(r->at, '%');

	if (x->function != KF_EXPR_TOTAL)
		return kf_reader_fail(r, sign ? sign : r->at, "give a duration: 5ms",
				      "only total() is compared with a share of the time");
	x->unit = KF_EXPR_PERCENT;
	if (kf_reader_micro(r, &x->limit))
		return -1;
	return kf_reader_takes(r, '%') ? 0 : kf_reader_fail(r, r->at, NULL, "a '%%' belongs here");
}

/* "count(runq) > 5ms" is easily written for "runq > 5ms". */
static int read_count(struct kf_expr *x, struct kf_reader *r)
{
	x->unit = KF_EXPR_NUMBER;
	if (kf_reader_micro(r, &x->limit))
		return -1;
	if (*r->at == '%' || isalpha((unsigned char)*r->at))
		return kf_reader_fail(r, r->at,
				      "waits longer than 5 ms: 'count(runq > 5ms) > 20', any of them: 'runq > 5ms'",
				      "a count is a plain number");
	return 0;
}

static int read_value(struct kf_expr *x, struct kf_reader *r)
{
	char next = kf_reader_peek(r);

	if (!next || strchr(")}{/", next))
		return kf_reader_fail(r, r->at, "write it like 'max(futex) > 50ms'", "the limit is missing");
	switch (x->function) {
	case KF_EXPR_RATE:
		return read_rate(x, r);
	case KF_EXPR_COUNT:
		return read_count(x, r);
	}
	return is_percent(r) ? read_percent(x, r) : kf_reader_duration(r, &x->limit);
}

static int read_period(struct kf_expr *x, struct kf_reader *r)
{
	const char *at;

	if (kf_expr_is_event(x))
		return kf_reader_fail(r, r->at - 1, "leave it out; percentiles, avg, total, count and rate take one",
				      "this is about single waits, which have no period");
	kf_reader_skip_blanks(r);
	at = r->at;
	if (x->function == KF_EXPR_COUNT && isalpha((unsigned char)*at))
		return kf_reader_fail(
			r, at, "a period is a duration ('/1s'); how many per second is rate(): 'rate(runq) > 5/s'",
			"this is no period");
	if (kf_reader_duration(r, &x->over_ns))
		return -1;
	if (x->over_ns < KF_EXPR_PERIOD_MIN_NS || x->over_ns > KF_EXPR_PERIOD_MAX_NS)
		return kf_reader_fail(r, at, "write it like p99(runq) > 2ms / 1s",
				      "a period is from 100ms to 24h long");
	return 0;
}

int kf_expr_read_limit(struct kf_expr *x, struct kf_reader *r)
{
	if (read_value(x, r))
		return -1;
	return kf_reader_takes(r, '/') ? read_period(x, r) : 0;
}
