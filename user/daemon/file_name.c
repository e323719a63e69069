/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/file_name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "expr/rule_name.h"
#include "snapshot/snapshot.h"
#include "snapshot/trigger_kind.h"

/* At most len - 1 bytes of text, harmless in a file name. */
static void make_safe(const char *text, char *out, size_t len)
{
	size_t i;

	for (i = 0; i < len - 1 && text[i]; i++) {
		unsigned char c = (unsigned char)text[i];

		out[i] = c < 0x80 && (isalnum(c) || c == '.' || c == '_' || c == '-') ? c : '_';
	}
	out[i] = 0;
}

/* Wall clock of the trigger, from the two clocks the snapshot keeps. */
static time_t trigger_time(const struct kf_snapshot *s)
{
	int64_t ns = (int64_t)s->real_ns - (int64_t)(s->mono_ns - s->trigger.ts_ns);

	return ns / 1000000000;
}

/* The name that somebody gave the rule, else its kind: with process and pid it says more. Not "aggregate", which says nothing. */
static void name_cause(const struct kf_snapshot *s, char *out, size_t len)
{
	const struct kf_snapshot_rule *rule = kf_snapshot_fired(s);

	if (rule && rule->name[0] &&
	    (s->trigger.kind == KF_TRIGGER_AGGREGATE || !kf_rule_name_is_made(rule->name, rule->text)))
		make_safe(rule->name, out, len);
	else
		make_safe(kf_trigger_kind_name(s->trigger.kind), out, len);
}

void kf_file_name(const struct kf_snapshot *s, int attempt, char *name, size_t len)
{
	time_t when = trigger_time(s);
	char stamp[32], cause[KF_RULE_NAME_BYTES], comm[KF_COMM_BYTES], process[64] = "", number[16] = "";
	struct tm utc;

	gmtime_r(&when, &utc);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
	name_cause(s, cause, sizeof(cause));
	if (s->trigger.tgid && s->trigger.kind != KF_TRIGGER_AGGREGATE) {
		make_safe(s->trigger.process_comm, comm, sizeof(comm));
		snprintf(process, sizeof(process), "%s%s-%u", comm[0] ? "-" : "", comm, s->trigger.tgid);
	}
	if (attempt > 1)
		snprintf(number, sizeof(number), "-%d", attempt);
	snprintf(name, len, "kflight-%s-%s%s%s.kfl", stamp, cause, process, number);
}
