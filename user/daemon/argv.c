/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/argv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define HINT_SHELL "no shell runs it: put it into a script, or quote it with '' if it is meant as it is"

struct splitter {
	const char *text, *at;
	char word[KF_ARGV_MAX_BYTES];
	size_t len;
	struct kf_argv *out;
	struct kf_error *e;
};

static int fail_at(struct splitter *s, const char *at, const char *hint, const char *why)
{
	return kf_fail(s->e, KF_USAGE, hint, "bad command '%.200s': column %zu: %s", s->text,
		       (size_t)(at - s->text) + 1, why);
}

static int add_char(struct splitter *s, char c)
{
	s->word[s->len++] = c; /* fits: never more of them than the text has */
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int refuse_dollar(struct splitter *s)
{
	return fail_at(s, s->at, HINT_SHELL, *s->at == '`' ? "` is for a shell" : "$ is for a shell");
}

static int quoted(struct splitter *s)
{
	const char *start = s->at;
	char quote = *s->at++;

	for (; *s->at != quote; s->at++) {
		if (!*s->at)
			return fail_at(s, start, "close it, or put a backslash before it",
				       quote == '"' ? "this \" is never closed" : "this ' is never closed");
		if (quote == '"' && (*s->at == '$' || *s->at == '`'))
			return refuse_dollar(s);
		if (quote == '"' && *s->at == '\\' && (s->at[1] == '"' || s->at[1] == '\\'))
			s->at++;
		add_char(s, *s->at);
	}
	s->at++;
	return 0;
}

static int plain(struct splitter *s)
{
	char why[] = "? is for a shell";

	if (*s->at == '$' || *s->at == '`')
		return refuse_dollar(s);
	if (strchr("|&;<>()", *s->at)) {
		why[0] = *s->at;
		return fail_at(s, s->at, HINT_SHELL, why);
	}
	if (*s->at == '\\') {
		if (!s->at[1])
			return fail_at(s, s->at, NULL, "nothing follows this backslash");
		s->at++;
	}
	return add_char(s, *s->at++);
}

static int take_word(struct splitter *s)
{
	const char *start = s->at;
	char *copy;

	s->len = 0;
	while (*s->at && !is_blank(*s->at))
		if (*s->at == '\'' || *s->at == '"' ? quoted(s) : plain(s))
			return -1;
	if (s->out->n == KF_ARGV_MAX_WORDS)
		return fail_at(s, start, "put it into a script", "too many words");
	copy = strndup(s->word, s->len);
	if (!copy)
		return kf_fail_memory(s->e, "a command");
	s->out->words[s->out->n++] = copy;
	return 0;
}

static int split(struct splitter *s)
{
	for (;;) {
		while (is_blank(*s->at))
			s->at++;
		if (!*s->at)
			break;
		if (take_word(s))
			return -1;
	}
	if (!s->out->n || !*s->out->words || !**s->out->words)
		return kf_fail(s->e, KF_USAGE, "give a program and its arguments: 'ship.sh {}'",
			       "bad command '%.200s': it is empty", s->text);
	return 0;
}

int kf_argv_parse(const char *text, struct kf_argv *out, struct kf_error *e)
{
	struct splitter s = { .text = text, .at = text, .out = out, .e = e };

	*out = (struct kf_argv){ 0 };
	if (strlen(text) >= KF_ARGV_MAX_BYTES)
		return kf_fail(e, KF_USAGE, "put it into a script", "bad command '%.80s...': longer than %d bytes",
			       text, KF_ARGV_MAX_BYTES - 1);
	out->words = calloc(KF_ARGV_MAX_WORDS + 1, sizeof(*out->words));
	if (!out->words)
		return kf_fail_memory(e, "a command");
	if (split(&s)) {
		kf_argv_release(out);
		return -1;
	}
	return 0;
}

void kf_argv_release(struct kf_argv *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->words[i]);
	free(a->words);
	*a = (struct kf_argv){ 0 };
}

static char *fill_word(const char *word, const char *value)
{
	size_t n = 0, len = strlen(value);
	const char *at, *next;
	char *filled, *to;

	for (at = word; (at = strstr(at, "{}")); at += 2)
		n++;
	filled = to = malloc(strlen(word) + n * len + 1);
	if (!filled)
		return NULL;
	for (at = word; (next = strstr(at, "{}")); at = next + 2) {
		to = mempcpy(to, at, (size_t)(next - at));
		to = mempcpy(to, value, len);
	}
	strcpy(to, at);
	return filled;
}

int kf_argv_fill(const struct kf_argv *template, const char *value, struct kf_argv *out)
{
	*out = (struct kf_argv){ .words = calloc(template->n + 1, sizeof(*out->words)) };
	if (!out->words)
		return -1;
	for (; out->n < template->n; out->n++) {
		out->words[out->n] = fill_word(template->words[out->n], value);
		if (!out->words[out->n]) {
			kf_argv_release(out);
			return -1;
		}
	}
	return 0;
}
