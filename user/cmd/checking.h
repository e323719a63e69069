/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checking.h - what `check` and `run --check` have in common: options, and a snapshot that is read, judged and told about.
 *
 * Life cycle: zeroed, kf_options_parse() with the rows of kf_checking_options(), kf_checking_prepare(), kf_checking_judge(),
 * kf_checking_release().
 */
#ifndef KF_CMD_CHECKING_H
#define KF_CMD_CHECKING_H

#include <stdbool.h>
#include <stdio.h>

#include "check/verdict.h"
#include "cli/options.h"

struct kf_checking {
	/* as given */
	struct kf_strings expressions; /* of --check */
	struct kf_strings files, rules;
	const char *fail_on;
	const char *junit;
	uint64_t window_min_ns;
	bool as_seen;
	bool json;
	/* as understood */
	struct kf_checks checks;
};

/* Rows for both; no empty one behind them. */
#define KF_CHECKING_OPTIONS 6
void kf_checking_options(struct kf_checking *c, struct kf_option rows[KF_CHECKING_OPTIONS]);

/*
 * Understands the options, and these expressions. An expression with an error is shown on standard error with the place
 * under it, after the message: this prints *e itself. Returns 0 or an exit status.
 */
int kf_checking_prepare(struct kf_checking *c, const char *const *expressions, size_t n);

/* Reads the snapshot and writes the verdict to out, and as JUnit if asked for. Returns an exit status, errors are told. */
int kf_checking_judge(struct kf_checking *c, const char *path, FILE *out);

void kf_checking_release(struct kf_checking *c);

#endif
