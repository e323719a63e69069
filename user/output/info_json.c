/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/info.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "output/circumstances.h"
#include "output/circumstances_json.h"
#include "output/clock.h"
#include "output/gap_json.h"
#include "snapshot/snapshot.h"
#include "snapshot/trigger_kind.h"

static json_t *text_of(const char *text)
{
	return kf_json_text(text, strlen(text));
}

static json_t *comm_of(const char *comm)
{
	return kf_json_text(comm, KF_COMM_BYTES);
}

/* JSON has no unsigned numbers: one that only a broken file has is told as the largest. */
static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *time_of(const struct kf_snapshot *s, uint64_t mono_ns)
{
	char text[40];

	return json_string(kf_format_timestamp(kf_real_ns(s, mono_ns), text, sizeof(text)));
}

static json_t *trigger_json(const struct kf_snapshot *s)
{
	const struct kf_trigger *t = &s->trigger;

	return json_pack("{so sb so so so so so so so so so so so so}", "kind",
			 json_string(kf_trigger_kind_name(t->kind)), "open", (int)(t->flags & KF_TRIGGER_OPEN), "tid",
			 number(t->tid), "tgid", number(t->tgid), "comm", comm_of(t->comm), "process",
			 comm_of(t->process_comm), "cpu", number(t->cpu), "nr", number(t->nr), "ts_ns",
			 number(t->ts_ns), "since_ns", number(t->since_ns), "threshold_ns", number(t->threshold_ns),
			 "reason", text_of(s->reason), "rule", kf_fired_json(s), "requester", kf_requester_json(s));
}

static json_t *window_json(const struct kf_snapshot *s)
{
	return json_pack("{so so so so so so so so so sb}", "started_ns", number(s->started_ns), "floor_ns",
			 number(s->floor_ns), "end_ns", number(s->end_ns), "held_ns", number(s->end_ns - s->floor_ns),
			 "asked_ns", number(s->window_ns), "after_ns", number(s->after_ns), "from",
			 time_of(s, s->floor_ns), "to", time_of(s, s->end_ns), "recorded_before_ns",
			 number(kf_recorded_before_ns(s)), "was_full", kf_window_was_full(s));
}

static json_t *counts_json(const struct kf_snapshot *s)
{
	json_t *all = json_array();

	for (unsigned int kind = KF_TRIGGER_NONE + 1; kind < KF_TRIGGER_KINDS; kind++)
		if (json_array_append_new(all, json_pack("{ss so so so}", "kind", kf_trigger_kind_name(kind), "hits",
							 number(s->counts[kind].hits), "cooling",
							 number(s->counts[kind].cooling), "busy",
							 number(s->counts[kind].busy))))
			goto failed;
	return all;
failed:
	json_decref(all);
	return NULL;
}

static json_t *losses_json(const struct kf_losses *l)
{
	return json_pack("{so so so so so}", "missed_runs", number(l->missed_runs), "no_state", number(l->no_state),
			 "bad_waits", number(l->bad_waits), "lost_triggers", number(l->lost_triggers), "flooded",
			 number(l->flooded));
}

static json_t *ring_json(const struct kf_ring_copy *r, uint32_t cpu, unsigned int class)
{
	return json_pack("{so ss so so so so so so so so}", "cpu", number(cpu), "class", kf_class_name(class), "slots",
			 number(r->n_slots), "written", number(r->written), "overwritten", number(r->overwritten),
			 "dropped", number(r->dropped), "torn", number(r->torn), "oldest_ns", number(r->oldest_ns),
			 "drop_first_ns", number(r->drop_first_ns), "drop_last_ns", number(r->drop_last_ns));
}

static json_t *rings_json(const struct kf_snapshot *s)
{
	json_t *all = json_array();

	for (uint32_t cpu = 0; cpu < s->n_cpus; cpu++)
		for (unsigned int class = 0; class < KF_CLASSES; class ++) {
			const struct kf_ring_copy *r = &s->rings[class][cpu];

			if ((r->written || r->n_slots || r->dropped || r->torn) &&
			    json_array_append_new(all, ring_json(r, cpu, class)))
				goto failed;
		}
	return all;
failed:
	json_decref(all);
	return NULL;
}

