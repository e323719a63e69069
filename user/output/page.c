/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/page.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "model/timeline.h"
#include "output/report.h"
#include "output/report_data.h"
#include "snapshot/snapshot.h"

void kf_page_heading(const struct kf_page *p, const char *text)
{
	fprintf(p->out, p->o->colour ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
}

/* How good it is to break text at this blank: 3 behind a part of the sentence, 2 before a bracket, 1 elsewhere. */
static int quality(const char *text, size_t at, int depth)
{
	if (!depth && at && (text[at - 1] == ',' || text[at - 1] == ':'))
		return 3;
	return text[at + 1] == '(' ? 2 : 1;
}

/* How much of text goes on a line of this width: up to the best blank; a word that is too long as a whole. */
static size_t fitting(const char *text, size_t width)
{
	size_t best = 0, len = strlen(text);
	int best_quality = 0, depth = 0;

	if (len <= width)
		return len;
	for (size_t at = 0; at < len && (at <= width || !best); at++) {
		depth += (text[at] == '(') - (text[at] == ')');
		if (text[at] == ' ' && at && quality(text, at, depth) >= best_quality) {
			best = at;
			best_quality = quality(text, at, depth);
		}
	}
	return best ? best : len;
}

void kf_page_wrapped(const struct kf_page *p, const char *text, size_t column, size_t indent)
{
	while (p->o->width > column + 20) {
		size_t n = fitting(text, p->o->width - column);

		fprintf(p->out, "%.*s\n", (int)n, text);
		text += n;
		text += strspn(text, " ");
		if (!*text)
			return;
		fprintf(p->out, "%*s", (int)indent, "");
		column = indent;
	}
	fprintf(p->out, "%s\n", text);
}

bool kf_page_has_own(const struct kf_page *p)
{
	const struct kf_trigger *trigger = &p->s->trigger;

	return trigger->tgid && trigger->kind != KF_TRIGGER_NONE && !p->o->tid && !p->o->comm;
}

bool kf_page_is_own(const struct kf_page *p, uint32_t thread)
{
	const struct kf_trigger *trigger = &p->s->trigger;

	if (!kf_page_has_own(p))
		return false;
	if (trigger->kind == KF_TRIGGER_REQUEST)
		return p->d->family[thread];
	return p->t->threads[thread].tgid == trigger->tgid;
}

void kf_page_own_title(const struct kf_page *p, const char *what, char *title, size_t len)
{
	char name[KF_TEXT_COMM_BYTES + 1];

	kf_text_printable(p->s->trigger.process_comm, KF_COMM_BYTES, name, sizeof(name));
	snprintf(title, len, "%s of process %s/%" PRIu32 "%s", what, name, p->s->trigger.tgid,
		 p->s->trigger.kind == KF_TRIGGER_REQUEST ? " and its children" : "");
}
