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

static void every_cut_is_told(void **state)
{
	struct bytes whole = example_bytes();
	char where[64];

	for (size_t len = 0; len < whole.len; len++) {
		struct bytes cut = copy_of(whole, len);

		snprintf(where, sizeof(where), "'x.kfl' is cut off at byte %zu:", len);
		refused(cut, where);
		free(cut.at);
	}
	free(whole.at);
}

/* One wrong byte anywhere: an error, never other content. */
static void every_flipped_byte_is_found(void **state)
{
	static const unsigned char masks[] = { 0x01, 0x80, 0xff };
	struct bytes whole = example_bytes();

	for (size_t i = 0; i < whole.len * sizeof(masks); i++) {
		struct bytes bad = copy_of(whole, whole.len);
		struct kf_snapshot *s;
		struct kf_error e;

		bad.at[i / sizeof(masks)] ^= masks[i % sizeof(masks)];
		if (!parse(bad, &s, &e))
			fail_msg("byte %zu flipped with 0x%02x: accepted", i / sizeof(masks), masks[i % sizeof(masks)]);
		if (strchr(e.message, '\n') || !e.message[0])
			fail_msg("byte %zu: message '%s'", i / sizeof(masks), e.message);
		free(bad.at);
	}
	free(whole.at);
}

/* The same with checksums made right: whatever comes out, nothing crashes and what is promised holds. */
static void flipped_and_sealed_never_crashes(void **state)
{
	struct bytes whole = example_bytes();

	for (size_t i = 0; i < whole.len * 8; i++) {
		struct bytes bad = copy_of(whole, whole.len);
		struct kf_snapshot *s;
		struct kf_error e;

		bad.at[i / 8] ^= (unsigned char)(1 << i % 8);
		seal(bad);
		if (!parse(bad, &s, &e)) {
			assert_true(s->floor_ns <= s->end_ns);
			assert_non_null(memchr(s->trigger.comm, 0, KF_COMM_BYTES));
			kf_snapshot_free(&s);
		}
		free(bad.at);
	}
	free(whole.at);
}

static void incomplete_mark_is_respected(void **state)
{
	struct bytes b = example_bytes();

	PUT(b, 0, kf_file_header, flags, KF_FILE_INCOMPLETE);
	seal(b);
	refused(b, "'x.kfl' is incomplete");
	free(b.at);
}

static void trailing_bytes_are_refused(void **state)
{
	struct bytes whole = example_bytes(), b = copy_of(whole, whole.len + 3);

	refused(b, "more bytes follow");
	PUT(b, 0, kf_file_header, file_bytes, b.len);
	seal(b);
	refused(b, "belong to no section");
	free(b.at);
	free(whole.at);
}

/* Lengths that would make a careless reader allocate terabytes. */
static void impossible_lengths_are_not_allocated(void **state)
{
	static const uint64_t lengths[] = { UINT64_MAX, 1ULL << 62, KF_FILE_MAX_BYTES + 1, 1ULL << 32, 0 };
	struct bytes whole = example_bytes();

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (uint32_t type = KF_SECTION_META; type < KF_SECTION_TYPES; type++) {
			struct bytes b = copy_of(whole, whole.len);

			PUT(b, find(b, type), kf_file_section, bytes, lengths[i]);
			seal(b);
			refused(b, "is damaged");
			free(b.at);
			if (!lengths[i])
				continue;
			b = copy_of(whole, whole.len);
			PUT(b, find(b, type), kf_file_section, stored_bytes, lengths[i]);
			refused(b, "longer than the file");
			free(b.at);
		}
	free(whole.at);
}

