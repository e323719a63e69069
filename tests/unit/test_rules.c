/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules about gaps and CPUs, on a timeline whose every number is known; thresholds, grouping, selection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/error.h"
#include "found.h"
#include "hand_timeline.h"
#include "make_snapshot.h"
#include "model/parts.h"
#include "rules/finding.h"
#include "rules/settings.h"

static struct hand h;
static struct kf_rule_options options;

static int setup(void **state)
{
	hand_init(&h);
	f = (struct kf_findings){ 0 };
	options = (struct kf_rule_options){ 0 };
	return 0;
}

static int teardown(void **state)
{
	kf_findings_release(&f);
	return 0;
}

static void find(void)
{
	struct kf_error e = { 0 };

	kf_findings_release(&f);
	if (kf_findings_find(&f, &h.timeline, NULL, &options, &e))
		fail_msg("%s", e.message);
	for (size_t i = 0; i < f.n; i++) {
		assert_true(f.items[i].message[0] && f.items[i].suggestion[0] && f.items[i].count > 0);
		assert_null(strchr(f.items[i].message, '\n'));
	}
}

/* ---- what is asked ---- */

static void every_rule_is_complete(void **state)
{
	size_t n = 0;

	for (const struct kf_rule *const *rule = kf_rules(); *rule; rule++, n++) {
		char defaults[64];

		assert_ptr_equal(kf_rule_find(kf_rule_name(*rule)), *rule);
		assert_true(kf_rule_summary(*rule)[0]);
		expect(kf_rule_defaults(*rule, defaults, sizeof(defaults)), ", ");
	}
	assert_int_equal(n, 14);
	assert_null(kf_rule_find("runqueuelatency"));
}

static void expect_error(const char *text, const char *message, const char *hint)
{
	struct kf_rule_settings settings = { 0 };
	struct kf_error e = { 0 };

	assert_int_equal(kf_rule_settings_add(&settings, text, &e), -1);
	assert_int_equal(e.status, KF_USAGE);
	assert_string_equal(e.message, message);
	expect(e.hint, hint);
	kf_rule_settings_release(&settings);
}

static void bad_settings_are_explained(void **state)
{
	expect_error("RunQueLatency=5ms", "unknown rule 'RunQueLatency': did you mean 'RunQueueLatency'?", "off");
	expect_error("Nonsense=5ms", "unknown rule 'Nonsense'", "SoftirqStorm");
	expect_error("RunQueueLatency", "rule 'RunQueueLatency': no threshold", "RunQueueLatency=5ms,20ms");
	expect_error("RunQueueLatency=", "rule 'RunQueueLatency': no threshold", "off");
	expect_error("RunQueueLatency=5", "rule 'RunQueueLatency': bad duration '5': the unit is missing", "unit");
	expect_error("RunQueueLatency=0ms", "rule 'RunQueueLatency': a threshold of nothing: '0ms'", "5ms");
	expect_error("RunQueueLatency=5ms,", "rule 'RunQueueLatency': bad duration '': this is no positive number", "");
	expect_error("RunQueueLatency=20ms,5ms",
		     "rule 'RunQueueLatency': an ERROR from '5ms' on, a WARN only from '20ms'", "WARN comes first");
	expect_error("StealTime=10", "rule 'StealTime': bad share '10'", "30%");
	expect_error("StealTime=101%", "rule 'StealTime': bad share '101%'", "100%");
	expect_error("StealTime=nan%", "rule 'StealTime': bad share 'nan%'", "100%");
	expect_error("ForkStorm=5ms", "rule 'ForkStorm': bad number '5ms'", "500");
	expect_error("ForkStorm=-5", "rule 'ForkStorm': bad number '-5'", "whole number");
	expect_error("ForkStorm=0", "rule 'ForkStorm': bad number '0'", "above 0");
	expect_error("", "unknown rule ''", "the rules are");
}

static void use(struct kf_rule_settings *settings, const char *text)
{
	struct kf_error e = { 0 };

	if (kf_rule_settings_add(settings, text, &e))
		fail_msg("%s", e.message);
	kf_rule_settings_use(settings, &options);
}

static void settings_override_and_switch_off(void **state)
{
	struct kf_rule_settings settings = { 0 };

	use(&settings, "RunQueueLatency=20ms,80ms");
	use(&settings, "StealTime=2.5%");
	use(&settings, "ForkStorm=100,200");
	assert_int_equal(settings.thresholds[1].warn, 25);
	assert_int_equal(settings.thresholds[1].error, 0);
	assert_int_equal(settings.thresholds[2].error, 200);
	find();
	assert_int_equal(expect_found("RunQueueLatency", KF_SEVERITY_WARN, "nginx/2144 was preempted")->count, 1);
	use(&settings, "RunQueueLatency=off");
	find();
	expect_none("RunQueueLatency");
	kf_rule_settings_release(&settings);
}

