/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules about waits, births and threads at a time, on snapshots made record by record. Times are ms. */
#include <fcntl.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/error.h"
#include "found.h"
#include "make_snapshot.h"
#include "model/timeline.h"
#include "rules/finding.h"

#define MS(n) ((uint64_t)(n)*1000000)
#define LOCK  0x7f00000000c0ULL

enum { VICTIM = 100, OTHER = 101, THIRD = 102 };

static struct kf_snapshot *s;
static struct kf_timeline *t;
static struct kf_rule_options options;

/* Four CPUs, from 10 ms to 2010 ms. */
static int setup(void **state)
{
	s = make(4, MS(10), MS(2010));
	options = (struct kf_rule_options){ 0 };
	return 0;
}

static int teardown(void **state)
{
	kf_findings_release(&f);
	kf_timeline_free(&t);
	kf_snapshot_free(&s);
	return 0;
}

static struct kf_task *named(uint32_t tid, const char *comm)
{
	struct kf_task *task = scanned(s, tid, INTERRUPTIBLE, 0, KF_NR_USER);

	snprintf(task->comm, sizeof(task->comm), "%s", comm);
	return task;
}

static void find(void)
{
	struct kf_error e = { 0 };

	if (kf_timeline_build(&t, s, &e) || kf_findings_find(&f, t, s, &options, &e))
		fail_msg("%s", e.message);
	for (size_t i = 0; i < f.n; i++)
		assert_true(f.items[i].message[0] && f.items[i].suggestion[0]);
}

/* The second slot of the newest record of a CPU. */
static void with_args(uint32_t cpu, uint64_t arg0, uint64_t arg1, uint32_t arg2, unsigned int type)
{
	struct kf_ring_copy *ring = &s->rings[KF_CLASS_SCHED][cpu];
	struct kf_slot_args args;

	memcpy(&args, &ring->slots[ring->n_slots - 1], sizeof(args));
	args.arg0 = arg0;
	args.arg1 = arg1;
	args.arg2 = arg2;
	args.filetype = (uint8_t)(type >> 12);
	memcpy(&ring->slots[ring->n_slots - 1], &args, sizeof(args));
}

static void by_interrupt(struct kf_slot *waking)
{
	waking->flags = KF_CTX_HARDIRQ << KF_F_CONTEXT_SHIFT;
}

/* VICTIM blocks on CPU 0 from 100 ms on in a syscall of this state and these arguments, and runs again at once when woken. */
static void victim_waits(uint64_t until_ms, uint16_t nr, uint32_t state, uint64_t arg0, uint64_t arg1,
			 unsigned int type)
{
	named(VICTIM, "victim");
	resumed(s, 0, MS(90), 0, VICTIM);
	left(s, 0, MS(100), VICTIM, 0, nr, state);
	with_args(0, arg0, arg1, 0, type);
	by_interrupt(waking(s, 0, MS(until_ms), VICTIM, 0, 0));
	switched(s, 0, MS(until_ms) + 1000, 0, VICTIM);
	blocked(s, 0, MS(2000), VICTIM, 0, SYS_epoll_wait);
}

/* ---- disk and syscalls ---- */

static void waits_for_the_disk_are_found(void **state)
{
	const struct kf_finding *finding;

	victim_waits(400, SYS_fsync, UNINTERRUPTIBLE, 3, 0, 0);
	find();
	finding = expect_found("BlockedOnDisk", KF_SEVERITY_ERROR, "victim/100 waited 300 ms for the disk in fsync(3)");
	assert_int_equal(finding->worst_ns, MS(300));
	assert_int_equal(finding->ts_ns, MS(100));
	assert_string_equal(finding->where, "fsync(3)");
	assert_non_null(strstr(finding->suggestion, "sync"));
	assert_string_equal(
		expect_found("LongSyscall", KF_SEVERITY_WARN, "victim/100 was blocked 300 ms in fsync(3) (disk)")
			->where,
		"fsync(3)");
}

static void page_faults_are_the_disk_too(void **state)
{
	const struct kf_finding *finding;

	victim_waits(150, KF_NR_USER, UNINTERRUPTIBLE, 0, 0, 0);
	find();
	finding = expect_found("BlockedOnDisk", KF_SEVERITY_WARN,
			       "victim/100 waited 50.0 ms for the disk in a page fault");
	assert_string_equal(finding->where, "a page fault");
	expect_none("LongSyscall");
}

