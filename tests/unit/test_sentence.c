/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hand_timeline.h"
#include "kflight/record.h"
#include "output/line.h"
#include "output/sentence.h"

static struct hand h;

static int setup(void **state)
{
	hand_init(&h);
	return 0;
}

static const char *sentence(const struct kf_gap *gap)
{
	static char buf[KF_SENTENCE_BYTES];

	size_t len = kf_gap_sentence(&h.timeline, gap, buf, sizeof(buf));

	assert_int_equal(len, strlen(buf));
	return buf;
}

static void woken_names_waker_and_culprits_largest_first(void **state)
{
	assert_string_equal(sentence(&h.gaps[HAND_GAP_NGINX]),
			    "nginx/2144 waited 11.0 ms to run on CPU 0 (woken by redis/812): 7.00 ms redis/812 (64 %), "
			    "3.00 ms cron/77 (27 %), CPU 0 was idle 1.00 ms (wake-up path, 9 %)");
}

static void open_and_preempted_with_unknown_time(void **state)
{
	assert_string_equal(sentence(&h.gaps[HAND_GAP_OPEN]),
			    "nginx/2144 was preempted and has waited 71.0 ms to run again on CPU 0 and still waits: "
			    "61.0 ms hog/900 (86 %), 10.0 ms unknown (14 %)");
}

static void migrated_names_the_cpus(void **state)
{
	assert_string_equal(sentence(&h.gaps[HAND_GAP_CRON]),
			    "cron/77 waited 5.00 ms to run on CPU 0 (woken by ksoftirqd/3, moved CPU 1 -> 0): "
			    "3.00 ms hog/900 on CPU 1 (60 %), 2.00 ms redis/812 on CPU 0 (40 %)");
}

/* A gap of the hog on CPU 0 from 10 to 17, where redis ran from the first moment. */
static struct kf_gap redis_gap(uint8_t cause)
{
	h.stretches[2].end_ns = MS(17);
	return (struct kf_gap){ .thread = HAND_HOG,
				.cause = cause,
				.waker = KF_NOBODY,
				.start_ns = MS(10),
				.end_ns = MS(17),
				.first_stretch = 2,
				.n_stretches = 1 };
}

static void every_cause_has_its_words(void **state)
{
	struct kf_gap gap = redis_gap(KF_CAUSE_PREEMPTED);

	assert_string_equal(sentence(&gap), "hog/900 was preempted by redis/812 and waited 7.00 ms to run again on CPU "
					    "0: 7.00 ms redis/812 (100 %)");
	gap.yielded = true;
	assert_string_equal(sentence(&gap), "hog/900 yielded and waited 7.00 ms to run again on CPU 0: 7.00 ms "
					    "redis/812 (100 %)");
	gap.throttled = true;
	assert_string_equal(sentence(&gap), "hog/900 was throttled (CPU quota of its cgroup) and waited 7.00 ms to run "
					    "again on CPU 0: 7.00 ms unknown (100 %)");
	gap = redis_gap(KF_CAUSE_FORKED);
	gap.waker = HAND_CRON;
	assert_string_equal(sentence(&gap), "hog/900 was started by cron/77 and waited 7.00 ms for its first run on "
					    "CPU 0: 7.00 ms redis/812 (100 %)");
	gap = redis_gap(KF_CAUSE_UNKNOWN);
	assert_string_equal(sentence(&gap), "hog/900 waited 7.00 ms to run on CPU 0 (why it was ready is not "
					    "known): 7.00 ms redis/812 (100 %)");
}

static void a_gap_cut_by_the_window_is_a_lower_bound(void **state)
{
	struct kf_gap gap = redis_gap(KF_CAUSE_UNKNOWN);

	h.timeline.floor_ns = gap.start_ns;
	assert_string_equal(sentence(&gap), "hog/900 waited at least 7.00 ms to run on CPU 0 (ready since before the "
					    "window): 7.00 ms redis/812 (100 %)");
}

