/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/status_line.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/units.h"
#include "capture/recorder.h"

struct kf_status_line {
	uint64_t seconds; /* shown every second */
	uint64_t slots_before;
	bool shown;
};

int kf_status_line_new(struct kf_status_line **out, struct kf_error *e)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : kf_fail_memory(e, "the status line");
}

void kf_status_line_free(struct kf_status_line **line)
{
	if (*line)
		kf_status_line_clear(*line);
	free(*line);
	*line = NULL;
}

void kf_status_line_show(struct kf_status_line *line, const struct kf_recorder_status *now, uint64_t snapshots)
{
	uint64_t rate = now->slots_written - line->slots_before;
	char window[32];

	line->slots_before = now->slots_written;
	line->seconds++;
	line->shown = true;
	kf_format_duration(now->window_held_ns, window, sizeof(window));
	fprintf(stderr,
		"\r\033[K%" PRIu64 " s: %.1f k slots/s, window %s, %" PRIu64 " lost, %" PRIu64 " triggers (%" PRIu64
		" suppressed), %" PRIu64 " snapshot%s",
		line->seconds, rate / 1e3, window, now->records_dropped, now->hits + now->cooling + now->busy,
		now->cooling + now->busy, snapshots, snapshots == 1 ? "" : "s");
	fflush(stderr);
}

void kf_status_line_clear(struct kf_status_line *line)
{
	if (!line->shown)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	line->shown = false;
}
