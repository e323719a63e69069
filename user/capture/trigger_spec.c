/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/trigger_spec.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/units.h"
#include "cli/options.h"
#include "model/wait.h"

#define BLANKS	   " \t\r\n"
#define WORD_BYTES 64
#define EXAMPLE	   "write it like 'runq>5ms', 'futex>50ms', 'syscall:read,pread64>100ms' or 'block>1s'"

/* Those that can be asked for, by enum kf_trigger_kind. */
static const char *const kinds[] = { "runq", "futex", "syscall", "block", NULL };

/* A part of the expression: where it starts and how long it is, without the blanks around it. */
struct part {
	const char *at;
	size_t len;
};

static struct part trim(const char *from, const char *to)
{
	struct part p;

	while (from < to && strchr(BLANKS, *from))
		from++;
	while (to > from && strchr(BLANKS, to[-1]))
		to--;
	p.at = from;
	p.len = (size_t)(to - from);
	return p;
}

/* Parts longer than any word we know are cut: they match nothing, and the message stays readable. */
static const char *word(struct part p, char buf[WORD_BYTES])
{
	snprintf(buf, WORD_BYTES, "%.*s", (int)(p.len < WORD_BYTES ? p.len : WORD_BYTES - 1), p.at);
	return buf;
}

static int column(const char *expression, struct part p)
{
	return (int)(p.at - expression) + 1;
}

static int find_kind(const char *expression, struct part p, struct kf_error *e)
{
	char name[WORD_BYTES];
	const char *near;

	word(p, name);
	for (int i = 0; kinds[i]; i++)
		if (p.len < WORD_BYTES && !strcmp(name, kinds[i]))
			return KF_TRIGGER_RUNQ + i;
	if (!p.len)
		return kf_fail(e, KF_USAGE, EXAMPLE, "trigger '%.200s' does not say what to look at", expression);
	near = kf_nearest(name, kinds);
	if (near)
		return kf_fail(e, KF_USAGE, EXAMPLE, "trigger '%.200s': unknown kind '%s', did you mean '%s'?",
			       expression, name, near);
	return kf_fail(e, KF_USAGE, "the kinds are runq, futex, syscall and block",
		       "trigger '%.200s': unknown kind '%s'", expression, name);
}

static int unknown_syscall(const char *expression, struct part p, const char *name, struct kf_error *e)
{
	const char *names[KF_MAX_SYSCALLS + 1] = { NULL };
	const char *near;
	size_t n = 0;

	for (uint16_t nr = 0; nr < KF_MAX_SYSCALLS; nr++)
		if (kf_syscall_name(nr))
			names[n++] = kf_syscall_name(nr);
	near = kf_nearest(name, names);
	if (near)
		return kf_fail(e, KF_USAGE, NULL,
			       "trigger '%.200s', column %d: unknown syscall '%s', did you mean '%s'?", expression,
			       column(expression, p), name, near);
	return kf_fail(e, KF_USAGE, "take the kernel's names: read, pread64, epoll_wait, ...",
		       "trigger '%.200s', column %d: unknown syscall '%s'", expression, column(expression, p), name);
}

static int set_syscall(struct kf_trigger_spec *spec, const char *expression, struct part p, uint64_t ns,
		       struct kf_error *e)
{
	char name[WORD_BYTES];
	int nr;

	if (!p.len)
		return kf_fail(e, KF_USAGE, EXAMPLE, "trigger '%.200s', column %d: a syscall name is missing",
			       expression, column(expression, p));
	word(p, name);
	nr = p.len < WORD_BYTES ? kf_syscall_number(name) : -1;
	if (nr < 0 || nr >= KF_MAX_SYSCALLS)
		return unknown_syscall(expression, p, name, e);
	if (spec->syscall_named[nr])
		return kf_fail(e, KF_USAGE, NULL, "trigger '%.200s': syscall '%s' has a threshold already", expression,
			       name);
	spec->syscall_named[nr] = true;
	spec->syscall_threshold_ns[nr] = ns;
	return 0;
}

static int set_named_syscalls(struct kf_trigger_spec *spec, const char *expression, const char *from, const char *to,
			      uint64_t ns, struct kf_error *e)
{
	for (;;) {
		const char *comma = memchr(from, ',', (size_t)(to - from));

		if (set_syscall(spec, expression, trim(from, comma ? comma : to), ns, e))
			return -1;
		if (!comma)
			return 0;
		from = comma + 1;
	}
}

