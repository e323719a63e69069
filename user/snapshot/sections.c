/* SPDX-License-Identifier: BSD-2-Clause */
#include "snapshot/reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "snapshot/slots.h"

static int read_meta(struct kf_reader *r, const struct kf_reader_section *section)
{
	struct kf_snapshot *s = r->s;
	struct kf_file_meta m;

	if (kf_reader_decode_struct(r, section, &m, sizeof(m), sizeof(m)))
		return -1;
	s->mono_ns = m.mono_ns;
	s->real_ns = m.real_ns;
	s->boot_ns = m.boot_ns;
	s->started_ns = m.started_ns;
	s->end_ns = m.end_ns;
	s->floor_ns = m.floor_ns < m.end_ns ? m.floor_ns : m.end_ns;
	s->window_ns = m.window_ns;
	s->after_ns = m.after_ns;
	s->syscall_mode = m.syscall_mode;
	s->sources = m.sources;
	return 0;
}

static int take_strings(struct kf_reader *r, const struct kf_reader_section *section, unsigned char *bytes)
{
	size_t len = section->head.bytes, at = 0;

	while (at < len) {
		uint32_t head[2];
		char **field;
		char *copy;

		if (len - at < sizeof(head))
			return kf_reader_fail_damaged(r, section->at, "a string is cut off");
		memcpy(head, bytes + at, sizeof(head));
		at += sizeof(head);
		if (head[1] > len - at || memchr(bytes + at, '\0', head[1]))
			return kf_reader_fail_damaged(r, section->at, "a string is no string");
		field = kf_snapshot_string(r->s, head[0]);
		if (field) {
			copy = strndup((char *)bytes + at, head[1]);
			if (!copy)
				return kf_fail_memory(r->e, "the snapshot");
			free(*field);
			*field = copy;
		}
		at += head[1];
	}
	return 0;
}

static int read_strings(struct kf_reader *r, const struct kf_reader_section *section)
{
	unsigned char *bytes = kf_reader_decode_new(r, section);
	int result;

	if (!bytes)
		return -1;
	result = take_strings(r, section, bytes);
	free(bytes);
	return result;
}

static int read_trigger(struct kf_reader *r, const struct kf_reader_section *section)
{
	struct kf_trigger *t = &r->s->trigger;

	if (kf_reader_decode_struct(r, section, t, sizeof(*t), sizeof(*t)))
		return -1;
	t->comm[sizeof(t->comm) - 1] = '\0';
	t->process_comm[sizeof(t->process_comm) - 1] = '\0';
	return 0;
}

static int read_losses(struct kf_reader *r, const struct kf_reader_section *section)
{
	struct kf_file_losses l;

	if (kf_reader_decode_struct(r, section, &l, sizeof(l), KF_FILE_LOSSES_BYTES_1_0))
		return -1;
	r->s->losses = (struct kf_losses){
		.missed_runs = l.missed_runs,
		.no_state = l.no_state,
		.bad_waits = l.bad_waits,
		.lost_triggers = l.lost_triggers,
		.flooded = l.flooded,
	};
	return 0;
}

static int read_counts(struct kf_reader *r, const struct kf_reader_section *section)
{
	struct kf_reader_array a;

	if (kf_reader_decode_array(r, section, sizeof(struct kf_file_count), &a))
		return -1;
	for (size_t i = 0; i < a.n && i < KF_TRIGGER_KINDS; i++) {
		struct kf_file_count c;

		memcpy(&c, a.items + i * a.stride, sizeof(c));
		r->s->counts[i] = (struct kf_trigger_counts){ c.hits, c.cooling, c.busy };
	}
	free(a.bytes);
	return 0;
}

/* What entries of 1.0 do not tell stays 0, not known. */
static int read_tasks(struct kf_reader *r, const struct kf_reader_section *section)
{
	struct kf_snapshot *s = r->s;
	struct kf_reader_array a;
	size_t bytes;

	if (kf_reader_decode_array(r, section, KF_TASK_BYTES_1_0, &a))
		return -1;
	bytes = a.stride < sizeof(*s->tasks) ? a.stride : sizeof(*s->tasks);
	s->tasks = calloc(a.n ? a.n : 1, sizeof(*s->tasks));
	if (!s->tasks) {
		free(a.bytes);
		return kf_fail_memory(r->e, "the tasks of the snapshot");
	}
	s->n_tasks = a.n;
	for (size_t i = 0; i < a.n; i++) {
		memcpy(&s->tasks[i], a.items + i * a.stride, bytes);
		s->tasks[i].comm[KF_COMM_BYTES - 1] = '\0';
	}
	free(a.bytes);
	return 0;
}

static int take_cgroups(struct kf_reader *r, const struct kf_reader_section *section, struct kf_reader_array *a)
{
	struct kf_snapshot *s = r->s;

	s->cgroups = calloc(a->n ? a->n : 1, sizeof(*s->cgroups));
	if (!s->cgroups)
		return kf_fail_memory(r->e, "the cgroups of the snapshot");
	for (size_t i = 0; i < a->n; i++) {
		struct kf_file_cgroup f;
		char *path;

		memcpy(&f, a->items + i * a->stride, sizeof(f));
		path = kf_reader_next_text(r, section, a, f.path_bytes);
		if (!path)
			return -1;
		s->cgroups[s->n_cgroups++] = (struct kf_cgroup){
			.id = f.id,
			.quota_ns = f.quota_ns,
			.period_ns = f.period_ns,
			.parent_id = f.parent_id,
			.path = path,
		};
	}
	return a->texts_left ? kf_reader_fail_damaged(r, section->at, "bytes that belong to no cgroup") : 0;
}

