/* SPDX-License-Identifier: BSD-2-Clause */
/* Timelines made by hand, as Go traces: what every move becomes, and that any timeline, cut anywhere, is a legal trace.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/error.h"
#include "kflight/control.h"
#include "model/timeline.h"
#include "output/go_check.h"
#include "output/go_lanes.h"
#include "output/go_trace.h"
#include "snapshot/snapshot.h"

#define T0	  1000000000ULL
#define MS	  1000000ULL
#define END	  (T0 + 100 * MS)
#define N_CPUS	  4
#define N_THREADS 12
#define MAX_MOVES 4000
#define MAX_GAPS  16

struct scene {
	struct kf_timeline t;
	struct kf_thread threads[N_THREADS];
	struct kf_transition moves[MAX_MOVES];
	struct kf_gap gaps[MAX_GAPS];
	struct kf_cpu cpus[N_CPUS];
	struct kf_run run; /* the same for all CPUs: only its presence matters here */
};

static char exec_names[] = "bash\0sleep\0t1";

static const struct kf_wait futex = { .nr = SYS_futex, .kind = KF_WAIT_FUTEX_LOCK, .in_syscall = true };
static const struct kf_wait poll_wait = { .nr = SYS_epoll_wait, .kind = KF_WAIT_POLL, .in_syscall = true };
static const struct kf_wait disk = {
	.nr = SYS_fsync, .kind = KF_WAIT_DISK, .in_syscall = true, .uninterruptible = true
};
static const struct kf_wait fault = { .nr = KF_NR_USER, .kind = KF_WAIT_PAGE_FAULT, .uninterruptible = true };

/* Threads 100, 101, ... named "t0", "t1", ..., blocked in a futex at the start. */
static struct scene *new_scene(void)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->run = (struct kf_run){ T0, END, KF_IDLE };
	for (size_t i = 0; i < N_CPUS; i++)
		s->cpus[i] = (struct kf_cpu){ .runs = &s->run, .n_runs = 1 };
	for (uint32_t i = 0; i < N_THREADS; i++) {
		struct kf_thread *th = &s->threads[i];

		th->tid = th->tgid = 100 + i;
		snprintf(th->comm, sizeof(th->comm), "t%u", i);
		snprintf(th->process_comm, sizeof(th->process_comm), "t%u", i);
		th->start_state = KF_STATE_BLOCKED;
		th->start_cpu = KF_NO_CPU;
		th->start_wait = futex;
	}
	s->t = (struct kf_timeline){
		.floor_ns = T0,
		.end_ns = END,
		.threads = s->threads,
		.n_threads = N_THREADS,
		.moves = s->moves,
		.cpus = s->cpus,
		.n_cpus = N_CPUS,
		.gaps = s->gaps,
		.names = exec_names,
		.names_bytes = sizeof(exec_names),
	};
	return s;
}

static struct kf_transition *move(struct scene *s, uint64_t ms, enum kf_move kind, uint32_t thread, uint16_t cpu)
{
	struct kf_transition *m = &s->moves[s->t.n_moves++];

	assert_in_range(s->t.n_moves, 1, MAX_MOVES);
	*m = (struct kf_transition){ .ts_ns = T0 + ms * MS, .kind = kind, .thread = thread, .cpu = cpu };
	m->other = KF_NOBODY;
	return m;
}

static void block(struct scene *s, uint64_t ms, uint32_t thread, uint16_t cpu, const struct kf_wait *wait)
{
	move(s, ms, KF_MOVE_BLOCK, thread, cpu)->wait = *wait;
}

static void wake(struct scene *s, uint64_t ms, uint32_t thread, uint16_t cpu, uint32_t waker)
{
	struct kf_transition *m = move(s, ms, KF_MOVE_WAKE, thread, cpu);

	m->other = waker;
	m->flags = KF_MOVE_F_CTX_KNOWN;
	m->wait = futex;
}

static void running_at_start(struct scene *s, uint32_t thread, uint16_t cpu)
{
	s->threads[thread].start_state = KF_STATE_RUNNING;
	s->threads[thread].start_cpu = cpu;
	s->threads[thread].start_wait = (struct kf_wait){ .nr = KF_NR_USER };
}