static void a_warn_beyond_the_default_error_moves_it(void **state)
{
	struct kf_rule_settings settings = { 0 };

	use(&settings, "RunQueueLatency=60ms");
	find();
	assert_int_equal(expect_found("RunQueueLatency", KF_SEVERITY_ERROR, "71.0 ms")->count, 1);
	use(&settings, "RunQueueLatency=72ms");
	find();
	expect_none("RunQueueLatency");
	kf_rule_settings_release(&settings);
}

/* ---- gaps ---- */

static void long_gaps_are_found(void **state)
{
	const struct kf_finding *finding;

	find();
	finding = expect_found("RunQueueLatency", KF_SEVERITY_ERROR,
			       "nginx/2144 was preempted and has waited 71.0 ms to run again on CPU 0");
	assert_int_equal(finding->worst_ns, MS(71));
	assert_int_equal(finding->thread, HAND_NGINX);
	assert_int_equal(finding->culprit, HAND_HOG);
	assert_int_equal(finding->ts_ns, MS(30));
	assert_ptr_equal(finding->gap, &h.gaps[HAND_GAP_OPEN]);
	expect(finding->suggestion, "give hog/900 less (`renice -n 10 -p 900`");
	for (size_t i = 1; i < f.n; i++)
		assert_true(f.items[i - 1].severity >= f.items[i].severity);
}

static void several_in_turn_are_no_culprit(void **state)
{
	const struct kf_finding *finding;

	h.runs0[1].end_ns = h.runs0[2].start_ns = MS(15); /* redis 5 of 11 ms, cron 5 */
	options.tid = 2144;
	h.gaps[HAND_GAP_OPEN].thread = HAND_HOG;
	find();
	finding =
		expect_found("RunQueueLatency", KF_SEVERITY_ERROR, "5.00 ms redis/812 (46 %), 5.00 ms cron/77 (45 %)");
	assert_int_equal(finding->culprit, KF_NOBODY);
	expect(finding->suggestion, "no single program is to blame");
	h.runs0[1].thread = h.runs0[2].thread = KF_IDLE;
	find();
	finding = expect_found("RunQueueLatency", KF_SEVERITY_ERROR, "CPU 0 was idle 11.0 ms");
	assert_int_equal(finding->culprit, KF_IDLE);
	expect(finding->suggestion, "sleep states");
}

static void short_gaps_are_not(void **state)
{
	for (size_t i = 0; i < HAND_GAPS; i++) {
		struct kf_gap *gap = &h.gaps[i];

		gap->end_ns = gap->start_ns + 999999;
		gap->n_stretches = 0;
	}
	find();
	assert_int_equal(f.n, 0);
}

static void who_waits_by_design_is_left_alone(void **state)
{
	hand_prio(&h, HAND_NGINX, KF_PRIO_PACK(139, 5)); /* SCHED_IDLE */
	h.gaps[HAND_GAP_CRON].yielded = true;
	find();
	expect_none("RunQueueLatency");
	expect_none("Preempted");
}

static void alike_ones_are_grouped(void **state)
{
	const struct kf_finding *finding;

	/* Another nginx, another redis: the names are what the reader knows. */
	h.threads[HAND_CRON] = h.threads[HAND_NGINX];
	h.threads[HAND_CRON].tid = h.threads[HAND_CRON].tgid = 2145;
	h.threads[HAND_REDIS] = h.threads[HAND_HOG];
	h.threads[HAND_REDIS].tid = 901;
	find();
	finding = expect_found("RunQueueLatency", KF_SEVERITY_ERROR, "71.0 ms");
	assert_int_equal(finding->count, 3);
	assert_int_equal(finding->total_ns, MS(71 + 11 + 5));
}

static void top_cuts_each_rule(void **state)
{
	find();
	assert_true(f.n > 2);
	assert_int_equal(f.n_more, 0);
	options.top = 1;
	find();
	for (size_t i = 0; i < f.n; i++)
		assert_ptr_equal(found(kf_rule_name(f.items[i].rule)), &f.items[i]);
	assert_int_equal(f.n_more, 2); /* nginx behind redis, cron behind hog */
}