static void slots_must_fit_their_ring(void **state)
{
	struct bytes whole = example_bytes(), b = copy_of(whole, whole.len);
	size_t at = find(b, KF_SECTION_SLOTS);

	PUT(b, at, kf_file_section, cpu, N_CPUS);
	seal(b);
	refused(b, "a ring that is not there");
	PUT(b, at, kf_file_section, cpu, 1); /* which has no slots */
	seal(b);
	refused(b, "does not fit their ring");
	PUT(b, at, kf_file_section, cpu, 0);
	PUT(b, at, kf_file_section, class,
	    200); /* an unknown class is skipped, but then the known one lacks its slots */
	seal(b);
	refused(b, "slots of a ring are missing");
	free(b.at);
	free(whole.at);
}

struct cgroups_section {
	uint32_t entry_bytes, n;
	struct kf_file_cgroup items[2];
	char paths[4];
} __attribute__((packed));

static void cgroups_are_bounds_checked(void **state)
{
	const struct cgroups_section good = { sizeof(struct kf_file_cgroup),
					      2,
					      { { 1, 0, 0, 0, 1, 0 }, { 7, 5, 10, 1, 3, 0 } },
					      { '/', '/', 'a', 'b' } };
	struct bytes whole = example_bytes(), b;
	struct cgroups_section bad;
	struct kf_snapshot *s;
	struct kf_error e;

	b = with_section(whole, KF_SECTION_CGROUPS, &good, sizeof(good));
	if (parse(b, &s, &e))
		fail_msg("%s", e.message);
	assert_string_equal(s->cgroups[0].path, "/");
	assert_string_equal(s->cgroups[1].path, "/ab");
	kf_snapshot_free(&s);
	free(b.at);
#define REFUSED(len, message)                                                                                          \
	b = with_section(whole, KF_SECTION_CGROUPS, &bad, len);                                                        \
	refused(b, message);                                                                                           \
	free(b.at)
	bad = good;
	REFUSED(7, "a section is too short");
	REFUSED(8, "the length of an array does not fit");
	REFUSED(sizeof(bad) - 1, "a text is no string");
	bad.n = UINT32_MAX;
	REFUSED(sizeof(bad), "the length of an array does not fit");
	bad = good;
	bad.entry_bytes = 0;
	REFUSED(sizeof(bad), "the length of an array does not fit");
	bad.entry_bytes = UINT32_MAX;
	REFUSED(sizeof(bad), "the length of an array does not fit");
	bad = good;
	bad.items[0].path_bytes = UINT32_MAX;
	REFUSED(sizeof(bad), "a text is no string");
	bad = good;
	bad.paths[2] = '\0';
	REFUSED(sizeof(bad), "a text is no string");
	bad = good;
	bad.items[1].path_bytes = 2;
	REFUSED(sizeof(bad), "bytes that belong to no cgroup");
#undef REFUSED
	free(whole.at);
}

struct rules_section {
	uint32_t entry_bytes, n;
	struct kf_file_rule items[2];
	char texts[6];
} __attribute__((packed));

static void rules_refused(struct bytes whole, const struct rules_section *bad, size_t len, const char *why)
{
	struct bytes b = with_section(whole, KF_SECTION_RULES, bad, len);

	refused(b, why);
	free(b.at);
}