static int read_cgroups(struct kf_reader *r, const struct kf_reader_section *section)
{
	struct kf_reader_array a;
	int result;

	if (kf_reader_decode_texts(r, section, sizeof(struct kf_file_cgroup), &a))
		return -1;
	result = take_cgroups(r, section, &a);
	free(a.bytes);
	return result;
}

static void take_ring(struct kf_ring_copy *ring, const unsigned char *bytes)
{
	struct kf_file_ring f;

	memcpy(&f, bytes, sizeof(f));
	*ring = (struct kf_ring_copy){
		.n_slots = f.n_slots, /* until its SLOTS section comes: what that must hold */
		.written = f.written,
		.overwritten = f.overwritten,
		.dropped = f.dropped,
		.torn = f.torn,
		.oldest_ns = f.oldest_ns,
		.drop_first_ns = f.drop_first_ns,
		.drop_last_ns = f.drop_last_ns,
	};
}

/* Ring counters and the number of CPUs; the snapshot gets its rings here. */
static int take_rings(struct kf_reader *r, const struct kf_reader_section *section, const unsigned char *bytes)
{
	struct kf_snapshot *s = r->s;
	struct kf_file_rings head;
	uint64_t n;

	memcpy(&head, bytes, sizeof(head));
	n = (uint64_t)head.n_cpus * head.n_classes;
	if (!head.n_cpus || head.n_cpus > KF_FILE_MAX_CPUS || head.n_classes > UINT16_MAX ||
	    head.entry_bytes < sizeof(struct kf_file_ring) ||
	    (section->head.bytes - sizeof(head)) / head.entry_bytes != n ||
	    (section->head.bytes - sizeof(head)) % head.entry_bytes)
		return kf_reader_fail_damaged(r, section->at, "the number of rings does not fit");
	for (int c = 0; c < KF_CLASSES; c++) {
		struct kf_ring_copy *rings = calloc(head.n_cpus, sizeof(*rings));

		if (!rings)
			return kf_fail_memory(r->e, "the rings of the snapshot");
		free(s->rings[c]);
		s->rings[c] = rings;
	}
	s->n_cpus = head.n_cpus;
	for (uint64_t i = 0; i < n && i / head.n_cpus < KF_CLASSES; i++)
		take_ring(&s->rings[i / head.n_cpus][i % head.n_cpus], bytes + sizeof(head) + i * head.entry_bytes);
	return 0;
}

static int read_rings(struct kf_reader *r, const struct kf_reader_section *section)
{
	unsigned char *bytes;
	int result;

	if (section->head.bytes < sizeof(struct kf_file_rings))
		return kf_reader_fail_damaged(r, section->at, "a section is too short");
	bytes = kf_reader_decode_new(r, section);
	if (!bytes)
		return -1;
	result = take_rings(r, section, bytes);
	free(bytes);
	return result;
}

static int read_slots(struct kf_reader *r, const struct kf_reader_section *section)
{
	const struct kf_file_section *h = &section->head;
	struct kf_ring_copy *ring;

	if (h->class >= KF_CLASSES)
		return 0; /* a class of a newer version */
	if (!r->seen[KF_SECTION_RINGS] || h->cpu >= r->s->n_cpus)
		return kf_reader_fail_damaged(r, section->at, "slots of a ring that is not there");
	ring = &r->s->rings[h->class][h->cpu];
	if (ring->slots || !ring->n_slots || h->bytes % KF_SLOT_BYTES || h->bytes / KF_SLOT_BYTES != ring->n_slots)
		return kf_reader_fail_damaged(r, section->at, "the number of slots does not fit their ring");
	ring->slots = malloc(h->bytes);
	if (!ring->slots)
		return kf_fail_memory(r->e, "the slots of the snapshot");
	if (kf_reader_decode(r, section, ring->slots))
		return -1;
	ring->torn += kf_slots_drop_orphans(ring->slots, &ring->n_slots);
	return 0;
}

int kf_reader_take(struct kf_reader *r, const struct kf_reader_section *section)
{
	static int (*const read[KF_SECTION_TYPES])(struct kf_reader * r, const struct kf_reader_section *section) = {
		[KF_SECTION_META] = read_meta,
		[KF_SECTION_STRINGS] = read_strings,
		[KF_SECTION_TRIGGER] = read_trigger,
		[KF_SECTION_COUNTS] = read_counts,
		[KF_SECTION_LOSSES] = read_losses,
		[KF_SECTION_RINGS] = read_rings,
		[KF_SECTION_SLOTS] = read_slots,
		[KF_SECTION_TASKS] = read_tasks,
		[KF_SECTION_CGROUPS] = read_cgroups,
		[KF_SECTION_RULES] = kf_reader_take_rules,
		[KF_SECTION_RECORDER] = kf_reader_take_recorder,
		[KF_SECTION_SHEDS] = kf_reader_take_sheds,
	};
	uint32_t type = section->head.type;

	if (kf_reader_check_length(r, section))
		return -1;
	if (type != KF_SECTION_SLOTS && r->seen[type])
		return kf_reader_fail_damaged(r, section->at, "a section appears twice");
	if (read[type](r, section))
		return -1;
	r->seen[type] = true;
	return 0;
}
