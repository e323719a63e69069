/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/space.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/error.h"
#include "base/units.h"

#define HINT "a size, a part of the file system, or both: --min-free 1gb, 5%, 1gb,5%"

/* "5%", "2.5%" */
static int parse_percent(const char *part, uint32_t *ppm)
{
	size_t len = strlen(part);
	char *end;
	double percent;

	if (part[0] < '0' || part[0] > '9' || strspn(part, "0123456789.") != len - 1)
		return -1;
	percent = strtod(part, &end);
	if (end != part + len - 1 || percent <= 0 || percent >= 100)
		return -1;
	*ppm = (uint32_t)(percent * 10000 + 0.5);
	return 0;
}

static int parse_part(const char *part, struct kf_space *s)
{
	if (part[0] && part[strlen(part) - 1] == '%')
		return s->min_free_ppm ? -1 : parse_percent(part, &s->min_free_ppm);
	if (s->min_free_bytes || !part[strspn(part, "0123456789.")]) /* a plain number is too easily a slip */
		return -1;
	return kf_parse_size(part, &s->min_free_bytes, NULL) || !s->min_free_bytes ? -1 : 0;
}

int kf_space_parse(const char *text, struct kf_space *out, struct kf_error *e)
{
	char part[64];

	*out = (struct kf_space){ 0 };
	for (const char *at = text; at;) {
		size_t len = strcspn(at, ",");

		snprintf(part, sizeof(part), "%.*s", len < sizeof(part) ? (int)len : (int)sizeof(part) - 1, at);
		if (parse_part(part, out)) {
			*out = (struct kf_space){ 0 };
			return kf_fail(e, KF_USAGE, HINT,
				       "bad --min-free '%.80s': '%s' is no%s size with a unit or percentage", text,
				       part, at == text ? "" : " further");
		}
		at = at[len] ? at + len + 1 : NULL;
	}
	return 0;
}

uint64_t kf_space_missing(const struct kf_space *space, uint64_t total_bytes, uint64_t free_bytes, uint64_t need_bytes)
{
	unsigned __int128 floor = (unsigned __int128)total_bytes * space->min_free_ppm / 1000000;
	unsigned __int128 wanted;

	if (!space->min_free_bytes && !space->min_free_ppm)
		return 0;
	if (floor < space->min_free_bytes)
		floor = space->min_free_bytes;
	wanted = floor + need_bytes;
	if (wanted <= free_bytes)
		return 0;
	wanted -= free_bytes;
	return wanted > UINT64_MAX ? UINT64_MAX : (uint64_t)wanted;
}

int kf_space_missing_in(const struct kf_space *space, int dir_fd, uint64_t need_bytes, uint64_t *missing_bytes,
			struct kf_error *e)
{
	struct statvfs fs;

	*missing_bytes = 0;
	if (!space->min_free_bytes && !space->min_free_ppm)
		return 0;
	if (fstatvfs(dir_fd, &fs))
		return kf_fail_errno(e, errno, NULL, "cannot tell how much space is left");
	*missing_bytes = kf_space_missing(space, (uint64_t)fs.f_blocks * fs.f_frsize,
					  (uint64_t)fs.f_bavail * fs.f_frsize, need_bytes);
	return 0;
}
