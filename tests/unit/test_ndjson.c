/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <jansson.h>

#include "hand_setup.h"
#include "output/ndjson.h"
#include "written.h"

/* All of the output; free() it. */
static char *lines_from(uint64_t min_gap_ns)
{
	return WRITTEN(out, e, kf_ndjson_write(&h.timeline, s, out, min_gap_ns, &e), NULL);
}

static void a_line_has_all_keys_in_order(void **state)
{
	char *text = lines_from(MS(10));

	*strchr(text, '\n') = '\0';
	assert_string_equal(
		text,
		"{\"tid\":2144,\"tgid\":2144,\"comm\":\"nginx\",\"process\":\"nginx\",\"prio\":null,\"cgroup\":null,"
		"\"pod\":null,\"container\":null,\"unit\":null,"
		"\"cpu\":0,"
		"\"start_ns\":10000000,\"end_ns\":21000000,\"wait_ns\":11000000,\"kind\":\"woken\",\"waker_tid\":812,"
		"\"waker_irq\":false,\"open\":false,\"throttled\":false,\"yielded\":false,\"throttled_ns\":0,"
		"\"quota_cgroup\":null,\"quota_ns\":null,\"period_ns\":null,\"idle_elsewhere_ns\":null,\"parts\":["
		"{\"kind\":\"thread\",\"tid\":812,\"comm\":\"redis\",\"cpu\":0,\"ns\":7000000,\"vector\":null,\"prio\":"
		"null,\"pod\":null,\"container\":null},"
		"{\"kind\":\"thread\",\"tid\":77,\"comm\":\"cron\",\"cpu\":0,\"ns\":3000000,\"vector\":null,\"prio\":"
		"null,\"pod\":null,\"container\":null},"
		"{\"kind\":\"idle\",\"tid\":0,\"comm\":\"idle\",\"cpu\":0,\"ns\":1000000,\"vector\":null,\"prio\":null,"
		"\"pod\":null,\"container\":null}"
		"],\"time\":\"2026-11-21T08:15:02.032456Z\",\"host\":\"web1\"}");
	free(text);
}

/* The gap of nginx from 10 to 21, in a cgroup with a quota and with everything there can be. */
static void all_causes(void)
{
	struct kf_gap *gap = &h.gaps[HAND_GAP_NGINX];

	strcpy(h.irqs, "24 a\"b\n");
	h.threads[HAND_NGINX].cgroup = hand_group(&h, "/web/\"x\"", 0, 0);
	gap->cgroup = hand_group(&h, "/web", MS(50), MS(100));
	gap->throttled_start_ns = MS(10);
	gap->throttled_end_ns = MS(12);
	hand_take(&h, 0, KF_PART_SOFTIRQ, 3, MS(12), MS(13), MS(1));
	hand_take(&h, 0, KF_PART_IRQ, 24, MS(14), MS(15), 400000);
	hand_take(&h, 0, KF_PART_STEAL, 0, MS(17), MS(20), MS(1));
	hand_prio(&h, HAND_NGINX, KF_PRIO_PACK(125, 0));
	hand_prio(&h, HAND_REDIS, KF_PRIO_PACK(49, 1));
	hand_allow(&h, HAND_NGINX, 3);
	h.runs1[0].end_ns = MS(18);
	h.runs1[1].start_ns = MS(18);
}

static void every_cause_has_its_keys(void **state)
{
	char *text;

	all_causes();
	text = lines_from(MS(10));
	*strchr(text, '\n') = '\0';
	assert_string_equal(
		text,
		"{\"tid\":2144,\"tgid\":2144,\"comm\":\"nginx\",\"process\":\"nginx\",\"prio\":\"nice 5\",\"cgroup\":"
		"\"/web/"
		"\\\"x\\\"\",\"pod\":null,\"container\":null,\"unit\":null,\"cpu\":0,\"start_ns\":10000000,\"end_ns\":"
		"21000000,\"wait_ns\":11000000,\"kind\":"
		"\"woken\","
		"\"waker_tid\":812,\"waker_irq\":false,\"open\":false,\"throttled\":false,\"yielded\":false,"
		"\"throttled_ns\":2000000,"
		"\"quota_cgroup\":\"/"
		"web\",\"quota_ns\":50000000,\"period_ns\":100000000,\"idle_elsewhere_ns\":3000000,\"parts\":["
		"{\"kind\":\"throttled\",\"tid\":null,\"comm\":null,\"cpu\":null,\"ns\":2000000,\"vector\":null,"
		"\"prio\":null,\"pod\":null,\"container\":null},"
		"{\"kind\":\"thread\",\"tid\":812,\"comm\":\"redis\",\"cpu\":0,\"ns\":3600000,\"vector\":null,\"prio\":"
		"\"SCHED_FIFO "
		"50\",\"pod\":null,\"container\":null},"
		"{\"kind\":\"softirq\",\"tid\":null,\"comm\":null,\"cpu\":0,\"ns\":1000000,\"vector\":\"NET_RX\","
		"\"prio\":null,\"pod\":null,\"container\":null},"
		"{\"kind\":\"irq\",\"tid\":null,\"comm\":null,\"cpu\":0,\"ns\":400000,\"vector\":\"a\\\"b\",\"prio\":"
		"null,\"pod\":null,\"container\":null},"
		"{\"kind\":\"thread\",\"tid\":77,\"comm\":\"cron\",\"cpu\":0,\"ns\":2000000,\"vector\":null,\"prio\":"
		"null,\"pod\":null,\"container\":null},"
		"{\"kind\":\"steal\",\"tid\":null,\"comm\":null,\"cpu\":0,\"ns\":1000000,\"vector\":null,\"prio\":null,"
		"\"pod\":null,\"container\":null}"
		","
		"{\"kind\":\"idle\",\"tid\":0,\"comm\":\"idle\",\"cpu\":0,\"ns\":1000000,\"vector\":null,\"prio\":null,"
		"\"pod\":null,\"container\":null}"
		"],\"time\":\"2026-11-21T08:15:02.032456Z\",\"host\":\"web1\"}");
	free(text);
}