static struct kf_gap *gap(struct scene *s, uint32_t thread, uint64_t from_ms, uint64_t to_ms)
{
	struct kf_gap *g = &s->gaps[s->t.n_gaps++];

	*g = (struct kf_gap){ .thread = thread, .start_ns = T0 + from_ms * MS, .end_ns = T0 + to_ms * MS };
	g->waker = KF_NOBODY;
	g->cpu = KF_NO_CPU;
	return g;
}

static void write_trace(const struct scene *s, const struct kf_go_options *o, char **bytes, size_t *len)
{
	char empty[] = "", host[] = "h\x1bst";
	struct kf_snapshot meta = { .mono_ns = END,
				    .real_ns = 1700000000000 * MS,
				    .version = empty,
				    .host = host,
				    .trace_id = empty,
				    .span_id = empty };
	struct kf_error e = { 0 };
	FILE *out = open_memstream(bytes, len);

	meta.kernel = meta.machine = meta.filter = meta.triggers = meta.reason = meta.trace_id = meta.span_id = empty;
	meta.floor_ns = T0;
	meta.end_ns = END;
	assert_non_null(out);
	if (kf_go_trace_write(&s->t, &meta, o, out, &e))
		fail_msg("%s", e.message);
	fclose(out);
}

static const char *text_of(const struct kf_go_parsed *p, uint64_t id)
{
	return id ? p->strings[id] : "''";
}

static void print_stack(FILE *out, const struct kf_go_parsed *p, uint64_t id)
{
	fputs(" [", out);
	for (size_t i = 0; id && i < p->stacks[id].n; i++)
		fprintf(out, "%s%s", i ? "," : "", text_of(p, p->stacks[id].frames[i].func));
	fputs("]", out);
}

static void print_event(FILE *out, const struct kf_go_parsed *p, const struct kf_go_event *ev)
{
	/* s string, k stack, n number or lane, . a sequence number, which kf_go_check() has judged */
	static const char *const shapes[] = {
		[KF_GO_STOP] = "sk",	      [KF_GO_BLOCK] = "sk",   [KF_GO_UNBLOCK] = "n.k",
		[KF_GO_CREATE] = "nkk",	      [KF_GO_LABEL] = "s",    [KF_GO_TASK_BEGIN] = "nns",
		[KF_GO_LOG] = "nss",	      [KF_GO_STATUS] = "nnn", [KF_GO_STATUS_STACK] = "nnnk",
		[KF_GO_SYSCALL_BEGIN] = ".k", [KF_GO_START] = "n",    [KF_GO_PROC_START] = "n",
		[KF_GO_PROC_STATUS] = "nn",   [KF_GO_TASK_END] = "n", [KF_GO_CREATE_SYSCALL] = "n",
		[KF_GO_PROCS_CHANGE] = "n",
	};
	const char *shape = ev->code < sizeof(shapes) / sizeof(shapes[0]) ? shapes[ev->code] : NULL;

	if (ev->m == KF_GO_NO_THREAD)
		fputs("-", out);
	else
		fprintf(out, "%llu", (unsigned long long)ev->m);
	fprintf(out, " %s", kf_go_code_name(ev->code));
	for (size_t i = 0; shape && shape[i]; i++) {
		if (shape[i] == '.')
			continue;
		if (shape[i] == 's')
			fprintf(out, " %s", text_of(p, ev->args[i]));
		else if (shape[i] == 'k')
			print_stack(out, p, ev->args[i]);
		else if (ev->args[i] == KF_GO_NO_THREAD)
			fputs(" -", out);
		else
			fprintf(out, " %llu", (unsigned long long)ev->args[i]);
	}
	fputs("\n", out);
}

/* One line per event, "LANE NAME ARGUMENTS"; checked on the way. last_ns: time of the last event. Free the result. */
static char *show(const struct scene *s, const struct kf_go_options *o, uint64_t *last_ns)
{
	struct kf_go_parsed *p;
	struct kf_error e = { 0 };
	char *bytes, *text;
	size_t len;
	FILE *out;

	write_trace(s, o, &bytes, &len);
	if (kf_go_parse(&p, bytes, len, &e) || kf_go_check(p, &e))
		fail_msg("%s", e.message);
	free(bytes);
	out = open_memstream(&text, &len);
	assert_non_null(out);
	for (size_t i = 0; i < p->n_events; i++)
		print_event(out, p, &p->events[i]);
	fclose(out);
	if (last_ns)
		*last_ns = p->n_events ? p->events[p->n_events - 1].ts_ns : 0;
	kf_go_parsed_free(&p);
	return text;
}

