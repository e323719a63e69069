/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/capability.h>

#include "base/error.h"
#include "base/units.h"
#include "capture/host_facts.h"

/* The oldest kernel with everything the programs use: bpf_timer came with it. */
#define KERNEL_MAJOR 5
#define KERNEL_MINOR 15

/* Below that not even small rings and one snapshot fit well. */
#define LITTLE_MEMORY_BYTES (256ull << 20)

static struct kf_check *add(struct kf_checks *checks, const char *name, enum kf_check_status status)
{
	struct kf_check *check = &checks->items[checks->n < KF_MAX_CHECKS ? checks->n++ : KF_MAX_CHECKS - 1];

	memset(check, 0, sizeof(*check));
	check->name = name;
	check->status = status;
	return check;
}

static void __attribute__((format(printf, 2, 3))) found(struct kf_check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(check->found, sizeof(check->found), format, args);
	va_end(args);
}

static void todo(struct kf_check *check, const char *text)
{
	snprintf(check->todo, sizeof(check->todo), "%s", text);
}

static void judge_machine(const struct kf_host_facts *f, struct kf_checks *out)
{
	bool ok = !strcmp(f->machine, "x86_64");
	struct kf_check *check = add(out, "machine", ok ? KF_CHECK_OK : KF_CHECK_MISSING);

	found(check, "%s", f->machine);
	if (!ok)
		todo(check, "this version knows the registers of x86_64 only; snapshots can be read here");
}

static void judge_kernel(const struct kf_host_facts *f, struct kf_checks *out)
{
	unsigned int major = 0, minor = 0;
	bool ok = sscanf(f->release, "%u.%u", &major, &minor) == 2 &&
		  (major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR));
	struct kf_check *check = add(out, "kernel", ok ? KF_CHECK_OK : KF_CHECK_MISSING);

	found(check, "Linux %s%s", f->release, ok ? "" : " is older than 5.15");
	if (!ok)
		todo(check, "run a kernel 5.15 or newer");
}

static bool has_capability(const struct kf_host_facts *f, int number)
{
	return f->capabilities >> number & 1;
}

static bool has_rights(const struct kf_host_facts *f)
{
	return has_capability(f, CAP_SYS_ADMIN) || (has_capability(f, CAP_BPF) && has_capability(f, CAP_PERFMON));
}

static void judge_rights(const struct kf_host_facts *f, struct kf_checks *out)
{
	bool bpf = has_capability(f, CAP_BPF), perfmon = has_capability(f, CAP_PERFMON);
	struct kf_check *check = add(out, "rights", has_rights(f) ? KF_CHECK_OK : KF_CHECK_MISSING);

	if (check->status == KF_CHECK_OK) {
		found(check, "%s", has_capability(f, CAP_SYS_ADMIN) ? "CAP_SYS_ADMIN" : "CAP_BPF and CAP_PERFMON");
		return;
	}
	found(check, "no %s", bpf ? "CAP_PERFMON" : perfmon ? "CAP_BPF" : "CAP_BPF and CAP_PERFMON");
	todo(check, "run as root, or with both capabilities (`setcap cap_bpf,cap_perfmon+ep kflight`)");
}

static void judge_btf(const struct kf_host_facts *f, struct kf_checks *out)
{
	struct kf_check *check = add(out, "kernel BTF", f->btf_error ? KF_CHECK_MISSING : KF_CHECK_OK);

	if (!f->btf_error) {
		found(check, "/sys/kernel/btf/vmlinux");
		return;
	}
	found(check, "/sys/kernel/btf/vmlinux: %s", strerror(f->btf_error));
	if (f->btf_error == EACCES || f->btf_error == EPERM)
		todo(check, "make it readable (it is by default), or run as root");
	else
		todo(check,
		     "run a kernel with CONFIG_DEBUG_INFO_BTF=y (distribution kernels have it), and mount sysfs");
}

static struct kf_check *unknown_without(struct kf_checks *out, const char *name, const char *what)
{
	struct kf_check *check = add(out, name, KF_CHECK_UNKNOWN);

	found(check, "cannot tell without %s", what);
	return check;
}

static void judge_hooks(const struct kf_host_facts *f, struct kf_checks *out)
{
	struct kf_check *check;

	if (f->btf_error) {
		unknown_without(out, "tracepoints", "kernel BTF");
		return;
	}
	check = add(out, "tracepoints", f->missing_hooks[0] ? KF_CHECK_MISSING : KF_CHECK_OK);
	if (!f->missing_hooks[0] && f->has_task_iterator) {
		found(check, "scheduler, process and syscall tracepoints, task iterator");
		return;
	}
	check->status = KF_CHECK_MISSING;
	found(check, "not in this kernel: %s", f->missing_hooks[0] ? f->missing_hooks : "task iterator");
	todo(check, "run a kernel with CONFIG_TRACEPOINTS=y, CONFIG_FTRACE_SYSCALLS=y and CONFIG_BPF_EVENTS=y");
}

