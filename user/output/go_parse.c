/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/go_parse.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"

#define GENERATION 1
/* A table this large was not written here; ids are dense. */
#define MAX_ID (1u << 26)

static const struct {
	const char *name;
	int8_t n_args;
	uint8_t since; /* version */
} codes[] = {
	[KF_GO_PROCS_CHANGE] = { "ProcsChange", 2, 22 },
	[KF_GO_PROC_START] = { "ProcStart", 2, 22 },
	[KF_GO_PROC_STOP] = { "ProcStop", 0, 22 },
	[KF_GO_PROC_STATUS] = { "ProcStatus", 2, 22 },
	[KF_GO_CREATE] = { "GoCreate", 3, 22 },
	[KF_GO_CREATE_SYSCALL] = { "GoCreateSyscall", 1, 22 },
	[KF_GO_START] = { "GoStart", 2, 22 },
	[KF_GO_DESTROY] = { "GoDestroy", 0, 22 },
	[KF_GO_STOP] = { "GoStop", 2, 22 },
	[KF_GO_BLOCK] = { "GoBlock", 2, 22 },
	[KF_GO_UNBLOCK] = { "GoUnblock", 3, 22 },
	[KF_GO_SYSCALL_BEGIN] = { "GoSyscallBegin", 2, 22 },
	[KF_GO_SYSCALL_END] = { "GoSyscallEnd", 0, 22 },
	[KF_GO_SYSCALL_END_BLOCKED] = { "GoSyscallEndBlocked", 0, 22 },
	[KF_GO_STATUS] = { "GoStatus", 3, 22 },
	[KF_GO_LABEL] = { "GoLabel", 1, 22 },
	[KF_GO_TASK_BEGIN] = { "UserTaskBegin", 4, 22 },
	[KF_GO_TASK_END] = { "UserTaskEnd", 2, 22 },
	[KF_GO_LOG] = { "UserLog", 4, 22 },
	[KF_GO_STATUS_STACK] = { "GoStatusStack", 4, 23 },
};
#define N_CODES (sizeof(codes) / sizeof(codes[0]))

const char *kf_go_code_name(uint8_t code)
{
	return code < N_CODES && codes[code].name ? codes[code].name : "?";
}

int kf_go_code_args(uint8_t code)
{
	return code < N_CODES && codes[code].name ? codes[code].n_args : -1;
}

/* Bytes not read yet. */
struct cursor {
	const unsigned char *at;
	const unsigned char *end;
	const unsigned char *begin; /* of the file, for messages */
	struct kf_error *e;
};

static int bad(struct cursor *c, const char *what)
{
	return kf_fail(c->e, KF_USAGE, NULL, "bad Go trace: %s at byte %td", what, c->at - c->begin);
}

static int get_byte(struct cursor *c, uint8_t *out)
{
	if (c->at == c->end)
		return bad(c, "cut off");
	*out = *c->at++;
	return 0;
}

static int get_varint(struct cursor *c, uint64_t *out)
{
	uint64_t value = 0;
	uint8_t byte = 0;

	for (unsigned int shift = 0; shift < 70; shift += 7) {
		if (get_byte(c, &byte))
			return -1;
		if (shift == 63 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*out = value;
			return 0;
		}
	}
	return bad(c, "number too large");
}

static int get_varints(struct cursor *c, uint64_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (get_varint(c, &out[i]))
			return -1;
	return 0;
}

/* Makes room for an id in a table of zeroed items. */
static int table_reserve(void **items, size_t *n, uint64_t id, size_t item_bytes)
{
	size_t room = *n ? *n : 64;
	void *bigger;

	while (room <= id)
		room *= 2;
	if (room == *n)
		return 0;
	bigger = realloc(*items, room * item_bytes);
	if (!bigger)
		return -1;
	memset((char *)bigger + *n * item_bytes, 0, (room - *n) * item_bytes);
	*items = bigger;
	*n = room;
	return 0;
}