static void selection_is_about_who_suffers(void **state)
{
	options.tgid = 77;
	find();
	assert_int_equal(f.n, 1);
	expect_found("RunQueueLatency", KF_SEVERITY_WARN, "cron/77 waited 5.00 ms");
	options = (struct kf_rule_options){ .tid = 77 };
	find();
	assert_int_equal(f.n, 1);
	options = (struct kf_rule_options){ .comm = "cr*" };
	find();
	assert_int_equal(f.n, 1);
	options = (struct kf_rule_options){ .comm = "hog" };
	find();
	assert_int_equal(f.n, 0);
}

static void preemption_names_who(void **state)
{
	const struct kf_finding *finding;

	h.runs0[5].thread = HAND_REDIS; /* 30 to 40 ms */
	h.runs0[6].thread = HAND_REDIS;
	find();
	finding = expect_found("Preempted", KF_SEVERITY_ERROR, "nginx/2144 was preempted by redis/812");
	assert_int_equal(finding->culprit, HAND_REDIS);
	assert_int_equal(finding->count, 1);
}

static void yields_are_apart_and_mild(void **state)
{
	const struct kf_finding *finding;

	h.gaps[HAND_GAP_OPEN].yielded = true;
	find();
	finding = expect_found("Preempted", KF_SEVERITY_WARN, "nginx/2144 yielded");
	assert_int_equal(finding->culprit, KF_NOBODY);
	expect(finding->suggestion, "sched_yield");
	assert_int_equal(expect_found("RunQueueLatency", KF_SEVERITY_ERROR, "waited 11.0 ms")->count, 1);
}

static void woken_ones_were_not_preempted(void **state)
{
	h.gaps[HAND_GAP_OPEN].cause = KF_CAUSE_WOKEN;
	find();
	expect_none("Preempted");
}

static void realtime_hogs_are_named(void **state)
{
	const struct kf_finding *finding;

	hand_prio(&h, HAND_NGINX, NICE(0));
	hand_prio(&h, HAND_HOG, FIFO(50));
	find();
	finding = expect_found(
		"RealtimeHog", KF_SEVERITY_ERROR,
		"hog/900 (SCHED_FIFO 50) held CPU 0 for 61.0 ms of the 71.0 ms that nginx/2144 (nice 0) waited");
	assert_int_equal(finding->culprit, HAND_HOG);
	assert_int_equal(finding->worst_ns, MS(61));
	expect(finding->suggestion, "chrt -o -p 0 900");
}

/* A thread with nice 19 waits as it was told to: slowing others down for it would be wrong. */
static void who_was_told_to_give_way_is_not_helped_by_renice(void **state)
{
	const struct kf_finding *finding;

	hand_prio(&h, HAND_NGINX, NICE(19));
	hand_prio(&h, HAND_HOG, NICE(0));
	find();
	finding = expect_found("RunQueueLatency", KF_SEVERITY_ERROR, "nginx/2144 was preempted");
	expect(finding->suggestion, "nginx/2144 (nice 19) is meant to give way to hog/900 (nice 0)");
	assert_null(strstr(finding->suggestion, "renice"));
}

/* They give way for milliseconds all the time. */
static void threads_of_the_kernel_only_warn_and_late(void **state)
{
	struct kf_rule_settings settings = { 0 };

	h.threads[HAND_NGINX].kernel = true;
	find();
	expect_found("RunQueueLatency", KF_SEVERITY_WARN, "71.0 ms");
	use(&settings, "RunQueueLatency=1ms,72ms");
	find();
	for (size_t i = 0; i < f.n; i++)
		assert_false(f.items[i].thread == HAND_NGINX &&
			     !strcmp(kf_rule_name(f.items[i].rule), "RunQueueLatency"));
	kf_rule_settings_release(&settings);
}

static void fair_ones_equals_and_unknown_ones_are_no_realtime_hogs(void **state)
{
	hand_prio(&h, HAND_HOG, FIFO(50));
	find();
	expect_none("RealtimeHog"); /* what the victims are is not known */
	hand_prio(&h, HAND_NGINX, FIFO(50));
	hand_prio(&h, HAND_CRON, FIFO(50));
	find();
	expect_none("RealtimeHog");
	hand_init(&h);
	hand_prio(&h, HAND_NGINX, NICE(0));
	hand_prio(&h, HAND_HOG, NICE(-20));
	find();
	expect_none("RealtimeHog");
}