/* 1 us and 2 us of 7 ms are below one per cent. */
static void crumbs_are_summed_up(void **state)
{
	struct kf_gap gap = redis_gap(KF_CAUSE_WOKEN);

	h.runs0[1].end_ns = MS(17) - 3000;
	h.runs0[2] = (struct kf_run){ MS(17) - 3000, MS(17) - 1000, HAND_CRON };
	h.runs0[3] = (struct kf_run){ MS(17) - 1000, MS(21), KF_IDLE };
	assert_non_null(strstr(sentence(&gap), ": 7.00 ms redis/812 (100 %), and 2 more 3.00 us (<1 %)"));
}

static void every_waker_has_its_words(void **state)
{
	struct kf_gap gap = redis_gap(KF_CAUSE_WOKEN);

	assert_non_null(strstr(sentence(&gap), "(woken by an unknown thread)"));
	gap.waker = KF_IDLE;
	assert_non_null(strstr(sentence(&gap), "(woken by the idle task)"));
	gap.waker_irq = true;
	assert_non_null(strstr(sentence(&gap), "(woken by an interrupt)"));
}

static void unknown_cpu_is_not_named(void **state)
{
	struct kf_gap gap = redis_gap(KF_CAUSE_WOKEN);

	gap.cpu = KF_NO_CPU;
	h.stretches[2].cpu = KF_NO_CPU;
	assert_string_equal(sentence(&gap),
			    "hog/900 waited 7.00 ms to run (woken by an unknown thread): 7.00 ms unknown (100 %)");
}

/* Ten culprits on CPU 0 from 0 to 55 us: the first 1 us, the next 2 us and so on. */
static void many_culprits(struct hand *m, struct kf_thread *threads, struct kf_run *runs, uint32_t n)
{
	uint64_t at = MS(1);

	for (uint32_t i = 0; i < n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "t%u", i + 1);
		hand_name(&threads[i], i + 1, name);
		runs[i] = (struct kf_run){ at, at + (i + 1) * 1000, i };
		at = runs[i].end_ns;
	}
	m->cpus[0] = (struct kf_cpu){ .runs = runs, .n_runs = n };
	m->timeline.threads = threads;
	m->timeline.n_threads = n;
	m->timeline.end_ns = at;
	m->stretches[0] = (struct kf_stretch){ MS(1), at, 0 };
	m->gaps[0] = (struct kf_gap){
		.cause = KF_CAUSE_WOKEN, .waker = KF_IDLE, .start_ns = MS(1), .end_ns = at, .n_stretches = 1
	};
}

static void small_culprits_are_summed_up(void **state)
{
	struct kf_thread threads[10];
	struct kf_run runs[10];

	many_culprits(&h, threads, runs, 10);
	assert_string_equal(sentence(&h.gaps[0]),
			    "t1/1 waited 55.0 us to run on CPU 0 (woken by the idle task): 10.0 us t10/10 (18 %), "
			    "9.00 us t9/9 (16 %), 8.00 us t8/8 (15 %), 7.00 us t7/7 (13 %), and 6 more 21.0 us (38 %)");
}

/* Eight of ten culprits are workers: they come first, as one. */
static void many_of_one_name_are_one(void **state)
{
	struct kf_thread threads[10];
	struct kf_run runs[10];

	many_culprits(&h, threads, runs, 10);
	for (int i = 2; i < 10; i++)
		strcpy(threads[i].comm, "worker");
	assert_string_equal(sentence(&h.gaps[0]),
			    "t1/1 waited 55.0 us to run on CPU 0 (woken by the idle task): 52.0 us worker (8 threads, "
			    "94 %), 2.00 us t2/2 (4 %), 1.00 us t1/1 (2 %)");
}

static void one_left_over_is_named(void **state)
{
	struct kf_thread threads[5];
	struct kf_run runs[5];

	many_culprits(&h, threads, runs, 5);
	assert_non_null(strstr(sentence(&h.gaps[0]), "2.00 us t2/2 (13 %), 1.00 us t1/1 (7 %)"));
	assert_null(strstr(sentence(&h.gaps[0]), "more"));
}