static void expect(const struct scene *s, const struct kf_go_options *o, const char *want)
{
	char *text = show(s, o, NULL);

	if (!strstr(text, want)) {
		fprintf(stderr, "%s--- does not have ---\n%s", text, want); /* too long for fail_msg() */
		fail();
	}
	free(text);
}

static const struct kf_go_options defaults = KF_GO_OPTIONS_DEFAULT;

static void start_states_are_replayed(void **state)
{
	struct scene *s = new_scene();

	(void)state;
	s->t.n_threads = 5;
	running_at_start(s, 0, 2);
	s->threads[1].start_state = KF_STATE_RUNNABLE;
	s->threads[2].start_wait = disk;
	s->threads[3].start_state = KF_STATE_UNKNOWN;
	s->threads[4].start_wait = fault;
	expect(s, &defaults,
	       "- ProcStatus 0 2\n- ProcStatus 1 2\n- ProcStatus 2 2\n- ProcStatus 3 2\n"
	       "- GoStatus 100 - 1\n- GoStatus 101 - 1\n- GoStatus 102 - 1\n- GoStatus 104 - 1\n"
	       "100 ProcStart 2\n100 GoStart 100\n100 GoStop preempted [t0]\n100 ProcStop\n"
	       "101 ProcStart 0\n101 GoStart 101\n101 GoStop preempted [t1]\n101 ProcStop\n"
	       "102 ProcStart 0\n102 GoStart 102\n102 GoSyscallBegin [disk,fsync,t2]\n102 ProcStop\n"
	       "104 ProcStart 0\n104 GoStart 104\n104 GoBlock '' [page_fault,t4]\n104 ProcStop\n"
	       "100 ProcStart 2\n100 GoStart 100\n100 ProcsChange 4\n100 UserLog 0 kflight written by kflight");
	free(s);
}

static void start_states_as_bare_states(void **state)
{
	struct kf_go_options o = KF_GO_OPTIONS_DEFAULT;
	struct scene *s = new_scene();

	(void)state;
	o.init = KF_GO_INIT_STATUS;
	s->t.n_threads = 4;
	running_at_start(s, 0, 2);
	s->threads[1].start_state = KF_STATE_RUNNABLE;
	s->threads[2].start_wait = disk;
	expect(s, &o,
	       "100 ProcStatus 2 1\n100 GoStatus 100 100 2\n- GoStatus 101 - 1\n102 GoStatus 102 102 3\n"
	       "- GoStatus 103 - 4\n- ProcStatus 0 2\n- ProcStatus 1 2\n- ProcStatus 3 2\n");
	o.version = KF_GO_1_23;
	expect(s, &o,
	       "100 ProcStatus 2 1\n100 GoStatusStack 100 100 2 [t0]\n- GoStatusStack 101 - 1 [t1]\n"
	       "102 GoStatusStack 102 102 3 [disk,fsync,t2]\n- GoStatusStack 103 - 4 [futex,t3]\n");
	free(s);
}

static void block_wake_run(void **state)
{
	struct scene *s = new_scene();

	(void)state;
	running_at_start(s, 0, 0);
	running_at_start(s, 1, 1);
	block(s, 1, 0, 0, &futex);
	wake(s, 2, 0, 0, 1);
	move(s, 3, KF_MOVE_RUN, 0, 2);
	expect(s, &defaults,
	       "100 GoBlock sync [futex,t0]\n100 ProcStop\n"
	       "101 GoUnblock 100 [wakeup,futex,t1]\n"
	       "100 ProcStart 2\n100 GoStart 100\n");
	free(s);
}