static int parse_string(struct kf_go_parsed *p, struct cursor *c)
{
	uint64_t id, len;

	if (get_varint(c, &id) || get_varint(c, &len))
		return -1;
	if (!id || id > MAX_ID)
		return bad(c, "string id out of range");
	if (len > KF_GO_STRING_BYTES || len > (size_t)(c->end - c->at))
		return bad(c, "string too long");
	if (table_reserve((void **)&p->strings, &p->n_strings, id, sizeof(*p->strings)))
		return kf_fail_memory(c->e, "strings");
	if (p->strings[id])
		return bad(c, "two strings with one id");
	p->strings[id] = strndup((const char *)c->at, len);
	if (!p->strings[id])
		return kf_fail_memory(c->e, "strings");
	c->at += len;
	return 0;
}

static int parse_stack(struct kf_go_parsed *p, struct cursor *c)
{
	struct kf_go_parsed_stack *stack;
	uint64_t id, n;

	if (get_varint(c, &id) || get_varint(c, &n))
		return -1;
	if (!id || id > MAX_ID)
		return bad(c, "stack id out of range");
	if (!n || n > KF_GO_STACK_FRAMES)
		return bad(c, "wrong number of frames");
	if (table_reserve((void **)&p->stacks, &p->n_stacks, id, sizeof(*p->stacks)))
		return kf_fail_memory(c->e, "stacks");
	stack = &p->stacks[id];
	if (stack->frames)
		return bad(c, "two stacks with one id");
	stack->frames = calloc(n, sizeof(*stack->frames));
	if (!stack->frames)
		return kf_fail_memory(c->e, "stacks");
	stack->n = n;
	for (size_t i = 0; i < n; i++) {
		uint64_t v[4];

		if (get_varints(c, v, 4))
			return -1;
		if (!v[0] || !v[1] || !v[2] || !v[3])
			return bad(c, "frame with a zero");
		stack->frames[i] = (struct kf_go_parsed_frame){ v[0], v[1], v[2], v[3] };
	}
	return 0;
}

/* Repeats of one kind of entry up to the end of the batch. */
static int parse_table(struct kf_go_parsed *p, struct cursor *c, uint8_t kind,
		       int (*entry)(struct kf_go_parsed *p, struct cursor *c))
{
	uint8_t byte = 0;

	while (c->at < c->end) {
		if (get_byte(c, &byte))
			return -1;
		if (byte != kind)
			return bad(c, "wrong entry in a table");
		if (entry(p, c))
			return -1;
	}
	return 0;
}

static int parse_sync(struct kf_go_parsed *p, struct cursor *c, bool with_clock)
{
	uint64_t v[4];
	uint8_t byte = 0;

	if (with_clock != (p->version >= KF_GO_1_25))
		return bad(c, "clock batch of another version");
	if (p->frequency)
		return bad(c, "second clock batch");
	if (with_clock && (get_byte(c, &byte) || byte != KF_GO_FREQUENCY))
		return bad(c, "no frequency");
	if (get_varint(c, &p->frequency))
		return -1;
	if (!p->frequency)
		return bad(c, "frequency 0");
	if (with_clock) {
		if (get_byte(c, &byte) || byte != KF_GO_CLOCK_SNAPSHOT || get_varints(c, v, 4))
			return bad(c, "no clock snapshot");
		p->clock_mono_ns = v[1];
		p->clock_sec = v[2];
		p->clock_nsec = v[3];
	}
	return c->at == c->end ? 0 : bad(c, "clock batch too long");
}

static int parse_events(struct kf_go_parsed *p, struct cursor *c, uint64_t m, uint64_t ts_ns)
{
	while (c->at < c->end) {
		struct kf_go_event event = { .m = m, .order = p->n_events };
		uint64_t dt;

		if (get_byte(c, &event.code))
			return -1;
		if (kf_go_code_args(event.code) < 0 || codes[event.code].since > p->version)
			return bad(c, "unknown event");
		if (get_varint(c, &dt) || get_varints(c, event.args, (size_t)kf_go_code_args(event.code)))
			return -1;
		if (dt > INT64_MAX - ts_ns)
			return bad(c, "time out of range");
		event.ts_ns = ts_ns += dt;
		if (KF_GROW(p->events, p->n_events, p->room_events))
			return kf_fail_memory(c->e, "events");
		p->events[p->n_events++] = event;
	}
	return 0;
}

