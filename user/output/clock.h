/* SPDX-License-Identifier: BSD-2-Clause */
/* clock.h - moments of a snapshot (CLOCK_MONOTONIC) as wall clock time. */
#ifndef KF_OUTPUT_CLOCK_H
#define KF_OUTPUT_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct kf_snapshot;

/* CLOCK_REALTIME ns at mono_ns; 0 for a moment before 1970. */
uint64_t kf_real_ns(const struct kf_snapshot *s, uint64_t mono_ns);

/* "2026-11-21" , "08:15:02.112345", "2026-11-21T08:15:02.112345Z", all UTC; return buf. 32 bytes are enough. */
const char *kf_format_date(uint64_t real_ns, char *buf, size_t len);
const char *kf_format_time(uint64_t real_ns, char *buf, size_t len);
const char *kf_format_timestamp(uint64_t real_ns, char *buf, size_t len);

/* "-11.4 ms", "+2.00 s", "0 ns": of at_ns as seen from origin_ns. */
const char *kf_format_offset(uint64_t at_ns, uint64_t origin_ns, char *buf, size_t len);

#endif