static int repeated(const char *expression, const char *kind, struct kf_error *e)
{
	return kf_fail(e, KF_USAGE, "give one threshold, the smaller one",
		       "trigger '%.200s': there is a '%s' trigger already", expression, kind);
}

static int set_all_syscalls(struct kf_trigger_spec *spec, const char *expression, uint64_t ns, struct kf_error *e)
{
	if (spec->syscall_all)
		return repeated(expression, "syscall", e);
	spec->syscall_all = true;
	for (int nr = 0; nr < KF_MAX_SYSCALLS; nr++)
		if (!spec->syscall_named[nr])
			spec->syscall_threshold_ns[nr] = ns;
	return 0;
}

/* names_from is behind the colon, NULL if there was none. */
static int set(struct kf_trigger_spec *spec, const char *expression, int kind, const char *names_from,
	       const char *names_to, uint64_t ns, struct kf_error *e)
{
	uint64_t *threshold_ns = &spec->threshold_ns[kind];

	if (kind == KF_TRIGGER_SYSCALL) {
		if (names_from ? set_named_syscalls(spec, expression, names_from, names_to, ns, e)
			       : set_all_syscalls(spec, expression, ns, e))
			return -1;
		if (!*threshold_ns || ns < *threshold_ns)
			*threshold_ns = ns;
		return 0;
	}
	if (names_from)
		return kf_fail(e, KF_USAGE, "only 'syscall' takes names",
			       "trigger '%.200s', column %d: '%s' takes no ':'", expression,
			       (int)(names_from - expression), kinds[kind - KF_TRIGGER_RUNQ]);
	if (*threshold_ns)
		return repeated(expression, kinds[kind - KF_TRIGGER_RUNQ], e);
	*threshold_ns = ns;
	return 0;
}

static int parse_threshold(const char *expression, struct part p, uint64_t *ns, struct kf_error *e)
{
	char text[WORD_BYTES];
	struct kf_error why;

	if (!p.len)
		return kf_fail(e, KF_USAGE, EXAMPLE, "trigger '%.200s': the duration behind '>' is missing",
			       expression);
	if (kf_parse_duration(word(p, text), ns, &why))
		return kf_fail(e, KF_USAGE, why.hint, "trigger '%.200s', column %d: %s", expression,
			       column(expression, p), why.message);
	if (!*ns)
		return kf_fail(e, KF_USAGE, EXAMPLE, "trigger '%.200s', column %d: the threshold is zero", expression,
			       column(expression, p));
	return 0;
}

/* Appends the expression without its blanks. */
static int append_text(struct kf_trigger_spec *spec, const char *expression, struct kf_error *e)
{
	size_t used = strlen(spec->text);

	if (used + strlen(expression) + sizeof(", ") > sizeof(spec->text))
		return kf_fail(e, KF_USAGE, NULL, "the triggers are longer than %d bytes together",
			       KF_TRIGGER_TEXT_BYTES);
	if (used)
		used += (size_t)sprintf(spec->text + used, ", ");
	for (; *expression; expression++)
		if (!strchr(BLANKS, *expression))
			spec->text[used++] = *expression;
	spec->text[used] = '\0';
	return 0;
}

int kf_trigger_spec_add(struct kf_trigger_spec *spec, const char *expression, struct kf_error *e)
{
	const char *end = expression + strlen(expression);
	const char *greater = strchr(expression, '>');
	const char *colon = strchr(expression, ':');
	struct kf_trigger_spec next = *spec;
	uint64_t ns = 0;
	int kind;

	if (colon && greater && colon > greater)
		colon = NULL;
	kind = find_kind(expression, trim(expression, colon ? colon : greater ? greater : end), e);
	if (kind < 0)
		return -1;
	if (!greater)
		return kf_fail(e, KF_USAGE, EXAMPLE, "trigger '%.200s' has no '>' and duration", expression);
	if (parse_threshold(expression, trim(greater + 1, end), &ns, e) ||
	    set(&next, expression, kind, colon ? colon + 1 : NULL, greater, ns, e) || append_text(&next, expression, e))
		return -1;
	*spec = next;
	return 0;
}
