/* SPDX-License-Identifier: BSD-2-Clause */
/* asking.h - what the verbs that ask a running recorder have in common. */
#ifndef KF_CMD_ASKING_H
#define KF_CMD_ASKING_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "cli/options.h"
#include "daemon/control.h"

struct kf_error;

/* How long an answer may take that the recorder gives at once. */
#define KF_ASKING_TIMEOUT_NS 10000000000ull

/* Rows for the option table. */
#define KF_ASKING_SOCKET(into)                                                                                         \
	{                                                                                                              \
		"socket", 0, KF_OPT_STRING, (into), "PATH", "of the recorder (default " KF_CONTROL_PATH ")"            \
	}
#define KF_ASKING_JSON(into)                                                                                           \
	{                                                                                                              \
		"json", 0, KF_OPT_FLAG, (into), NULL, "machine-readable"                                               \
	}

/*
 * A verb that only asks and shows: its options are --json and --socket, and it has no operands. show() asks at that socket and prints.
 * Returns an exit status.
 */
int kf_asking_verb(const struct kf_command *command, int argc, char **argv,
		   int (*show)(const char *socket, bool json, struct kf_error *e));

/* On standard output, indented. */
int kf_asking_print(const json_t *answer, struct kf_error *e);

/*
 * Members of what another recorder sent, which may be of another version: 0 for what is missing or no positive integer; a printable text,
 * "-" for what is missing or no text.
 */
uint64_t kf_asking_number(const json_t *object, const char *key);
const char *kf_asking_text(const json_t *object, const char *key, char *buf, size_t len);

#endif
