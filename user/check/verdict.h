/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verdict.h - is a window as it should be? Expressions and rules in, one of three answers out.
 *
 * Without conditions the findings of rules/ decide: one of at least fail_on is a failure. With conditions these decide, and
 * findings only if asked for. A condition is true if one of its clauses is, and that if all of its parts are; of each part it may be
 * not known, and of the whole then only if it matters. The status is KF_FINDINGS if anything is wrong for sure; else KF_INCOMPLETE if anything
 * is not known; else KF_OK. A time of which nothing is known could hide a finding if it is as long as what a rule finds.
 */
#ifndef KF_CHECK_VERDICT_H
#define KF_CHECK_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "check/measure.h"
#include "expr/condition.h"
#include "output/missing.h"
#include "rules/finding.h"
#include "rules/settings.h"

/* What is asked. Zeroed, with fail_on set, it asks for findings. */
struct kf_checks {
	struct kf_condition *conditions;
	size_t n_conditions, room_conditions;
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

/*
 * A text as in expr/condition.h; column as in kf_condition_parse(). What it says of cooldown, sample and enabled is for triggers, and
 * left out.
 */
int kf_checks_add(struct kf_checks *c, const char *text, size_t *column, struct kf_error *e);
/* Is anything about syscalls? They need --syscalls slow. */
bool kf_checks_need_syscalls(const struct kf_checks *c);
/*
 * Adds a file: one expression, or "rule NAME=WARN,ERROR" (rules/settings.h), per line; # begins a comment, empty lines
 * are nothing. Errors name file and line.
 */
int kf_checks_add_file(struct kf_checks *c, const char *path, struct kf_error *e);
void kf_checks_release(struct kf_checks *c);

/* A condition, by parts. */
struct kf_judged {
	enum kf_answer answer;
	struct kf_measured *parts; /* by expression of the condition */
	uint32_t decisive;	   /* a bit per part that makes it true, or keeps it from being known */
};

struct kf_verdict {
	enum kf_status status;	  /* KF_OK, KF_FINDINGS, KF_INCOMPLETE */
	struct kf_judged *judged; /* by condition */
	size_t n_judged;
	size_t n_violated, n_unknown; /* conditions */
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
/* "ok", "FAIL", "unknown" of a condition, or of the findings; "false", "true", "unknown" of a part. */
const char *kf_answer_name(enum kf_answer answer);
const char *kf_part_name(enum kf_answer answer);
/* "storm: runq>5ms", or the text alone; printable; returns buf. */
const char *kf_condition_title(const struct kf_condition *c, char *buf, size_t len);
#define KF_TITLE_BYTES (4 * KF_CONDITION_BYTES + KF_RULE_NAME_BYTES)

/* For people: the verdict in the first line. All three flush out; a full disk or closed pipe is an error. */
int kf_verdict_text(const struct kf_verdict_page *p, FILE *out, struct kf_error *e);

/*
 * One JSON object, keys in this order:
 *
 *	verdict      "ok", "fail", "incomplete"
 *	status       the exit status that goes with it
 *	file, host, kernel
 *	window       {floor_ns, end_ns, held_ns}
 *	expressions  [{expression, name ("" not given), verdict ("ok", "fail", "unknown"), value, unit, compare, limit, waits, worst,
 *	             why, parts}]: those of its only part, null if it has several
 *	  parts      [{expression, answer ("true", "false", "unknown"), decisive, value, unit ("ns", "percent", "count", "per_s",
 *	             "per_m", "per_h"), compare, limit, waits, period (null or {from_ns, length_ns}: the worst), worst, why}]: value
 *	             is as seen, null if there is no such wait; worst and why are "" if there is nothing to say
 *	fail_on      "ERROR", ...; null: findings were not asked for
 *	findings_verdict  "ok", "fail", "unknown"; null likewise
 *	findings_why
 *	findings     [as output/findings_json.h]
 *	missing      [text]
 */
int kf_verdict_json(const struct kf_verdict_page *p, FILE *out, struct kf_error *e);

/*
 * JUnit XML: a testsuite of a testcase per condition, called by its name if it has one, and one per rule if findings were asked for. What is wrong is a
 * <failure>, what is not known an <error>, a rule that is off is <skipped>. Names and texts of strangers come out as
 * printable UTF-8 (base/text.h), escaped.
 */
int kf_verdict_junit(const struct kf_verdict_page *p, FILE *out, struct kf_error *e);

#endif
