/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/prio.h"

#include <linux/sched.h>
#include <stdio.h>

#include "kflight/record.h"

#define FIRST_FAIR 100 /* MAX_RT_PRIO of the kernel */
#define NICE_0	   120
#define LAST_FAIR  139
#define MUCH_NICER 5 /* weights grow by 1.25 per level: three times as much */

bool kf_prio_is_realtime(uint16_t prio)
{
	return (prio & KF_PRIO_KNOWN) && KF_PRIO_OF(prio) < FIRST_FAIR;
}

static bool is_fair(uint16_t prio)
{
	return (prio & KF_PRIO_KNOWN) && KF_PRIO_OF(prio) >= FIRST_FAIR && KF_PRIO_OF(prio) <= LAST_FAIR;
}

int kf_prio_nice(uint16_t prio)
{
	return is_fair(prio) ? KF_PRIO_OF(prio) - NICE_0 : 0;
}

bool kf_prio_outranks(uint16_t a, uint16_t b)
{
	if (!kf_prio_is_realtime(a) || !(b & KF_PRIO_KNOWN))
		return false;
	return KF_PRIO_OF(a) < KF_PRIO_OF(b);
}

bool kf_prio_is_favoured(uint16_t a, uint16_t b)
{
	if (!is_fair(a) || !is_fair(b) || KF_PRIO_POLICY(a) == SCHED_IDLE)
		return false;
	return KF_PRIO_POLICY(b) == SCHED_IDLE || kf_prio_nice(b) - kf_prio_nice(a) >= MUCH_NICER;
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