static const char *bpf_remedy(const struct kf_host_facts *f)
{
	if (!strcmp(f->lockdown, "confidentiality"))
		return "the kernel is locked down: boot with lockdown=integrity or none";
	if (f->bpf_error == ENOSYS)
		return "run a kernel with CONFIG_BPF_SYSCALL=y";
	if (f->bpf_error != EPERM && f->bpf_error != EACCES)
		return "run a kernel with CONFIG_BPF_SYSCALL=y, CONFIG_BPF_EVENTS=y and CONFIG_BPF_JIT=y";
	if (f->container[0])
		return "this container forbids bpf(): give it the capabilities and a seccomp profile that allows it, "
		       "or run kflight on the host";
	return "give the rights above; if they are there, a seccomp filter, an LSM or lockdown forbids bpf()";
}

static void judge_bpf(const struct kf_host_facts *f, struct kf_checks *out)
{
	struct kf_check *check;

	if (!f->bpf_tried) {
		unknown_without(out, "BPF", "kernel BTF");
		return;
	}
	if (!has_rights(f) && (f->bpf_error == EPERM || f->bpf_error == EACCES)) {
		unknown_without(out, "BPF", "rights");
		return;
	}
	check = add(out, "BPF", f->bpf_error ? KF_CHECK_MISSING : KF_CHECK_OK);
	if (!f->bpf_error) {
		found(check, "a program on sched_switch loads and attaches");
		return;
	}
	found(check, "a program on sched_switch is refused: %s", strerror(f->bpf_error));
	todo(check, bpf_remedy(f));
}

static void judge_feature(struct kf_checks *out, const struct kf_host_facts *f, const char *name, bool has,
			  const char *use)
{
	struct kf_check *check;

	if (!f->bpf_tried || f->bpf_error) {
		unknown_without(out, name, "BPF");
		return;
	}
	check = add(out, name, has ? KF_CHECK_OK : KF_CHECK_MISSING);
	found(check, "%s%s", has ? "" : "not in this kernel: ", use);
	if (!has)
		todo(check, "run a kernel 5.15 or newer with CONFIG_BPF_SYSCALL=y and CONFIG_BPF_EVENTS=y");
}

/* Without timers the kernel is too old for callbacks, too: said already. */
static void judge_callbacks(const struct kf_host_facts *f, struct kf_checks *out)
{
	struct kf_check *check;

	if (!f->bpf_tried || f->bpf_error || !f->has_timer) {
		unknown_without(out, "BPF callbacks", "bpf_timer");
		return;
	}
	check = add(out, "BPF callbacks", f->callbacks_error ? KF_CHECK_MISSING : KF_CHECK_OK);
	if (!f->callbacks_error) {
		found(check, "the verifier finds the function that is meant");
		return;
	}
	found(check, "the verifier of this kernel takes one function for another (%s): a bug of early 5.15 kernels",
	      strerror(f->callbacks_error));
	todo(check, "update the kernel: 5.16 and newer, and later updates of 5.15 have it mended");
}

static void judge_cast(const struct kf_host_facts *f, struct kf_checks *out)
{
	struct kf_check *check;

	if (f->btf_error) {
		unknown_without(out, "bpf_rdonly_cast", "kernel BTF");
		return;
	}
	check = add(out, "bpf_rdonly_cast", f->layout.has_rdonly_cast ? KF_CHECK_OK : KF_CHECK_WARN);
	found(check, "%s",
	      f->layout.has_rdonly_cast ? "blocked syscalls are read the cheap way"
					: "not in this kernel: every switch costs some 30 ns more");
	if (!f->layout.has_rdonly_cast)
		todo(check, "nothing; kernels 6.2 and newer have it");
}

static void judge_causes(const struct kf_host_facts *f, struct kf_checks *out)
{
	const struct kf_kernel_layout *l = &f->layout;
	struct kf_check *check;

	if (f->btf_error)
		return;
	check = add(out, "causes",
		    l->traces_cpu_irqs && l->counts_quota && l->counts_steal ? KF_CHECK_OK : KF_CHECK_WARN);
	found(check, "besides threads: device interrupts, softirqs%s%s%s", l->traces_cpu_irqs ? ", CPU interrupts" : "",
	      l->counts_quota ? ", CPU quotas" : "", l->counts_steal ? ", steal" : "");
	if (check->status != KF_CHECK_OK)
		todo(check, "nothing; this kernel cannot tell the others apart from the threads they hit");
}

