/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/describe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/error.h"
#include "base/now.h"
#include "capture/filter_spec.h"
#include "capture/recorder.h"
#include "daemon/budget.h"
#include "daemon/service_internal.h"
#include "expr/trigger_set.h"

static int set_texts(const struct kf_service_options *opts, const struct kf_ask *ask, struct kf_snapshot *s,
		     struct kf_error *e)
{
	char *triggers = kf_trigger_set_text(opts->triggers);
	struct utsname host;
	int failed;

	if (uname(&host)) {
		free(triggers);
		return kf_fail_errno(e, errno, NULL, "cannot ask for the name of this host");
	}
	failed = !triggers || kf_snapshot_set(&s->version, KF_VERSION) || kf_snapshot_set(&s->host, host.nodename) ||
		 kf_snapshot_set(&s->kernel, host.release) || kf_snapshot_set(&s->machine, host.machine) ||
		 kf_snapshot_set(&s->filter, opts->filter ? opts->filter->text : NULL) ||
		 kf_snapshot_set(&s->triggers, triggers) || kf_snapshot_set(&s->trace_id, ask->trace_id) ||
		 kf_snapshot_set(&s->span_id, ask->span_id) || kf_snapshot_set(&s->reason, ask->reason);
	free(triggers);
	return failed ? kf_fail_memory(e, "a snapshot") : 0;
}

static struct kf_rule_counts since(const struct kf_rule_counts *now, const struct kf_rule_counts *before)
{
	return (struct kf_rule_counts){
		.hits = now->hits - before->hits,
		.cooling = now->cooling - before->cooling,
		.busy = now->busy - before->busy,
		.sampled = now->sampled - before->sampled,
		.limited = now->limited - before->limited,
	};
}

/* The rules, and how often they fired without a snapshot since the one before this. */
static int set_rules(struct kf_service *service, struct kf_snapshot *s, struct kf_error *e)
{
	const struct kf_trigger_set *set = service->opts->triggers;

	s->rules = calloc(set->n_rules ? set->n_rules : 1, sizeof(*s->rules));
	if (!s->rules)
		return kf_fail_memory(e, "a snapshot");
	s->n_rules = set->n_rules;
	for (size_t i = 0; i < set->n_rules; i++) {
		struct kf_snapshot_rule *rule = &s->rules[i];

		kf_recorder_rule_counts(service->recorder, (int)i, &rule->counts);
		rule->recent = since(&rule->counts, &service->told.counts[i]);
		service->telling.counts[i] = rule->counts;
		rule->name = strdup(set->rules[i].name);
		rule->text = strdup(set->rules[i].text);
		if (!rule->name || !rule->text)
			return kf_fail_memory(e, "a snapshot");
	}
	service->telling.at_ns = s->end_ns;
	s->suppressed_since_ns = service->told.at_ns ? service->told.at_ns : s->started_ns;
	s->snapshots_before = service->result->written;
	return 0;
}

int kf_describe(struct kf_service *service, const struct kf_ask *ask, struct kf_snapshot *s, struct kf_error *e)
{
	s->requester = ask->by;
	s->cost_ppm = KF_COST_UNKNOWN;
	if (set_texts(service->opts, ask, s, e) || set_rules(service, s, e))
		return -1;
	if (service->budget && kf_budget_tell(service->budget, s))
		return kf_fail_memory(e, "a snapshot");
	return 0;
}
