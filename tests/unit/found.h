/* SPDX-License-Identifier: BSD-2-Clause */
/* found.h - what the rules found, in f: is it what was expected? */
#ifndef KF_TESTS_FOUND_H
#define KF_TESTS_FOUND_H

#include <stdlib.h>
#include <string.h>

#include "expect_text.h"
#include "rules/finding.h"

static struct kf_findings f;

/* The worst finding of a rule, NULL none. */
static inline const struct kf_finding *found(const char *rule)
{
	for (size_t i = 0; i < f.n; i++)
		if (!strcmp(kf_rule_name(f.items[i].rule), rule))
			return &f.items[i];
	return NULL;
}

static inline const struct kf_finding *expect_found(const char *rule, enum kf_severity severity, const char *message)
{
	const struct kf_finding *finding = found(rule);

	if (!finding) {
		fail_msg("no %s among %zu findings", rule, f.n);
		abort(); /* not reached: the analyzer does not know */
	}
	expect(finding->message, message);
	assert_string_equal(kf_severity_name(finding->severity), kf_severity_name(severity));
	return finding;
}

static inline void expect_none(const char *rule)
{
	if (found(rule))
		fail_msg("%s: %s", rule, found(rule)->message);
}

#endif