static void unknown_time_is_never_folded(void **state)
{
	struct kf_thread threads[10];
	struct kf_run runs[10];

	many_culprits(&h, threads, runs, 10);
	runs[0].thread = KF_NOT_KNOWN;
	assert_non_null(strstr(sentence(&h.gaps[0]), "and 5 more 20.0 us (36 %), 1.00 us unknown (2 %)"));
}

static void names_are_escaped_and_threads_name_their_process(void **state)
{
	struct kf_gap gap = redis_gap(KF_CAUSE_WOKEN);

	memcpy(h.threads[HAND_HOG].comm, "a\x1b[31m\xff", 8);
	h.threads[HAND_HOG].tgid = 899;
	assert_non_null(strstr(sentence(&gap), "a\\x1b[31m\\xff/900 of hog waited"));
}

/* No model makes such a gap, but what says who ran must not need that. */
static void a_gap_without_parts_has_no_list(void **state)
{
	struct kf_gap gap = redis_gap(KF_CAUSE_WOKEN);

	gap.n_stretches = 0;
	assert_null(strchr(sentence(&gap), ':'));
	assert_non_null(strstr(sentence(&gap), "waited 7.00 ms"));
}

/* What is kept from gap to gap changes nothing: windows of all lengths over ten culprits of three names. */
static void many_sentences_do_not_mix(void **state)
{
	struct kf_sentences s = { .t = &h.timeline };
	struct kf_stretch *stretch = &h.stretches[0];
	struct kf_gap *gap = &h.gaps[0];
	struct kf_thread threads[10];
	char buf[KF_SENTENCE_BYTES];
	struct kf_run runs[10];
	uint64_t end_ns;

	many_culprits(&h, threads, runs, 10);
	for (int i = 0; i < 10; i++)
		snprintf(threads[i].comm, sizeof(threads[i].comm), "name%d", i % 3);
	end_ns = gap->end_ns;
	for (gap->start_ns = MS(1); gap->start_ns < end_ns; gap->start_ns += 700) {
		for (gap->end_ns = end_ns; gap->end_ns > gap->start_ns; gap->end_ns -= 700) {
			*stretch = (struct kf_stretch){ gap->start_ns, gap->end_ns, 0 };
			kf_sentences_gap(&s, gap, buf, sizeof(buf));
			assert_string_equal(buf, sentence(gap));
		}
	}
	kf_sentences_release(&s);
}

/* Eight parts have one name, but two of them are one thread on two CPUs. */
static void a_thread_on_two_cpus_counts_once(void **state)
{
	struct kf_run other[] = { { MS(2), MS(3), 9 } };
	struct kf_thread threads[10];
	struct kf_run runs[10];

	many_culprits(&h, threads, runs, 10);
	for (int i = 3; i < 10; i++)
		strcpy(threads[i].comm, "worker");
	h.cpus[1] = (struct kf_cpu){ .runs = other, .n_runs = 1 };
	h.stretches[1] = (struct kf_stretch){ MS(2), MS(3), 1 };
	h.gaps[0].n_stretches = 2;
	assert_non_null(strstr(sentence(&h.gaps[0]), "1.05 ms worker (7 threads, 99 %)"));
}

static void a_short_buffer_is_filled_and_ended(void **state)
{
	char buf[40];

	for (size_t len = 1; len <= sizeof(buf); len++) {
		memset(buf, '#', sizeof(buf));
		assert_int_equal(kf_gap_sentence(&h.timeline, &h.gaps[HAND_GAP_NGINX], buf, len), len - 1);
		assert_int_equal(strlen(buf), len - 1);
	}
}

