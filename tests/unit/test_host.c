/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/capability.h>

#include "base/error.h"
#include "capture/host.h"
#include "capture/host_facts.h"

static struct kf_host_facts good_host(void)
{
	return (struct kf_host_facts){
		.machine = "x86_64",
		.release = "6.1.0-25-amd64",
		.capabilities = 1ull << CAP_BPF | 1ull << CAP_PERFMON,
		.initial_pid_namespace = true,
		.memory_available_bytes = 8ull << 30,
		.lockdown = "none",
		.layout = { .has_rdonly_cast = true,
			    .traces_cpu_irqs = true,
			    .counts_quota = true,
			    .counts_steal = true },
		.has_sched_info = true,
		.has_task_iterator = true,
		.bpf_tried = true,
		.has_task_storage = true,
		.has_timer = true,
	};
}

static const struct kf_check *find(const struct kf_checks *checks, const char *name)
{
	for (size_t i = 0; i < checks->n; i++)
		if (!strcmp(checks->items[i].name, name))
			return &checks->items[i];
	fail_msg("no check '%s'", name);
	abort(); /* not reached */
}

/* Judged, the host cannot record, because of `name`; message and hint hold these parts. */
static void assert_missing(const struct kf_host_facts *facts, const char *name, const char *found, const char *todo)
{
	struct kf_checks checks;
	const struct kf_check *check;
	struct kf_error e;

	kf_host_judge(facts, &checks);
	check = find(&checks, name);
	assert_string_equal(kf_check_status_name(check->status), "missing");
	if (!strstr(check->found, found))
		fail_msg("found '%s' lacks '%s'", check->found, found);
	assert_int_equal(kf_host_require(&checks, &e), -1);
	assert_int_equal(e.status, KF_HOST);
	if (!strstr(e.message, name) || !strstr(e.message, found))
		fail_msg("message '%s' lacks '%s' or '%s'", e.message, name, found);
	if (!strstr(e.hint, todo))
		fail_msg("hint '%s' lacks '%s'", e.hint, todo);
}

static void good_host_records(void **state)
{
	struct kf_host_facts facts = good_host();
	struct kf_checks checks;
	struct kf_error e;

	kf_host_judge(&facts, &checks);
	for (size_t i = 0; i < checks.n; i++)
		if (checks.items[i].status != KF_CHECK_OK)
			fail_msg("%s: %s", checks.items[i].name, checks.items[i].found);
	assert_int_equal(kf_host_require(&checks, &e), 0);
}

static void old_kernels(void **state)
{
	static const char *const old[] = { "5.14.21", "4.18.0-553.el8", "5.4", "", "junk" };
	static const char *const fine[] = { "5.15.0-91-generic", "5.16", "6.0", "10.0.1" };
	struct kf_host_facts facts = good_host();
	struct kf_checks checks;

	for (size_t i = 0; i < 5; i++) {
		strcpy(facts.release, old[i]);
		assert_missing(&facts, "kernel", "older than 5.15", "5.15 or newer");
	}
	for (size_t i = 0; i < 4; i++) {
		strcpy(facts.release, fine[i]);
		kf_host_judge(&facts, &checks);
		assert_int_equal(kf_checks_count(&checks, KF_CHECK_MISSING), 0);
	}
}

static void other_machine(void **state)
{
	struct kf_host_facts facts = good_host();

	strcpy(facts.machine, "aarch64");
	assert_missing(&facts, "machine", "aarch64", "x86_64 only");
}

static void no_rights(void **state)
{
	struct kf_host_facts facts = good_host();
	struct kf_checks checks;

	facts.capabilities = 0;
	assert_missing(&facts, "rights", "no CAP_BPF and CAP_PERFMON", "run as root");
	facts.capabilities = 1ull << CAP_BPF;
	assert_missing(&facts, "rights", "no CAP_PERFMON", "run as root");
	facts.bpf_error = EPERM; /* follows from the rights: not a second thing */
	kf_host_judge(&facts, &checks);
	assert_int_equal(kf_checks_count(&checks, KF_CHECK_MISSING), 1);
	assert_int_equal(find(&checks, "BPF")->status, KF_CHECK_UNKNOWN);
	facts.bpf_error = 0;
	facts.capabilities = 1ull << CAP_SYS_ADMIN;
	kf_host_judge(&facts, &checks);
	assert_int_equal(find(&checks, "rights")->status, KF_CHECK_OK);
}

/* What hangs on BTF is unknown then, not missing: one cause, one line. */
static void no_btf(void **state)
{
	struct kf_host_facts facts = good_host();
	struct kf_checks checks;

	facts.btf_error = ENOENT;
	facts.bpf_tried = false;
	assert_missing(&facts, "kernel BTF", "No such file", "CONFIG_DEBUG_INFO_BTF");
	kf_host_judge(&facts, &checks);
	assert_int_equal(kf_checks_count(&checks, KF_CHECK_MISSING), 1);
	assert_int_equal(find(&checks, "BPF")->status, KF_CHECK_UNKNOWN);
	assert_int_equal(find(&checks, "bpf_timer")->status, KF_CHECK_UNKNOWN);
	facts.btf_error = EACCES;
	assert_missing(&facts, "kernel BTF", "Permission denied", "root");
}

