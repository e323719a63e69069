/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * html_json.h - JSON that may stand inside a <script> element: no byte of it can end the element, start a comment, or
 * break a line for a JavaScript parser. Write errors stay with out.
 */
#ifndef KF_OUTPUT_HTML_JSON_H
#define KF_OUTPUT_HTML_JSON_H

#include <stdint.h>
#include <stdio.h>

/*
 * "text" in quotes. Control characters, quotes, backslashes, < > & and U+2028, U+2029 come out as \uNNNN; bytes that are
 * no valid UTF-8 as U+FFFD.
 */
void kf_html_json_text(FILE *out, const char *text);
void kf_html_json_number(FILE *out, uint64_t n);
/* at_ns as seen from origin_ns, which may be later. */
void kf_html_json_offset(FILE *out, uint64_t at_ns, uint64_t origin_ns);

#endif
