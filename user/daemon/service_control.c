/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/now.h"
#include "capture/recorder.h"
#include "daemon/aggregates.h"
#include "daemon/control.h"
#include "daemon/history.h"
#include "daemon/judgement.h"
#include "daemon/limits.h"
#include "daemon/metrics.h"
#include "daemon/output_dir.h"
#include "daemon/service_internal.h"
#include "expr/trigger_set.h"

#define BUSY_RETRY_S 1

static void refuse_limited(struct kf_service *s, kf_request client, uint64_t until_ns, uint64_t now_ns)
{
	char why[128];

	kf_limits_why(s->limits, now_ns, why, sizeof(why));
	kf_control_refuse(s->control, client, KF_REFUSED_LIMITED, why,
			  (unsigned int)((until_ns - now_ns) / 1000000000 + 1));
}

static void on_snapshot(void *service, const struct kf_snapshot_wish *wish, kf_request client)
{
	struct kf_service *s = service;
	struct kf_ask ask = { .client = client, .by = *wish->from };
	uint64_t now_ns = kf_now_ns(), until_ns = kf_limits_until(s->limits, now_ns);
	const char *why;

	if (s->ending) {
		kf_control_refuse(s->control, client, KF_REFUSED_ENDING, "the recorder ends", 0);
		return;
	}
	if (until_ns) {
		refuse_limited(s, client, until_ns, now_ns);
		return;
	}
	snprintf(ask.reason, sizeof(ask.reason), "%s", wish->reason[0] ? wish->reason : "snapshot command");
	snprintf(ask.trace_id, sizeof(ask.trace_id), "%s", wish->trace_id);
	snprintf(ask.span_id, sizeof(ask.span_id), "%s", wish->span_id);
	why = kf_service_request(s, &ask);
	if (why)
		kf_control_refuse(s->control, client, KF_REFUSED_BUSY, why, BUSY_RETRY_S);
}

static json_t *on_status(void *service)
{
	struct kf_daemon_status status;
	struct kf_error e;
	json_t *json = NULL;

	if (!kf_service_take_status(service, &status, &e))
		json = kf_status_json(&status);
	kf_status_release(&status);
	return json;
}

static char *on_metrics(void *service)
{
	struct kf_daemon_status status;
	struct kf_error e;
	char *text = NULL;

	if (!kf_service_take_status(service, &status, &e))
		text = kf_metrics_text(&status, NULL);
	kf_status_release(&status);
	return text;
}

static json_t *on_snapshots(void *service)
{
	struct kf_service *s = service;

	return kf_history_json(s->history, kf_output_dir_fd(s->opts->dir), kf_output_dir_path(s->opts->dir));
}

/* The last values of its aggregates: what its limits should be is seen in them. */
static json_t *values_of(const struct kf_service *s, size_t rule)
{
	const struct kf_trigger_set *set = s->opts->triggers;
	json_t *values = json_array();
	char text[KF_JUDGEMENT_BYTES];

	for (size_t i = 0; values && i < set->n_terms; i++)
		if ((set->rules[rule].terms >> i & 1) &&
		    kf_aggregates_value(s->aggregates, i, NULL, text, sizeof(text)))
			json_array_append_new(values, json_string(text));
	return values;
}

/* The same objects as in the status, and "now": what kf_aggregates_value() says of each aggregate. */
static json_t *on_triggers(void *service)
{
	json_t *status = on_status(service);
	json_t *triggers = json_incref(json_object_get(status, "triggers"));

	json_decref(status);
	for (size_t i = 0; i < json_array_size(triggers); i++)
		json_object_set_new(json_array_get(triggers, i), "now", values_of(service, i));
	return triggers;
}

static int on_change_trigger(void *service, const char *name, const struct kf_trigger_wish *wish, struct kf_error *e)
{
	struct kf_service *s = service;
	struct kf_trigger_set *set = s->opts->triggers;
	int rule = kf_trigger_set_find(set, name);

	if (rule < 0)
		return kf_fail(e, KF_USAGE, NULL, "there is no trigger '%s'", name);
	if (wish->text && kf_trigger_set_change(set, rule, wish->text, NULL, e))
		return -1;
	if (wish->sets_enabled)
		set->rules[rule].enabled = wish->enabled;
	kf_service_rule_changed(s, rule);
	kf_note("trigger '%s' is now %s%s", name, set->rules[rule].text,
		set->rules[rule].enabled ? "" : ", switched off");
	return 0;
}

int kf_service_open_control(struct kf_service *s, struct kf_error *e)
{
	const struct kf_daemon_options *daemon = &s->opts->daemon;
	const struct kf_control_options opts = {
		.path = s->opts->socket,
		.group = daemon->group,
		.metrics = daemon->serves_metrics ? &daemon->metrics_address : NULL,
	};
	static const struct kf_control_calls calls = {
		.snapshot = on_snapshot,
		.status = on_status,
		.snapshots = on_snapshots,
		.triggers = on_triggers,
		.change_trigger = on_change_trigger,
		.metrics = on_metrics,
	};

	s->calls = calls;
	s->calls.context = s;
	if (!opts.path && !opts.metrics)
		return 0;
	return kf_control_new(&s->control, &opts, &s->calls, s->events, e);
}
