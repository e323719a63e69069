/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/file_name.h"
#include "snapshot/snapshot.h"

static struct kf_snapshot snapshot_of(uint32_t kind, const char *comm, uint32_t tgid)
{
	struct kf_snapshot s = { .mono_ns = 5000000000ULL, .real_ns = 1795248902ULL * 1000000000ULL };

	s.trigger.kind = kind;
	s.trigger.ts_ns = s.mono_ns;
	s.trigger.tgid = tgid;
	memcpy(s.trigger.process_comm, comm, strlen(comm));
	return s;
}

static void check_name(const struct kf_snapshot *s, int attempt, const char *want)
{
	char name[KF_FILE_NAME_BYTES];

	kf_file_name(s, attempt, name, sizeof(name));
	assert_string_equal(name, want);
}

static void names_tell_when_why_and_who(void **state)
{
	struct kf_snapshot s = snapshot_of(KF_TRIGGER_RUNQ, "nginx", 2144);

	check_name(&s, 1, "kflight-20261121T081502Z-runq-nginx-2144.kfl");
	check_name(&s, 2, "kflight-20261121T081502Z-runq-nginx-2144-2.kfl");
}

/* It was gone before anybody could ask for its name. */
static void a_process_without_name_has_its_number(void **state)
{
	struct kf_snapshot s = snapshot_of(KF_TRIGGER_RUNQ, "", 2144);

	check_name(&s, 1, "kflight-20261121T081502Z-runq-2144.kfl");
}

static void a_request_has_no_process(void **state)
{
	struct kf_snapshot s = snapshot_of(KF_TRIGGER_REQUEST, "", 0);

	check_name(&s, 1, "kflight-20261121T081502Z-request.kfl");
}

static void rules_with_a_name_of_their_own_are_named(void **state)
{
	struct kf_snapshot s = snapshot_of(KF_TRIGGER_RUNQ, "nginx", 2144);
	struct kf_snapshot_rule rules[] = { { .name = "runq-5ms", .text = "runq>5ms" },
					    { .name = "slow-web", .text = "runq>5ms{comm=nginx*}" },
					    { .name = "runq-5ms-2", .text = "runq > 5ms" },
					    { .name = "../sl\xffow/../../web-0123456789012345678901234567890",
					      .text = "?" },
					    { .name = "", .text = "runq>5ms" } };

	s.rules = rules;
	s.n_rules = 5;
	s.trigger.rule = 1;
	check_name(&s, 1, "kflight-20261121T081502Z-runq-nginx-2144.kfl");
	s.trigger.rule = 2;
	check_name(&s, 1, "kflight-20261121T081502Z-slow-web-nginx-2144.kfl");
	s.trigger.rule = 3;
	check_name(&s, 1, "kflight-20261121T081502Z-runq-nginx-2144.kfl");
	s.trigger.rule = 4;
	check_name(&s, 1, "kflight-20261121T081502Z-.._sl_ow_.._.._web-012345678901-nginx-2144.kfl");
	s.trigger.rule = 5;
	check_name(&s, 1, "kflight-20261121T081502Z-runq-nginx-2144.kfl");
	s.trigger.rule = 6;
	check_name(&s, 1, "kflight-20261121T081502Z-runq-nginx-2144.kfl");
}

static void an_aggregate_has_no_process(void **state)
{
	struct kf_snapshot s = snapshot_of(KF_TRIGGER_AGGREGATE, "nginx", 2144);
	struct kf_snapshot_rule rule = { .name = "storm", .text = "rate(runq>1ms)>100/s{name=storm}" };

	check_name(&s, 1, "kflight-20261121T081502Z-aggregate.kfl");
	s.rules = &rule;
	s.n_rules = s.trigger.rule = 1;
	check_name(&s, 1, "kflight-20261121T081502Z-storm.kfl");
	rule = (struct kf_snapshot_rule){ .name = "rate-runq-1ms-100-s", .text = "rate(runq>1ms)>100/s" };
	check_name(&s, 1, "kflight-20261121T081502Z-rate-runq-1ms-100-s.kfl");
}

/* A thread chooses its own name: it must not choose a folder. */
static void hostile_names_stay_in_the_folder(void **state)
{
	struct kf_snapshot s = snapshot_of(KF_TRIGGER_BLOCK, "../../etc/\x01\xff x", 1);

	check_name(&s, 1, "kflight-20261121T081502Z-block-.._.._etc____x-1.kfl");
}

/* The name gives the time of the trigger, not of the copy. */
static void the_time_is_the_triggers(void **state)
{
	struct kf_snapshot s = snapshot_of(KF_TRIGGER_RUNQ, "a", 1);

	s.trigger.ts_ns -= 2000000000ULL;
	check_name(&s, 1, "kflight-20261121T081500Z-runq-a-1.kfl");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_tell_when_why_and_who),
		cmocka_unit_test(a_process_without_name_has_its_number),
		cmocka_unit_test(a_request_has_no_process),
		cmocka_unit_test(rules_with_a_name_of_their_own_are_named),
		cmocka_unit_test(an_aggregate_has_no_process),
		cmocka_unit_test(hostile_names_stay_in_the_folder),
		cmocka_unit_test(the_time_is_the_triggers),
	};

	return cmocka_run_group_tests_name("file_name", tests, NULL, NULL);
}
