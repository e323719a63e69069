/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * settings.h - what stands in braces behind a condition: whose waits it is about, and how often it may fire.
 *
 *	SETTINGS := "{" [ SETTING { "," SETTING } ] "}"
 *	SETTING  := "name" "=" NAME			1 to 31 letters, digits, '-', '_', '.'; begins with a letter or digit
 *		  | ( "comm" | "pid" | "tid" | "cgroup" ) "=" VALUE { "|" VALUE }
 *		  | "cooldown" "=" DURATION
 *		  | "sample" "=" NUMBER "%"		above 0, up to 100
 *		  | "enabled" "=" ( "yes" | "no" )
 *	VALUE    := text without , | { } and blanks at its ends, or in quotes: 'a, b' or "a, b"
 *
 * Each setting at most once.
 */
#ifndef KF_EXPR_SETTINGS_H
#define KF_EXPR_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kflight/control.h"

struct kf_error;
struct kf_reader;

#define KF_RULE_NAME_BYTES  32
#define KF_CGROUP_BYTES	    256
#define KF_SETTINGS_FILTERS 16
#define KF_SAMPLE_ALWAYS    UINT32_MAX
#define KF_NAME_OF_REQUESTS "request" /* stands in file names where no trigger fired */

/* Whose waits a term is about: one value of one dimension. Values of one dimension are alternatives, dimensions must all fit. */
enum kf_filter_by { KF_FILTER_PID, KF_FILTER_TID, KF_FILTER_COMM, KF_FILTER_CGROUP, KF_FILTER_PID_OR_TID };

struct kf_term_filter {
	uint32_t terms; /* of a trigger set, a bit each */
	enum kf_filter_by by;
	uint32_t id;		      /* PID, TID, PID_OR_TID ("of 2144") */
	struct kf_comm_glob comm;     /* COMM: thread or process */
	char cgroup[KF_CGROUP_BYTES]; /* CGROUP: path of a cgroup v2, as given; the recorder looks it up */
};

/* Have both the same value? Whatever their terms are. */
bool kf_filter_is_equal(const struct kf_term_filter *a, const struct kf_term_filter *b);

struct kf_settings {
	char name[KF_RULE_NAME_BYTES]; /* "" not given */
	uint64_t cooldown_ns;
	uint32_t sample; /* as in struct kf_rule: fires with a chance of (sample + 1) / 2^32 */
	bool enabled;
	bool paced; /* cooldown, sample or enabled was given */
	struct kf_term_filter filters[KF_SETTINGS_FILTERS];
	size_t n_filters;
	uint16_t comm_column; /* of "comm", 0 not given */
};

/* What holds without braces. */
void kf_settings_default(struct kf_settings *s);
/* Reads braces at r->at, if there are any. */
int kf_settings_read(struct kf_settings *out, struct kf_reader *r);

/* Is it a name as above? The error does not say where the name stands. */
int kf_rule_name_check(const char *name, struct kf_error *e);

#endif
