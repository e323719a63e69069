/* SPDX-License-Identifier: BSD-2-Clause */
/* expect_text.h - is this in a text? The text is shown if not, also where it is longer than what cmocka shows. */
#ifndef KF_TESTS_EXPECT_TEXT_H
#define KF_TESTS_EXPECT_TEXT_H

#include <stdio.h>
#include <string.h>

static inline void expect(const char *text, const char *part)
{
	if (strstr(text, part))
		return;
	fprintf(stderr, "%s\n", text);
	fail_msg("above there is no: %s", part);
}

static inline void expect_not(const char *text, const char *part)
{
	if (!strstr(text, part))
		return;
	fprintf(stderr, "%s\n", text);
	fail_msg("above there is: %s", part);
}

#endif
