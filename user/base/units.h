/* SPDX-License-Identifier: BSD-2-Clause */
/* units.h - durations and sizes as people write and read them. */
#ifndef KF_BASE_UNITS_H
#define KF_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

struct kf_error;

/*
 * "5ms", "1.5s", "250us", "10m", "1h" -> ns. A number without unit, a negative one and one that does not fit are errors
 * that name the text and say what is missing ("give a unit: ns, us, ms, s, m or h").
 */
int kf_parse_duration(const char *text, uint64_t *out_ns, struct kf_error *e);

/* "256mb", "64m", "1g", "4k", "4096" (bytes); powers of 1024, case does not matter, a trailing "b" or "ib" is allowed.
 */
int kf_parse_size(const char *text, uint64_t *out_bytes, struct kf_error *e);

/* "11.4 ms", "830 us", "2.00 s": three significant digits, and returns buf. 32 bytes are enough for both. */
const char *kf_format_duration(uint64_t ns, char *buf, size_t len);
/* "64.0 MiB" */
const char *kf_format_size(uint64_t bytes, char *buf, size_t len);

#endif
