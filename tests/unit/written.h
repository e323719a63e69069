/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * written.h - what a writer writes: into memory, and onto a full disk.
 *
 * The call of the writer is an expression; `out` and `e` are the names it has for its file and its error (the error itself,
 * not a pointer):
 *
 *	char *text = WRITTEN(out, e, kf_csv_write(t, s, out, 0, &e), NULL);
 */
#ifndef KF_TESTS_WRITTEN_H
#define KF_TESTS_WRITTEN_H

#include <stdio.h>

#include "base/error.h"

/* NOLINTBEGIN(bugprone-macro-parentheses): names cannot be in parentheses */

/* All of it, NUL-terminated, for free(); how long it is into *len_, unless NULL. */
#define WRITTEN(out, e, call, len_)                                                                                    \
	({                                                                                                             \
		struct kf_error e = { 0 };                                                                             \
		char *written_ = NULL;                                                                                 \
		size_t bytes_ = 0, *to_ = (len_);                                                                      \
		FILE *out = open_memstream(&written_, &bytes_);                                                        \
                                                                                                                       \
		assert_non_null(out);                                                                                  \
		if (call)                                                                                              \
			fail_msg("%s", e.message);                                                                     \
		fclose(out);                                                                                           \
		if (to_)                                                                                               \
			*to_ = bytes_;                                                                                 \
		written_;                                                                                              \
	})

#define FAILS_ON_A_FULL_DISK(out, e, call, why)                                                                        \
	do {                                                                                                           \
		struct kf_error e = { 0 };                                                                             \
		FILE *out = fopen("/dev/full", "w");                                                                   \
                                                                                                                       \
		if (!out)                                                                                              \
			skip();                                                                                        \
		assert_int_equal(call, -1);                                                                            \
		assert_string_equal(e.message, why);                                                                   \
		fclose(out);                                                                                           \
	} while (0)

/* NOLINTEND(bugprone-macro-parentheses) */

#endif
