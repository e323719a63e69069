/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of expressions and rule thresholds. */
#include "check/verdict.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is larger is no rules file. fread() must see the end of one that is just as large. */
#define MAX_BYTES (1 << 20)

static int fail_line(const char *path, unsigned int line, const struct kf_error *why, struct kf_error *e)
{
	return kf_fail(e, why->status, why->hint[0] ? why->hint : NULL, "rules '%s', line %u: %s", path, line,
		       why->message);
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (isspace((unsigned char)*text))
		text++;
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text;
}

/* At the begin of a line, or behind a blank. */
static void cut_comment(char *text)
{
	for (char *at = text; (at = strchr(at, '#')) != NULL; at++)
		if (at == text || isspace((unsigned char)at[-1])) {
			*at = '\0';
			return;
		}
}

static int take_line(struct kf_checks *c, char *text, struct kf_error *e)
{
	cut_comment(text);
	text = trim(text);
	if (!*text)
		return 0;
	if (!strncmp(text, "rule", 4) && isspace((unsigned char)text[4]))
		return kf_rule_settings_add(&c->rules, trim(text + 4), e);
	return kf_checks_add(c, text, NULL, e);
}

static int take_lines(struct kf_checks *c, char *text, const char *path, struct kf_error *e)
{
	struct kf_error why = { 0 };
	char *line;

	for (unsigned int number = 1; (line = strsep(&text, "\n")) != NULL; number++)
		if (take_line(c, line, &why))
			return fail_line(path, number, &why, e);
	return 0;
}

static int read_text(char *text, FILE *in, const char *path, struct kf_error *e)
{
	size_t len;

	errno = 0;
	len = fread(text, 1, MAX_BYTES, in);
	text[len] = '\0';
	if (ferror(in)) {
		kf_fail_errno(e, errno ? errno : EIO, NULL, "cannot read rules '%s'", path);
		e->status = KF_USAGE;
		return -1;
	}
	if (!feof(in))
		return kf_fail(e, KF_USAGE, NULL, "rules '%s' are larger than 1 MiB", path);
	if (strlen(text) != len)
		return kf_fail(e, KF_USAGE, "a rules file is text", "rules '%s' hold a NUL byte", path);
	return 0;
}

int kf_checks_add_file(struct kf_checks *c, const char *path, struct kf_error *e)
{
	size_t before = c->n_conditions + c->rules.n_thresholds + c->rules.n_off;
	FILE *in = fopen(path, "re");
	char *text;
	int err;

	if (!in) {
		kf_fail_errno(e, errno, NULL, "cannot read rules '%s'", path);
		e->status = KF_USAGE; /* also when it is a matter of rights: it is input */
		return -1;
	}
	text = malloc(MAX_BYTES + 1);
	err = text ? read_text(text, in, path, e) : kf_fail_memory(e, "rules");
	if (!err)
		err = take_lines(c, text, path, e);
	free(text);
	fclose(in);
	if (!err && c->n_conditions + c->rules.n_thresholds + c->rules.n_off == before)
		return kf_fail(e, KF_USAGE, "one expression, or 'rule NAME=WARN,ERROR', per line",
			       "rules '%s' hold no rule", path);
	return err;
}