static void a_cut_never_halves_a_character(void **state)
{
	struct kf_line line;
	char buf[6];

	kf_line_init(&line, buf, sizeof(buf));
	kf_line_add(&line, "ab\xe2\x82\xac\xe2\x82\xac"); /* two euro signs, three bytes each */
	assert_string_equal(buf, "ab\xe2\x82\xac");
	kf_line_init(&line, buf, 5);
	kf_line_add(&line, "ab\xe2\x82\xac");
	assert_string_equal(buf, "ab");
	assert_int_equal(line.used, 2);
}

static uint16_t nice_level(int level)
{
	return (uint16_t)KF_PRIO_PACK(120 + level, 0);
}

static uint16_t fifo(int level)
{
	return (uint16_t)KF_PRIO_PACK(99 - level, 1);
}

static void interrupts_and_steal_come_off_whom_they_interrupted(void **state)
{
	strcpy(h.irqs, "9 acpi\n24 virtio0-input.0\n");
	hand_take(&h, 0, KF_PART_SOFTIRQ, 3, MS(11), MS(13), MS(2));
	hand_take(&h, 0, KF_PART_IRQ, KF_VECTOR_TIMER, MS(14), MS(15), 400000);
	hand_take(&h, 0, KF_PART_IRQ, 24, MS(18), MS(19), 300000);
	hand_take(&h, 0, KF_PART_STEAL, 0, MS(17), MS(20), 1500000);
	assert_string_equal(sentence(&h.gaps[HAND_GAP_NGINX]), "nginx/2144 waited 11.0 ms to run on CPU 0 (woken by "
							       "redis/812): 4.60 ms redis/812 (42 %), 2.00 ms softirq "
							       "NET_RX (18 %), 1.50 ms stolen by the hypervisor (14 "
							       "%), 1.20 ms cron/77 (11 %), and 3 more 1.70 ms (15 %)");
	h.cpus[0].n_taken--;
	assert_non_null(strstr(sentence(&h.gaps[HAND_GAP_NGINX]),
			       "2.70 ms cron/77 (25 %), 2.00 ms softirq NET_RX (18 %), "
			       "CPU 0 was idle 1.00 ms (wake-up path, 9 %), and 2 more"));
	h.gaps[HAND_GAP_NGINX].kind = KF_GAP_IDLE;
	assert_non_null(strstr(sentence(&h.gaps[HAND_GAP_NGINX]), "(woken by redis/812 while its CPU was idle)"));
}

static void every_vector_has_its_words(void **state)
{
	static const struct {
		uint8_t kind;
		uint16_t vector;
		const char *want;
	} rows[] = {
		{ KF_PART_SOFTIRQ, 0, "softirq HI" },
		{ KF_PART_SOFTIRQ, 9, "softirq RCU" },
		{ KF_PART_SOFTIRQ, 77, "softirq 77" },
		{ KF_PART_IRQ, KF_VECTOR_TIMER, "timer interrupt" },
		{ KF_PART_IRQ, KF_VECTOR_CALL, "function call interrupt" },
		{ KF_PART_IRQ, KF_VECTOR_IRQ_WORK, "irq_work interrupt" },
		{ KF_PART_IRQ, 24, "interrupt virtio0-input.0" },
		{ KF_PART_IRQ, 25, "interrupt evil\\x1b" },
		{ KF_PART_IRQ, 26, "interrupt 26" },
	};

	strcpy(h.irqs, "24 virtio0-input.0\n25 evil\x1b\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char want[64];

		h.cpus[0].n_taken = 0;
		hand_take(&h, 0, rows[i].kind, rows[i].vector, MS(11), MS(13), MS(2));
		snprintf(want, sizeof(want), ", 2.00 ms %s (18 %%)", rows[i].want);
		if (!strstr(sentence(&h.gaps[HAND_GAP_NGINX]), want))
			fail_msg("'%s' is not in '%s'", want, sentence(&h.gaps[HAND_GAP_NGINX]));
	}
}