static void polls_are_network_unless_a_thread_ends_them(void **state)
{
	struct scene *s = new_scene();

	(void)state;
	running_at_start(s, 0, 0);
	running_at_start(s, 1, 1);
	block(s, 1, 0, 0, &poll_wait);
	wake(s, 2, 0, 0, KF_IDLE);
	s->moves[1].flags |= KF_MOVE_F_IRQ;
	move(s, 3, KF_MOVE_RUN, 0, 0);
	block(s, 4, 0, 0, &poll_wait);
	wake(s, 5, 0, 0, 1);
	expect(s, &defaults,
	       "100 GoBlock network [poll,epoll_wait,t0]\n100 ProcStop\n"
	       "- GoUnblock 100 [interrupt]\n"
	       "100 ProcStart 0\n100 GoStart 100\n"
	       "100 GoBlock select [poll,epoll_wait,t0]\n100 ProcStop\n"
	       "101 GoUnblock 100 [wakeup,futex,t1]\n");
	free(s);
}

static void uninterruptible_sleep_is_a_blocked_syscall(void **state)
{
	struct scene *s = new_scene();

	(void)state;
	running_at_start(s, 0, 0);
	block(s, 1, 0, 0, &disk);
	wake(s, 2, 0, 0, KF_NOBODY);
	move(s, 3, KF_MOVE_RUN, 0, 1);
	block(s, 4, 0, 1, &fault);
	expect(s, &defaults,
	       "100 GoSyscallBegin [disk,fsync,t0]\n100 ProcStop\n100 GoSyscallEndBlocked\n"
	       "100 ProcStart 1\n100 GoStart 100\n100 GoBlock '' [page_fault,t0]\n");
	free(s);
}

static void rich_reasons(void **state)
{
	struct kf_go_options o = KF_GO_OPTIONS_DEFAULT;
	struct scene *s = new_scene();

	(void)state;
	o.reasons = KF_GO_REASONS_RICH;
	running_at_start(s, 0, 0);
	block(s, 1, 0, 0, &fault);
	expect(s, &o, "100 GoBlock page fault [page_fault,t0]\n");
	free(s);
}

static void preemption_is_a_task_from_culprit_to_victim(void **state)
{
	struct kf_go_options o = KF_GO_OPTIONS_DEFAULT;
	struct scene *s = new_scene();
	char *text;

	(void)state;
	running_at_start(s, 0, 0);
	s->threads[1].start_state = KF_STATE_RUNNABLE;
	s->threads[1].start_cpu = 0;
	move(s, 1, KF_MOVE_STOP, 0, 0)->wait = futex;
	move(s, 1, KF_MOVE_RUN, 1, 0);
	move(s, 9, KF_MOVE_STOP, 1, 0)->flags = KF_MOVE_F_YIELD;
	move(s, 9, KF_MOVE_RUN, 0, 0);
	gap(s, 1, 0, 1)->start_ns -= 5 * MS; /* since before the window */
	gap(s, 0, 1, 9);
	gap(s, 1, 9, 100)->open = true;
	text = show(s, &defaults, NULL);
	/* The first runnable one waits from before the window: its task begins on who has the CPU. */
	assert_non_null(strstr(text, "100 UserTaskBegin 1 0 gap: t1\n100 GoStop preempted [preempted,futex,t0]\n"));
	assert_non_null(strstr(text, "100 ProcStop\n101 ProcStart 0"));
	assert_non_null(strstr(text, "101 UserLog 1 gap t1/101 waited "));
	assert_non_null(strstr(text, "101 UserTaskEnd 1\n101 UserTaskBegin 2 0 gap: t0\n"));
	assert_non_null(strstr(text, "100 UserLog 2 gap t0/100 waited "));
	/* Never runs again: said when it begins. */
	assert_non_null(strstr(text, "100 UserTaskEnd 2\n100 UserTaskBegin 3 0 gap: t1\n100 UserLog 3 gap t1/101 "));
	assert_null(strstr(text, "UserTaskEnd 3"));
	free(text);
	o.gap_ns = 10 * MS;
	text = show(s, &o, NULL);
	assert_null(strstr(text, "gap: t0"));
	assert_non_null(strstr(text, "gap: t1"));
	free(text);
	o.tasks = KF_GO_TASKS_OFF;
	text = show(s, &o, NULL);
	assert_null(strstr(text, "UserTask"));
	assert_null(strstr(text, "UserLog 0 gap"));
	free(text);
	free(s);
}

