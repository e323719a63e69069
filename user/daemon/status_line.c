/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/status_line.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

void kf_status_line_text(const struct kf_recorder_status *now, uint64_t seconds, uint64_t slots_per_s,
			 uint64_t snapshots, char out[KF_STATUS_LINE_BYTES])
{
	uint64_t lost = now->records_dropped + now->flooded + now->no_state + now->bad_waits + now->lost_triggers;
	char window[32];

	kf_format_duration(now->window_held_ns, window, sizeof(window));
	snprintf(out, KF_STATUS_LINE_BYTES,
		 "%" PRIu64 " s: window %s, %.1f k/s, %" PRIu64 " lost, fired %" PRIu64 ", suppressed %" PRIu64
		 ", %" PRIu64 " snapshot%s",
		 seconds, window, slots_per_s / 1e3, lost, now->hits + now->suppressed, now->suppressed, snapshots,
		 snapshots == 1 ? "" : "s");
}

/* One less than there are: in the last column some terminals wrap already. */
static int columns(void)
{
	struct winsize size = { 0 };

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col ? 79 : size.ws_col - 1;
}

void kf_status_line_show(struct kf_status_line *line, const struct kf_recorder_status *now, uint64_t snapshots)
{
	uint64_t rate = now->slots_written - line->slots_before;
	char text[KF_STATUS_LINE_BYTES];

	line->slots_before = now->slots_written;
	line->seconds++;
	line->shown = true;
	kf_status_line_text(now, line->seconds, rate, snapshots, text);
	fprintf(stderr, "\r\033[K%.*s", columns(), text);
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
