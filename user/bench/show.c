/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/show.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <jansson.h>

#include "bench/result.h"

static void read_cpu_model(char *out, size_t len)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(out, len, "unknown CPU");
	while (f && fgets(line, sizeof(line), f)) {
		char *value = strncmp(line, "model name", 10) ? NULL : strchr(line, ':');

		if (!value)
			continue;
		value[strcspn(value, "\n")] = '\0';
		snprintf(out, len, "%s", value + 1 + strspn(value + 1, " "));
		break;
	}
	if (f)
		fclose(f);
}

void kf_bench_host_read(struct kf_bench_host *host)
{
	struct utsname name;

	memset(host, 0, sizeof(*host));
	if (!uname(&name)) {
		snprintf(host->kernel, sizeof(host->kernel), "%s", name.release);
		snprintf(host->machine, sizeof(host->machine), "%s", name.machine);
	}
	read_cpu_model(host->cpu_model, sizeof(host->cpu_model));
	host->n_cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	host->ftrace_why = "";
}

static void print_row(const struct kf_bench_result *r, enum kf_workload w, enum kf_contender c)
{
	struct kf_spread cost = kf_bench_cost(r, w, c), more = kf_bench_slowdown(r, w, c);
	double base = kf_bench_cost(r, w, KF_NOTHING).median;
	char spread[48];

	snprintf(spread, sizeof(spread), "[%.0f..%.0f]", cost.p25, cost.p75);
	printf("  %-24s %8.0f ", kf_contender_name(c), cost.median);
	if (c == KF_NOTHING) {
		printf("%s", spread);
	} else {
		printf("%-15s", spread);
		snprintf(spread, sizeof(spread), "[%+.0f..%+.0f]", more.p25, more.p75);
		printf(" %+8.0f %-15s %+6.1f %%", more.median, spread, 100 * more.median / base);
	}
	putchar('\n');
}

static void print_workload(const struct kf_bench_result *r, enum kf_workload w)
{
	char title[64];

	snprintf(title, sizeof(title), "%s, ns per %s", kf_workload_name(w), kf_workload_unit(w));
	printf("\n%-40s         %17s\n", title, "slow-down");
	for (int c = 0; c < KF_CONTENDERS; c++)
		if (r->applies[w][c])
			print_row(r, w, (enum kf_contender)c);
}

static void print_figure(const struct kf_figure *f)
{
	printf("  %-64s ", f->what);
	if (f->known)
		printf("%6.2f%s, limit %.2f%s: %s\n", f->value, f->unit, f->limit, f->unit,
		       f->noisy	  ? "the machine is too busy to tell"
		       : f->holds ? "holds"
				  : "does not hold");
	else
		printf("not known\n");
}

void kf_bench_print(const struct kf_bench_host *host, const struct kf_bench_result *r)
{
	struct kf_figure figures[KF_FIGURES];

	printf("%s, %d CPUs, Linux %s; workloads on CPU %d\n", host->cpu_model, host->n_cpus, host->kernel, host->cpu);
	printf("%zu rounds in random order, medians [p25..p75]\n", r->rounds);
	if (host->ftrace_why[0])
		printf("without ftrace: %s\n", host->ftrace_why);
	else if (host->ftrace_clock)
		printf("ftrace: own instance, overwrite mode, clock '%s', nobody reads\n", host->ftrace_clock);
	for (int w = 0; w < KF_WORKLOADS; w++)
		print_workload(r, (enum kf_workload)w);
	putchar('\n');
	kf_bench_figures(r, figures);
	for (int i = 0; i < KF_FIGURES; i++)
		print_figure(&figures[i]);
}

static json_t *spread_json(struct kf_spread s)
{
	return json_pack("{sfsfsf}", "p25", s.p25, "median", s.median, "p75", s.p75);
}

static json_t *workload_json(const struct kf_bench_result *r, enum kf_workload w)
{
	json_t *list = json_array();

	for (int i = 0; i < KF_CONTENDERS; i++) {
		enum kf_contender c = (enum kf_contender)i;

		if (r->applies[w][c])
			json_array_append_new(list, json_pack("{sssoso}", "name", kf_contender_name(c), "ns",
							      spread_json(kf_bench_cost(r, w, c)), "slowdown_ns",
							      spread_json(kf_bench_slowdown(r, w, c))));
	}
	return json_pack("{ssssso}", "name", kf_workload_name(w), "per", kf_workload_unit(w), "contenders", list);
}

static json_t *figures_json(const struct kf_bench_result *r)
{
	struct kf_figure figures[KF_FIGURES];
	json_t *list = json_array();

	kf_bench_figures(r, figures);
	for (int i = 0; i < KF_FIGURES; i++) {
		const struct kf_figure *f = &figures[i];
		json_t *item = json_pack("{sssb}", "what", f->what, "known", f->known);

		if (f->known)
			json_object_update_new(
				item, json_pack("{sfsfsb}", "value", f->value, "limit", f->limit, "holds", f->holds));
		json_array_append_new(list, item);
	}
	return list;
}

void kf_bench_print_json(const struct kf_bench_host *host, const struct kf_bench_result *r)
{
	json_t *workloads = json_array(), *all;

	for (int w = 0; w < KF_WORKLOADS; w++)
		json_array_append_new(workloads, workload_json(r, (enum kf_workload)w));
	all = json_pack("{s{sssssssisiss*ss*}sIsoso}", "host", "cpu_model", host->cpu_model, "kernel", host->kernel,
			"machine", host->machine, "cpus", host->n_cpus, "cpu", host->cpu, "ftrace_clock",
			host->ftrace_clock, "ftrace_missing", host->ftrace_why[0] ? host->ftrace_why : NULL, "rounds",
			(json_int_t)r->rounds, "workloads", workloads, "figures", figures_json(r));
	json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(all);
}