static void short_disk_waits_are_normal(void **state)
{
	victim_waits(119, SYS_fsync, UNINTERRUPTIBLE, 3, 0, 0);
	find();
	expect_none("BlockedOnDisk");
	expect_none("LongSyscall");
}

static void open_disk_waits_count(void **state)
{
	named(VICTIM, "victim");
	resumed(s, 0, MS(90), 0, VICTIM);
	left(s, 0, MS(100), VICTIM, 0, SYS_fsync, UNINTERRUPTIBLE);
	find();
	expect_found("BlockedOnDisk", KF_SEVERITY_ERROR,
		     "victim/100 has waited 1.91 s for the disk in fsync(0) and still waits");
}

/* Each is how threads idle, for as long as it takes. */
static void idling_is_no_long_syscall(void **state)
{
	const struct {
		uint16_t nr;
		uint64_t arg1;
		unsigned int type;
	} idle[] = {
		{ SYS_epoll_wait, 0, 0 },      { SYS_poll, 0, 0 },	     { SYS_read, 0, S_IFIFO },
		{ SYS_read, 0, S_IFSOCK },     { SYS_read, 0, 0 },	     { SYS_accept4, 0, 0 },
		{ SYS_recvfrom, 0, 0 },	       { SYS_wait4, 0, 0 },	     { SYS_clock_nanosleep, 0, 0 },
		{ SYS_rt_sigtimedwait, 0, 0 }, { SYS_futex, FUTEX_WAIT, 0 }, { SYS_futex, FUTEX_WAIT_BITSET, 0 },
		{ SYS_msgrcv, 0, 0 },	       { SYS_ioctl, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
		if (i) {
			teardown(state);
			setup(state);
		}
		victim_waits(1900, idle[i].nr, INTERRUPTIBLE, 5, idle[i].arg1, idle[i].type);
		find();
		expect_none("LongSyscall");
		expect_none("BlockedOnDisk");
	}
}

static void file_locks_are_long_syscalls(void **state)
{
	victim_waits(1300, SYS_flock, INTERRUPTIBLE, 7, 2, 0);
	find();
	assert_non_null(strstr(
		expect_found("LongSyscall", KF_SEVERITY_ERROR, "victim/100 was blocked 1.20 s in flock(7) (lock)")
			->suggestion,
		"/proc/locks"));
}

static void full_pipes_only_warn(void **state)
{
	victim_waits(1900, SYS_write, INTERRUPTIBLE, 1, 0, S_IFIFO);
	find();
	expect_found("LongSyscall", KF_SEVERITY_WARN, "in write(1) (pipe_write)");
}

/* The record of the whole call counts, not each wait in it. */
static void recorded_syscalls_count_once(void **state)
{
	victim_waits(400, SYS_fsync, UNINTERRUPTIBLE, 3, 0, 0);
	called(s, 0, MS(99), MS(401), VICTIM, SYS_fsync, 0);
	called(s, 0, MS(410), MS(1410), VICTIM, SYS_epoll_wait, 0);
	called(s, 0, MS(1411), MS(1811), VICTIM, SYS_read, 0);
	find();
	assert_int_equal(expect_found("LongSyscall", KF_SEVERITY_WARN, "victim/100 was 302 ms in fsync(7)")->count, 1);
	assert_int_equal(found("LongSyscall")->ts_ns, MS(99));
	for (size_t i = 0, n = 0; i < f.n; i++) {
		n += !strcmp(kf_rule_name(f.items[i].rule), "LongSyscall");
		assert_true(n <= 1);
	}
}

/* ---- sleeps ---- */

/* VICTIM sleeps on CPU 0 from 100 ms, is woken by its timer at this time, and runs late_ms later, behind OTHER. */
static void sleeps(uint64_t wake_ms, uint64_t late_ms, uint16_t nr, uint32_t arg2)
{
	named(VICTIM, "victim");
	named(OTHER, "other");
	resumed(s, 0, MS(90), 0, VICTIM);
	blocked(s, 0, MS(100), VICTIM, OTHER, nr);
	with_args(0, 0x7f0000001000ULL, 1, arg2, 0);
	by_interrupt(waking(s, 0, MS(wake_ms), VICTIM, OTHER, 0));
	switched(s, 0, MS(wake_ms + late_ms), OTHER, VICTIM);
	blocked(s, 0, MS(2000), VICTIM, 0, SYS_epoll_wait);
}

static void late_sleepers_are_found(void **state)
{
	const struct kf_finding *finding;

	sleeps(150, 7, SYS_clock_nanosleep, 0);
	find();
	finding = expect_found("SleepOverrun", KF_SEVERITY_WARN,
			       "victim/100 overslept at least 7.00 ms in clock_nanosleep: victim/100 waited 7.00 ms");
	assert_string_equal(finding->where, "clock_nanosleep(0x7f0000001000)");
	assert_int_equal(t->threads[finding->culprit].tid, OTHER);
	assert_non_null(strstr(finding->detail, "is not recorded"));
}

static void poll_tells_how_long_it_wanted(void **state)
{
	sleeps(165, 1, SYS_poll, 50);
	find();
	expect_found(
		"SleepOverrun", KF_SEVERITY_WARN,
		"victim/100 overslept 16.0 ms in poll: its time-out came 15.0 ms late; then victim/100 waited 1.00 ms");
}

static void polls_that_something_ended_are_no_sleeps(void **state)
{
	sleeps(140, 9, SYS_poll, 50);
	find();
	expect_none("SleepOverrun");
}

static void endless_polls_and_prompt_sleeps_are_fine(void **state)
{
	sleeps(1900, 9, SYS_poll, (uint32_t)-1);
	find();
	expect_none("SleepOverrun");
	teardown(state);
	setup(state);
	sleeps(150, 4, SYS_nanosleep, 0);
	find();
	expect_none("SleepOverrun");
}

/* ---- locks ---- */

/* VICTIM waits for a lock from 100 to 200 ms on CPU 1; OTHER, which has it, is ready but behind THIRD on CPU 0 from 120 on. */
static void inverted(uint16_t victim, uint16_t holder, uint16_t medium)
{
	named(VICTIM, "high")->prio = victim;
	named(OTHER, "low")->prio = holder;
	named(THIRD, "medium")->prio = medium;
	resumed(s, 0, MS(90), 0, OTHER);
	resumed(s, 1, MS(90), 0, VICTIM);
	blocked(s, 1, MS(100), VICTIM, 0, SYS_futex);
	with_args(1, LOCK, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, 0);
	resumed(s, 0, MS(120), OTHER, THIRD);
	blocked(s, 0, MS(180), THIRD, OTHER, SYS_epoll_wait);
	waking(s, 0, MS(200), VICTIM, OTHER, 1);
	switched(s, 1, MS(200) + 1000, 0, VICTIM);
	blocked(s, 1, MS(300), VICTIM, 0, SYS_epoll_wait);
	blocked(s, 0, MS(300), OTHER, 0, SYS_epoll_wait);
}

static void inversions_name_holder_and_culprit(void **state)
{
	const struct kf_finding *finding;

	inverted(FIFO(50), NICE(0), NICE(0));
	find();
	finding = expect_found(
		"PriorityInversion", KF_SEVERITY_ERROR,
		"high/100 (SCHED_FIFO 50) waited 100 ms in futex(0x7f00000000c0) until low/101 (nice 0) woke it, "
		"which was kept from running for 60.0 ms by medium/102 (nice 0)");
	assert_int_equal(t->threads[finding->culprit].tid, THIRD);
	assert_int_equal(finding->worst_ns, MS(60));
}

static void nicer_threads_invert_too(void **state)
{
	inverted(NICE(-10), NICE(0), NICE(5));
	find();
	expect_found("PriorityInversion", KF_SEVERITY_WARN, "by medium/102 (nice 5)");
}

static void equals_higher_and_unknown_ones_do_not_invert(void **state)
{
	const uint16_t cases[][3] = {
		{ NICE(0), NICE(0), NICE(0) },	{ FIFO(50), NICE(0), FIFO(60) }, /* medium would have kept high from running, too */
		{ NICE(0), FIFO(10), NICE(0) }, { 0, NICE(0), NICE(0) },	 { FIFO(50), 0, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (i) {
			teardown(state);
			setup(state);
		}
		inverted(cases[i][0], cases[i][1], cases[i][2]);
		find();
		expect_none("PriorityInversion");
	}
}

/* n threads of one process on CPUs of their own stand in line for LOCK from 100 ms on; it goes from one to the next. */
static void stand_in_line(uint32_t n, uint64_t hold_ms)
{
	for (uint32_t i = 0; i < n; i++) {
		named(VICTIM + i, "web")->tgid = VICTIM;
		resumed(s, i, MS(90), 0, VICTIM + i);
	}
	for (uint32_t i = 1; i < n; i++) {
		blocked(s, i, MS(100), VICTIM + i, 0, SYS_futex);
		with_args(i, LOCK, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, 0);
	}
	for (uint32_t i = 1; i < n; i++) {
		struct kf_slot *slot = waking(s, i - 1, MS(100 + hold_ms * i), VICTIM + i, VICTIM + i - 1, (uint16_t)i);

		slot->nr = SYS_futex;
		slot->flags |= KF_F_IN_SYSCALL;
		slot->arg0_lo = (uint32_t)LOCK;
		slot->arg0_hi = (uint16_t)(LOCK >> 32);
		switched(s, i, MS(100 + hold_ms * i) + 1000, 0, VICTIM + i);
	}
	for (uint32_t i = 0; i < n; i++)
		blocked(s, i, MS(1000), VICTIM + i, 0, SYS_epoll_wait);
}

static void convoys_are_found(void **state)
{
	const struct kf_finding *finding;

	stand_in_line(4, 20);
	find();
	finding = expect_found("FutexConvoy", KF_SEVERITY_ERROR,
			       "3 threads of web/100 stood in line for futex 0x7f00000000c0, up to 3 at once; web/103");
	assert_int_equal(finding->worst_ns, MS(60));
	assert_int_equal(finding->total_ns, MS(20 + 40 + 60));
	assert_string_equal(finding->where, "futex(0x7f00000000c0)");
	assert_non_null(strstr(finding->detail, "the line: "));
}

static void two_in_line_are_no_convoy(void **state)
{
	stand_in_line(3, 20);
	find();
	expect_none("FutexConvoy");
}

static void quick_lines_are_fine(void **state)
{
	stand_in_line(4, 1);
	find();
	expect_none("FutexConvoy");
}

/* ---- too many ---- */

/* On each of n CPUs two threads of one process, both ready from the floor until then. */
static void crowd(uint32_t n, uint64_t until_ms, uint64_t cgroup_id, bool go)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t one = VICTIM + 2 * i, other = one + 1;

		for (uint32_t tid = one; tid <= other; tid++) {
			struct kf_task *task = named(tid, "crowd");

			task->tgid = VICTIM;
			task->cgroup_id = cgroup_id;
			task->flags |= go ? KF_TASK_GO : 0;
		}
		resumed(s, i, MS(20), 0, one);
		resumed(s, i, MS(30), one, other);
		blocked(s, i, MS(until_ms), other, one, SYS_epoll_wait);
		blocked(s, i, MS(until_ms) + 1000, one, 0, SYS_epoll_wait);
	}
}

