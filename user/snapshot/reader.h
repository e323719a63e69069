/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reader.h - inside of the snapshot reader: reader.c finds the sections, sections.c understands what is in them.
 *
 * Every length is compared with the bytes that are there before it is used, and every decoded length with what zlib
 * can make of the stored one before it is allocated.
 */
#ifndef KF_SNAPSHOT_READER_H
#define KF_SNAPSHOT_READER_H

#include <zlib.h>

#include "snapshot/format.h"

struct kf_error;

struct kf_reader {
	const unsigned char *bytes;
	size_t len;
	const char *name; /* for messages */
	struct kf_error *e;

	struct kf_snapshot *s;
	uint64_t decoded_bytes; /* of all sections */
	bool seen[KF_SECTION_TYPES];
	z_stream z;
};

/* A section whose stored bytes are all there and whose checksum is right. */
struct kf_reader_section {
	struct kf_file_section head;
	const unsigned char *stored;
	size_t at; /* of its header in the file */
};

/* Fills r->s from a section of a known type. */
int kf_reader_take(struct kf_reader *r, const struct kf_reader_section *section);

/* "FILE is damaged at byte AT: WHAT"; returns -1. */
int kf_reader_fail_damaged(struct kf_reader *r, size_t at, const char *what);
#if defined(__clang_analyzer__) && !defined(KF_SNAPSHOT_READER_C)
#define kf_reader_fail_damaged(...) ((void)(kf_reader_fail_damaged)(__VA_ARGS__), -1) /* as in base/error.h */
#endif

#endif
