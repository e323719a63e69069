/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options.h - options as a table: the help text, the parsing and the checks of a command come from the same rows.
 *
 *	struct opts { uint64_t gap_ns; const char *out; bool json; } o = { .gap_ns = 1000000 };
 *	const struct kf_option options[] = {
 *		{ "gap", 0, KF_OPT_DURATION, &o.gap_ns, "DURATION", "only gaps this long (default 1ms)" },
 *		{ "output", 'o', KF_OPT_STRING, &o.out, "FILE", "write here instead of standard output" },
 *		{ "json", 0, KF_OPT_FLAG, &o.json, NULL, "machine-readable" },
 *		{ NULL },
 *	};
 *	const struct kf_command command = { .name = "report", .operands = "FILE", ... , .options = options };
 *	switch (kf_options_parse(&command, argc, argv, &operands, &e)) ...
 *
 * Long options take "--name VALUE" and "--name=VALUE", and an unknown one gets a "did you mean". Operands and options
 * may be mixed; after "--" everything is an operand. Every command knows -h/--help: summary, usage, options, examples.
 */
#ifndef KF_CLI_OPTIONS_H
#define KF_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kf_error;

enum kf_option_type {
	KF_OPT_FLAG,	 /* bool */
	KF_OPT_STRING,	 /* const char *: points into argv */
	KF_OPT_STRINGS,	 /* struct kf_strings: may be given several times */
	KF_OPT_DURATION, /* uint64_t, ns */
	KF_OPT_SIZE,	 /* uint64_t, bytes */
	KF_OPT_UINT,	 /* uint64_t */
	/* The same where 0 makes no sense, and is refused. */
	KF_OPT_TIME,  /* uint64_t, ns */
	KF_OPT_COUNT, /* uint64_t */
};

struct kf_strings {
	const char **items; /* into argv; free(items) */
	size_t n, room;
};

struct kf_option {
	const char *name;
	char letter; /* 0 none */
	enum kf_option_type type;
	void *into;
	const char *value; /* name of the value in the help, NULL for a flag */
	const char *help;
};

struct kf_command {
	const char *name;	 /* "report" */
	const char *operands;	 /* "FILE" */
	const char *summary;	 /* one line, lower case, no full stop */
	const char *description; /* paragraph for --help, may be NULL */
	const char *examples;	 /* indented lines, may be NULL */
	const struct kf_option *options;
	int min_operands;
	int max_operands;      /* -1 any number */
	bool stops_at_operand; /* the first operand ends the options (run CMD ARGS) */
};

struct kf_operands {
	const char **items; /* into argv, NULL behind the last if there is any (as exec wants it); free(items) */
	size_t n, room;
};

/*
 * Returns 0; 1 when help was asked and printed on stdout (the caller returns KF_OK); -1 with *e. argv[0] is the verb.
 * Unless 0 is returned, operands and all struct kf_strings are empty again: there is nothing to free.
 */
int kf_options_parse(const struct kf_command *c, int argc, char **argv, struct kf_operands *operands,
		     struct kf_error *e);
/* The same, and given[i] becomes true for each row i that the command line has; given starts zeroed. */
int kf_options_parse_given(const struct kf_command *c, int argc, char **argv, struct kf_operands *operands, bool *given,
			   struct kf_error *e);

/*
 * One value from elsewhere (a file, the environment), checked as on the command line; a flag takes yes, no, true, false, on or
 * off. Strings are not copied; a list gets one more item. The message does not name the option.
 */
int kf_option_store(const struct kf_option *o, const char *value, struct kf_error *e);

/* The value as kf_option_store() takes it; of a list the items with ", " between. "" if there is none. Returns buf. */
const char *kf_option_text(const struct kf_option *o, char *buf, size_t len);
/* Have both the same value? They are of one type. */
bool kf_option_equal(const struct kf_option *a, const struct kf_option *b);

/* The nearest of the NULL-terminated names within a third of its length in edits, or NULL. */
const char *kf_nearest(const char *text, const char *const *names);

#endif