static void wakeup_gaps_begin_on_who_has_the_cpu(void **state)
{
	struct scene *s = new_scene();

	(void)state;
	running_at_start(s, 0, 0);
	running_at_start(s, 1, 1);
	wake(s, 1, 2, 0, 1);	   /* CPU 0 is taken by t0 */
	wake(s, 2, 3, 3, 1);	   /* CPU 3 is idle: the waker */
	wake(s, 3, 4, 3, KF_IDLE); /* nobody: no task, but the log */
	move(s, 9, KF_MOVE_RUN, 4, 3);
	gap(s, 4, 3, 9);
	gap(s, 2, 1, 100)->open = true;
	gap(s, 3, 2, 100)->open = true;
	expect(s, &defaults, "101 GoUnblock 102 [wakeup,futex,t1]\n100 UserTaskBegin 1 0 gap: t2\n");
	expect(s, &defaults, "101 GoUnblock 103 [wakeup,futex,t1]\n101 UserTaskBegin 2 0 gap: t3\n");
	expect(s, &defaults, "104 GoStart 104\n104 UserLog 0 gap t4/104 waited ");
	free(s);
}

static void recorded_syscall(struct scene *s, uint64_t begin_ms, uint64_t end_ms, uint32_t thread, uint16_t nr)
{
	struct kf_transition *m = move(s, end_ms, KF_MOVE_SYSCALL, thread, KF_NO_CPU);

	m->since_ns = T0 + begin_ms * MS;
	m->wait = (struct kf_wait){ .nr = nr, .in_syscall = true };
}

static void syscalls_are_shown_while_they_run(void **state)
{
	struct kf_go_options o = KF_GO_OPTIONS_DEFAULT;
	struct scene *s = new_scene();
	char *text;

	(void)state;
	running_at_start(s, 0, 0);
	recorded_syscall(s, 1, 2, 0, SYS_read);
	/* One that waits for a lock, then for the disk, and is preempted. */
	block(s, 4, 0, 0, &futex);
	wake(s, 5, 0, 0, KF_NOBODY);
	move(s, 6, KF_MOVE_RUN, 0, 0);
	block(s, 7, 0, 0, &disk);
	wake(s, 8, 0, 0, KF_NOBODY);
	move(s, 9, KF_MOVE_RUN, 0, 1);
	move(s, 10, KF_MOVE_STOP, 0, 1);
	move(s, 11, KF_MOVE_RUN, 0, 1);
	recorded_syscall(s, 3, 12, 0, SYS_fsync);
	recorded_syscall(s, 13, 14, 0, SYS_clone); /* never a stretch */
	recorded_syscall(s, 15, 15, 0, SYS_write); /* too short */
	expect(s, &defaults,
	       "100 GoSyscallBegin [read,t0]\n100 GoSyscallEnd\n"
	       "100 GoSyscallBegin [fsync,t0]\n"
	       "100 GoSyscallEnd\n100 GoBlock sync [futex,t0]\n100 ProcStop\n"
	       "- GoUnblock 100 [unknown waker]\n"
	       "100 ProcStart 0\n100 GoStart 100\n100 GoSyscallBegin [fsync,t0]\n"
	       "100 ProcStop\n100 GoSyscallEndBlocked\n"
	       "100 ProcStart 1\n100 GoStart 100\n100 GoSyscallBegin [fsync,t0]\n"
	       "100 GoSyscallEnd\n100 GoStop preempted [preempted,t0]\n100 ProcStop\n"
	       "100 ProcStart 1\n100 GoStart 100\n100 GoSyscallBegin [fsync,t0]\n"
	       "100 GoSyscallEnd\n- GoStatus 101 - 4\n");
	o.syscalls = KF_GO_SYSCALLS_ALL;
	expect(s, &o, "100 GoSyscallBegin [write,t0]\n100 GoSyscallEnd\n");
	o.syscalls = KF_GO_SYSCALLS_OFF;
	text = show(s, &o, NULL);
	assert_null(strstr(text, "[read,"));
	assert_non_null(strstr(text, "100 GoSyscallBegin [disk,fsync,t0]\n100 ProcStop\n"));
	free(text);
	o.syscalls = KF_GO_SYSCALLS_SLOW; /* cut in the middle of one: it is shown from the start of the cut */
	o.from_ns = T0 + 3 * MS + MS / 2;
	o.to_ns = T0 + 11 * MS;
	expect(s, &o, "100 GoSyscallBegin [fsync,t0]\n100 ProcsChange 4\n");
	free(s);
}

