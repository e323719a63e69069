/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reader.h - inside of the snapshot reader: reader.c finds the sections, decode.c unpacks them, sections.c and
 * sections_recorder.c understand what is in them.
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

/* An array section in memory: entries of at least the bytes asked for, stride apart. */
struct kf_reader_array {
	unsigned char *bytes; /* free() it */
	const unsigned char *items;
	size_t n, stride;
	const unsigned char *texts; /* what follows the entries */
	size_t texts_left;
};

/* A decoded length that the stored bytes cannot make, or that no recorder writes, is never allocated. */
int kf_reader_check_length(struct kf_reader *r, const struct kf_reader_section *s);
/* Decodes a whole section to out, which has room for its decoded bytes. */
int kf_reader_decode(struct kf_reader *r, const struct kf_reader_section *s, void *out);
/* The decoded section in memory of its own, plus a spare byte; NULL with *r->e on failure. */
unsigned char *kf_reader_decode_new(struct kf_reader *r, const struct kf_reader_section *s);
/* Decodes a section of one struct, which had first_len bytes in the first version that had it: a shorter one is damage, what
 * it lacks is 0, and more than len grew in a newer version. */
int kf_reader_decode_struct(struct kf_reader *r, const struct kf_reader_section *s, void *out, size_t len,
			    size_t first_len);
/* Decodes entries of at least item_bytes and nothing behind them; ... */
int kf_reader_decode_array(struct kf_reader *r, const struct kf_reader_section *s, size_t item_bytes,
			   struct kf_reader_array *a);
/* ... or with texts behind them, to be taken with kf_reader_next_text() (allocated; NULL with *r->e on failure). */
int kf_reader_decode_texts(struct kf_reader *r, const struct kf_reader_section *s, size_t item_bytes,
			   struct kf_reader_array *a);
char *kf_reader_next_text(struct kf_reader *r, const struct kf_reader_section *s, struct kf_reader_array *a,
			  size_t len);

/* Sections since 1.2 (sections_recorder.c). */
int kf_reader_take_rules(struct kf_reader *r, const struct kf_reader_section *s);
int kf_reader_take_recorder(struct kf_reader *r, const struct kf_reader_section *s);
int kf_reader_take_sheds(struct kf_reader *r, const struct kf_reader_section *s);

/* "FILE is damaged at byte AT: WHAT"; returns -1. */
int kf_reader_fail_damaged(struct kf_reader *r, size_t at, const char *what);
#if defined(__clang_analyzer__) && !defined(KF_SNAPSHOT_READER_C)
#define kf_reader_fail_damaged(...) ((void)(kf_reader_fail_damaged)(__VA_ARGS__), -1) /* as in base/error.h */
#endif

#endif
