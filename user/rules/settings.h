/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * settings.h - thresholds of rules as people write them.
 *
 *	RunQueueLatency=5ms,20ms	a WARN from 5 ms on, an ERROR from 20 ms on
 *	RunQueueLatency=5ms		a WARN from 5 ms on, an ERROR as ever (but not below the WARN)
 *	StealTime=10%,30%		rules that look at shares
 *	ForkStorm=1000,5000		rules that count
 *	Preempted=off			not at all
 */
#ifndef KF_RULES_SETTINGS_H
#define KF_RULES_SETTINGS_H

#include <stddef.h>

#include "rules/finding.h"

struct kf_rule_settings {
	struct kf_rule_threshold *thresholds;
	size_t n_thresholds, room_thresholds;
	const struct kf_rule **off;
	size_t n_off, room_off;
};

/* Adds one. Unknown names, missing units and what is out of range are errors that say so. */
int kf_rule_settings_add(struct kf_rule_settings *s, const char *text, struct kf_error *e);
/* Puts them into o, which must not outlive them. */
void kf_rule_settings_use(const struct kf_rule_settings *s, struct kf_rule_options *o);
void kf_rule_settings_release(struct kf_rule_settings *s);

#endif