/* The container, pod and unit of who waited, and those of who had the CPU. */
static void containers_have_their_keys(void **state)
{
	char *text;

	h.threads[HAND_NGINX].cgroup = hand_group(&h, HAND_POD "/" HAND_CONTAINER "/a\x01.service", 0, 0);
	h.threads[HAND_REDIS].cgroup = hand_group(&h, "/docker/" HAND_CONTAINER, 0, 0);
	text = lines_from(MS(10));
	*strchr(text, '\n') = '\0';
	if (!strstr(text, "a\\\\x01.service\",\"pod\":\"2ca4a155-3599-498d-bb9d-4446693fa3ea\",\"container\":"
			  "\"0ba8ac17e4e7\","
			  "\"unit\":\"a\\\\x01.service\",\"cpu\":0,") ||
	    !strstr(text, "\"comm\":\"redis\",\"cpu\":0,\"ns\":7000000,\"vector\":null,\"prio\":null,\"pod\":null,"
			  "\"container\":\"0ba8ac17e4e7\"}"))
		fail_msg("%s", text);
	free(text);
}

static void check_sums(const char *line)
{
	json_t *o = json_loads(line, 0, NULL), *part;
	json_int_t wait = json_integer_value(json_object_get(o, "wait_ns")), sum = 0;
	size_t i;

	assert_non_null(o);
	json_array_foreach(json_object_get(o, "parts"), i, part) sum += json_integer_value(json_object_get(part, "ns"));
	assert_int_equal(sum, wait);
	assert_int_equal(json_integer_value(json_object_get(o, "end_ns")) -
				 json_integer_value(json_object_get(o, "start_ns")),
			 wait);
	json_decref(o);
}

static void every_line_is_json_whose_parts_add_up(void **state)
{
	char *text, *rest, *line;
	int n = 0;

	all_causes();
	text = rest = lines_from(0);

	while ((line = strsep(&rest, "\n")) && *line) {
		check_sums(line);
		n++;
	}
	assert_int_equal(n, HAND_GAPS);
	free(text);
}

static void short_gaps_are_left_out(void **state)
{
	char *text = lines_from(MS(71));

	assert_non_null(strstr(text, "\"open\":true"));
	assert_non_null(strstr(text, "{\"kind\":\"unknown\",\"tid\":null,\"comm\":null"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	free(text);
	text = lines_from(MS(71) + 1);
	assert_string_equal(text, "");
	free(text);
}

static void any_name_becomes_valid_utf8(void **state)
{
	char *text;
	json_t *o;

	memcpy(h.threads[HAND_NGINX].comm, "\xff\xfe\"\n\x01\x80\xc3\xa4\\", 10);
	text = lines_from(MS(71));
	o = json_loads(text, 0, NULL);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "comm")), "\\xff\\xfe\"\\x0a\\x01\\x80\xc3\xa4\\x5c");
	json_decref(o);
	free(text);
}

static void any_host_is_a_string(void **state)
{
	char *text;
	json_t *o;

	assert_int_equal(kf_snapshot_set(&s->host, "a\"\\\n\xff"), 0);
	text = lines_from(MS(71));
	o = json_loads(text, 0, NULL);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "host")), "a\"\\x5c\\x0a\\xff");
	json_decref(o);
	free(text);
}

static void what_is_not_known_is_null(void **state)
{
	char *text;

	h.gaps[HAND_GAP_OPEN].cpu = KF_NO_CPU;
	text = lines_from(MS(71));
	assert_non_null(strstr(text, "\"cpu\":null"));
	assert_non_null(strstr(text, "\"kind\":\"preempted\",\"waker_tid\":null"));
	free(text);
}

static void a_full_disk_is_an_error(void **state)
{
	FAILS_ON_A_FULL_DISK(out, e, kf_ndjson_write(&h.timeline, s, out, 0, &e),
			     "cannot write NDJSON: No space left on device");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_line_has_all_keys_in_order, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(every_cause_has_its_keys, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(containers_have_their_keys, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(every_line_is_json_whose_parts_add_up, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(short_gaps_are_left_out, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(any_name_becomes_valid_utf8, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(what_is_not_known_is_null, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(any_host_is_a_string, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_is_an_error, hand_setup, hand_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