static void birth_and_death(void **state)
{
	struct scene *s = new_scene();

	(void)state;
	running_at_start(s, 0, 0);
	s->threads[1].start_state = s->threads[2].start_state = KF_STATE_DEAD;
	move(s, 1, KF_MOVE_FORK, 1, 1)->other = 0;
	move(s, 2, KF_MOVE_RUN, 1, 1);
	move(s, 2, KF_MOVE_EXEC, 1, 1)->note = 11; /* the name it keeps: no label */
	move(s, 3, KF_MOVE_EXEC, 1, 1)->note = 5;
	move(s, 3, KF_MOVE_EXEC, 1, 1)->note = 11;
	move(s, 4, KF_MOVE_EXIT, 1, 1);
	move(s, 5, KF_MOVE_FORK, 2, 1)->other = 3; /* the parent does not run, as far as known */
	move(s, 6, KF_MOVE_RUN, 2, 1);
	expect(s, &defaults,
	       "100 GoCreate 101 [t1] [fork,t0]\n101 ProcStart 1\n101 GoStart 101\n101 GoLabel sleep\n"
	       "101 GoLabel t1\n101 GoDestroy\n101 ProcStop\n"
	       "102 GoCreateSyscall 102\n102 GoSyscallEndBlocked\n102 ProcStart 1\n102 GoStart 102\n");
	free(s);
}

static void ids_stay_apart(void **state)
{
	(void)state;
	assert_int_equal(kf_go_thread_id(812, 0), 812);
	assert_int_equal(kf_go_thread_id(812, 2), 812 + (2ULL << 32));
	assert_int_equal(kf_go_thread_id(999999, 0), 999999);
	assert_int_equal(kf_go_thread_id(1000000, 0), 1000000 + (1ULL << 32));
	assert_int_equal(kf_go_thread_id(1000005, 1), 1000005 + (2ULL << 32));
	assert_int_equal(kf_go_thread_id(1000006, 0), 1000006);
}

static void expect_name(const char *process, const char *comm, bool kernel, const char *want)
{
	struct kf_thread th = { .kernel = kernel };
	char name[KF_GO_NAME_BYTES];

	snprintf(th.comm, sizeof(th.comm), "%s", comm);
	snprintf(th.process_comm, sizeof(th.process_comm), "%s", process);
	kf_go_thread_name(&th, name, sizeof(name));
	assert_string_equal(name, want);
}

static void names_of_goroutines(void **state)
{
	(void)state;
	expect_name("nginx", "nginx", false, "nginx");
	expect_name("mysqld", "ib_io", false, "mysqld/ib_io");
	expect_name("", "x", false, "x");
	expect_name("", "", false, "(no name)");
	expect_name("kworker/3:1", "kworker/3:1", true, "kworker");
	expect_name("kswapd0", "kswapd0", true, "kswapd");
	expect_name("42", "42", true, "4");
	expect_name("a\nb", "a\nb", false, "a\\x0ab");
	expect_name("runtime.main", "runtime.main", false, "'runtime.main");
}

static void lost_threads_wait_for_nothing(void **state)
{
	struct scene *s = new_scene();

	(void)state;
	running_at_start(s, 0, 0);
	s->threads[1].start_state = KF_STATE_RUNNABLE;
	s->threads[2].start_state = KF_STATE_UNKNOWN;
	move(s, 1, KF_MOVE_LOST, 0, 0);
	move(s, 2, KF_MOVE_LOST, 1, 0);
	move(s, 3, KF_MOVE_FOUND, 0, 3)->state = KF_STATE_RUNNING;
	move(s, 4, KF_MOVE_FOUND, 1, 0)->state = KF_STATE_BLOCKED;
	s->moves[3].wait = poll_wait;
	move(s, 5, KF_MOVE_FOUND, 2, 0)->state = KF_STATE_RUNNABLE;
	expect(s, &defaults,
	       "100 UserLog 0 kflight records lost: state unknown from here\n"
	       "100 GoBlock '' [records lost,t0]\n100 ProcStop\n");
	expect(s, &defaults,
	       "101 UserLog 0 kflight records lost: state unknown from here\n"
	       "101 GoBlock '' [records lost,t1]\n101 ProcStop\n");
	expect(s, &defaults, "- GoUnblock 100 []\n100 ProcStart 3\n100 GoStart 100\n");
	expect(s, &defaults, "101 GoBlock network [poll,epoll_wait,t1]\n101 ProcStop\n");
	expect(s, &defaults, "102 GoCreateSyscall 102\n102 GoSyscallEndBlocked\n");
	free(s);
}

