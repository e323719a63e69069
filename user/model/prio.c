/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/prio.h"

#include <linux/sched.h>
#include <stdio.h>

#include "kflight/record.h"

#define FIRST_FAIR 100 /* MAX_RT_PRIO of the kernel */
#define NICE_0	   120
#define LAST_FAIR  139

bool kf_prio_is_realtime(uint16_t prio)
{
	return (prio & KF_PRIO_KNOWN) && KF_PRIO_OF(prio) < FIRST_FAIR;
}

int kf_prio_nice(uint16_t prio)
{
	if (!(prio & KF_PRIO_KNOWN) || KF_PRIO_OF(prio) < FIRST_FAIR || KF_PRIO_OF(prio) > LAST_FAIR)
		return 0;
	return KF_PRIO_OF(prio) - NICE_0;
}

bool kf_prio_outranks(uint16_t a, uint16_t b)
{
	if (!kf_prio_is_realtime(a) || !(b & KF_PRIO_KNOWN))
		return false;
	return KF_PRIO_OF(a) < KF_PRIO_OF(b);
}

const char *kf_prio_text(uint16_t prio, char *buf, size_t len)
{
	int level = KF_PRIO_OF(prio), policy = KF_PRIO_POLICY(prio);

	if (!(prio & KF_PRIO_KNOWN) || level > LAST_FAIR)
		snprintf(buf, len, "%s", "");
	else if (level < 0)
		snprintf(buf, len, "SCHED_DEADLINE");
	else if (level < FIRST_FAIR) /* a fair one lent a real-time priority by a lock, too */
		snprintf(buf, len, "%s %d", policy == SCHED_RR ? "SCHED_RR" : "SCHED_FIFO", FIRST_FAIR - 1 - level);
	else if (policy == SCHED_IDLE)
		snprintf(buf, len, "SCHED_IDLE");
	else
		snprintf(buf, len, "nice %d", level - NICE_0);
	return buf;
}
