/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "snapshot_file.h"

static void foreign_files_are_named(void **state)
{
	struct bytes text = { (unsigned char *)"hello, I am a text", 18 };
	struct bytes go = { (unsigned char *)"go 1.22 trace\0\0\0", 16 };
	struct kf_snapshot *s;
	struct kf_error e;

	refused(text, "'x.kfl' is no kflight snapshot");
	refused(go, "'x.kfl' is no kflight snapshot");
	assert_int_equal(parse(go, &s, &e), -1);
	assert_non_null(strstr(e.hint, "go tool trace"));
}

static void versions(void **state)
{
	struct bytes b = example_bytes();

	PUT(b, 0, kf_file_header, minor, KF_FORMAT_MINOR + 1);
	seal(b);
	accepted_as_example(b);
	PUT(b, 0, kf_file_header, major, KF_FORMAT_MAJOR + 1);
	refused(b, "'x.kfl' has format 2.3, this kflight reads format 1");
	free(b.at);
}

/* Entries of 1.0 end before cgroup_id, those of a newer version go on behind allowed; shorter ones are damage. */
static void tasks_grow_with_the_format(void **state)
{
	static const uint32_t rows[] = { KF_TASK_BYTES_1_0 - 4, KF_TASK_BYTES_1_0, KF_TASK_BYTES_1_0 + 8,
					 sizeof(struct kf_task), sizeof(struct kf_task) + 8 };
	struct bytes whole = example_bytes();
	struct kf_snapshot *want = example();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned char section[8 + 2 * (sizeof(struct kf_task) + 8)] = { 0 };
		uint32_t head[2] = { rows[i], 2 },
			 had = rows[i] < sizeof(struct kf_task) ? rows[i] : sizeof(struct kf_task);
		struct kf_task first = { 0 };
		struct kf_snapshot *s;
		struct kf_error e;
		struct bytes b;

		memset(section, 0xab, sizeof(section));
		memcpy(section, head, sizeof(head));
		for (int k = 0; k < 2; k++)
			memcpy(section + 8 + k * rows[i], &want->tasks[k], had);
		memcpy(&first, &want->tasks[0], had);
		b = with_section(whole, KF_SECTION_TASKS, section, 8 + 2 * rows[i]);
		if (i == 0) {
			refused(b, "the length of an array does not fit");
		} else {
			if (parse(b, &s, &e))
				fail_msg("entries of %u bytes: %s", rows[i], e.message);
			assert_int_equal(s->n_tasks, 2);
			assert_memory_equal(&s->tasks[0], &first, sizeof(first));
			kf_snapshot_free(&s);
		}
		free(b.at);
	}
	kf_snapshot_free(&want);
	free(whole.at);
}

struct cgroups_section {
	uint32_t entry_bytes, n;
	struct kf_file_cgroup items[2];
	char paths[4];
} __attribute__((packed));

static void tells_nothing_of_1_2(const struct kf_snapshot *s)
{
	assert_int_equal(s->n_rules, 0);
	assert_int_equal(s->trigger.rule, 0);
	assert_null(kf_snapshot_fired(s));
	assert_int_equal(s->n_sheds, 0);
	assert_int_equal(s->requester.pid, 0);
	assert_int_equal(s->cost_ppm, KF_COST_UNKNOWN);
	assert_int_equal(s->losses.flooded, 0);
	assert_string_equal(s->trace_id, "");
}

/* A recording of kflight 0.1.0, before interrupts, cgroups and affinity were recorded: kept to stay readable. */
static void files_of_format_1_0_stay_readable(void **state)
{
	struct kf_file_header h = { 0 };
	struct kf_error e = { 0 };
	struct kf_snapshot *s = NULL;
	FILE *in = fopen("tests/data/reuse.kfl", "r");

	assert_non_null(in);
	assert_int_equal(fread(&h, sizeof(h), 1, in), 1);
	fclose(in);
	assert_int_equal(h.major, 1);
	assert_int_equal(h.minor, 0);
	if (kf_snapshot_read(&s, "tests/data/reuse.kfl", &e))
		fail_msg("%s", e.message);
	assert_true(s->n_tasks > 10);
	for (size_t i = 0; i < s->n_tasks; i++) {
		assert_true(s->tasks[i].tid && s->tasks[i].comm[0]);
		assert_int_equal(s->tasks[i].cgroup_id, 0);
		for (int k = 0; k < KF_ALLOWED_WORDS; k++)
			assert_int_equal(s->tasks[i].allowed[k], 0);
	}
	assert_int_equal(s->n_cgroups, 0);
	assert_string_equal(s->irqs, "");
	tells_nothing_of_1_2(s);
	for (uint32_t cpu = 0; cpu < s->n_cpus; cpu++) {
		assert_int_equal(s->rings[KF_CLASS_TAKEN][cpu].n_slots, 0);
		assert_int_equal(s->rings[KF_CLASS_TAKEN][cpu].written, 0);
	}
	kf_snapshot_free(&s);
}

