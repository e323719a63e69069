/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"

#define MAX_NAME   64 /* longer words resemble nothing */
#define HELP_WIDTH 100

/* ---- nearest name ---- */

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Insertions, deletions, replacements and swaps of neighbours; both words are at most MAX_NAME long. */
static size_t edits(const char *a, size_t n_a, const char *b, size_t n_b)
{
	size_t rows[3][MAX_NAME + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= n_b; j++)
		last[j] = j;
	memcpy(before, last, sizeof(rows[0]));
	for (size_t i = 1; i <= n_a; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			row[j] = min3(row[j - 1] + 1, last[j] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[n_b];
}

const char *kf_nearest(const char *text, const char *const *names)
{
	size_t n = strlen(text), best = SIZE_MAX;
	const char *nearest = NULL;

	if (n > MAX_NAME)
		return NULL;
	for (; *names; names++) {
		size_t len = strlen(*names), d;

		if (len > MAX_NAME)
			continue;
		d = edits(text, n, *names, len);
		if (d < best && d <= (len > n ? len : n) / 3) {
			best = d;
			nearest = *names;
		}
	}
	return nearest;
}

/* ---- help ---- */

static int flag_column(const struct kf_option *o, char *buf, size_t len)
{
	char letter[8] = "    ";

	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	return snprintf(buf, len, "  %s--%s%s%s", letter, o->name, o->value ? " " : "", o->value ? o->value : "");
}

/* Words of text from column `indent` on, broken before HELP_WIDTH and where the text has a newline. */
static void print_wrapped(const char *text, int indent)
{
	int column = indent;

	while (*text) {
		int word = (int)strcspn(text, " \n");

		if (column > indent && column + 1 + word > HELP_WIDTH) {
			printf("\n%*s", indent, "");
			column = indent;
		}
		column += printf("%s%.*s", column > indent ? " " : "", word, text);
		text += word;
		for (; *text == ' ' || *text == '\n'; text++) {
			if (*text == ' ')
				continue;
			printf("\n%*s", indent, "");
			column = indent;
		}
	}
	putchar('\n');
}

static void print_options(const struct kf_option *options)
{
	static const struct kf_option help = { "help", 'h', KF_OPT_FLAG, NULL, NULL, "this text" };
	char column[96];
	int width = flag_column(&help, column, sizeof(column));

	for (const struct kf_option *o = options; o && o->name; o++) {
		int w = flag_column(o, column, sizeof(column));

		width = w > width ? w : width;
	}
	puts("\nOptions:");
	for (const struct kf_option *o = options; o && o->name; o++) {
		flag_column(o, column, sizeof(column));
		printf("%-*s  ", width, column);
		print_wrapped(o->help, width + 2);
	}
	flag_column(&help, column, sizeof(column));
	printf("%-*s  %s\n", width, column, help.help);
}

static void print_help(const struct kf_command *c)
{
	const char *operands = c->operands ? c->operands : "";

	printf("kflight %s: %s\n\nUsage: kflight %s [OPTIONS]%s%s\n", c->name, c->summary, c->name,
	       operands[0] ? " " : "", operands);
	if (c->description) {
		putchar('\n');
		print_wrapped(c->description, 0);
	}
	print_options(c->options);
	if (c->examples)
		printf("\nExamples:\n%s%s", c->examples, strchr(c->examples, '\0')[-1] == '\n' ? "" : "\n");
}

/* ---- parsing ---- */

struct parser {
	const struct kf_command *command;
	char **argv;
	int argc;
	int at;		    /* next argument */
	bool only_operands; /* "--" was seen, or the first operand of a command that stops there */
	struct kf_operands *operands;
	bool *given; /* may be NULL */
	struct kf_error *e;
};

enum { HELP_ASKED = 1 };

static int fail_usage(struct parser *p, const char *what, const char *which)
{
	char hint[96];

	snprintf(hint, sizeof(hint), "`kflight %.32s --help` lists the options", p->command->name);
	return kf_fail(p->e, KF_USAGE, hint, "%s '%.200s'", what, which);
}

static int fail_unknown(struct parser *p, const char *name)
{
	const char *names[MAX_NAME + 2];
	const char *near;
	size_t n = 0;

	for (const struct kf_option *o = p->command->options; o && o->name && n < MAX_NAME; o++)
		names[n++] = o->name;
	names[n++] = "help";
	names[n] = NULL;
	near = kf_nearest(name, names);
	if (!near) {
		char dashed[MAX_NAME + 4];

		snprintf(dashed, sizeof(dashed), "--%.*s", MAX_NAME, name);
		return fail_usage(p, "unknown option", dashed);
	}
	return kf_fail(p->e, KF_USAGE, NULL, "unknown option '--%s': did you mean '--%s'?", name, near);
}

static int store_value(struct parser *p, const struct kf_option *o, const char *value)
{
	struct kf_error why;

	if (!kf_option_store(o, value, &why))
		return 0;
	return kf_fail(p->e, why.status, why.hint[0] ? why.hint : NULL, "--%s: %s", o->name, why.message);
}

/* attached: the text after "=" or after the letter, NULL none. */
static int take_option(struct parser *p, const struct kf_option *o, const char *attached)
{
	if (p->given)
		p->given[o - p->command->options] = true;
	if (o->type == KF_OPT_FLAG) {
		*(bool *)o->into = true;
		return 0;
	}
	if (attached)
		return store_value(p, o, attached);
	if (p->at >= p->argc)
		return kf_fail(p->e, KF_USAGE, NULL, "option '--%s' needs a value: --%s %s", o->name, o->name,
			       o->value ? o->value : "VALUE");
	return store_value(p, o, p->argv[p->at++]);
}

static int parse_long(struct parser *p, const char *arg)
{
	size_t len = strcspn(arg, "=");
	const char *attached = arg[len] ? arg + len + 1 : NULL;
	char name[MAX_NAME + 1];

	snprintf(name, sizeof(name), "%.*s", len > MAX_NAME ? MAX_NAME : (int)len, arg);
	if (!strcmp(name, "help"))
		return HELP_ASKED;
	for (const struct kf_option *o = p->command->options; o && o->name; o++) {
		if (strcmp(o->name, name))
			continue;
		if (attached && o->type == KF_OPT_FLAG)
			return kf_fail(p->e, KF_USAGE, NULL, "option '--%s' takes no value", name);
		return take_option(p, o, attached);
	}
	return fail_unknown(p, name);
}

static const struct kf_option *find_letter(const struct kf_command *c, char letter)
{
	for (const struct kf_option *o = c->options; o && o->name; o++)
		if (o->letter == letter)
			return o;
	return NULL;
}

/* "-j", "-jv" (flags), "-o FILE", "-oFILE" */
static int parse_letters(struct parser *p, const char *arg)
{
	for (const char *s = arg + 1; *s; s++) {
		const struct kf_option *o = find_letter(p->command, *s);

		if (!o)
			return *s == 'h' ? HELP_ASKED : fail_usage(p, "unknown option", arg);
		if (o->type != KF_OPT_FLAG)
			return take_option(p, o, s[1] ? s + 1 : NULL);
		take_option(p, o, NULL);
	}
	return 0;
}

static int add_operand(struct parser *p, const char *arg)
{
	struct kf_operands *operands = p->operands;

	if (p->command->max_operands >= 0 && operands->n >= (size_t)p->command->max_operands)
		return fail_usage(p, "unexpected argument", arg);
	if (KF_GROW(operands->items, operands->n, operands->room))
		return kf_fail_memory(p->e, "arguments");
	operands->items[operands->n++] = arg;
	if (KF_GROW(operands->items, operands->n, operands->room))
		return kf_fail_memory(p->e, "arguments");
	operands->items[operands->n] = NULL;
	if (p->command->stops_at_operand)
		p->only_operands = true;
	return 0;
}

static int parse_argument(struct parser *p, const char *arg)
{
	if (p->only_operands || arg[0] != '-' || !arg[1])
		return add_operand(p, arg);
	if (arg[1] != '-')
		return parse_letters(p, arg);
	if (arg[2])
		return parse_long(p, arg + 2);
	p->only_operands = true;
	return 0;
}

static int parse_all(struct parser *p)
{
	while (p->at < p->argc) {
		int result = parse_argument(p, p->argv[p->at++]);

		if (result)
			return result;
	}
	if (p->operands->n < (size_t)p->command->min_operands)
		return kf_fail(p->e, KF_USAGE, p->command->examples ? "see the examples in --help" : NULL,
			       "missing argument: kflight %s [OPTIONS] %s", p->command->name, p->command->operands);
	return 0;
}

static void release(const struct kf_command *c, struct kf_operands *operands)
{
	for (const struct kf_option *o = c->options; o && o->name; o++) {
		if (o->type != KF_OPT_STRINGS)
			continue;
		free(((struct kf_strings *)o->into)->items);
		*(struct kf_strings *)o->into = (struct kf_strings){ 0 };
	}
	free(operands->items);
	*operands = (struct kf_operands){ 0 };
}

int kf_options_parse_given(const struct kf_command *c, int argc, char **argv, struct kf_operands *operands, bool *given,
			   struct kf_error *e)
{
	struct parser p = {
		.command = c, .argc = argc, .argv = argv, .at = 1, .operands = operands, .given = given, .e = e
	};
	int result;

	*operands = (struct kf_operands){ 0 };
	result = parse_all(&p);
	if (result == HELP_ASKED)
		print_help(c);
	if (result)
		release(c, operands);
	return result;
}

int kf_options_parse(const struct kf_command *c, int argc, char **argv, struct kf_operands *operands,
		     struct kf_error *e)
{
	return kf_options_parse_given(c, argc, argv, operands, NULL, e);
}
