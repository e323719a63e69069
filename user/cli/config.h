/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.h - settings from a file and from the environment, for the same rows as the command line's.
 *
 *	[record]				# keys are the long names of the options
 *	output = /var/lib/kflight
 *	trigger = runq>5ms			# a list: the key again, or a further indented line for each
 *	 futex>50ms
 *	[trigger slow-nginx]			# a trigger with a name
 *	when = runq>5ms{comm=nginx*}
 *
 * Command line > environment (KFLIGHT_OUTPUT, KFLIGHT_MIN_FREE; a list has a line for each) > file > default. A list of a higher
 * level takes the place of the lower one; [trigger] sections belong to the list `trigger`. The file is the one that the row
 * "config" names, else the variable KFLIGHT_CONFIG; without both none is read. See docs/config.md and cli/ini_file.h.
 *
 *	bool given[N_ROWS] = { 0 };
 *	kf_options_parse_given(&command, argc, argv, &operands, given, &e);
 *	kf_config_load(&config, rows, given, environ, &e);
 *	... use what the rows point to, and kf_config_triggers() ...
 *	if (understand(value, &e))
 *		return kf_config_blame(config, value, &e);	"'/etc/kflight.conf', line 12: bad --window '5'"
 */
#ifndef KF_CLI_CONFIG_H
#define KF_CLI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

struct kf_config;
struct kf_error;
struct kf_option;

enum kf_config_from { KF_FROM_DEFAULT = 0, KF_FROM_FILE, KF_FROM_ENVIRONMENT, KF_FROM_COMMAND_LINE };

/* A [trigger NAME] section. */
struct kf_config_trigger {
	const char *name;
	const char *text;
};

/*
 * Reads the file and the environment, and stores into each row that is not given (given has one bool per row, NULL: none is).
 * environment is as environ(7), NULL: none. The strings in the rows belong to *out, which has to outlive them; the items of
 * lists are freed by the caller, as always (on failure, too: then rows are good for nothing else). A variable that is no option is ignored (Kubernetes makes some for a service of
 * our name), unless it looks like one misspelt.
 */
int kf_config_load(struct kf_config **out, const struct kf_option *rows, const bool *given, char *const *environment,
		   struct kf_error *e);
void kf_config_free(struct kf_config **c);

/* In the order of the file; none if another level gives the list `trigger`. */
const struct kf_config_trigger *kf_config_triggers(const struct kf_config *c, size_t *n);

/*
 * For what is found wrong with a value later: if it is one of c's strings (the pointer, not the text), says in front of e's
 * message where it is from. Returns -1. c may be NULL.
 */
int kf_config_blame(const struct kf_config *c, const char *value, struct kf_error *e);

/* NULL: none was read. */
const char *kf_config_path(const struct kf_config *c);

/* Where the value of option name is from; line (may be NULL) is that of its first value in the file, else 0. */
enum kf_config_from kf_config_origin(const struct kf_config *c, const char *name, unsigned int *line);
/* The same of a trigger's section. */
unsigned int kf_config_trigger_line(const struct kf_config *c, const char *name);

#endif
