/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "snapshot/snapshot.h"

uint64_t kf_real_ns(const struct kf_snapshot *s, uint64_t mono_ns)
{
	if (mono_ns >= s->mono_ns)
		return s->real_ns + (mono_ns - s->mono_ns);
	return s->real_ns > s->mono_ns - mono_ns ? s->real_ns - (s->mono_ns - mono_ns) : 0;
}

/* A clock out of a broken file may be centuries off, but it always is a date. */
static struct tm broken_down(uint64_t real_ns)
{
	time_t seconds = (time_t)(real_ns / 1000000000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		memset(&tm, 0, sizeof(tm));
	return tm;
}

static unsigned int micros(uint64_t real_ns)
{
	return (unsigned int)(real_ns % 1000000000 / 1000);
}

const char *kf_format_date(uint64_t real_ns, char *buf, size_t len)
{
	struct tm tm = broken_down(real_ns);

	if (!strftime(buf, len, "%Y-%m-%d", &tm))
		buf[0] = '\0';
	return buf;
}

const char *kf_format_time(uint64_t real_ns, char *buf, size_t len)
{
	struct tm tm = broken_down(real_ns);

	snprintf(buf, len, "%02d:%02d:%02d.%06u", tm.tm_hour, tm.tm_min, tm.tm_sec, micros(real_ns));
	return buf;
}

const char *kf_format_timestamp(uint64_t real_ns, char *buf, size_t len)
{
	char date[16], time[24];

	snprintf(buf, len, "%sT%sZ", kf_format_date(real_ns, date, sizeof(date)),
		 kf_format_time(real_ns, time, sizeof(time)));
	return buf;
}

const char *kf_format_offset(uint64_t at_ns, uint64_t origin_ns, char *buf, size_t len)
{
	char duration[32];
	uint64_t ns = at_ns > origin_ns ? at_ns - origin_ns : origin_ns - at_ns;

	snprintf(buf, len, "%s%s",
		 at_ns > origin_ns   ? "+"
		 : at_ns < origin_ns ? "-"
				     : "",
		 kf_format_duration(ns, duration, sizeof(duration)));
	return buf;
}
