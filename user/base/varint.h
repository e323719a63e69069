/* SPDX-License-Identifier: BSD-2-Clause */
/* varint.h - numbers as LEB128: 7 bits per byte, low ones first, the top bit set in all but the last byte. */
#ifndef KF_BASE_VARINT_H
#define KF_BASE_VARINT_H

#include <stddef.h>
#include <stdint.h>

#define KF_VARINT_BYTES 10 /* of the largest */

/* Returns how many bytes it wrote. */
static inline size_t kf_varint_put(unsigned char *to, uint64_t value)
{
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		to[n++] = (unsigned char)(value | 0x80);
	to[n++] = (unsigned char)value;
	return n;
}

#endif