static void migrated_interrupts_name_their_cpu(void **state)
{
	hand_take(&h, 0, KF_PART_SOFTIRQ, 3, MS(15), MS(16), MS(1));
	hand_take(&h, 1, KF_PART_SOFTIRQ, 3, MS(12), MS(13), MS(1));
	assert_string_equal(
		sentence(&h.gaps[HAND_GAP_CRON]),
		"cron/77 waited 5.00 ms to run on CPU 0 (woken by ksoftirqd/3, moved CPU 1 -> 0): 2.00 ms "
		"hog/900 on CPU 1 (40 %), 1.00 ms softirq NET_RX on CPU 1 (20 %), 1.00 ms redis/812 on CPU 0 (20 "
		"%), 1.00 ms softirq NET_RX on CPU 0 (20 %)");
}

/* Preempted by the quota, woken while it was used up, and both without a cgroup. */
static void throttled_names_cgroup_and_quota_once(void **state)
{
	struct kf_gap gap = redis_gap(KF_CAUSE_PREEMPTED);

	gap.cgroup = hand_group(&h, "/web", MS(50), MS(100));
	gap.throttled_start_ns = MS(10);
	gap.throttled_end_ns = MS(16);
	gap.throttled = true;
	assert_string_equal(
		sentence(&gap),
		"hog/900 was throttled by /web (quota 50 ms per 100 ms) and waited 7.00 ms to run again on CPU 0: "
		"6.00 ms throttled (86 %), 1.00 ms redis/812 (14 %)");
	gap.throttled = false;
	gap.cause = KF_CAUSE_WOKEN;
	gap.kind = KF_GAP_THROTTLED;
	assert_string_equal(sentence(&gap),
			    "hog/900 waited 7.00 ms to run on CPU 0 (woken by an unknown thread): 6.00 ms "
			    "throttled by /web (quota 50 ms per 100 ms, 86 %), 1.00 ms redis/812 (14 %)");
	gap.cgroup = hand_group(&h, "/a\nb", 0, 0);
	assert_non_null(strstr(sentence(&gap), ": 6.00 ms throttled by /a\\x0ab (86 %), "));
	gap.cgroup = KF_NO_CGROUP;
	assert_non_null(strstr(sentence(&gap), ": 6.00 ms throttled by a CPU quota (86 %), "));
	gap.throttled = true;
	assert_string_equal(sentence(&gap),
			    "hog/900 was throttled (CPU quota of its cgroup) and waited 7.00 ms to run again on "
			    "CPU 0 (woken by an unknown thread): 6.00 ms throttled (86 %), 1.00 ms redis/812 (14 "
			    "%)");
}

/* What redis, at this priority, is said to be to hog, at that. */
static void check_rank(uint16_t culprit, uint16_t victim, const char *want)
{
	struct kf_gap gap = redis_gap(KF_CAUSE_WOKEN);
	char end[64];

	hand_prio(&h, HAND_REDIS, culprit);
	hand_prio(&h, HAND_HOG, victim);
	snprintf(end, sizeof(end), ": 7.00 ms redis/812 (%s100 %%)", want);
	if (!strstr(sentence(&gap), end))
		fail_msg("'%s' is not in '%s'", end, sentence(&gap));
}

static void a_rank_is_told_where_it_explains(void **state)
{
	check_rank(0, 0, "");
	check_rank(0, nice_level(0), "");
	check_rank(nice_level(0), 0, "");
	check_rank(nice_level(0), nice_level(0), "");
	check_rank(nice_level(0), nice_level(4), "");
	check_rank(nice_level(0), nice_level(5), "nice 0 against 5, ");
	check_rank(nice_level(-20), nice_level(19), "nice -20 against 19, ");
	check_rank(nice_level(19), nice_level(-20), "");
	check_rank(nice_level(0), KF_PRIO_PACK(120, 5), "nice 0 against SCHED_IDLE, ");
	check_rank(KF_PRIO_PACK(120, 5), nice_level(19), "");
	check_rank(fifo(50), nice_level(0), "SCHED_FIFO 50, ");
	check_rank(fifo(50), 0, "SCHED_FIFO 50, ");
	check_rank(fifo(50), fifo(50), "SCHED_FIFO 50, ");
	check_rank(fifo(50), fifo(51), "");
	check_rank(nice_level(0), fifo(1), "");
	check_rank(KF_PRIO_PACK(-1, 6), fifo(99), "SCHED_DEADLINE, ");
}