static void callbacks_are_mistaken(void **state)
{
	struct kf_host_facts facts = good_host();
	struct kf_checks checks;

	facts.callbacks_error = EINVAL;
	assert_missing(&facts, "BPF callbacks", "one function for another (Invalid argument)", "later updates of 5.15");
	facts.has_timer = false; /* an older kernel: one cause, one line */
	kf_host_judge(&facts, &checks);
	assert_int_equal(find(&checks, "BPF callbacks")->status, KF_CHECK_UNKNOWN);
}

static void bpf_is_refused(void **state)
{
	struct kf_host_facts facts = good_host();

	facts.bpf_error = EPERM;
	assert_missing(&facts, "BPF", "Operation not permitted", "seccomp");
	strcpy(facts.container, "docker");
	assert_missing(&facts, "BPF", "Operation not permitted", "this container forbids");
	strcpy(facts.lockdown, "confidentiality");
	assert_missing(&facts, "BPF", "Operation not permitted", "lockdown=integrity");
	facts = good_host();
	facts.bpf_error = ENOSYS;
	assert_missing(&facts, "BPF", "not implemented", "CONFIG_BPF_SYSCALL");
}

static void features(void **state)
{
	struct kf_host_facts facts = good_host();
	struct kf_checks checks;

	facts.layout.has_rdonly_cast = false;
	facts.initial_pid_namespace = false;
	facts.memory_available_bytes = 100 << 20;
	kf_host_judge(&facts, &checks);
	assert_int_equal(find(&checks, "bpf_rdonly_cast")->status, KF_CHECK_WARN);
	assert_int_equal(find(&checks, "pid namespace")->status, KF_CHECK_WARN);
	assert_int_equal(find(&checks, "memory")->status, KF_CHECK_WARN);
	assert_int_equal(kf_checks_count(&checks, KF_CHECK_MISSING), 0);
	facts.has_timer = false;
	assert_missing(&facts, "bpf_timer", "not in this kernel", "5.15");
	facts = good_host();
	strcpy(facts.missing_hooks, "task_rename");
	assert_missing(&facts, "tracepoints", "task_rename", "CONFIG_TRACEPOINTS");
}

static void window_larger_than_memory(void **state)
{
	struct kf_error e = { 0 };

	assert_int_equal(kf_host_judge_memory(1 << 30, 2ull << 30, &e), 0);
	assert_int_equal(kf_host_judge_memory(1 << 30, 0, &e), 0); /* not known: let the kernel decide */
	assert_int_equal(kf_host_judge_memory(64ull << 30, 2ull << 30, &e), -1);
	assert_int_equal(e.status, KF_HOST);
	assert_non_null(strstr(e.message, "64.0 GiB"));
	assert_non_null(strstr(e.hint, "--window"));
	assert_int_equal(kf_host_judge_memory(UINT64_MAX, 2ull << 30, &e), -1);
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Facts from places of our own: no BTF, a locked down kernel, a process without rights. */
static void facts_from_files(void **state)
{
	char dir[] = "/tmp/kf-test-XXXXXX", lockdown[64], btf[64], cmd[64];
	struct kf_host_facts facts;

	assert_non_null(mkdtemp(dir));
	snprintf(lockdown, sizeof(lockdown), "%s/lockdown", dir);
	snprintf(btf, sizeof(btf), "%s/vmlinux", dir);
	snprintf(cmd, sizeof(cmd), "%s/self", dir);
	assert_int_equal(mkdir(cmd, 0700), 0);
	write_file(dir, "self/status", "Name:\tx\nCapEff:\t000000c000000000\n");
	write_file(dir, "meminfo", "MemTotal: 5 kB\nMemAvailable:    1024 kB\n");
	write_file(dir, "lockdown", "none integrity [confidentiality]\n");
	kf_host_facts_read(&facts, &(struct kf_host_paths){ dir, btf, lockdown });
	assert_int_equal(facts.btf_error, ENOENT);
	assert_false(facts.bpf_tried);
	assert_string_equal(facts.lockdown, "confidentiality");
	assert_int_equal(facts.memory_available_bytes, 1024 * 1024);
	assert_int_equal(facts.capabilities, 1ull << CAP_BPF | 1ull << CAP_PERFMON);
	write_file(dir, "vmlinux", "this is no BTF");
	kf_host_facts_read(&facts, &(struct kf_host_paths){ dir, btf, lockdown });
	assert_int_equal(facts.btf_error, EBADMSG);
	unlink(lockdown);
	unlink(btf);
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	assert_int_equal(system(cmd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_host_records),
		cmocka_unit_test(old_kernels),
		cmocka_unit_test(other_machine),
		cmocka_unit_test(no_rights),
		cmocka_unit_test(no_btf),
		cmocka_unit_test(callbacks_are_mistaken),
		cmocka_unit_test(bpf_is_refused),
		cmocka_unit_test(features),
		cmocka_unit_test(window_larger_than_memory),
		cmocka_unit_test(facts_from_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
