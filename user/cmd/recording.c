/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/units.h"
#include "daemon/control.h"
#include "capture/host.h"
#include "daemon/output_dir.h"
#include "capture/recorder.h"
#include "cli/config.h"
#include "daemon/budget.h"
#include "daemon/signals.h"

#define NS_PER_S	     1000000000ULL
#define DEFAULT_WINDOW_NS    (10 * NS_PER_S)
#define DEFAULT_WINDOW_BYTES (256ULL << 20)
#define DEFAULT_COOLDOWN_NS  (10 * NS_PER_S)

void kf_recording_init(struct kf_recording *r)
{
	memset(r, 0, sizeof(*r));
	r->output_dir = ".";
	r->cooldown_ns = DEFAULT_COOLDOWN_NS;
	r->socket = KF_CONTROL_PATH;
}

void kf_recording_options(struct kf_recording *r, struct kf_option rows[KF_RECORDING_OPTIONS])
{
	const struct kf_option all[KF_RECORDING_OPTIONS] = {
		{ "pid", 'p', KF_OPT_STRINGS, &r->pids, "PID", "these processes trigger, with their future children" },
		{ "tid", 't', KF_OPT_STRINGS, &r->tids, "TID", "these threads trigger" },
		{ "comm", 0, KF_OPT_STRINGS, &r->comms, "GLOB",
		  "threads and processes with such a name trigger: 'nginx*'" },
		{ "cgroup", 0, KF_OPT_STRINGS, &r->cgroups, "PATH", "threads in this cgroup v2, or below, trigger" },
		{ "only", 0, KF_OPT_FLAG, &r->only, NULL, "do not follow children of filtered processes" },
		{ "trigger", 0, KF_OPT_STRINGS, &r->trigger_texts, "EXPR",
		  "save the window when: 'runq>5ms' 'futex>50ms {comm=web*}' 'p99(runq)>2ms/1s'; several: any" },
		{ "output", 'o', KF_OPT_STRING, &r->output_dir, "DIR",
		  "folder for snapshots (default .), made if there is none" },
		{ "window", 0, KF_OPT_STRING, &r->window, "TIME,SIZE",
		  "history kept: a wish and a bound, either may be left out (default 10s,256mb)" },
		{ "after", 0, KF_OPT_DURATION, &r->after_ns, "TIME",
		  "go on that long after the trigger; part of the window" },
		{ "cooldown", 0, KF_OPT_DURATION, &r->cooldown_ns, "TIME",
		  "pause between two triggered snapshots (default 10s)" },
		{ "count", 0, KF_OPT_COUNT, &r->count, "N", "end after N triggered snapshots" },
		{ "duration", 0, KF_OPT_TIME, &r->duration_ns, "TIME", "end after this time" },
		{ "syscalls", 0, KF_OPT_STRING, &r->syscalls, "MODE",
		  "blocking (default): those that sleep; slow, all: a record each; off" },
		{ "causes", 0, KF_OPT_STRING, &r->causes, "LIST",
		  "beside threads: irq,steal,quota,prio, or none (default all)" },
		{ "socket", 0, KF_OPT_STRING, &r->socket, "PATH",
		  strcmp(r->socket, "none") != 0 ? "where `kflight snapshot` finds us (default " KF_CONTROL_PATH
						   "), none"
						 : "where `kflight snapshot` finds us (default none)" },
		{ 0 },
	};

	memcpy(rows, all, sizeof(all));
}

/* Rules that are not enabled now may be later. */
static bool measures_syscalls(const struct kf_trigger_set *set)
{
	for (size_t i = 0; i < set->n_terms; i++)
		if (set->terms[i].kind == KF_WAITS_SYSCALL)
			return true;
	return false;
}