/* The rank counts that it had when it ran. */
static void a_rank_is_that_of_the_time(void **state)
{
	h.prios[0] = (struct kf_prio_change){ 0, HAND_REDIS, fifo(7) };
	h.prios[1] = (struct kf_prio_change){ MS(18), HAND_REDIS, nice_level(0) };
	h.timeline.n_prios = 2;
	check_rank(nice_level(0), nice_level(0), "SCHED_FIFO 7, ");
	h.prios[1].ts_ns = MS(9);
	check_rank(nice_level(0), nice_level(0), "");
}

static void cpu_stoppers_are_told(void **state)
{
	struct kf_gap gap = redis_gap(KF_CAUSE_WOKEN);

	hand_name(&h.threads[HAND_REDIS], 18, "migration/0");
	assert_non_null(strstr(sentence(&gap), ": 7.00 ms migration/0/18 (100 %)"));
	h.threads[HAND_REDIS].kernel = true;
	h.threads[HAND_REDIS].prio = fifo(99);
	assert_non_null(strstr(sentence(&gap), ": 7.00 ms migration/0 (CPU stopper, 100 %)"));
	gap.cause = KF_CAUSE_PREEMPTED;
	assert_string_equal(sentence(&gap),
			    "hog/900 was preempted by migration/0 (CPU stopper) and waited 7.00 ms to run again on "
			    "CPU 0: 7.00 ms migration/0 (100 %)");
}

static void containers_are_named(void **state)
{
	h.threads[HAND_NGINX].cgroup = hand_group(&h, HAND_POD "/" HAND_CONTAINER, 0, 0);
	h.threads[HAND_REDIS].cgroup = hand_group(&h, "/lxc/web", 0, 0);
	h.threads[HAND_CRON].cgroup = hand_group(&h, "/system.slice/cron.service", 0, 0);
	assert_string_equal(sentence(&h.gaps[HAND_GAP_NGINX]),
			    "nginx/2144 [0ba8ac17e4e7] waited 11.0 ms to run on CPU 0 (woken by redis/812 [web]): "
			    "7.00 ms redis/812 [web] (64 %), 3.00 ms cron/77 (27 %), CPU 0 was idle 1.00 ms "
			    "(wake-up path, 9 %)");
}

/* Everything as long as it can be. */
static void the_longest_sentence_fits(void **state)
{
	char path[4096];
	struct kf_gap *gap = &h.gaps[HAND_GAP_NGINX];
	char text[2 * KF_SENTENCE_BYTES];

	memset(path, '\x01', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	strcpy(h.irqs, "24 \x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\n");
	for (int i = 0; i < HAND_THREADS; i++) {
		memset(h.threads[i].comm, '\x01', KF_COMM_BYTES - 1);
		memset(h.threads[i].process_comm, '\x02', KF_COMM_BYTES - 1);
		h.threads[i].tid = UINT32_MAX - (uint32_t)i;
		hand_prio(&h, (uint32_t)i, i == HAND_NGINX ? nice_level(-20) : fifo(99));
	}
	for (int i = 0; i < HAND_THREADS; i++)
		h.threads[i].cgroup = 0;
	hand_group(&h, "/", 0, 0);
	memset(h.groups[0].container.id, 'x', KF_CONTAINER_ID_BYTES - 1);
	gap->cause = KF_CAUSE_WOKEN;
	gap->throttled = gap->open = true;
	gap->cgroup = hand_group(&h, path, UINT64_MAX, UINT64_MAX);
	gap->throttled_start_ns = MS(10);
	gap->throttled_end_ns = MS(12);
	hand_take(&h, 0, KF_PART_IRQ, 24, MS(18), MS(19), MS(1));
	assert_in_range(kf_gap_sentence(&h.timeline, gap, text, sizeof(text)), 1, KF_SENTENCE_BYTES - 1);
	gap->throttled = false;
	assert_in_range(kf_gap_sentence(&h.timeline, gap, text, sizeof(text)), 1, KF_SENTENCE_BYTES - 1);
}

static void percentages_add_up(void **state)
{
	const uint64_t cases[][4] = {
		{ 1, 1, 1, 0 },	      { 1, 1, 1, 1 }, { 999, 1, 0, 0 }, { UINT64_MAX / 4, 1, UINT64_MAX / 4, 3 },
		{ 335, 335, 330, 0 }, { 0, 0, 0, 7 },
	};
	unsigned int percent[4];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		kf_percentages(cases[i], 4, percent);
		assert_int_equal(percent[0] + percent[1] + percent[2] + percent[3], 100);
		for (size_t k = 0; k < 4; k++)
			assert_true(cases[i][k] || !percent[k]);
	}
	kf_percentages((const uint64_t[]){ 0, 0, 0, 0 }, 4, percent);
	assert_int_equal(percent[0] + percent[1] + percent[2] + percent[3], 0);
}

