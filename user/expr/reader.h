/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reader.h - reads a line of the expression language from left to right: words, numbers, durations, and errors that name the
 * column they are about. For the parsers in expr/.
 */
#ifndef KF_EXPR_READER_H
#define KF_EXPR_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kf_error;

#define KF_READER_WORD_BYTES 64
#define KF_READER_MICRO	     1000000u

struct kf_reader {
	const char *what; /* "expression", "trigger": how messages call the text */
	const char *text; /* NUL-terminated */
	const char *at;	  /* what is read next */
	const char *blame;
	struct kf_error *e;
};

/* A run of letters, digits, '_' and '.'; empty if there is none. */
struct kf_word {
	const char *at;
	size_t len;
	char text[KF_READER_WORD_BYTES]; /* cut: what is longer is no word we know */
};

/* Fills the error with "WHAT 'TEXT', column N: ...", remembers the place in blame, and returns -1. */
int kf_reader_fail(struct kf_reader *r, const char *at, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* "unknown KIND 'WORD', did you mean 'NEAREST'?" */
int kf_reader_unknown(struct kf_reader *r, const struct kf_word *w, const char *kind, const char *const *names,
		      const char *hint);

void kf_reader_skip_blanks(struct kf_reader *r);
/* The next thing behind blanks, which are skipped; NUL at the end. */
char kf_reader_peek(struct kf_reader *r);
/* Skips it if it is this. */
bool kf_reader_takes(struct kf_reader *r, char c);
/* The same of a whole word: "and", but not the begin of "android". */
bool kf_reader_takes_word(struct kf_reader *r, const char *word);
struct kf_word kf_reader_word(struct kf_reader *r);
/* Its place in the NULL-terminated names, or -1. */
int kf_word_find(const struct kf_word *w, const char *const *names);

/* Digits with a point, as millionths. Moves on only if there is a number. */
int kf_reader_micro(struct kf_reader *r, uint64_t *out);
/* "5ms", "1.5 s" */
int kf_reader_duration(struct kf_reader *r, uint64_t *out_ns);
/* Digits only: 1 to 2^31 - 1, as PIDs are. */
int kf_reader_pid(struct kf_reader *r, const char *digits, const char *at, uint32_t *out);

#endif