static void quotas_are_named_with_path(void **state)
{
	const struct kf_finding *finding;
	struct kf_gap *gap = &h.gaps[HAND_GAP_OPEN];

	gap->cgroup = hand_group(&h, "/web\n", MS(50), MS(100));
	gap->throttled = true;
	gap->throttled_start_ns = MS(30);
	gap->throttled_end_ns = MS(90);
	h.threads[HAND_NGINX].go = true;
	find();
	finding = expect_found(
		"CpuQuotaThrottled", KF_SEVERITY_ERROR,
		"the CPU quota of /web\\x0a (50.0 ms per 100 ms) was used up: nginx/2144 was stopped for 60.0 ms; "
		"threads were throttled for 60 % of the window");
	expect(finding->suggestion, "GOMAXPROCS");
	assert_int_equal(finding->worst_ns, MS(60));
	/* What is left for the queue: 11 ms. */
	assert_int_equal(found("RunQueueLatency")->total_ns, MS(11));
}

static void overlapping_throttles_count_once(void **state)
{
	const struct kf_finding *finding;

	for (size_t i = 0; i < HAND_GAPS; i++)
		h.gaps[i].cgroup = 0;
	hand_group(&h, "/web", MS(50), MS(100));
	h.gaps[HAND_GAP_NGINX].throttled_start_ns = MS(10);
	h.gaps[HAND_GAP_NGINX].throttled_end_ns = MS(20);
	h.gaps[HAND_GAP_CRON].throttled_start_ns = MS(12);
	h.gaps[HAND_GAP_CRON].throttled_end_ns = MS(17);
	find();
	finding = expect_found("CpuQuotaThrottled", KF_SEVERITY_WARN, "throttled for 10 % of the window");
	assert_int_equal(finding->count, 2);
	assert_int_equal(finding->total_ns, MS(15));
	expect(finding->detail, "2 threads stopped, at least one of them for 10.0 ms");
}

static void throttles_of_unknown_length_are_at_most_the_gap(void **state)
{
	h.gaps[HAND_GAP_OPEN].throttled = true;
	find();
	expect_found("CpuQuotaThrottled", KF_SEVERITY_ERROR,
		     "the CPU quota of its cgroup was used up: nginx/2144 was stopped for at most 71.0 ms");
	assert_int_equal(expect_found("RunQueueLatency", KF_SEVERITY_ERROR, "11.0 ms")->worst_ns, MS(11));
}

static void softirq_storms_name_vector_and_victim(void **state)
{
	const struct kf_finding *finding;

	hand_take(&h, 0, KF_PART_SOFTIRQ, 3, MS(41), MS(81), MS(40));
	find();
	finding = expect_found(
		"SoftirqStorm", KF_SEVERITY_WARN,
		"interrupts and softirqs took 40 % of CPU 0 for 100 ms (40 % over the window), most of it softirq "
		"NET_RX; in its worst wait nginx/2144 lost 40.0 ms to that");
	assert_int_equal(finding->cpu, 0);
	expect(finding->suggestion, "RPS");
	options.comm = "cron";
	find();
	expect_none("SoftirqStorm");
}

static void storms_of_interrupts_name_the_device(void **state)
{
	strcpy(h.irqs, "24 virtio0-input.0\n");
	hand_take(&h, 1, KF_PART_IRQ, 24, MS(1), MS(80), MS(70));
	find();
	expect_found("SoftirqStorm", KF_SEVERITY_ERROR,
		     "took 70 % of CPU 1 for 100 ms (70 % over the window), most of it interrupt virtio0-input.0");
	expect(found("SoftirqStorm")->suggestion, "/proc/irq/24/smp_affinity");
}

static void a_little_taken_is_normal(void **state)
{
	hand_take(&h, 0, KF_PART_SOFTIRQ, 3, MS(41), MS(70), MS(29));
	hand_take(&h, 0, KF_PART_STEAL, 0, MS(70), MS(79), MS(9));
	find();
	expect_none("SoftirqStorm");
	expect_none("StealTime");
}

static void steal_is_found(void **state)
{
	hand_take(&h, 0, KF_PART_STEAL, 0, MS(41), MS(71), MS(30));
	hand_take(&h, 1, KF_PART_STEAL, 0, MS(41), MS(71), MS(12));
	find();
	assert_int_equal(
		expect_found("StealTime", KF_SEVERITY_ERROR, "the hypervisor took 30 % of CPU 0 for 100 ms")->count, 2);
	expect_none("SoftirqStorm");
}

/* From 41 to 101 hog has CPU 0 while CPU 1 is idle. */
static void idle_cpus_are_a_placement(void **state)
{
	const struct kf_finding *finding;

	hand_allow(&h, HAND_NGINX, 3);
	find();
	finding = expect_found("BadPlacement", KF_SEVERITY_ERROR,
			       "nginx/2144 waited 71.0 ms for CPU 0 behind hog/900, while for 61.0 ms CPU 1 was idle, "
			       "which it may use");
	assert_int_equal(finding->culprit, HAND_HOG);
	expect(finding->suggestion, "the scheduler left it");
}

