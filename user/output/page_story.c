/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/page.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/chain.h"
#include "model/convoy.h"
#include "output/report.h"
#include "output/story.h"
#include "output/story_trigger.h"

#define MAX_CONVOYS 3
#define MAX_STEPS   10

/* Lines for a lock of which nobody waits that long are no news. */
#define CONVOY_TELL_NS 1000000

static void print_heading(const struct kf_page *p, bool *printed)
{
	if (!*printed)
		kf_page_heading(p, "Why it took so long");
	*printed = true;
}

/* Line by line, each with its own indentation; they are cut up in place. */
static void print_story(const struct kf_page *p, char *text, size_t indent)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		size_t blanks = strspn(line, " "), column = 2 + indent + blanks;

		fprintf(p->out, "%*s", (int)column, "");
		kf_page_wrapped(p, line + blanks, column, column + 4);
	}
}

static void print_convoys(const struct kf_page *p, const struct kf_chains *chains, const struct kf_convoys *convoys,
			  char *buf, bool *printed)
{
	size_t n = 0;

	for (size_t i = 0; i < convoys->n && n < MAX_CONVOYS; i++) {
		const struct kf_convoy *convoy = &convoys->items[i];

		if (convoy->longest_ns < CONVOY_TELL_NS || convoy->longest_ns < p->o->gap_ns)
			continue;
		print_heading(p, printed);
		kf_story_convoy_text(p->t, convoy, MAX_STEPS, buf, KF_STORY_BYTES);
		print_story(p, buf, 0);
		if (kf_story_hold_text(p->t, chains, convoy, buf, KF_STORY_BYTES))
			print_story(p, buf, 2);
		n++;
	}
}

static int print_all(const struct kf_page *p, const struct kf_chains *chains, struct kf_convoys *convoys, char *buf,
		     struct kf_error *e)
{
	bool printed = false;

	if (kf_trigger_story(p->t, p->s, chains, buf, KF_STORY_BYTES)) {
		print_heading(p, &printed);
		print_story(p, buf, 0);
	}
	if (kf_convoys_find(convoys, p->t, e))
		return -1;
	print_convoys(p, chains, convoys, buf, &printed);
	return 0;
}

int kf_page_story(const struct kf_page *p, struct kf_error *e)
{
	struct kf_convoys convoys = { 0 };
	struct kf_chains *chains = NULL;
	char *buf;
	int err;

	if (p->o->tid || p->o->comm) /* it is about the trigger, and the whole host */
		return 0;
	buf = malloc(KF_STORY_BYTES);
	err = buf ? kf_chains_open(&chains, p->t, e) : kf_fail_memory(e, "wake chains");
	if (!err)
		err = print_all(p, chains, &convoys, buf, e);
	kf_convoys_release(&convoys);
	kf_chains_close(&chains);
	free(buf);
	return err;
}
