/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verdict.h - is a window as it should be? Expressions and rules in, one of three answers out.
 *
 * Without expressions the findings of rules/ decide: one of at least fail_on is a failure. With expressions these decide,
 * and findings only if asked for. The status is KF_FINDINGS if anything is wrong for sure; else KF_INCOMPLETE if anything
 * is not known; else KF_OK. A time of which nothing is known could hide a finding if it is as long as what a rule finds.
 */
#ifndef KF_CHECK_VERDICT_H
#define KF_CHECK_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "expr/expr.h"
#include "check/measure.h"
#include "output/missing.h"
#include "rules/finding.h"
#include "rules/settings.h"

/* What is asked. Zeroed, with fail_on set, it asks for findings. */
struct kf_checks {
	struct kf_expr *exprs;
	size_t n_exprs, room_exprs;
	struct kf_rule_settings rules;
	enum kf_severity fail_on;
	bool findings;		/* they decide although there are expressions */
	bool as_seen;		/* waits that were cut off count as long as they were seen */
	uint64_t window_min_ns; /* a shorter window is incomplete */
	uint64_t from_ns;	/* and so is one that begins later than this, or was cut at its end; 0 no matter */
	uint32_t tgid;		/* only this process and what it started, 0 everything */
};

/* More make no sense and would take long on a large file. */
#define KF_CHECKS_MAX 256

/* column as in kf_condition_parse(). */
int kf_checks_add(struct kf_checks *c, const char *expression, size_t *column, struct kf_error *e);
/*
 * Adds a file: one expression, or "rule NAME=WARN,ERROR" (rules/settings.h), per line; # begins a comment, empty lines
 * are nothing. Errors name file and line.
 */
int kf_checks_add_file(struct kf_checks *c, const char *path, struct kf_error *e);
void kf_checks_release(struct kf_checks *c);

struct kf_verdict {
	enum kf_status status;	      /* KF_OK, KF_FINDINGS, KF_INCOMPLETE */
	struct kf_measured *measured; /* by expression */
	size_t n_violated, n_unknown; /* expressions */
	bool has_findings;	      /* they were looked for */
	struct kf_findings findings;
	size_t n_bad;			   /* findings of at least fail_on */
	enum kf_answer findings_answer;	   /* are there such ones? */
	char findings_why[KF_DOUBT_BYTES]; /* UNKNOWN: the reason */
	struct kf_missing missing;
};

/* t is the timeline of s. *v is zeroed before; release it also after a failure. */
int kf_verdict_find(struct kf_verdict *v, const struct kf_checks *c, const struct kf_timeline *t,
		    const struct kf_snapshot *s, struct kf_error *e);
void kf_verdict_release(struct kf_verdict *v);

/* What a verdict is printed from. */
struct kf_verdict_page {
	const struct kf_verdict *v;
	const struct kf_checks *c;
	const struct kf_timeline *t;
	const struct kf_snapshot *s;
	const char *path; /* of the snapshot, as given */
};

/* "ok", "FAIL", "INCOMPLETE" */
const char *kf_verdict_name(enum kf_status status);
/* "ok", "FAIL", "unknown" of one expression, or of the findings. */
const char *kf_answer_name(enum kf_answer answer);

/* For people: the verdict in the first line. All three flush out; a full disk or closed pipe is an error. */
int kf_verdict_text(const struct kf_verdict_page *p, FILE *out, struct kf_error *e);

/*
 * One JSON object, keys in this order:
 *
 *	verdict      "ok", "fail", "incomplete"
 *	status       the exit status that goes with it
 *	file, host, kernel
 *	window       {floor_ns, end_ns, held_ns}
 *	expressions  [{expression, verdict ("ok", "fail", "unknown"), value, unit ("ns", "percent", "count", "per_s", "per_m",
 *	             "per_h"), compare, limit, waits, worst, why}]: value is as seen, null if there is no such wait; worst and
 *	             why are "" if there is nothing to say
 *	fail_on      "ERROR", ...; null: findings were not asked for
 *	findings_verdict  "ok", "fail", "unknown"; null likewise
 *	findings_why
 *	findings     [as output/findings_json.h]
 *	missing      [text]
 */
int kf_verdict_json(const struct kf_verdict_page *p, FILE *out, struct kf_error *e);

/*
 * JUnit XML: a testsuite of a testcase per expression, and one per rule if findings were asked for. What is wrong is a
 * <failure>, what is not known an <error>, a rule that is off is <skipped>. Names and texts of strangers come out as
 * printable UTF-8 (base/text.h), escaped.
 */
int kf_verdict_junit(const struct kf_verdict_page *p, FILE *out, struct kf_error *e);

#endif