static void too_many_threads_are_found(void **state)
{
	const struct kf_finding *finding;

	/* CPUs that never write are not known to be online. */
	crowd(4, 1010, 0, false);
	find();
	finding = expect_found(
		"OversubscribedProcess", KF_SEVERITY_ERROR,
		"crowd/100 had more threads ready than CPUs for 50 % of the window: 8.0 on average, up to 8, where "
		"it may use 4 CPUs (or less: its cgroup, and so its quota, is not known)");
	assert_int_equal(finding->ts_ns, MS(10));
	assert_non_null(strstr(finding->suggestion, "no more than 4 worker threads"));
}

static void go_programs_in_a_quota_hear_of_gomaxprocs(void **state)
{
	const struct kf_finding *finding;

	grouped(s, 7, 0, "/web", MS(50), MS(100));
	crowd(4, 510, 7, true);
	find();
	finding = expect_found(
		"OversubscribedProcess", KF_SEVERITY_WARN,
		"crowd/100 (a Go program) had more threads ready than CPUs for 25 % of the window: 8.0 on average, up "
		"to 8, where it may use 0.5 CPUs (the CPU quota of /web)");
	assert_non_null(strstr(finding->suggestion, "GOMAXPROCS=1 (Go >= 1.25"));
}

/* They died before they were asked for their cgroup, but the cgroup that throttled one is known. */
static void quotas_are_known_from_throttles_too(void **state)
{
	knows_taken(s);
	grouped(s, 7, 0, "/web", MS(50), MS(100));
	crowd(4, 1010, 0, false);
	throttled(s, 0, MS(1010), VICTIM, MS(500), 7, false);
	find();
	expect_found("OversubscribedProcess", KF_SEVERITY_ERROR, "where it may use 0.5 CPUs (the CPU quota of /web)");
}

