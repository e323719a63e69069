/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/log_line.h"

#include <ctype.h>
#include <endian.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

#define MAX_MESSAGE_BYTES 1024

static bool is_given(const char *value)
{
	return value && *value;
}

/* ---- text ---- */

static size_t add_text(char *out, size_t at, const char *before, const char *message)
{
	size_t room = KF_LOG_LINE_BYTES - at;
	int n = snprintf(out + at, room, "kflight: %s%s", before, message);
	size_t len = (size_t)n < room - 1 ? (size_t)n : room - 2;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)out[at + i] < ' ' || out[at + i] == 0x7f)
			out[at + i] = ' ';
	out[at + len] = '\n';
	return at + len + 1;
}

size_t kf_log_line_text(const struct kf_log_line *line, char out[KF_LOG_LINE_BYTES])
{
	const char *before = line->level <= KF_LOG_ERROR ? "error: " : line->level == KF_LOG_WARNING ? "warning: " : "";
	size_t len = add_text(out, 0, before, line->message);

	if (is_given(line->hint) && len < KF_LOG_LINE_BYTES / 2)
		len = add_text(out, len, "hint: ", line->hint);
	return len;
}

/* ---- JSON ---- */

static void set_text(json_t *object, const char *name, const char *text)
{
	char printable[MAX_MESSAGE_BYTES * 4];
	json_t *value = json_string(text);

	if (!value) {
		kf_text_printable(text, MAX_MESSAGE_BYTES, printable, sizeof(printable));
		value = json_string(printable);
	}
	json_object_set_new(object, name, value);
}

static void set_time(json_t *object, uint64_t realtime_ns)
{
	time_t seconds = (time_t)(realtime_ns / 1000000000);
	char text[64], date[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03uZ", date, (unsigned int)(realtime_ns / 1000000 % 1000));
	json_object_set_new(object, "time", json_string(text));
}

static const char *level_name(enum kf_log_level level)
{
	switch (level) {
	case KF_LOG_ERROR:
		return "error";
	case KF_LOG_WARNING:
		return "warning";
	case KF_LOG_NOTICE:
		return "notice";
	case KF_LOG_INFO:
		break;
	}
	return "info";
}

static size_t dump(const json_t *object, char *out)
{
	size_t len = json_dumpb(object, out, KF_LOG_LINE_BYTES - 1, JSON_COMPACT);

	if (!len || len > KF_LOG_LINE_BYTES - 1)
		return 0;
	out[len] = '\n';
	return len + 1;
}

size_t kf_log_line_json(const struct kf_log_line *line, char out[KF_LOG_LINE_BYTES])
{
	json_t *object = json_object();
	size_t len;

	if (!object)
		return 0;
	set_time(object, line->realtime_ns);
	json_object_set_new(object, "level", json_string(level_name(line->level)));
	set_text(object, "message", line->message);
	if (is_given(line->hint))
		set_text(object, "hint", line->hint);
	for (const struct kf_log_field *f = line->fields; f && f->name; f++)
		if (is_given(f->value))
			set_text(object, f->name, f->value);
	len = dump(object, out);
	for (const struct kf_log_field *f = line->fields; f && f->name; f++)
		if (!len) { /* too long */
			json_object_del(object, f->name);
			len = dump(object, out);
		}
	json_decref(object);
	return len;
}

/* ---- journal ---- */

struct datagram {
	char *bytes;
	size_t n;
};

static bool add_bytes(struct datagram *d, const void *bytes, size_t n)
{
	if (n > KF_LOG_DATAGRAM_BYTES - d->n)
		return false;
	memcpy(d->bytes + d->n, bytes, n);
	d->n += n;
	return true;
}

static void add_field(struct datagram *d, const char *name, const char *value)
{
	size_t begin = d->n, len = strlen(value);
	uint64_t size = htole64(len);
	bool fits = add_bytes(d, name, strlen(name));

	if (memchr(value, '\n', len))
		fits = fits && add_bytes(d, "\n", 1) && add_bytes(d, &size, sizeof(size));
	else
		fits = fits && add_bytes(d, "=", 1);
	if (!fits || !add_bytes(d, value, len) || !add_bytes(d, "\n", 1))
		d->n = begin;
}

/* "path" -> "KFLIGHT_PATH"; the journal's own names stay. */
static void add_own_field(struct datagram *d, const struct kf_log_field *f)
{
	bool own = strcmp(f->name, "message_id") != 0;
	char name[64];
	int n = snprintf(name, sizeof(name), "%s%s", own ? "KFLIGHT_" : "", f->name);

	if (n < 0 || (size_t)n >= sizeof(name))
		return;
	for (char *at = name; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	add_field(d, name, f->value);
}

size_t kf_log_line_journal(const struct kf_log_line *line, char out[KF_LOG_DATAGRAM_BYTES])
{
	const char priority[2] = { (char)('0' + line->level), '\0' };
	struct datagram d = { .bytes = out };
	char message[MAX_MESSAGE_BYTES * 2];

	snprintf(message, sizeof(message), "%s%s%s%s", line->message, is_given(line->hint) ? " (" : "",
		 is_given(line->hint) ? line->hint : "", is_given(line->hint) ? ")" : "");
	add_field(&d, "MESSAGE", message);
	add_field(&d, "PRIORITY", priority);
	add_field(&d, "SYSLOG_IDENTIFIER", "kflight");
	for (const struct kf_log_field *f = line->fields; f && f->name; f++)
		if (is_given(f->value))
			add_own_field(&d, f);
	return d.n;
}
