/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * metrics.h - the status as Prometheus text, exposition format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). docs/metrics.md lists the metrics.
 *
 * Every family has its HELP and TYPE once, directly before its samples. Histograms of waits appear only if they are counted: a
 * histogram that stays at zero would say that nobody waits.
 */
#ifndef KF_DAEMON_METRICS_H
#define KF_DAEMON_METRICS_H

#include <stddef.h>

struct kf_daemon_status;

#define KF_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Windows are told for each CPU on hosts that have no more; on larger ones only the shortest. */
#define KF_METRICS_MAX_CPUS 64

/* Allocated, with its length (NUL not counted) in *len if len is not NULL; NULL when out of memory. */
char *kf_metrics_text(const struct kf_daemon_status *s, size_t *len);

#endif
