/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/file_name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "snapshot/snapshot.h"
#include "snapshot/trigger_kind.h"

static void safe_comm(const char comm[KF_COMM_BYTES], char *out)
{
	size_t i;

	for (i = 0; i < KF_COMM_BYTES - 1 && comm[i]; i++) {
		unsigned char c = comm[i];

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

void kf_file_name(const struct kf_snapshot *s, int attempt, char *name, size_t len)
{
	time_t when = trigger_time(s);
	char stamp[32], comm[KF_COMM_BYTES], process[64] = "", number[16] = "";
	struct tm utc;

	gmtime_r(&when, &utc);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
	if (s->trigger.tgid) {
		safe_comm(s->trigger.process_comm, comm);
		snprintf(process, sizeof(process), "-%s-%u", comm, s->trigger.tgid);
	}
	if (attempt > 1)
		snprintf(number, sizeof(number), "-%d", attempt);
	snprintf(name, len, "kflight-%s-%s%s%s.kfl", stamp, kf_trigger_kind_name(s->trigger.kind), process, number);
}
