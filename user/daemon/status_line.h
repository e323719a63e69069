/* SPDX-License-Identifier: BSD-2-Clause */
/* status_line.h - one line on a terminal that is written over every second while recording. */
#ifndef KF_DAEMON_STATUS_LINE_H
#define KF_DAEMON_STATUS_LINE_H

#include <stdint.h>

struct kf_error;
struct kf_recorder_status;
struct kf_status_line;

int kf_status_line_new(struct kf_status_line **out, struct kf_error *e);
void kf_status_line_free(struct kf_status_line **line);

#define KF_STATUS_LINE_BYTES 256

/*
 * "12 s: window 10.0 s, 45.2 k/s, 0 lost, fired 3, suppressed 1, 2 snapshots": what `kflight status` calls so. Cut to the terminal's
 * width: a longer line could not be written over.
 */
void kf_status_line_text(const struct kf_recorder_status *now, uint64_t seconds, uint64_t slots_per_s,
			 uint64_t snapshots, char out[KF_STATUS_LINE_BYTES]);
void kf_status_line_show(struct kf_status_line *line, const struct kf_recorder_status *now, uint64_t snapshots);
/* Before anything else is printed there. */
void kf_status_line_clear(struct kf_status_line *line);

#endif
