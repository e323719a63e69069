/* SPDX-License-Identifier: BSD-2-Clause */
/* bench.c - what recording costs on this host, side by side with not recording, with empty programs and with ftrace. */
#include "cmd/cmd.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/now.h"
#include "bench/contender.h"
#include "bench/result.h"
#include "bench/show.h"
#include "bench/workload.h"
#include "capture/host.h"
#include "cli/options.h"

#define DEFAULT_TIME_NS 50000000000ull
#define QUICK_TIME_NS	1ull /* as short as it goes */
/* Below that quartiles mean nothing. */
#define MIN_ROUNDS 3

struct settings {
	bool json, quick, without_ftrace;
	uint64_t time_ns;
	const char *ftrace_clock;
};

struct run {
	enum kf_workload workload;
	enum kf_contender contender;
};

#define MAX_RUNS (KF_WORKLOADS * KF_CONTENDERS)

static size_t list_runs(const struct kf_contenders *c, struct kf_bench_result *result, struct run runs[MAX_RUNS])
{
	size_t n = 0;

	for (int w = 0; w < KF_WORKLOADS; w++)
		for (int i = 0; i < KF_CONTENDERS; i++) {
			struct run run = { (enum kf_workload)w, (enum kf_contender)i };

			result->applies[w][i] = kf_contender_applies(c, run.contender, run.workload);
			if (result->applies[w][i])
				runs[n++] = run;
		}
	return n;
}

static void shuffle(struct run *runs, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)random() % i;
		struct run swap = runs[i - 1];

		runs[i - 1] = runs[j];
		runs[j] = swap;
	}
}

static bool is_interrupted(void)
{
	sigset_t pending;

	return !sigpending(&pending) && (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM));
}

static int run_one(struct kf_contenders *c, const struct run *run, int cpu, double *ns, struct kf_error *e)
{
	int ret = kf_contender_start(c, run->contender, run->workload, e);

	if (!ret)
		ret = kf_workload_run(run->workload, cpu, ns, e);
	kf_contender_stop(c);
	return ret;
}

static void show_progress(const struct kf_bench_result *r, size_t done, size_t n, uint64_t left_ns)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rround %zu, run %zu of %zu, %llu s left \033[K", r->rounds + 1, done, n,
			(unsigned long long)(left_ns / 1000000000));
}

static int run_rounds(struct kf_contenders *c, struct kf_bench_result *r, int cpu, uint64_t time_ns, struct kf_error *e)
{
	uint64_t start_ns = kf_now_ns(), spent_ns = 0;
	struct run runs[MAX_RUNS];
	size_t n = list_runs(c, r, runs);

	/* One more round must fit: all take the same time. */
	while (r->rounds < MIN_ROUNDS ||
	       (r->rounds < KF_BENCH_MAX_ROUNDS && spent_ns + spent_ns / r->rounds <= time_ns)) {
		shuffle(runs, n);
		for (size_t i = 0; i < n; i++) {
			show_progress(r, i + 1, n, time_ns > spent_ns ? time_ns - spent_ns : 0);
			if (run_one(c, &runs[i], cpu, &r->ns[runs[i].workload][runs[i].contender][r->rounds], e))
				return -1;
			if (is_interrupted())
				return kf_fail(e, KF_USAGE, NULL, "interrupted");
			spent_ns = kf_now_ns() - start_ns;
		}
		r->rounds++;
	}
	return 0;
}

/* The workloads get the last CPU we may use, this process another one, if there is another one. */
static int choose_cpu(void)
{
	int last = 0, other = -1;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 0;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set)) {
			if (other < 0)
				other = cpu;
			last = cpu;
		}
	CPU_ZERO(&set);
	CPU_SET(other < 0 ? 0 : other, &set);
	sched_setaffinity(0, sizeof(set), &set);
	return last;
}

/* Ctrl-C is looked at between runs, so that nothing of ours stays in tracefs. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int measure(const struct settings *s, struct kf_bench_host *host, struct kf_bench_result *result,
		   struct kf_error *ftrace_error, struct kf_error *e)
{
	struct kf_contenders *contenders = NULL;
	struct kf_checks checks;
	int ret;

	kf_host_check(&checks);
	if (kf_host_require(&checks, e))
		return -1;
	block_signals();
	kf_bench_host_read(host);
	host->cpu = choose_cpu();
	host->ftrace_clock = s->without_ftrace ? NULL : s->ftrace_clock;
	if (kf_contenders_open(&contenders, host->ftrace_clock, ftrace_error, e))
		return -1;
	host->ftrace_why = ftrace_error->message;
	srandom((unsigned int)kf_now_ns());
	ret = run_rounds(contenders, result, host->cpu, s->time_ns, e);
	kf_contenders_close(&contenders);
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	return ret;
}

static int bench(const struct settings *s)
{
	struct kf_bench_result *result = calloc(1, sizeof(*result));
	struct kf_error e, ftrace_error;
	struct kf_bench_host host;

	if (!result) {
		kf_fail_memory(&e, "the results");
		return kf_error_print(&e);
	}
	if (measure(s, &host, result, &ftrace_error, &e)) {
		free(result);
		return kf_error_print(&e);
	}
	if (s->json)
		kf_bench_print_json(&host, result);
	else
		kf_bench_print(&host, result);
	free(result);
	return KF_OK;
}

int cmd_bench(int argc, char **argv)
{
	struct settings s = { .ftrace_clock = "mono" };
	const struct kf_option options[] = {
		{ "quick", 0, KF_OPT_FLAG, &s.quick, NULL, "three rounds, some 15 s: wider spread" },
		{ "time", 0, KF_OPT_TIME, &s.time_ns, "DURATION", "measure that long (default 50s)" },
		{ "ftrace-clock", 0, KF_OPT_STRING, &s.ftrace_clock, "NAME",
		  "trace_clock of ftrace (default mono, the recorder's own; ftrace's default is local)" },
		{ "no-ftrace", 0, KF_OPT_FLAG, &s.without_ftrace, NULL, "leave ftrace out" },
		{ "json", 0, KF_OPT_FLAG, &s.json, NULL, "machine-readable" },
		{ 0 },
	};
	const struct kf_command command = {
		.name = "bench",
		.summary = "what recording costs on this host (root)",
		.description = "Runs two loops, pinned to one CPU: a byte to another process and back, and getppid(2). "
			       "Each with "
			       "nothing, with empty BPF programs on the same hooks, with the recorder, and with ftrace "
			       "recording "
			       "the same events into an instance of its own. Every round runs all of them in random "
			       "order. The "
			       "machine should be idle otherwise.",
		.examples = "  sudo kflight bench\n  sudo kflight bench --time 5m --json\n",
		.options = options,
	};
	struct kf_operands operands = { 0 };
	struct kf_error e;
	int ret = kf_options_parse(&command, argc, argv, &operands, &e);

	if (ret)
		return ret > 0 ? KF_OK : kf_error_print(&e);
	if (!s.time_ns)
		s.time_ns = s.quick ? QUICK_TIME_NS : DEFAULT_TIME_NS;
	return bench(&s);
}
