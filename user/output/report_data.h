/* SPDX-License-Identifier: BSD-2-Clause */
/* report_data.h - what a report says, selected and sorted, for report_text.c and report_json.c. */
#ifndef KF_OUTPUT_REPORT_DATA_H
#define KF_OUTPUT_REPORT_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/culprits.h"
#include "output/missing.h"
#include "rules/finding.h"

struct kf_gap;
struct kf_report_options;
struct kf_snapshot;
struct kf_timeline;

struct kf_report_data {
	const struct kf_gap **gaps; /* all that fit the options, longest first */
	size_t n_gaps;
	uint64_t gaps_ns;  /* their sum */
	uint32_t *threads; /* indices of all that fit the options, most runnable time first */
	size_t n_threads;
	struct kf_culprit *culprits; /* of these gaps */
	size_t n_culprits;
	struct kf_findings findings; /* all: kf_findings_cut() leaves some per rule */
	struct kf_missing missing;
	bool *family; /* by thread: of the process of the trigger or below it */
};

/* Fills d; release it also after a failure. */
int kf_report_data_init(struct kf_report_data *d, const struct kf_timeline *t, const struct kf_snapshot *s,
			const struct kf_report_options *o, struct kf_error *e);
/* Whether the options leave out gaps: that none fits says nothing about the others. */
bool kf_report_leaves_out(const struct kf_report_options *o);
void kf_report_data_release(struct kf_report_data *d);

#endif