static int parse_syscalls(struct kf_recording *r, struct kf_error *e)
{
	static const char *const names[] = { "off", "blocking", "slow", "all", NULL };
	const char *near;

	r->syscall_mode = KF_SYSCALLS_BLOCKING;
	if (measures_syscalls(&r->triggers))
		r->syscall_mode = KF_SYSCALLS_SLOW; /* a syscall that spins is not seen otherwise */
	if (!r->syscalls)
		return 0;
	for (int mode = 0; names[mode]; mode++)
		if (!strcmp(r->syscalls, names[mode])) {
			if (mode < KF_SYSCALLS_SLOW && measures_syscalls(&r->triggers))
				return kf_fail(e, KF_USAGE, "leave --syscalls out, or give slow or all",
					       "a syscall trigger needs syscall records, but --syscalls is '%s'",
					       r->syscalls);
			r->syscall_mode = mode;
			return 0;
		}
	near = kf_nearest(r->syscalls, names);
	return kf_fail(e, KF_USAGE, "one of off, blocking, slow, all", "bad --syscalls '%s'%s%s%s", r->syscalls,
		       near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* "irq,steal", "all", "none". */
static int parse_causes(struct kf_recording *r, struct kf_error *e)
{
	static const char *const names[] = { "irq", "steal", "quota", "prio", "all", "none", NULL };
	char word[16];

	r->sources = r->causes ? 0 : KF_SOURCES_ALL;
	for (const char *at = r->causes; at; at = *at ? at + 1 : NULL) {
		size_t len = strcspn(at, ",");
		int i = 0;

		snprintf(word, sizeof(word), "%.*s", (int)(len < sizeof(word) ? len : sizeof(word) - 1), at);
		while (names[i] && strcmp(names[i], word) != 0)
			i++;
		if (!names[i])
			return kf_fail(e, KF_USAGE, "any of irq,steal,quota,prio; or all; or none",
				       "bad --causes '%s': unknown '%s'", r->causes, word);
		if (i >= 4 && strcmp(r->causes, word) != 0)
			return kf_fail(e, KF_USAGE, "any of irq,steal,quota,prio; or all; or none",
				       "bad --causes '%s': '%s' stands alone", r->causes, word);
		r->sources |= i < 4 ? 1u << i : i == 4 ? KF_SOURCES_ALL : 0;
		at += len;
	}
	return 0;
}

/* "10s,256mb", "10s", "256mb": each part is a time or a size. */
static int parse_window(struct kf_recording *r, struct kf_error *e)
{
	char part[64];
	const char *at = r->window;

	if (!at) {
		r->window_ns = r->for_verdict ? 0 : DEFAULT_WINDOW_NS;
		r->window_bytes = DEFAULT_WINDOW_BYTES;
		return 0;
	}
	for (int n = 0;; n++) {
		size_t len = strcspn(at, ",");
		struct kf_error ignored;

		if (n == 2 || !len || len >= sizeof(part))
			return kf_fail(e, KF_USAGE, "a time and a size: --window 10s,256mb", "bad --window '%s'",
				       r->window);
		memcpy(part, at, len);
		part[len] = 0;
		if (!part[strspn(part, "0123456789.")])
			return kf_fail(e, KF_USAGE, "a time and a size: --window 10s,256mb",
				       "bad --window '%s': '%s' has no unit", r->window, part);
		if (!r->window_ns && !kf_parse_duration(part, &r->window_ns, &ignored) && r->window_ns)
			;
		else if (r->window_bytes || kf_parse_size(part, &r->window_bytes, &ignored) || !r->window_bytes)
			return kf_fail(e, KF_USAGE, "a time and a size: --window 10s,256mb",
				       "bad --window '%s': '%s' is no%s time or size", r->window, part,
				       r->window_ns || r->window_bytes ? " further" : "");
		if (!at[len])
			return 0;
		at += len + 1;
	}
}

/* Gives each text to add; blames the one that it refuses. */
static int add_each(struct kf_recording *r, const struct kf_strings *texts,
		    int (*add)(struct kf_filter_spec *, const char *, struct kf_error *),
		    const struct kf_config *config, struct kf_error *e)
{
	for (size_t i = 0; i < texts->n; i++)
		if (add(&r->filter, texts->items[i], e))
			return kf_config_blame(config, texts->items[i], e);
	return 0;
}

static int parse_filter(struct kf_recording *r, const struct kf_config *config, struct kf_error *e)
{
	return add_each(r, &r->pids, kf_filter_spec_add_pids, config, e) ||
	       add_each(r, &r->tids, kf_filter_spec_add_tids, config, e) ||
	       add_each(r, &r->comms, kf_filter_spec_add_comm, config, e) ||
	       add_each(r, &r->cgroups, kf_filter_spec_add_cgroup, config, e);
}

static int check_times(const struct kf_recording *r, struct kf_error *e)
{
	if (r->window_ns && r->after_ns >= r->window_ns)
		return kf_fail(e, KF_USAGE, "the time after the trigger is part of the window: give a longer --window",
			       "--after leaves nothing of the window from before the trigger");
	if (r->count && !r->triggers.n_rules)
		return kf_fail(e, KF_USAGE, "add --trigger 'runq>5ms', or use --duration",
			       "--count counts triggered snapshots, "
			       "but there is no trigger");
	return 0;
}

static int check_host(const struct kf_recording *r, struct kf_error *e)
{
	struct kf_checks checks;

	kf_host_check(&checks);
	if (kf_host_require(&checks, e))
		return -1;
	/* A size the user named is a promise; our own default is only a bound. */
	return r->window ? kf_host_require_memory(r->window_bytes, e) : 0;
}

static int parse_triggers(struct kf_recording *r, const struct kf_config *config, struct kf_error *e)
{
	const struct kf_config_trigger *named;
	size_t n = 0;

	for (size_t i = 0; i < r->trigger_texts.n; i++)
		if (kf_trigger_set_add(&r->triggers, r->trigger_texts.items[i], NULL, e))
			return kf_config_blame(config, r->trigger_texts.items[i], e);
	named = config ? kf_config_triggers(config, &n) : NULL;
	for (size_t i = 0; i < n; i++)
		if (kf_trigger_set_add_named(&r->triggers, named[i].name, named[i].text, NULL, e))
			return kf_config_blame(config, named[i].text, e);
	return 0;
}

int kf_recording_understand(struct kf_recording *r, const struct kf_config *config, struct kf_error *e)
{
	if (parse_triggers(r, config, e) || parse_filter(r, config, e))
		return -1;
	if (parse_syscalls(r, e))
		return kf_config_blame(config, r->syscalls, e);
	if (parse_causes(r, e))
		return kf_config_blame(config, r->causes, e);
	if (parse_window(r, e))
		return kf_config_blame(config, r->window, e);
	if (check_times(r, e))
		return -1;
	if (!strcmp(r->socket, "none"))
		r->socket = NULL;
	return 0;
}

int kf_recording_prepare(struct kf_recording *r, struct kf_error *e)
{
	if (check_host(r, e))
		return -1;
	return kf_output_dir_new(&r->dir, r->output_dir, r->group, e);
}

/* A thread that has nothing to do waits: for whom no filter is given at all, that triggers. */
static bool idle_threads_trigger(const struct kf_recording *r)
{
	const struct kf_trigger_set *set = &r->triggers;
	uint32_t filtered = 0;

	if (!kf_filter_spec_is_empty(&r->filter))
		return false;
	for (size_t i = 0; i < set->n_filters; i++)
		filtered |= set->filters[i].terms;
	for (size_t i = 0; i < set->n_terms; i++) {
		const struct kf_term *term = &set->terms[i];

		if (term->event && (term->kind == KF_WAITS_FUTEX || term->kind == KF_WAITS_BLOCK) &&
		    !(filtered >> i & 1))
			return true;
	}
	return false;
}

static void tell_triggers(const struct kf_recording *r)
{
	char *text = kf_trigger_set_text(&r->triggers);

	kf_note("triggers: %s, for %s", text ? text : "", r->filter.text ? r->filter.text : "every thread");
	free(text);
	if (idle_threads_trigger(r))
		kf_note("without a filter threads that wait idly trigger, too: give -p, --comm or --cgroup");
}

static void tell(const void *recording)
{
	const struct kf_recording *r = recording;
	char rings[32], copy[32], window[32] = "as long as fits";

	kf_format_size(kf_recorder_ring_bytes(r->recorder), rings, sizeof(rings));
	kf_format_size(kf_recorder_ring_bytes(r->recorder), copy, sizeof(copy));
	if (r->window_ns)
		kf_format_duration(r->window_ns, window, sizeof(window));
	kf_note("recording: window %s, rings %s, up to %s more while a snapshot is written", window, rings, copy);
	if (r->triggers.n_rules)
		tell_triggers(r);
	else
		kf_note("no trigger: a snapshot comes on SIGUSR1, %sand at the end",
			r->socket ? "by `kflight snapshot`, " : "");
}

int kf_recording_start(struct kf_recording *r, struct kf_opener *opener, struct kf_error *e)
{
	const struct kf_recorder_options opts = {
		.filter = &r->filter,
		.only = r->only,
		.trigger_set = &r->triggers,
		.count_waits = r->count_waits,
		.window_ns = r->window_ns,
		.window_bytes = r->window_bytes,
		.after_ns = r->after_ns,
		.syscalls = r->syscall_mode,
		.sources = r->sources,
		.opener = opener,
	};

	kf_signals_block();
	return kf_recorder_open(&r->recorder, &opts, e);
}

void kf_recording_service_options(struct kf_recording *r, struct kf_service_options *out)
{
	*out = (struct kf_service_options){
		.filter = &r->filter,
		.triggers = &r->triggers,
		.output_dir = r->output_dir,
		.dir = r->dir,
		.socket = r->socket,
		.daemon = { .budget_ppm = KF_BUDGET_OFF },
		.prints_paths = true,
		.window_ns = r->window_ns,
		.after_ns = r->after_ns,
		.cooldown_ns = r->cooldown_ns,
		.duration_ns = r->duration_ns,
		.count = r->count,
		.child = -1,
		.last_snapshot = r->for_verdict || !r->triggers.n_rules,
		.status_line = isatty(STDERR_FILENO),
		.counts_waits = r->count_waits,
		.records_syscalls = r->syscall_mode >= KF_SYSCALLS_SLOW,
		.records_interrupts = r->sources & KF_SOURCE_IRQ,
		.tell = tell,
		.recording = r,
	};
}

int kf_recording_serve(struct kf_recording *r, const struct kf_service_options *opts, struct kf_service_result *result)
{
	struct kf_error e;

	if (kf_service_run(r->recorder, opts, result, &e))
		return kf_error_print(&e);
	return result->failed ? KF_HOST : KF_OK;
}

void kf_recording_stop(struct kf_recording *r)
{
	kf_recorder_close(&r->recorder);
}

void kf_recording_release(struct kf_recording *r)
{
	kf_recording_stop(r);
	kf_filter_spec_release(&r->filter);
	kf_output_dir_free(&r->dir);
	free(r->pids.items);
	free(r->tids.items);
	free(r->comms.items);
	free(r->cgroups.items);
	free(r->trigger_texts.items);
}
