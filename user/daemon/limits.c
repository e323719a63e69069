/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/units.h"
#include "daemon/retention.h"

#define HINT	 "a count per time, several with commas: --limit 5/m,20/h,100/d"
#define NS_PER_S 1000000000ULL
#define DAY_NS	 (86400 * NS_PER_S)

/* So many are remembered in any case: other limits may come (kf_limits_change()). */
#define MIN_ROOM 1024

struct window {
	uint64_t count, period_ns;
	char text[32]; /* "20/h" */
};

struct kf_limits {
	struct window windows[KF_LIMITS_WINDOWS];
	size_t n_windows;
	uint64_t *taken_ns; /* the last ones, a ring in order of time */
	size_t room, next, n;
};

/* ---- the text ---- */

/* "h" or "12h" */
static int parse_period(const char *text, uint64_t *out_ns)
{
	static const struct {
		char letter;
		uint64_t ns;
	} units[] = { { 's', NS_PER_S }, { 'm', 60 * NS_PER_S }, { 'h', 3600 * NS_PER_S }, { 'd', DAY_NS } };
	size_t digits = strspn(text, "0123456789");
	uint64_t number = digits ? strtoull(text, NULL, 10) : 1;

	if (digits > 6 || !number || strlen(text) != digits + 1)
		return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (text[digits] == units[i].letter) {
			*out_ns = number * units[i].ns;
			return 0;
		}
	return -1;
}

static const char *parse_limit(const char *part, struct window *w)
{
	size_t digits = strspn(part, "0123456789");

	if (!digits || part[digits] != '/')
		return "is no count per time";
	w->count = digits > 6 ? 0 : strtoull(part, NULL, 10);
	if (!w->count || w->count > KF_LIMITS_MAX_COUNT)
		return "has a count that is not from 1 to 100000";
	if (parse_period(part + digits + 1, &w->period_ns))
		return "has no time like s, m, h, d or 10m";
	snprintf(w->text, sizeof(w->text), "%s", part);
	return NULL;
}

static int parse(struct kf_limits *l, const char *text, struct kf_error *e)
{
	char part[32];

	for (const char *at = text; at;) {
		size_t len = strcspn(at, ",");
		const char *why = l->n_windows == KF_LIMITS_WINDOWS ? "is one limit too many" : NULL;

		snprintf(part, sizeof(part), "%.*s", len < sizeof(part) ? (int)len : (int)sizeof(part) - 1, at);
		if (!why)
			why = len < sizeof(part) ? parse_limit(part, &l->windows[l->n_windows]) : "is too long";
		if (why)
			return kf_fail(e, KF_USAGE, HINT, "bad --limit '%.80s': '%s' %s", text, part, why);
		if (l->windows[l->n_windows].count > l->room)
			l->room = l->windows[l->n_windows].count;
		l->n_windows++;
		at = at[len] ? at + len + 1 : NULL;
	}
	return 0;
}

int kf_limits_new(struct kf_limits **out, const char *text, struct kf_error *e)
{
	struct kf_limits *l = calloc(1, sizeof(*l));

	if (!l)
		return kf_fail_memory(e, "the limits");
	l->room = MIN_ROOM;
	if (parse(l, text, e)) {
		kf_limits_free(&l);
		return -1;
	}
	l->taken_ns = calloc(l->room, sizeof(*l->taken_ns));
	if (!l->taken_ns) {
		kf_limits_free(&l);
		return kf_fail_memory(e, "the limits");
	}
	*out = l;
	return 0;
}

void kf_limits_free(struct kf_limits **l)
{
	if (!*l)
		return;
	free((*l)->taken_ns);
	free(*l);
	*l = NULL;
}

/* ---- the times ---- */

/* The time that came back places before the last one (0: the last one itself). */
static uint64_t *taken(const struct kf_limits *l, size_t back)
{
	return &l->taken_ns[(l->next + l->room - 1 - back) % l->room];
}

void kf_limits_taken(struct kf_limits *l, uint64_t at_ns)
{
	size_t back = 0;

	if (l->n == l->room && at_ns < *taken(l, l->n - 1))
		return; /* as many are younger as any window counts */
	l->next = (l->next + 1) % l->room;
	l->n += l->n < l->room;
	for (; back + 1 < l->n && *taken(l, back + 1) > at_ns; back++)
		*taken(l, back) = *taken(l, back + 1);
	*taken(l, back) = at_ns;
}

int kf_limits_change(struct kf_limits **l, const char *text, struct kf_error *e)
{
	struct kf_limits *now;

	if (kf_limits_new(&now, text, e))
		return -1;
	for (size_t back = (*l)->n; back--;)
		kf_limits_taken(now, *taken(*l, back));
	kf_limits_free(l);
	*l = now;
	return 0;
}

/* The window that is shut for longest, and until when; NULL none. */
static const struct window *longest(const struct kf_limits *l, uint64_t now_ns, uint64_t *until_ns)
{
	const struct window *found = NULL;

	*until_ns = 0;
	for (size_t i = 0; i < l->n_windows; i++) {
		const struct window *w = &l->windows[i];
		uint64_t open_ns = l->n < w->count ? 0 : *taken(l, w->count - 1) + w->period_ns;

		if (open_ns > now_ns && open_ns > *until_ns) {
			*until_ns = open_ns;
			found = w;
		}
	}
	return found;
}

uint64_t kf_limits_until(const struct kf_limits *l, uint64_t now_ns)
{
	uint64_t until_ns;

	longest(l, now_ns, &until_ns);
	return until_ns;
}

const char *kf_limits_why(const struct kf_limits *l, uint64_t now_ns, char *buf, size_t len)
{
	uint64_t until_ns;
	const struct window *w = longest(l, now_ns, &until_ns);
	char wait[32];

	buf[0] = 0;
	if (w)
		snprintf(buf, len, "%s, the next one in %s", w->text,
			 kf_format_duration(until_ns - now_ns, wait, sizeof(wait)));
	return buf;
}

/* ---- earlier runs ---- */

struct recall {
	struct kf_limits *limits;
	uint64_t now_ns;
};

static void recall_one(void *context, uint64_t age_ns)
{
	const struct recall *r = context;

	/* Older than CLOCK_MONOTONIC: at its beginning, which makes the limit stricter than it is by less than the age of the boot. */
	kf_limits_taken(r->limits, age_ns < r->now_ns ? r->now_ns - age_ns : 0);
}

void kf_limits_recall(struct kf_limits *l, int dir_fd, uint64_t now_ns)
{
	struct recall r = { .limits = l, .now_ns = now_ns };
	uint64_t longest_ns = DAY_NS;

	for (size_t i = 0; i < l->n_windows; i++)
		if (l->windows[i].period_ns > longest_ns)
			longest_ns = l->windows[i].period_ns;
	kf_retention_each_age(dir_fd, longest_ns, recall_one, &r);
}