static void affinity_limits_too(void **state)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct kf_task *task = named(VICTIM + i, "pinned");

		task->tgid = VICTIM;
		task->allowed[0] = 1;
	}
	resumed(s, 0, MS(20), 0, VICTIM);
	resumed(s, 0, MS(30), VICTIM, OTHER);
	blocked(s, 0, MS(1010), OTHER, VICTIM, SYS_epoll_wait);
	blocked(s, 0, MS(1011), VICTIM, 0, SYS_epoll_wait);
	switched(s, 1, MS(20), 0, 0);
	find();
	expect_found("OversubscribedProcess", KF_SEVERITY_ERROR, "2.0 on average, up to 2, where it may use 1 CPU");
}

static void as_many_threads_as_cpus_are_fine(void **state)
{
	crowd(2, 1500, 0, false);
	switched(s, 2, MS(20), 0, 0);
	switched(s, 3, MS(20), 0, 0);
	find();
	expect_none("OversubscribedProcess");
}

static void short_crowds_are_fine(void **state)
{
	crowd(4, 400, 0, false);
	find();
	expect_none("OversubscribedProcess");
}

/* VICTIM starts n processes or threads, one every this many us; each runs 300 us on CPU 1 and ends. */
static void births(uint32_t n, uint64_t every_us, bool threads)
{
	named(VICTIM, "sh");
	resumed(s, 0, MS(20), 0, VICTIM);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t ts = MS(100) + i * every_us * 1000;
		uint32_t child = 1000 + i;

		life(s, 0, ts, KF_FORK, child, VICTIM, threads ? VICTIM : child, "sh", 5000 + i)->parent_tgid = VICTIM;
		wakeup_new(s, 0, ts + 1000, child, VICTIM, 1);
		switched(s, 1, ts + 2000, 0, child);
		died(s, 1, ts + 302000, child, 0);
	}
	blocked(s, 0, MS(2000), VICTIM, 0, SYS_epoll_wait);
}

