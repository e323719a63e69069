/* SPDX-License-Identifier: BSD-2-Clause */
/* text.h - names chosen by strangers (comm, host, reasons), made harmless for terminals, logs and JSON. */
#ifndef KF_BASE_TEXT_H
#define KF_BASE_TEXT_H

#include <stddef.h>

/* Any comm (KF_COMM_BYTES) made printable fits. */
#define KF_TEXT_COMM_BYTES 64

/*
 * Copies bytes, up to max or the first NUL, as printable UTF-8 to out, and returns the length of out, NUL not counted.
 *
 * What is written as \xNN, byte by byte: control characters (C0, DEL, C1), bytes that are no valid UTF-8, characters
 * without width or that turn the direction of writing or break lines (U+200B-200F, 2028-202E, 2060-206F, FEFF), and the
 * backslash itself, so that the escapes are unambiguous. Everything else stays as it is.
 *
 * out is always NUL-terminated (out_len > 0) and valid UTF-8; what does not fit is left out, never half a character.
 */
size_t kf_text_printable(const char *bytes, size_t max, char *out, size_t out_len);

#endif
