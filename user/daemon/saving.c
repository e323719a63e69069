/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/saving.h"

#include <stdlib.h>

#include "base/error.h"
#include "capture/recorder.h"
#include "daemon/events.h"
#include "daemon/writer.h"

struct kf_saving {
	struct kf_saving_options opts;
	struct kf_writer *writer;
	struct kf_timer *after;
	enum kf_saving_state state;
	struct kf_ask ask;
	bool is_news;
};

static void done(struct kf_saving *s, const char *name, const struct kf_error *e)
{
	s->state = KF_SAVING_IDLE;
	s->opts.done(s->opts.context, &s->ask, name, e);
}

static void copy_and_write(struct kf_saving *s)
{
	struct kf_snapshot *snapshot = NULL;
	struct kf_error e;

	s->state = KF_SAVING_WRITING;
	s->is_news = true;
	kf_timer_set(s->after, 0, 0);
	if (kf_recorder_copy(s->opts.recorder, &s->ask.trigger, &snapshot, &e)) {
		done(s, NULL, &e);
		return;
	}
	s->ask.trigger = snapshot->trigger; /* with the names that the scan of the tasks knows */
	if (s->opts.describe(s->opts.context, &s->ask, snapshot, &e)) {
		kf_snapshot_free(&snapshot);
		done(s, NULL, &e);
		return;
	}
	if (kf_writer_start(s->writer, &snapshot, &e))
		done(s, NULL, &e);
}

static void on_after(void *saving)
{
	kf_saving_hurry(saving);
}

static void on_written(void *saving)
{
	struct kf_saving *s = saving;
	struct kf_error e;
	const char *name = kf_writer_finish(s->writer, &e);

	s->is_news = kf_writer_failure_is_news(s->writer);
	done(s, name, &e);
}

void kf_saving_begin(struct kf_saving *s, const struct kf_ask *ask, bool at_once)
{
	s->ask = *ask;
	if (s->opts.after_ns && !at_once) {
		s->state = KF_SAVING_AFTER;
		kf_timer_set(s->after, ask->trigger.ts_ns + s->opts.after_ns, 0);
	} else {
		copy_and_write(s);
	}
}

void kf_saving_hurry(struct kf_saving *s)
{
	if (s->state == KF_SAVING_AFTER)
		copy_and_write(s);
}

enum kf_saving_state kf_saving_state(const struct kf_saving *s)
{
	return s->state;
}

struct kf_writer *kf_saving_writer(const struct kf_saving *s)
{
	return s->writer;
}

bool kf_saving_failure_is_news(const struct kf_saving *s)
{
	return s->is_news;
}

const char *kf_saving_state_name(enum kf_saving_state state)
{
	static const char *const names[] = {
		[KF_SAVING_IDLE] = "recording", [KF_SAVING_AFTER] = "after", [KF_SAVING_WRITING] = "writing"
	};

	return names[state];
}

int kf_saving_new(struct kf_saving **out, const struct kf_saving_options *opts, struct kf_error *e)
{
	struct kf_saving *s = calloc(1, sizeof(*s));

	if (!s)
		return kf_fail_memory(e, "the snapshots");
	s->opts = *opts;
	if (kf_events_timer(opts->events, on_after, s, &s->after, e) || kf_writer_new(&s->writer, &opts->files, e) ||
	    kf_events_watch(opts->events, kf_writer_fd(s->writer), on_written, s, e)) {
		kf_saving_free(&s);
		return -1;
	}
	*out = s;
	return 0;
}

void kf_saving_free(struct kf_saving **s)
{
	if (!*s)
		return;
	kf_writer_free(&(*s)->writer);
	free(*s);
	*s = NULL;
}