static void counts_have_separators(void **state)
{
	char buf[32];

	assert_string_equal(kf_format_count(0, buf, sizeof(buf)), "0");
	assert_string_equal(kf_format_count(999, buf, sizeof(buf)), "999");
	assert_string_equal(kf_format_count(1000, buf, sizeof(buf)), "1,000");
	assert_string_equal(kf_format_count(UINT64_MAX, buf, sizeof(buf)), "18,446,744,073,709,551,615");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(woken_names_waker_and_culprits_largest_first, setup),
		cmocka_unit_test_setup(open_and_preempted_with_unknown_time, setup),
		cmocka_unit_test_setup(migrated_names_the_cpus, setup),
		cmocka_unit_test_setup(every_cause_has_its_words, setup),
		cmocka_unit_test_setup(a_gap_cut_by_the_window_is_a_lower_bound, setup),
		cmocka_unit_test_setup(crumbs_are_summed_up, setup),
		cmocka_unit_test_setup(every_waker_has_its_words, setup),
		cmocka_unit_test_setup(unknown_cpu_is_not_named, setup),
		cmocka_unit_test_setup(small_culprits_are_summed_up, setup),
		cmocka_unit_test_setup(many_of_one_name_are_one, setup),
		cmocka_unit_test_setup(one_left_over_is_named, setup),
		cmocka_unit_test_setup(unknown_time_is_never_folded, setup),
		cmocka_unit_test_setup(names_are_escaped_and_threads_name_their_process, setup),
		cmocka_unit_test_setup(a_gap_without_parts_has_no_list, setup),
		cmocka_unit_test_setup(many_sentences_do_not_mix, setup),
		cmocka_unit_test_setup(a_thread_on_two_cpus_counts_once, setup),
		cmocka_unit_test_setup(a_short_buffer_is_filled_and_ended, setup),
		cmocka_unit_test_setup(a_cut_never_halves_a_character, setup),
		cmocka_unit_test_setup(interrupts_and_steal_come_off_whom_they_interrupted, setup),
		cmocka_unit_test_setup(every_vector_has_its_words, setup),
		cmocka_unit_test_setup(migrated_interrupts_name_their_cpu, setup),
		cmocka_unit_test_setup(throttled_names_cgroup_and_quota_once, setup),
		cmocka_unit_test_setup(a_rank_is_told_where_it_explains, setup),
		cmocka_unit_test_setup(a_rank_is_that_of_the_time, setup),
		cmocka_unit_test_setup(cpu_stoppers_are_told, setup),
		cmocka_unit_test_setup(containers_are_named, setup),
		cmocka_unit_test_setup(the_longest_sentence_fits, setup),
		cmocka_unit_test(percentages_add_up),
		cmocka_unit_test(counts_have_separators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