static json_t *task_json(const struct kf_task *t)
{
	return json_pack("{so so so so so so sb sb sb so}", "tid", number(t->tid), "tgid", number(t->tgid), "ppid",
			 number(t->ppid), "comm", comm_of(t->comm), "state", number(t->state), "cpu", number(t->cpu),
			 "kernel", !!(t->flags & KF_TASK_KTHREAD), "on_cpu", !!(t->flags & KF_TASK_ON_CPU),
			 "in_syscall", !!(t->flags & KF_TASK_IN_SYSCALL), "nr", number(t->nr));
}

static json_t *tasks_json(const struct kf_snapshot *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->n_tasks; i++)
		if (json_array_append_new(all, task_json(&s->tasks[i]))) {
			json_decref(all);
			return NULL;
		}
	return all;
}

static json_t *causes_json(const struct kf_snapshot *s)
{
	json_t *all = json_array();

	for (unsigned int i = 0; kf_source_name(i); i++)
		if ((s->sources & 1u << i) && json_array_append_new(all, json_string(kf_source_name(i)))) {
			json_decref(all);
			return NULL;
		}
	return all;
}

static json_t *knows_json(const struct kf_snapshot *s)
{
	return json_pack("{sb sb sb sb sb sb}", "interrupts", !!(s->sources & KF_SOURCE_IRQ), "steal",
			 !!(s->sources & KF_SOURCE_STEAL), "quotas", !!(s->sources & KF_SOURCE_QUOTA), "priorities",
			 !!(s->sources & KF_SOURCE_PRIO), "affinity", kf_snapshot_knows_affinity(s), "cgroups",
			 s->n_cgroups != 0);
}

static json_t *info_json(const struct kf_snapshot *s, const struct kf_info_options *o)
{
	char headline[KF_INFO_HEADLINE_BYTES];
	json_t *all;

	kf_info_headline(s, headline, sizeof(headline));
	all = json_pack("{so so ss so so so so so so so so so ss so so so so so so so so so so so}", "file",
			text_of(o->path), "file_bytes", number(o->file_bytes), "headline", headline, "kflight",
			text_of(s->version), "host", text_of(s->host), "kernel", text_of(s->kernel), "machine",
			text_of(s->machine), "trigger", trigger_json(s), "window", window_json(s), "clocks",
			json_pack("{so so so}", "mono_ns", number(s->mono_ns), "real_ns", number(s->real_ns), "boot_ns",
				  number(s->boot_ns)),
			"filter", text_of(s->filter), "triggers", text_of(s->triggers), "syscalls",
			kf_syscall_mode_name(s->syscall_mode), "causes", causes_json(s), "knows", knows_json(s),
			"counts", counts_json(s), "losses", losses_json(&s->losses), "n_cpus", number(s->n_cpus),
			"rings", rings_json(s), "n_tasks", number(s->n_tasks), "n_cgroups", number(s->n_cgroups),
			"rules", kf_rules_json(s), "suppressed", kf_suppressed_json(s), "recorder",
			kf_recorder_json(s));
	if (all && o->tasks && json_object_set_new(all, "tasks", tasks_json(s))) {
		json_decref(all);
		return NULL;
	}
	return all;
}

int kf_info_json(const struct kf_snapshot *s, const struct kf_info_options *o, FILE *out, struct kf_error *e)
{
	json_t *all = info_json(s, o);
	int err;

	if (!all)
		return kf_fail_memory(e, "the answer as JSON");
	err = json_dumpf(all, out, JSON_INDENT(2));
	json_decref(all);
	fputc('\n', out);
	if (fflush(out) || ferror(out) || err)
		return kf_fail_errno(e, errno, NULL, "cannot write the answer");
	return 0;
}