static int parse_batch(struct kf_go_parsed *p, struct cursor *file)
{
	struct cursor c;
	uint64_t v[4]; /* generation, m, time, size */

	if (get_varints(file, v, 4))
		return -1;
	if (v[0] != GENERATION)
		return bad(file, "wrong generation");
	if (v[2] > INT64_MAX)
		return bad(file, "time out of range");
	if (!v[3] || v[3] > KF_GO_BATCH_BYTES || v[3] > (size_t)(file->end - file->at))
		return bad(file, "wrong batch size");
	c = (struct cursor){ file->at, file->at + v[3], file->begin, file->e };
	file->at = c.end;
	p->n_batches++;
	switch (*c.at) {
	case KF_GO_STRINGS:
		c.at++;
		return parse_table(p, &c, KF_GO_STRING, parse_string);
	case KF_GO_STACKS:
		c.at++;
		return parse_table(p, &c, KF_GO_STACK, parse_stack);
	case KF_GO_FREQUENCY:
	case KF_GO_SYNC:
		return parse_sync(p, &c, *c.at++ == KF_GO_SYNC);
	default:
		return parse_events(p, &c, v[1], v[2]);
	}
}

static int parse_header(struct kf_go_parsed *p, struct cursor *c)
{
	static const unsigned int known[] = { KF_GO_1_22, KF_GO_1_23, KF_GO_1_25, KF_GO_1_26 };
	char header[KF_GO_HEADER_BYTES];

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		memset(header, 0, sizeof(header));
		snprintf(header, sizeof(header), "go 1.%u trace", known[i]);
		if (c->end - c->at >= KF_GO_HEADER_BYTES && !memcmp(c->at, header, sizeof(header)))
			p->version = known[i];
	}
	if (!p->version)
		return bad(c, "no header");
	c->at += KF_GO_HEADER_BYTES;
	return 0;
}

static int parse_file(struct kf_go_parsed *p, struct cursor *c)
{
	bool ended = false;
	uint8_t byte = 0;

	if (parse_header(p, c))
		return -1;
	while (c->at < c->end) {
		if (get_byte(c, &byte))
			return -1;
		if (ended)
			return bad(c, "bytes behind the end");
		if (byte == KF_GO_END_OF_GENERATION && p->version >= KF_GO_1_26)
			ended = true;
		else if (byte != KF_GO_BATCH)
			return bad(c, "no batch");
		else if (parse_batch(p, c))
			return -1;
	}
	if (p->version >= KF_GO_1_26 && !ended)
		return bad(c, "no end of the generation");
	return p->frequency ? 0 : bad(c, "no frequency");
}

static int by_time(const void *a, const void *b)
{
	const struct kf_go_event *x = a, *y = b;

	if (x->ts_ns != y->ts_ns)
		return x->ts_ns < y->ts_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int check_frames(const struct kf_go_parsed *p, struct cursor *c)
{
	for (size_t i = 0; i < p->n_stacks; i++) {
		for (size_t k = 0; k < p->stacks[i].n; k++) {
			const struct kf_go_parsed_frame *f = &p->stacks[i].frames[k];

			if (f->func >= p->n_strings || !p->strings[f->func] || f->file >= p->n_strings ||
			    !p->strings[f->file])
				return bad(c, "frame names a string that does not exist");
		}
	}
	return 0;
}

int kf_go_parse(struct kf_go_parsed **out, const void *bytes, size_t len, struct kf_error *e)
{
	struct cursor c = { bytes, (const unsigned char *)bytes + len, bytes, e };
	struct kf_go_parsed *p = calloc(1, sizeof(*p));

	if (!p)
		return kf_fail_memory(e, "Go trace");
	if (parse_file(p, &c) || check_frames(p, &c)) {
		kf_go_parsed_free(&p);
		return -1;
	}
	if (p->n_events)
		qsort(p->events, p->n_events, sizeof(*p->events), by_time);
	*out = p;
	return 0;
}

void kf_go_parsed_free(struct kf_go_parsed **p)
{
	if (!*p)
		return;
	for (size_t i = 0; i < (*p)->n_strings; i++)
		free((*p)->strings[i]);
	for (size_t i = 0; i < (*p)->n_stacks; i++)
		free((*p)->stacks[i].frames);
	free((*p)->strings);
	free((*p)->stacks);
	free((*p)->events);
	free(*p);
	*p = NULL;
}