static void judge_statistics(const struct kf_host_facts *f, struct kf_checks *out)
{
	struct kf_check *check;

	if (f->btf_error)
		return;
	check = add(out, "sched_info", f->has_sched_info ? KF_CHECK_OK : KF_CHECK_WARN);
	found(check, "%s",
	      f->has_sched_info ? "the kernel counts waits too (for cross-checks)"
				: "not in this kernel: waits cannot be cross-checked");
	if (!f->has_sched_info)
		todo(check, "nothing; CONFIG_SCHEDSTATS=y gives it");
}

static void judge_memory(const struct kf_host_facts *f, struct kf_checks *out)
{
	bool little = f->memory_available_bytes < LITTLE_MEMORY_BYTES;
	struct kf_check *check = add(out, "memory", little ? KF_CHECK_WARN : KF_CHECK_OK);
	char size[32];

	if (!f->memory_available_bytes) {
		check->status = KF_CHECK_UNKNOWN;
		found(check, "MemAvailable cannot be read");
		return;
	}
	found(check, "%s available", kf_format_size(f->memory_available_bytes, size, sizeof(size)));
	if (little)
		todo(check, "record with a small window: --window 16mb");
}

static void judge_namespace(const struct kf_host_facts *f, struct kf_checks *out)
{
	struct kf_check *check = add(out, "pid namespace", f->initial_pid_namespace ? KF_CHECK_OK : KF_CHECK_WARN);

	if (f->initial_pid_namespace) {
		found(check, "the host's%s%s", f->container[0] ? ", in a container: " : "", f->container);
		return;
	}
	found(check, "a container's: recorded thread numbers are the host's and differ from those seen here");
	todo(check, "run kflight on the host, or the container with --pid=host; until then filter by --comm, not -p");
}

/* The recorder does not use it: said so that nobody goes and mounts it in vain. */
static void judge_tracefs(const struct kf_host_facts *f, struct kf_checks *out)
{
	struct kf_check *check = add(out, "tracefs", KF_CHECK_OK);

	found(check, "%s",
	      f->tracefs_mounted ? "mounted (not needed to record)"
				 : "not mounted (not needed to record; `bench` mounts its own)");
}

void kf_host_judge(const struct kf_host_facts *facts, struct kf_checks *out)
{
	memset(out, 0, sizeof(*out));
	judge_machine(facts, out);
	judge_kernel(facts, out);
	judge_rights(facts, out);
	judge_btf(facts, out);
	judge_hooks(facts, out);
	judge_bpf(facts, out);
	judge_feature(out, facts, "task storage", facts->has_task_storage, "state per thread");
	judge_feature(out, facts, "bpf_timer", facts->has_timer, "looks at waits that have not ended");
	judge_callbacks(facts, out);
	judge_cast(facts, out);
	judge_causes(facts, out);
	judge_statistics(facts, out);
	judge_memory(facts, out);
	judge_namespace(facts, out);
	judge_tracefs(facts, out);
}

void kf_host_check(struct kf_checks *out)
{
	struct kf_host_facts facts;

	kf_host_facts_read(&facts, &kf_host_real_paths);
	kf_host_judge(&facts, out);
}

size_t kf_checks_count(const struct kf_checks *checks, enum kf_check_status status)
{
	size_t n = 0;

	for (size_t i = 0; i < checks->n; i++)
		n += checks->items[i].status == status;
	return n;
}

int kf_host_require(const struct kf_checks *checks, struct kf_error *e)
{
	for (size_t i = 0; i < checks->n; i++) {
		const struct kf_check *check = &checks->items[i];

		if (check->status == KF_CHECK_MISSING)
			return kf_fail(e, KF_HOST, check->todo, "this host cannot record: %s: %s", check->name,
				       check->found);
	}
	return 0;
}

int kf_host_judge_memory(uint64_t bytes, uint64_t available_bytes, struct kf_error *e)
{
	char asked[32], available[32];

	/* A tenth stays for everybody else. */
	if (!available_bytes || bytes <= available_bytes / 10 * 9)
		return 0;
	return kf_fail(e, KF_HOST, "give a smaller --window, such as 64mb",
		       "the window needs %s of memory, and the host has %s available",
		       kf_format_size(bytes, asked, sizeof(asked)),
		       kf_format_size(available_bytes, available, sizeof(available)));
}

int kf_host_require_memory(uint64_t bytes, struct kf_error *e)
{
	return kf_host_judge_memory(bytes, kf_host_memory_available(kf_host_real_paths.proc), e);
}

const char *kf_check_status_name(enum kf_check_status status)
{
	static const char *const names[] = { "ok", "warn", "unknown", "missing" };

	return names[status];
}