/* A thread that is lost while all CPUs are taken borrows one, and its owner goes on. */
static void lost_on_a_full_machine(void **state)
{
	struct scene *s = new_scene();

	(void)state;
	for (uint16_t i = 0; i < N_CPUS; i++)
		running_at_start(s, i, i);
	recorded_syscall(s, 1, 9, 3, SYS_read);
	s->moves[0].ts_ns = END;
	move(s, 2, KF_MOVE_LOST, 5, KF_NO_CPU);
	s->t.n_moves = 2;
	s->moves[2] = s->moves[0];
	s->moves[0] = s->moves[1];
	s->moves[1] = s->moves[2];
	expect(s, &defaults,
	       "103 GoSyscallBegin [read,t3]\n103 GoSyscallEnd\n103 GoStop preempted []\n103 ProcStop\n"
	       "- GoUnblock 105 []\n105 ProcStart 3\n105 GoStart 105\n");
	expect(s, &defaults, "105 ProcStop\n103 ProcStart 3\n103 GoStart 103\n103 GoSyscallBegin [read,t3]\n");
	free(s);
}

static void the_trace_ends_with_the_window(void **state)
{
	struct scene *s = new_scene();
	struct kf_go_options o = KF_GO_OPTIONS_DEFAULT;
	uint64_t last_ns;

	(void)state;
	free(show(s, &o, &last_ns));
	assert_int_equal(last_ns, END);
	o.to_ns = T0 + 17;
	free(show(s, &o, &last_ns));
	assert_int_equal(last_ns, T0 + 17);
	s->t.n_threads = 0; /* an empty window is a trace too */
	free(show(s, &o, &last_ns));
	free(s);
}

/* A small scheduler: legal moves of all kinds, in random order. */
struct world {
	struct scene *s;
	enum kf_state state[N_THREADS];
	uint16_t cpu[N_THREADS];
	uint32_t occupant[N_CPUS];
};

static const struct kf_wait *const waits[] = { &futex, &poll_wait, &disk, &fault };

static const struct kf_wait *any_wait(void)
{
	return waits[(size_t)rand() % (sizeof(waits) / sizeof(waits[0]))];
}

static void random_move(struct world *w, uint64_t ms, uint32_t thread)
{
	uint16_t cpu = (uint16_t)(rand() % N_CPUS);
	struct kf_transition *m;

	switch (w->state[thread]) {
	case KF_STATE_BLOCKED:
		wake(w->s, ms, thread, cpu, rand() % 2 ? KF_IDLE : (uint32_t)rand() % N_THREADS);
		w->state[thread] = KF_STATE_RUNNABLE;
		break;
	case KF_STATE_RUNNABLE:
		if (w->occupant[cpu] != KF_NOBODY)
			break;
		move(w->s, ms, KF_MOVE_RUN, thread, cpu);
		w->state[thread] = KF_STATE_RUNNING;
		w->cpu[thread] = cpu;
		w->occupant[cpu] = thread;
		break;
	case KF_STATE_RUNNING:
		m = move(w->s, ms, rand() % 2 ? KF_MOVE_STOP : KF_MOVE_BLOCK, thread, w->cpu[thread]);
		m->wait = *any_wait();
		w->state[thread] = m->kind == KF_MOVE_STOP ? KF_STATE_RUNNABLE : KF_STATE_BLOCKED;
		w->occupant[w->cpu[thread]] = KF_NOBODY;
		break;
	case KF_STATE_UNKNOWN:
		m = move(w->s, ms, KF_MOVE_FOUND, thread, cpu);
		m->state = rand() % 2 ? KF_STATE_RUNNABLE : KF_STATE_BLOCKED;
		m->wait = *any_wait();
		w->state[thread] = m->state;
		break;
	default:
		break;
	}
	if (rand() % 20 == 0 && w->state[thread] != KF_STATE_RUNNING) {
		move(w->s, ms, KF_MOVE_LOST, thread, KF_NO_CPU);
		w->state[thread] = KF_STATE_UNKNOWN;
	}
	if (rand() % 8 == 0 && ms)
		recorded_syscall(w->s, (uint64_t)rand() % ms, ms, thread, SYS_read);
}

