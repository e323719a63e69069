/* SPDX-License-Identifier: BSD-2-Clause */
#include "snapshot/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "snapshot/format.h"

char **kf_snapshot_string(struct kf_snapshot *s, enum kf_string id)
{
	switch (id) {
	case KF_STRING_VERSION:
		return &s->version;
	case KF_STRING_HOST:
		return &s->host;
	case KF_STRING_KERNEL:
		return &s->kernel;
	case KF_STRING_MACHINE:
		return &s->machine;
	case KF_STRING_FILTER:
		return &s->filter;
	case KF_STRING_TRIGGERS:
		return &s->triggers;
	case KF_STRING_REASON:
		return &s->reason;
	case KF_STRING_IRQS:
		return &s->irqs;
	case KF_STRING_TRACE_ID:
		return &s->trace_id;
	case KF_STRING_SPAN_ID:
		return &s->span_id;
	case KF_STRING_IDS:
		break;
	}
	return NULL;
}

int kf_snapshot_set(char **field, const char *text)
{
	char *copy = strdup(text ? text : "");

	if (!copy)
		return -1;
	free(*field);
	*field = copy;
	return 0;
}

bool kf_snapshot_knows_affinity(const struct kf_snapshot *s)
{
	for (size_t i = 0; i < s->n_tasks; i++)
		for (int k = 0; k < KF_ALLOWED_WORDS; k++)
			if (s->tasks[i].allowed[k])
				return true;
	return false;
}

int kf_snapshot_add_rule(struct kf_snapshot *s, const char *name, const char *text, const struct kf_rule_counts *counts,
			 const struct kf_rule_counts *recent)
{
	struct kf_snapshot_rule *rules = reallocarray(s->rules, s->n_rules + 1, sizeof(*rules));
	struct kf_snapshot_rule rule = { .name = strdup(name), .text = strdup(text), .counts = *counts, *recent };

	if (rules)
		s->rules = rules;
	if (!rules || !rule.name || !rule.text) {
		free(rule.name);
		free(rule.text);
		return -1;
	}
	s->rules[s->n_rules++] = rule;
	return 0;
}

const struct kf_snapshot_rule *kf_snapshot_fired(const struct kf_snapshot *s)
{
	return s->trigger.rule && s->trigger.rule <= s->n_rules ? &s->rules[s->trigger.rule - 1] : NULL;
}

struct kf_snapshot *kf_snapshot_new(uint32_t n_cpus)
{
	struct kf_snapshot *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->n_cpus = n_cpus;
	s->cost_ppm = KF_COST_UNKNOWN;
	for (int c = 0; c < KF_CLASSES; c++) {
		s->rings[c] = calloc(n_cpus ? n_cpus : 1, sizeof(*s->rings[c]));
		if (!s->rings[c])
			goto failed;
	}
	for (int id = 1; id < KF_STRING_IDS; id++)
		if (kf_snapshot_set(kf_snapshot_string(s, id), ""))
			goto failed;
	return s;
failed:
	kf_snapshot_free(&s);
	return NULL;
}

void kf_snapshot_free(struct kf_snapshot **ps)
{
	struct kf_snapshot *s = ps ? *ps : NULL;

	if (!s)
		return;
	for (int c = 0; c < KF_CLASSES; c++) {
		for (uint32_t cpu = 0; s->rings[c] && cpu < s->n_cpus; cpu++)
			free(s->rings[c][cpu].slots);
		free(s->rings[c]);
	}
	for (int id = 1; id < KF_STRING_IDS; id++)
		free(*kf_snapshot_string(s, id));
	free(s->tasks);
	for (size_t i = 0; i < s->n_cgroups; i++)
		free(s->cgroups[i].path);
	free(s->cgroups);
	for (size_t i = 0; i < s->n_rules; i++) {
		free(s->rules[i].name);
		free(s->rules[i].text);
	}
	free(s->rules);
	free(s->sheds);
	free(s);
	*ps = NULL;
}

uint32_t kf_file_header_crc(const struct kf_file_header *h, const void *rest, size_t rest_bytes)
{
	uLong crc = crc32(0, (const Bytef *)h, offsetof(struct kf_file_header, crc));

	return (uint32_t)(rest_bytes ? crc32_z(crc, rest, rest_bytes) : crc);
}

uint32_t kf_file_section_crc(const struct kf_file_section *h, uint32_t stored_crc)
{
	return (uint32_t)crc32(stored_crc, (const Bytef *)h, offsetof(struct kf_file_section, crc));
}
