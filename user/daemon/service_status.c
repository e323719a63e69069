/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/filter_spec.h"
#include "capture/recorder.h"
#include "daemon/budget.h"
#include "daemon/hooks.h"
#include "daemon/service_internal.h"
#include "daemon/writer.h"

static void take_files(const struct kf_service *s, struct kf_daemon_status *out)
{
	struct kf_writer_counts files;

	kf_writer_counts(kf_saving_writer(s->saving), &files);
	out->snapshots_written = s->result->written;
	out->snapshots_failed = s->result->failed;
	out->snapshot_bytes = files.written_bytes;
	out->last_snapshot = s->result->last_name;
	out->kept_known = s->retention != NULL;
	out->kept = files.kept;
	out->kept_bytes = files.kept_bytes;
	out->removed = files.deleted;
	out->removed_bytes = files.deleted_bytes;
	out->undeletable = files.undeletable;
}

static void take_hooks(const struct kf_service *s, struct kf_daemon_status *out)
{
	struct kf_hooks_counts hooks;

	kf_hooks_counts(s->opts->hooks, &hooks);
	out->hooks.ok = hooks.exec_ok;
	out->hooks.failed = hooks.exec_failed;
	out->hooks.timed_out = hooks.exec_timed_out;
	out->conversions.ok = hooks.converted;
	out->conversions.failed = hooks.convert_failed;
	out->left_out = hooks.overflowed;
}

static void take_cost(const struct kf_service *s, struct kf_daemon_status *out)
{
	struct kf_budget_status budget = { .cost_ppm = KF_COST_UNKNOWN };

	if (s->budget)
		kf_budget_status(s->budget, &budget);
	out->cost_ppm = budget.cost_ppm;
	out->budget_ppm = budget.budget_ppm;
	out->shed = (uint16_t)budget.level;
	out->sheds = budget.sheds;
	out->restores = budget.restores;
}

/* Which kinds of waits are counted: syscalls only where they are recorded. */
static uint32_t counted(const struct kf_service *s)
{
	uint32_t kinds = (1u << KF_WAITS_KINDS) - 1;

	if (!s->opts->counts_waits)
		return 0;
	return s->opts->records_syscalls ? kinds : kinds & ~(1u << KF_WAITS_SYSCALL);
}

int kf_service_take_status(struct kf_service *s, struct kf_daemon_status *out, struct kf_error *e)
{
	memset(out, 0, sizeof(*out));
	out->version = KF_VERSION;
	out->host = s->host;
	out->state = s->ending ? "ending" : kf_saving_state_name(kf_saving_state(s->saving));
	out->filter = s->opts->filter && s->opts->filter->text ? s->opts->filter->text : "";
	out->started_ns = s->started_ns;
	out->wished_ns = s->opts->window_ns;
	out->waits_counted = counted(s);
	if (kf_status_take_recorder(out, s->recorder, s->opts->triggers, e))
		return -1;
	for (size_t i = 0; i < out->n_rules; i++)
		out->rules[i].last_hit_ns = s->last_hit_ns[i];
	take_files(s, out);
	take_hooks(s, out);
	take_cost(s, out);
	for (int result = 0; s->control && result < KF_REQUEST_RESULTS; result++)
		out->requests[result] = kf_control_count(s->control, (enum kf_request_result)result);
	kf_status_take_self(out);
	kf_status_look(&s->seen, out);
	return 0;
}
