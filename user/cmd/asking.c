/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/asking.h"

#include <errno.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"

int kf_asking_verb(const struct kf_command *command, int argc, char **argv,
		   int (*show)(const char *socket, bool json, struct kf_error *e))
{
	const char *socket = KF_CONTROL_PATH;
	bool json = false;
	const struct kf_option options[] = { KF_ASKING_JSON(&json), KF_ASKING_SOCKET(&socket), { 0 } };
	struct kf_command with_options = *command;
	struct kf_operands operands = { 0 };
	struct kf_error e;
	int parsed;

	with_options.options = options;
	parsed = kf_options_parse(&with_options, argc, argv, &operands, &e);
	if (parsed > 0)
		return KF_OK;
	return parsed || show(socket, json, &e) ? kf_error_print(&e) : KF_OK;
}

int kf_asking_print(const json_t *answer, struct kf_error *e)
{
	if (json_dumpf(answer, stdout, JSON_INDENT(2)) || putchar('\n') == EOF || fflush(stdout))
		return kf_fail_errno(e, errno, NULL, "cannot write to standard output");
	return 0;
}

uint64_t kf_asking_number(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (uint64_t)n : 0;
}

const char *kf_asking_text(const json_t *object, const char *key, char *buf, size_t len)
{
	const char *text = json_string_value(json_object_get(object, key));

	kf_text_printable(text && text[0] ? text : "-", SIZE_MAX, buf, len);
	return buf;
}
