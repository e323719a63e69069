/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/html_story.h"

#include <stdlib.h>

#include "base/error.h"
#include "model/chain.h"
#include "model/convoy.h"
#include "output/html_json.h"
#include "output/page.h"
#include "output/report.h"
#include "output/story.h"
#include "output/story_trigger.h"

/* As many as the report in text has. */
#define MAX_CONVOYS 3
#define MAX_STEPS   10

/* Lines for a lock of which nobody waits that long are no news. */
#define CONVOY_TELL_NS 1000000

static void write_convoys(const struct kf_page *p, const struct kf_convoys *convoys, char *buf, size_t written)
{
	size_t max = written + MAX_CONVOYS;

	for (size_t i = 0; i < convoys->n && written < max; i++) {
		const struct kf_convoy *convoy = &convoys->items[i];

		if (convoy->longest_ns < CONVOY_TELL_NS || convoy->longest_ns < p->o->gap_ns)
			continue;
		kf_story_convoy_text(p->t, convoy, MAX_STEPS, buf, KF_STORY_BYTES);
		if (written++)
			putc(',', p->out);
		kf_html_json_text(p->out, buf);
	}
}

static int write_stories(const struct kf_page *p, const struct kf_chains *chains, char *buf, struct kf_error *e)
{
	struct kf_convoys convoys = { 0 };
	size_t written = 0;
	int err;

	if (kf_trigger_story(p->t, p->s, chains, buf, KF_STORY_BYTES)) {
		kf_html_json_text(p->out, buf);
		written++;
	}
	err = kf_convoys_find(&convoys, p->t, e);
	if (!err)
		write_convoys(p, &convoys, buf, written);
	kf_convoys_release(&convoys);
	return err;
}

static int write_all(const struct kf_page *p, struct kf_error *e)
{
	struct kf_chains *chains = NULL;
	char *buf = malloc(KF_STORY_BYTES);
	int err = buf ? kf_chains_open(&chains, p->t, e) : kf_fail_memory(e, "a story");

	if (!err)
		err = write_stories(p, chains, buf, e);
	kf_chains_close(&chains);
	free(buf);
	return err;
}

int kf_html_story_write(const struct kf_page *p, struct kf_error *e)
{
	int err = 0;

	putc('[', p->out);
	if (!p->o->tid && !p->o->comm) /* it is about the trigger, and the whole host */
		err = write_all(p, e);
	putc(']', p->out);
	return err;
}