static void fork_storms_are_found(void **state)
{
	const struct kf_finding *finding;

	births(900, 1000, false);
	find();
	finding = expect_found(
		"ForkStorm", KF_SEVERITY_WARN,
		"sh/100 and others of that name started 900 processes, up to 900 a second; 900 ended in the window, "
		"after 301 us on average");
	assert_int_equal(finding->count, 1);
	assert_int_equal(t->threads[finding->thread].tid, VICTIM);
	assert_int_equal(finding->total_ns, 900 * 300000ULL);
	assert_non_null(strstr(finding->suggestion, "xargs"));
}

static void storms_of_threads_want_a_pool(void **state)
{
	births(2100, 400, true);
	find();
	assert_non_null(strstr(
		expect_found("ForkStorm", KF_SEVERITY_ERROR, "started 2,100 threads, up to 2,100 a second")->suggestion,
		"a pool"));
}

static void a_few_children_are_no_storm(void **state)
{
	births(400, 1000, false);
	find();
	expect_none("ForkStorm");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(waits_for_the_disk_are_found),
		TEST(page_faults_are_the_disk_too),
		TEST(short_disk_waits_are_normal),
		TEST(open_disk_waits_count),
		TEST(idling_is_no_long_syscall),
		TEST(file_locks_are_long_syscalls),
		TEST(full_pipes_only_warn),
		TEST(recorded_syscalls_count_once),
		TEST(late_sleepers_are_found),
		TEST(poll_tells_how_long_it_wanted),
		TEST(polls_that_something_ended_are_no_sleeps),
		TEST(endless_polls_and_prompt_sleeps_are_fine),
		TEST(inversions_name_holder_and_culprit),
		TEST(nicer_threads_invert_too),
		TEST(equals_higher_and_unknown_ones_do_not_invert),
		TEST(convoys_are_found),
		TEST(two_in_line_are_no_convoy),
		TEST(quick_lines_are_fine),
		TEST(too_many_threads_are_found),
		TEST(go_programs_in_a_quota_hear_of_gomaxprocs),
		TEST(quotas_are_known_from_throttles_too),
		TEST(affinity_limits_too),
		TEST(as_many_threads_as_cpus_are_fine),
		TEST(short_crowds_are_fine),
		TEST(fork_storms_are_found),
		TEST(storms_of_threads_want_a_pool),
		TEST(a_few_children_are_no_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
