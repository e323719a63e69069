/* SPDX-License-Identifier: BSD-2-Clause */
/* What the recorder did and was asked for: sections since format 1.2. */
#include "snapshot/reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static struct kf_rule_counts counts_of(const uint64_t f[5])
{
	return (struct kf_rule_counts){ .hits = f[0], .cooling = f[1], .busy = f[2], .sampled = f[3], .limited = f[4] };
}

static int take_rules(struct kf_reader *r, const struct kf_reader_section *section, struct kf_reader_array *a)
{
	struct kf_snapshot *s = r->s;

	s->rules = calloc(a->n ? a->n : 1, sizeof(*s->rules));
	if (!s->rules)
		return kf_fail_memory(r->e, "the rules of the snapshot");
	for (size_t i = 0; i < a->n; i++) {
		struct kf_snapshot_rule *rule = &s->rules[s->n_rules++];
		struct kf_file_rule f;

		memcpy(&f, a->items + i * a->stride, sizeof(f));
		rule->counts = counts_of(f.counts);
		rule->recent = counts_of(f.recent);
		rule->name = kf_reader_next_text(r, section, a, f.name_bytes);
		if (!rule->name)
			return -1;
		rule->text = kf_reader_next_text(r, section, a, f.text_bytes);
		if (!rule->text)
			return -1;
	}
	return a->texts_left ? kf_reader_fail_damaged(r, section->at, "bytes that belong to no rule") : 0;
}

int kf_reader_take_rules(struct kf_reader *r, const struct kf_reader_section *section)
{
	struct kf_reader_array a;
	int result;

	if (kf_reader_decode_texts(r, section, sizeof(struct kf_file_rule), &a))
		return -1;
	result = take_rules(r, section, &a);
	free(a.bytes);
	return result;
}

int kf_reader_take_recorder(struct kf_reader *r, const struct kf_reader_section *section)
{
	struct kf_snapshot *s = r->s;
	struct kf_file_recorder f;

	if (kf_reader_decode_struct(r, section, &f, sizeof(f), sizeof(f)))
		return -1;
	s->suppressed_since_ns = f.suppressed_since_ns;
	s->snapshots_before = f.snapshots_before;
	s->cost_ppm = f.cost_ppm;
	s->budget_ppm = f.budget_ppm;
	s->requester.pid = f.requester_pid;
	s->requester.uid = f.requester_uid;
	memcpy(s->requester.comm, f.requester_comm, sizeof(s->requester.comm));
	s->requester.comm[sizeof(s->requester.comm) - 1] = '\0';
	return 0;
}

int kf_reader_take_sheds(struct kf_reader *r, const struct kf_reader_section *section)
{
	struct kf_snapshot *s = r->s;
	struct kf_reader_array a;

	if (kf_reader_decode_array(r, section, sizeof(struct kf_file_shed), &a))
		return -1;
	s->sheds = calloc(a.n ? a.n : 1, sizeof(*s->sheds));
	if (!s->sheds) {
		free(a.bytes);
		return kf_fail_memory(r->e, "the snapshot");
	}
	for (size_t i = 0; i < a.n; i++) {
		struct kf_file_shed f;

		memcpy(&f, a.items + i * a.stride, sizeof(f));
		s->sheds[s->n_sheds++] = (struct kf_shed){ f.ts_ns, f.cost_ppm, f.before, f.after };
	}
	free(a.bytes);
	return 0;
}