static void random_options(struct kf_go_options *o)
{
	static const enum kf_go_version versions[] = { KF_GO_1_22, KF_GO_1_23, KF_GO_1_25, KF_GO_1_26 };

	*o = defaults;
	o->version = versions[rand() % 4];
	o->init = rand() % 2 ? KF_GO_INIT_REPLAY : KF_GO_INIT_STATUS;
	o->syscalls = (enum kf_go_syscalls)(rand() % 3);
	o->reasons = (enum kf_go_reasons)(rand() % 2);
	o->tasks = (enum kf_go_tasks)(rand() % 3);
	o->from_ns = T0 + (uint64_t)rand() % (100 * MS);
	o->to_ns = T0 + (uint64_t)rand() % (100 * MS);
}

static void cut_anywhere(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 40; round++) {
		struct world w = { .s = new_scene() };

		for (size_t i = 0; i < N_CPUS; i++)
			w.occupant[i] = KF_NOBODY;
		for (size_t i = 0; i < N_THREADS; i++)
			w.state[i] = KF_STATE_BLOCKED;
		for (uint64_t ms = 0; ms < 100; ms++)
			for (int i = 0; i < 5; i++)
				random_move(&w, ms, (uint32_t)rand() % N_THREADS);
		for (int i = 0; i < 20; i++) {
			struct kf_go_options o;

			random_options(&o);
			free(show(w.s, &o, NULL));
		}
		free(w.s);
	}
}

/* Even what contradicts itself becomes a legal trace: a reader would refuse the whole file for one event. */
static void nonsense_is_made_legal(void **state)
{
	(void)state;
	srand(2);
	for (int round = 0; round < 200; round++) {
		struct scene *s = new_scene();
		struct kf_go_options o;

		for (uint32_t i = 0; i < N_THREADS; i++) {
			s->threads[i].start_state = (enum kf_state)(rand() % KF_STATES);
			s->threads[i].start_cpu = (uint16_t)(rand() % (N_CPUS + 2));
			s->threads[i].start_wait = *any_wait();
		}
		for (uint64_t i = 0; i < 400; i++) {
			struct kf_transition *m =
				move(s, i / 4, (enum kf_move)(rand() % (KF_MOVE_FOUND + 2)),
				     (uint32_t)rand() % (N_THREADS + 1), (uint16_t)(rand() % (N_CPUS + 2)));

			m->other = (uint32_t)rand() % (N_THREADS + 1);
			m->flags = (uint8_t)rand();
			m->state = (uint8_t)(rand() % (KF_STATES + 1));
			m->note = (uint32_t)rand() % 20;
			m->since_ns = T0 + (uint64_t)rand() % (100 * MS);
			m->wait = *any_wait();
		}
		for (uint64_t i = 0; i < MAX_GAPS; i++)
			gap(s, (uint32_t)rand() % N_THREADS, i * 3, i * 6)->open = rand() % 2;
		random_options(&o);
		if (round % 2)
			o.from_ns = 0;
		free(show(s, &o, NULL));
		free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_states_are_replayed),
		cmocka_unit_test(start_states_as_bare_states),
		cmocka_unit_test(block_wake_run),
		cmocka_unit_test(polls_are_network_unless_a_thread_ends_them),
		cmocka_unit_test(uninterruptible_sleep_is_a_blocked_syscall),
		cmocka_unit_test(rich_reasons),
		cmocka_unit_test(preemption_is_a_task_from_culprit_to_victim),
		cmocka_unit_test(wakeup_gaps_begin_on_who_has_the_cpu),
		cmocka_unit_test(syscalls_are_shown_while_they_run),
		cmocka_unit_test(birth_and_death),
		cmocka_unit_test(ids_stay_apart),
		cmocka_unit_test(names_of_goroutines),
		cmocka_unit_test(lost_threads_wait_for_nothing),
		cmocka_unit_test(lost_on_a_full_machine),
		cmocka_unit_test(the_trace_ends_with_the_window),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(nonsense_is_made_legal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