static void idle_cpus_it_may_not_use_are_an_affinity(void **state)
{
	const struct kf_finding *finding;

	hand_allow(&h, HAND_NGINX, 1);
	find();
	finding = expect_found(
		"BadPlacement", KF_SEVERITY_ERROR,
		"nginx/2144 is pinned and waited 71.0 ms for CPU 0 behind hog/900, while for 61.0 ms CPU 1 "
		"was idle, which it may not use");
	expect(finding->suggestion, "taskset");
}

/* On another CPU there is no more quota, either. */
static void throttled_ones_are_no_placement(void **state)
{
	hand_allow(&h, HAND_NGINX, 3);
	h.gaps[HAND_GAP_OPEN].throttled_start_ns = MS(40);
	h.gaps[HAND_GAP_OPEN].throttled_end_ns = MS(50);
	find();
	for (size_t i = 0; i < f.n; i++)
		assert_false(f.items[i].gap == &h.gaps[HAND_GAP_OPEN] &&
			     !strcmp(kf_rule_name(f.items[i].rule), "BadPlacement"));
}

static void placement_needs_to_know_the_affinity(void **state)
{
	find();
	expect_none("BadPlacement");
	hand_allow(&h, HAND_NGINX, 3);
	h.threads[HAND_NGINX].kernel = true;
	find();
	expect_none("BadPlacement");
}

/* ---- hostile ---- */

static void hostile_names_and_numbers_do_no_harm(void **state)
{
	memset(h.threads[HAND_HOG].comm, 0xff, KF_COMM_BYTES - 1);
	memcpy(h.threads[HAND_HOG].process_comm, "\033[2J</script>", 13);
	h.gaps[HAND_GAP_OPEN].cgroup = 12345;
	h.gaps[HAND_GAP_OPEN].throttled = true;
	h.gaps[HAND_GAP_OPEN].cpu = KF_NO_CPU;
	hand_take(&h, 0, KF_PART_SOFTIRQ, 65535, 0, UINT64_MAX / 2, UINT64_MAX / 2);
	hand_take(&h, 1, KF_PART_IRQ, 65535, 0, UINT64_MAX, UINT64_MAX);
	h.cpus[1].taken_floor_ns = UINT64_MAX;
	find();
	for (size_t i = 0; i < f.n; i++) {
		assert_null(strchr(f.items[i].message, '\033'));
		assert_null(strchr(f.items[i].suggestion, '\033'));
		assert_null(strchr(f.items[i].detail, '\033'));
	}
}

static void an_empty_timeline_has_no_findings(void **state)
{
	h.timeline = (struct kf_timeline){ .floor_ns = 5, .end_ns = 5 };
	find();
	assert_int_equal(f.n, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_rule_is_complete),
		TEST(bad_settings_are_explained),
		TEST(settings_override_and_switch_off),
		TEST(a_warn_beyond_the_default_error_moves_it),
		TEST(long_gaps_are_found),
		TEST(several_in_turn_are_no_culprit),
		TEST(short_gaps_are_not),
		TEST(who_waits_by_design_is_left_alone),
		TEST(alike_ones_are_grouped),
		TEST(top_cuts_each_rule),
		TEST(selection_is_about_who_suffers),
		TEST(preemption_names_who),
		TEST(yields_are_apart_and_mild),
		TEST(woken_ones_were_not_preempted),
		TEST(realtime_hogs_are_named),
		TEST(threads_of_the_kernel_only_warn_and_late),
		TEST(who_was_told_to_give_way_is_not_helped_by_renice),
		TEST(fair_ones_equals_and_unknown_ones_are_no_realtime_hogs),
		TEST(quotas_are_named_with_path),
		TEST(overlapping_throttles_count_once),
		TEST(throttles_of_unknown_length_are_at_most_the_gap),
		TEST(softirq_storms_name_vector_and_victim),
		TEST(storms_of_interrupts_name_the_device),
		TEST(a_little_taken_is_normal),
		TEST(steal_is_found),
		TEST(idle_cpus_are_a_placement),
		TEST(throttled_ones_are_no_placement),
		TEST(idle_cpus_it_may_not_use_are_an_affinity),
		TEST(placement_needs_to_know_the_affinity),
		TEST(hostile_names_and_numbers_do_no_harm),
		TEST(an_empty_timeline_has_no_findings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
