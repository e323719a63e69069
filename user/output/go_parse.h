/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * go_parse.h - reads back the Go traces that output/go_wire.h writes: one generation, its events and tables.
 *
 * Every bound of the format is checked (batch, string and stack sizes, table references, counts), and what a reader of
 * the version in the header would refuse is an error. Events that are never written here are errors too.
 */
#ifndef KF_OUTPUT_GO_PARSE_H
#define KF_OUTPUT_GO_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "output/go_wire.h"

struct kf_error;

struct kf_go_event {
	uint64_t ts_ns;
	uint64_t m;
	uint64_t order; /* in the file */
	uint64_t args[KF_GO_MAX_ARGS];
	uint8_t code; /* enum kf_go_code */
};

struct kf_go_parsed_frame {
	uint64_t pc, func, file, line;
};

struct kf_go_parsed_stack {
	struct kf_go_parsed_frame *frames; /* leaf first */
	size_t n;
};

struct kf_go_parsed {
	unsigned int version;
	struct kf_go_event *events; /* by time; of one time by M and place in the file */
	size_t n_events, room_events;
	char **strings; /* index is the id; NULL: not in the table (0 is "") */
	size_t n_strings;
	struct kf_go_parsed_stack *stacks; /* index is the id; frames NULL: not in the table (0 is no stack) */
	size_t n_stacks;
	uint64_t frequency;
	uint64_t clock_mono_ns, clock_sec, clock_nsec; /* 0 before 1.25 */
	uint64_t n_batches;
};

/* *out belongs to the caller. */
int kf_go_parse(struct kf_go_parsed **out, const void *bytes, size_t len, struct kf_error *e);
void kf_go_parsed_free(struct kf_go_parsed **p);

/* "GoStart", ...; "?" for codes that are not written here. */
const char *kf_go_code_name(uint8_t code);
/* Arguments of a timed event, the time not counted; -1 for other codes. */
int kf_go_code_args(uint8_t code);

#endif