/* A file of a newer minor version: longer header, unknown section, grown struct. */
/* A recording of kflight 0.2.0: interrupts and cgroups, but no rules. */
static void files_of_format_1_1_stay_readable(void **state)
{
	struct kf_file_header h = { 0 };
	struct kf_error e = { 0 };
	struct kf_snapshot *s = NULL;
	FILE *in = fopen("tests/data/quota.kfl", "r");

	assert_non_null(in);
	assert_int_equal(fread(&h, sizeof(h), 1, in), 1);
	fclose(in);
	assert_int_equal(h.major, 1);
	assert_int_equal(h.minor, 1);
	if (kf_snapshot_read(&s, "tests/data/quota.kfl", &e))
		fail_msg("%s", e.message);
	assert_true(s->n_tasks > 10);
	assert_true(s->n_cgroups > 0);
	assert_true(s->sources & KF_SOURCE_IRQ);
	tells_nothing_of_1_2(s);
	kf_snapshot_free(&s);
}

/* Losses of 1.0 and 1.1 end before flooded. */
static void losses_grow_with_the_format(void **state)
{
	static const size_t rows[] = { KF_FILE_LOSSES_BYTES_1_0 - 1, KF_FILE_LOSSES_BYTES_1_0,
				       sizeof(struct kf_file_losses), sizeof(struct kf_file_losses) + 8 };
	const uint64_t stored[6] = { 11, 12, 13, 14, 15, 16 };
	struct bytes whole = example_bytes();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes b = with_section(whole, KF_SECTION_LOSSES, stored, rows[i]);
		struct kf_snapshot *s;
		struct kf_error e;

		if (!i) {
			refused(b, "a section is too short");
		} else {
			if (parse(b, &s, &e))
				fail_msg("losses of %zu bytes: %s", rows[i], e.message);
			assert_int_equal(s->losses.lost_triggers, 14);
			assert_int_equal(s->losses.flooded, rows[i] > KF_FILE_LOSSES_BYTES_1_0 ? 15 : 0);
			kf_snapshot_free(&s);
		}
		free(b.at);
	}
	free(whole.at);
}

static void what_a_newer_version_adds_is_skipped(void **state)
{
	struct kf_file_section unknown = { .type = 99, .encoding = 7, .stored_bytes = 5, .bytes = 1 };
	struct bytes old = example_bytes(), b = copy_of(old, old.len + 16 + sizeof(unknown) + 5 + 8);
	size_t meta = sizeof(struct kf_file_section) + sizeof(struct kf_file_meta), at = 80;

	memset(b.at + 64, 0xab, 16);
	memcpy(b.at + at, &unknown, sizeof(unknown));
	at += sizeof(unknown) + 5;
	memcpy(b.at + at, old.at + 64, meta);
	PUT(b, at, kf_file_section, stored_bytes, sizeof(struct kf_file_meta) + 8);
	PUT(b, at, kf_file_section, bytes, sizeof(struct kf_file_meta) + 8);
	at += meta + 8;
	memcpy(b.at + at, old.at + 64 + meta, old.len - 64 - meta);
	PUT(b, 0, kf_file_header, header_bytes, 80);
	PUT(b, 0, kf_file_header, file_bytes, b.len);
	PUT(b, 0, kf_file_header, n_sections, ((struct kf_file_header *)b.at)->n_sections + 1);
	seal(b);
	accepted_as_example(b);
	free(b.at);
	free(old.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_files_are_named),
		cmocka_unit_test(versions),
		cmocka_unit_test(tasks_grow_with_the_format),
		cmocka_unit_test(losses_grow_with_the_format),
		cmocka_unit_test(files_of_format_1_0_stay_readable),
		cmocka_unit_test(files_of_format_1_1_stay_readable),
		cmocka_unit_test(what_a_newer_version_adds_is_skipped),
	};

	return cmocka_run_group_tests_name("snapshot versions", tests, NULL, NULL);
}
