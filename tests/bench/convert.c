/* SPDX-License-Identifier: BSD-2-Clause */
/* convert.c - CPU time of each step from a snapshot to its outputs, for tests/bench/convert: convert RUNS FILE.kfl */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "model/timeline.h"
#include "output/go_trace.h"
#include "output/ndjson.h"
#include "output/report.h"
#include "snapshot/snapshot.h"

#define MAX_RUNS 101

enum step { READ, MODEL, GO, NDJSON, REPORT, STEPS };

struct input {
	struct kf_snapshot *snapshot;
	struct kf_timeline *timeline;
	FILE *out;
};

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int run_step(enum step step, struct input *in, const char *path, struct kf_error *e)
{
	struct kf_go_options go = KF_GO_OPTIONS_DEFAULT;
	const struct kf_report_options report = { .top = 10 };

	switch (step) {
	case READ:
		return kf_snapshot_read(&in->snapshot, path, e);
	case MODEL:
		return kf_timeline_build(&in->timeline, in->snapshot, e);
	case GO:
		go.from_ns = in->timeline->floor_ns;
		go.to_ns = in->timeline->end_ns;
		return kf_go_trace_write(in->timeline, in->snapshot, &go, in->out, e);
	case NDJSON:
		return kf_ndjson_write(in->timeline, in->snapshot, in->out, 0, e);
	default:
		return kf_report_text(in->timeline, in->snapshot, &report, in->out, e);
	}
}

/* Returns the records of the snapshot, 0 on failure. */
static uint64_t run_all(struct input *in, const char *path, uint64_t spent_ns[STEPS], struct kf_error *e)
{
	uint64_t records = 0;
	int err = 0;

	for (int step = 0; !err && step < STEPS; step++) {
		uint64_t start_ns = cpu_ns();

		err = run_step(step, in, path, e);
		spent_ns[step] = cpu_ns() - start_ns;
	}
	if (!err)
		records = in->timeline->n_records;
	kf_timeline_free(&in->timeline);
	kf_snapshot_free(&in->snapshot);
	return records;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static uint64_t median(uint64_t *ns, size_t n)
{
	qsort(ns, n, sizeof(*ns), compare);
	return ns[n / 2];
}

static void print(const char *what, uint64_t ns, uint64_t records)
{
	printf("  %-18s %8.1f ms %8.2f M records/s\n", what, (double)ns / 1e6, (double)records * 1e3 / (double)ns);
}

int main(int argc, char **argv)
{
	static const char *const names[STEPS] = { "read", "model", "go", "ndjson", "report" };
	static uint64_t spent_ns[STEPS][MAX_RUNS];
	int runs = argc == 3 ? atoi(argv[1]) : 0;
	uint64_t ns[STEPS], records = 0;
	struct input in = { 0 };
	struct kf_error e = { 0 };

	in.out = fopen("/dev/null", "w");
	if (runs < 1 || runs > MAX_RUNS || !in.out) {
		fprintf(stderr, "usage: convert RUNS FILE.kfl (1 to %d runs)\n", MAX_RUNS);
		return KF_USAGE;
	}
	for (int i = 0; i < runs; i++) {
		records = run_all(&in, argv[2], ns, &e);
		if (!records)
			return e.message[0] ? kf_error_print(&e) : KF_USAGE;
		for (int step = 0; step < STEPS; step++)
			spent_ns[step][i] = ns[step];
	}
	printf("%s: %llu records, median of %d runs, CPU time\n", argv[2], (unsigned long long)records, runs);
	for (int step = 0; step < STEPS; step++) {
		ns[step] = median(spent_ns[step], (size_t)runs);
		print(names[step], ns[step], records);
	}
	print("= export -f go", ns[READ] + ns[MODEL] + ns[GO], records);
	print("= export -f ndjson", ns[READ] + ns[MODEL] + ns[NDJSON], records);
	print("= report", ns[READ] + ns[MODEL] + ns[REPORT], records);
	fclose(in.out);
	return 0;
}
