/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/control_request.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

#define TRACEPARENT_BYTES 55 /* 2 + 1 + 32 + 1 + 16 + 1 + 2 */

static bool is_hex(const char *text, size_t digits)
{
	return strspn(text, "0123456789abcdef") >= digits;
}

static bool is_id(const char *text, size_t digits)
{
	return is_hex(text, digits) && strspn(text, "0") < digits;
}

bool kf_is_trace_id(const char *text)
{
	return strlen(text) == KF_TRACE_ID_BYTES - 1 && is_id(text, KF_TRACE_ID_BYTES - 1);
}

bool kf_is_span_id(const char *text)
{
	return strlen(text) == KF_SPAN_ID_BYTES - 1 && is_id(text, KF_SPAN_ID_BYTES - 1);
}

bool kf_traceparent_take(struct kf_snapshot_wish *out, const char *header)
{
	const char *trace_id, *span_id;

	if (out->trace_id[0] || strlen(header) < TRACEPARENT_BYTES)
		return false;
	trace_id = header + 3;
	span_id = header + 36;
	if (!is_hex(header, 2) || !strncmp(header, "ff", 2) || header[2] != '-' || header[35] != '-' ||
	    header[52] != '-')
		return false;
	if (!is_id(trace_id, 32) || !is_id(span_id, 16) || !is_hex(header + 53, 2))
		return false;
	/* Version 0 ends here; later ones may go on behind another dash. */
	if (header[TRACEPARENT_BYTES] && (!strncmp(header, "00", 2) || header[TRACEPARENT_BYTES] != '-'))
		return false;
	snprintf(out->trace_id, sizeof(out->trace_id), "%.32s", trace_id);
	snprintf(out->span_id, sizeof(out->span_id), "%.16s", span_id);
	return true;
}

/* An object none of whose members has another name than those. */
static json_t *parse_object(const char *body, size_t len, const char *const *names, const char *hint,
			    struct kf_error *e)
{
	json_t *object, *value;
	json_error_t where;
	const char *key;
	char shown[80];

	object = json_loadb(body, len, JSON_REJECT_DUPLICATES, &where);
	if (!json_is_object(object)) {
		json_decref(object);
		kf_fail(e, KF_USAGE, hint, "the body is no JSON object");
		return NULL;
	}
	json_object_foreach(object, key, value)
	{
		const char *const *known = names;

		while (*known && strcmp(*known, key))
			known++;
		if (*known)
			continue;
		kf_text_printable(key, strlen(key), shown, sizeof(shown));
		kf_fail(e, KF_USAGE, hint, "unknown member '%s'", shown);
		json_decref(object);
		return NULL;
	}
	return object;
}

/* The text called name, or "". */
static int take_text(const json_t *object, const char *name, char *out, size_t out_len, struct kf_error *e)
{
	const json_t *value = json_object_get(object, name);

	if (!value)
		return 0;
	if (!json_is_string(value) || json_string_length(value) >= out_len)
		return kf_fail(e, KF_USAGE, NULL, "'%s' is no text of at most %zu bytes", name, out_len - 1);
	memcpy(out, json_string_value(value), json_string_length(value) + 1);
	return 0;
}

static int take_id(const json_t *object, const char *name, char *out, size_t out_len, struct kf_error *e)
{
	if (!json_object_get(object, name))
		return 0;
	if (!take_text(object, name, out, out_len, NULL) && strlen(out) == out_len - 1 && is_id(out, out_len - 1))
		return 0;
	return kf_fail(e, KF_USAGE, "W3C trace context; leave it out if there is none",
		       "'%s' is not %zu lower-case hexadecimal digits, or all zero", name, out_len - 1);
}

int kf_snapshot_wish_parse(struct kf_snapshot_wish *out, const char *body, size_t len, struct kf_error *e)
{
	static const char *const names[] = { "reason", "trace_id", "span_id", NULL };
	json_t *object;
	int err;

	memset(out, 0, sizeof(*out));
	if (!len)
		return 0;
	object =
		parse_object(body, len, names, "{\"reason\": \"...\", \"trace_id\": \"...\", \"span_id\": \"...\"}", e);
	if (!object)
		return -1;
	err = take_text(object, "reason", out->reason, sizeof(out->reason), e) ||
	      take_id(object, "trace_id", out->trace_id, sizeof(out->trace_id), e) ||
	      take_id(object, "span_id", out->span_id, sizeof(out->span_id), e);
	if (!err && out->span_id[0] && !out->trace_id[0])
		err = kf_fail(e, KF_USAGE, NULL, "'span_id' is of no use without 'trace_id'");
	json_decref(object);
	return err ? -1 : 0;
}

int kf_trigger_wish_parse(struct kf_trigger_wish *out, json_t **holder, const char *body, size_t len,
			  struct kf_error *e)
{
	static const char *const names[] = { "trigger", "enabled", NULL };
	static const char hint[] = "{\"trigger\": \"runq>5ms\"} or {\"enabled\": false}, or both";
	json_t *object = parse_object(body, len, names, hint, e), *text, *enabled;
	const char *wrong;

	*holder = NULL;
	memset(out, 0, sizeof(*out));
	if (!object)
		return -1;
	text = json_object_get(object, "trigger");
	enabled = json_object_get(object, "enabled");
	wrong = !text && !enabled		       ? "the body changes nothing"
		: text && !json_is_string(text)	       ? "'trigger' is no text"
		: enabled && !json_is_boolean(enabled) ? "'enabled' is neither true nor false"
						       : NULL;
	if (wrong) {
		json_decref(object);
		return kf_fail(e, KF_USAGE, hint, "%s", wrong);
	}
	out->text = json_string_value(text);
	out->sets_enabled = enabled != NULL;
	out->enabled = json_is_true(enabled);
	*holder = object;
	return 0;
}
