/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/http_answer.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"

static int fail(struct kf_error *e, const char *why)
{
	return kf_fail(e, KF_HOST, "is it another program that listens there?",
		       "the recorder's answer cannot be understood: %s", why);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK" */
static int parse_status(const char *line, size_t len, unsigned int *status)
{
	if (len < 12 || memcmp(line, "HTTP/1.", 7) || !is_digit(line[7]) || line[8] != ' ' ||
	    (len > 12 && line[12] != ' '))
		return -1;
	if (line[9] < '1' || line[9] > '5' || !is_digit(line[10]) || !is_digit(line[11]))
		return -1;
	*status = (unsigned int)((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
	return 0;
}

static bool is_header(const char *line, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	return len > name_len && !strncasecmp(line, name, name_len) && line[name_len] == ':';
}

/* The number behind the colon; SIZE_MAX if there is none. */
static size_t header_number(const char *line, size_t len)
{
	const char *at = memchr(line, ':', len);
	size_t value = 0, i = (size_t)(at - line) + 1;

	while (i < len && (line[i] == ' ' || line[i] == '\t'))
		i++;
	if (i == len)
		return SIZE_MAX;
	for (; i < len && is_digit(line[i]); i++) {
		if (value > SIZE_MAX / 10 - 10)
			return SIZE_MAX;
		value = value * 10 + (size_t)(line[i] - '0');
	}
	return i == len ? value : SIZE_MAX;
}

int kf_http_answer_parse(struct kf_http_answer *out, const char *bytes, size_t len, struct kf_error *e)
{
	const char *end = len ? memmem(bytes, len, "\r\n\r\n", 4) : NULL, *line = bytes, *eol;
	size_t told = SIZE_MAX, line_len;

	if (!end)
		return fail(e, "it has no end of its header");
	out->body = end + 4;
	out->body_len = len - (size_t)(out->body - bytes);
	for (bool first = true; line < out->body - 2; line = eol + 2, first = false) {
		eol = memmem(line, (size_t)(out->body - line), "\r\n", 2);
		line_len = (size_t)(eol - line);
		if (first && parse_status(line, line_len, &out->status))
			return fail(e, "it is no HTTP");
		if (is_header(line, line_len, "Transfer-Encoding"))
			return fail(e, "it is encoded");
		if (!is_header(line, line_len, "Content-Length"))
			continue;
		told = header_number(line, line_len);
		if (told == SIZE_MAX)
			return fail(e, "its length is no number");
	}
	if (told != SIZE_MAX && told != out->body_len)
		return fail(e, told > out->body_len ? "it is cut off" : "it is longer than it says");
	return 0;
}