static void rules_are_bounds_checked(void **state)
{
	const struct rules_section good = { sizeof(struct kf_file_rule),
					    2,
					    { { { 1 }, { 2 }, 1, 3 }, { { 3 }, { 4 }, 2, 0 } },
					    { 'a', 'x', '>', '1', 'b', 'c' } };
	struct bytes whole = example_bytes(), b = with_section(whole, KF_SECTION_RULES, &good, sizeof(good));
	struct rules_section bad;
	struct kf_snapshot *s;
	struct kf_error e;

	if (parse(b, &s, &e))
		fail_msg("%s", e.message);
	free(b.at);
	assert_string_equal(s->rules[0].text, "x>1");
	assert_string_equal(s->rules[1].name, "bc");
	assert_string_equal(s->rules[1].text, "");
	assert_int_equal(s->rules[1].recent.hits, 4);
	kf_snapshot_free(&s);
	rules_refused(whole, &good, 7, "a section is too short");
	rules_refused(whole, &good, 8, "the length of an array does not fit");
	rules_refused(whole, &good, sizeof(good) - 1, "a text is no string");
	bad = good;
	bad.n = UINT32_MAX;
	rules_refused(whole, &bad, sizeof(bad), "the length of an array does not fit");
	bad = good;
	bad.entry_bytes = sizeof(struct kf_file_rule) - 1;
	rules_refused(whole, &bad, sizeof(bad), "the length of an array does not fit");
	bad = good;
	bad.items[0].text_bytes = UINT32_MAX;
	rules_refused(whole, &bad, sizeof(bad), "a text is no string");
	bad = good;
	bad.items[0].name_bytes = UINT32_MAX;
	rules_refused(whole, &bad, sizeof(bad), "a text is no string");
	bad = good;
	bad.texts[2] = '\0';
	rules_refused(whole, &bad, sizeof(bad), "a text is no string");
	bad = good;
	bad.items[1].name_bytes = 1;
	rules_refused(whole, &bad, sizeof(bad), "bytes that belong to no rule");
	free(whole.at);
}

/* A name without NUL, a rule that is not there, a level nobody knows: kept as numbers, ended where they are text. */
static void odd_recorders_are_read(void **state)
{
	const struct {
		uint32_t bytes, n;
		struct kf_file_shed items[1];
	} sheds = { sizeof(struct kf_file_shed), 1, { { UINT64_MAX, UINT32_MAX, 77, 65535 } } };
	struct kf_file_recorder f = { .requester_uid = UINT32_MAX, .cost_ppm = UINT32_MAX };
	struct bytes whole = example_bytes(), with_trigger, with_recorder, b;
	struct kf_trigger trigger = { .kind = KF_TRIGGER_RUNQ, .rule = UINT16_MAX };
	struct kf_snapshot *s;
	struct kf_error e;

	memset(f.requester_comm, 'x', sizeof(f.requester_comm));
	with_trigger = with_section(whole, KF_SECTION_TRIGGER, &trigger, sizeof(trigger));
	with_recorder = with_section(with_trigger, KF_SECTION_RECORDER, &f, sizeof(f));
	b = with_section(with_recorder, KF_SECTION_SHEDS, &sheds, sizeof(sheds));
	if (parse(b, &s, &e))
		fail_msg("%s", e.message);
	assert_string_equal(s->requester.comm, "xxxxxxxxxxxxxxx");
	assert_int_equal(s->trigger.rule, UINT16_MAX);
	assert_null(kf_snapshot_fired(s));
	s->trigger.rule = (uint16_t)(s->n_rules + 1);
	assert_null(kf_snapshot_fired(s));
	s->trigger.rule = 1;
	assert_ptr_equal(kf_snapshot_fired(s), &s->rules[0]);
	assert_int_equal(s->sheds[0].before, 77);
	kf_snapshot_free(&s);
	free(b.at);
	b = with_section(whole, KF_SECTION_SHEDS, &sheds, sizeof(sheds) - 1);
	refused(b, "the length of an array does not fit");
	free(b.at);
	b = with_section(whole, KF_SECTION_RECORDER, &f, sizeof(f) - 1);
	refused(b, "a section is too short");
	free(b.at);
	free(with_recorder.at);
	free(with_trigger.at);
	free(whole.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut_is_told),
		cmocka_unit_test(every_flipped_byte_is_found),
		cmocka_unit_test(flipped_and_sealed_never_crashes),
		cmocka_unit_test(incomplete_mark_is_respected),
		cmocka_unit_test(trailing_bytes_are_refused),
		cmocka_unit_test(impossible_lengths_are_not_allocated),
		cmocka_unit_test(slots_must_fit_their_ring),
		cmocka_unit_test(cgroups_are_bounds_checked),
		cmocka_unit_test(rules_are_bounds_checked),
		cmocka_unit_test(odd_recorders_are_read),
	};

	return cmocka_run_group_tests_name("snapshot damage", tests, NULL, NULL);
}
