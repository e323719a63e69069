/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "expect_text.h"
#include "hand_setup.h"
#include "model/parts.h"
#include "output/csv.h"
#include "written.h"

#define COLUMNS                                                                                                        \
	"host,kernel,snapshot_time,trigger,window_ns,gap,tid,tgid,comm,process,cpu,start_ns,end_ns,start_time,"        \
	"wait_ns,kind,waker_tid,waker_comm,waker_irq,open,throttled_ns,quota_cgroup,quota_ns,period_ns,idle_"          \
	"elsewhere_ns,cgroup,prio,"                                                                                    \
	"part,part_kind,part_tid,part_comm,part_process,part_prio,part_vector,part_cpu,part_ns,"                       \
	"pod,container,unit,part_pod,part_container,part_unit\n"
#define N_COLUMNS 42

/* All of the output; free() it. */
static char *csv_from(uint64_t min_gap_ns)
{
	return WRITTEN(out, e, kf_csv_write(&h.timeline, s, out, min_gap_ns, &e), NULL);
}

/* Takes a field of a row from *rest, without its quotes; NULL behind the last. */
static char *next_field(char **rest)
{
	char *from = *rest, *field = *rest, *to = *rest;
	bool quoted = from && *from == '"';

	if (!from)
		return NULL;
	from += quoted;
	while (quoted ? *from && (*from != '"' || from[1] == '"') : *from && *from != ',') {
		from += quoted && *from == '"';
		*to++ = *from++;
	}
	if (quoted && *from++ != '"')
		fail_msg("no closing quote in: %s", field);
	*rest = *from == ',' ? from + 1 : NULL;
	*to = '\0';
	return field;
}

/* The fields of row n (0: the names) in fields; free() what is returned. */
static char *row_of(int n, char *fields[N_COLUMNS])
{
	char *text = csv_from(0), *rest = text, *row = text;
	int n_fields = 0;

	for (int i = 0; i <= n; i++)
		row = strsep(&rest, "\n");
	assert_non_null(row);
	while (n_fields < N_COLUMNS && row)
		fields[n_fields++] = next_field(&row);
	assert_int_equal(n_fields, N_COLUMNS);
	assert_null(row);
	return text;
}

static void a_gap_has_a_row_per_part(void **state)
{
	char *text;

	h.threads[HAND_NGINX].prio = KF_PRIO_PACK(120, 0);
	text = csv_from(MS(10));
	expect(text, COLUMNS
	       "web1,6.18.0,2026-11-21T08:15:02.123456Z,request,100000000,1,2144,2144,nginx,nginx,0,10000000,21000000,"
	       "2026-11-21T08:15:02.032456Z,11000000,woken,812,redis,false,false,0,,,,,,nice 0,"
	       "0,thread,812,redis,redis,,,0,7000000,,,,,,\n");
	expect(text, "nice 0,1,thread,77,cron,cron,,,0,3000000,,,,,,\n");
	expect(text, "nice 0,2,idle,0,idle,,,,0,1000000,,,,,,\n");
	expect(text, ",true,0,,,,,,nice 0,0,unknown,,,,,,0,10000000,,,,,,\n");
	free(text);
}

static void parts_add_up_in_every_gap(void **state)
{
	uint64_t sums[HAND_GAPS] = { 0 };
	char *fields[N_COLUMNS] = { 0 };

	for (int row = 1; row <= 7; row++) {
		char *text = row_of(row, fields);
		int gap = atoi(fields[5]);

		assert_in_range(gap, 0, HAND_GAPS - 1);
		sums[gap] += strtoull(fields[35], NULL, 10);
		free(text);
	}
	for (int gap = 0; gap < HAND_GAPS; gap++)
		assert_int_equal(sums[gap], h.gaps[gap].end_ns - h.gaps[gap].start_ns);
}

static void short_gaps_are_left_out(void **state)
{
	char *text = csv_from(MS(71) + 1);

	assert_string_equal(text, COLUMNS);
	free(text);
}

static void any_name_is_one_field(void **state)
{
	char *fields[N_COLUMNS] = { 0 }, *text;

	assert_int_equal(kf_snapshot_set(&s->host, "a,\"b\"\nc"), 0);
	assert_int_equal(kf_snapshot_set(&s->kernel, ""), 0);
	memcpy(h.threads[HAND_CRON].comm, "\",\"\r\n=1+2\xff\0", 11);
	memcpy(h.threads[HAND_CRON].process_comm, " spaces ", 9);
	memcpy(h.threads[HAND_KSOFTIRQD].comm, "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"", 16);
	text = row_of(1, fields);
	assert_string_equal(fields[0], "a,\"b\"\\x0ac");
	assert_string_equal(fields[1], "");
	assert_string_equal(fields[8], "\",\"\\x0d\\x0a=1+2\\xff");
	assert_string_equal(fields[9], " spaces ");
	assert_string_equal(fields[17], "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"");
	free(text);
	text = csv_from(0);
	expect(text, "\"\"\",\"\"\\x0d\\x0a=1+2\\xff\",\" spaces \",");
	expect(text, "\n\"a,\"\"b\"\"\\x0ac\",,");
	free(text);
}

static void causes_have_their_columns(void **state)
{
	static struct kf_group cgroups[] = {
		{ .path = "/web", .parent = KF_NO_CGROUP, .quota_ns = MS(5), .period_ns = MS(10) },
		{ .path = "/web/a,b", .parent = 0, .limiting = 0 }
	};
	struct kf_gap *gap = &h.gaps[HAND_GAP_NGINX];
	char *text;

	hand_take(&h, 0, KF_PART_SOFTIRQ, 3, MS(11), MS(12), MS(1));
	hand_take(&h, 0, KF_PART_IRQ, 24, MS(18), MS(19), 500000);
	h.timeline.irqs = "24 \x1b"
			  "eth0,rx\n";
	h.timeline.cgroups = cgroups;
	h.timeline.n_cgroups = 2;
	gap->cgroup = 0;
	gap->kind = KF_GAP_THROTTLED;
	gap->throttled_start_ns = MS(13);
	gap->throttled_end_ns = MS(16);
	h.threads[HAND_NGINX].cgroup = 1;
	hand_allow(&h, HAND_NGINX, 3);
	text = csv_from(0);
	expect(text, ",11000000,throttled,812,redis,false,false,3000000,/web,5000000,10000000,0,\"/web/a,b\",,");
	expect(text, ",71000000,preempted,,,false,true,0,,,,61000000,");
	expect(text, ",softirq,,,,,NET_RX,0,1000000,,,,,,\n");
	expect(text, ",irq,,,,,\"\\x1beth0,rx\",0,500000,,,,,,\n");
	expect(text, ",throttled,,,,,,,3000000,,,,,,\n");
	free(text);
}

/* Who waited, and whom for. */
static void containers_come_last(void **state)
{
	char *text;

	h.threads[HAND_NGINX].cgroup = hand_group(&h, HAND_POD "/" HAND_CONTAINER "/a,b.service", 0, 0);
	h.threads[HAND_REDIS].cgroup = hand_group(&h, "/docker/" HAND_CONTAINER, 0, 0);
	text = csv_from(MS(10));
	expect(text, ",0,7000000,2ca4a155-3599-498d-bb9d-4446693fa3ea,0ba8ac17e4e7,\"a,b.service\",,0ba8ac17e4e7,\n");
	expect(text, ",0,3000000,2ca4a155-3599-498d-bb9d-4446693fa3ea,0ba8ac17e4e7,\"a,b.service\",,,\n");
	free(text);
}

static void what_is_not_known_is_empty(void **state)
{
	char *fields[N_COLUMNS] = { 0 }, *text;

	h.gaps[HAND_GAP_CRON].cpu = KF_NO_CPU;
	h.gaps[HAND_GAP_CRON].waker = KF_NOBODY;
	h.gaps[HAND_GAP_CRON].cgroup = KF_NO_CGROUP;
	h.threads[HAND_CRON].cgroup = KF_NO_CGROUP;
	text = row_of(1, fields);
	assert_string_equal(fields[10], "");
	assert_string_equal(fields[16], "");
	assert_string_equal(fields[17], "");
	for (int i = 21; i <= 26; i++)
		assert_string_equal(fields[i], "");
	free(text);
}

static void a_gap_of_no_length_has_a_row(void **state)
{
	char *fields[N_COLUMNS] = { 0 }, *text;

	h.stretches[0].end_ns = h.stretches[0].start_ns;
	h.gaps[HAND_GAP_CRON].n_stretches = 1;
	h.gaps[HAND_GAP_CRON].end_ns = h.gaps[HAND_GAP_CRON].start_ns;
	text = row_of(1, fields);
	assert_string_equal(fields[14], "0");
	for (int i = 27; i < N_COLUMNS; i++)
		assert_string_equal(fields[i], "");
	free(text);
}

static void a_full_disk_is_an_error(void **state)
{
	FAILS_ON_A_FULL_DISK(out, e, kf_csv_write(&h.timeline, s, out, 0, &e),
			     "cannot write CSV: No space left on device");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_gap_has_a_row_per_part, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(parts_add_up_in_every_gap, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(short_gaps_are_left_out, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(any_name_is_one_field, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(causes_have_their_columns, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(containers_come_last, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(what_is_not_known_is_empty, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(a_gap_of_no_length_has_a_row, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_is_an_error, hand_setup, hand_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
