/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/host_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/magic.h>

#include "capture/host.h"

#include "callback.skel.h"

const struct kf_host_paths kf_host_real_paths = {
	.proc = "/proc",
	.btf = "/sys/kernel/btf/vmlinux",
	.lockdown = "/sys/kernel/security/lockdown",
};

/* Inode numbers of the first namespaces (include/linux/proc_ns.h in the kernel). */
static const struct {
	const char *kind;
	ino_t inode;
} initial_namespaces[] = { { "pid", 0xeffffffc }, { "cgroup", 0xeffffffb } };

bool kf_host_is_initial_namespace(const char *kind)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	if (stat(path, &st))
		return false;
	for (size_t i = 0; i < sizeof(initial_namespaces) / sizeof(initial_namespaces[0]); i++)
		if (!strcmp(kind, initial_namespaces[i].kind))
			return st.st_ino == initial_namespaces[i].inode;
	return false;
}

/* The number behind "KEY" at the start of a line of the file. */
static bool read_number(const char *dir, const char *file, const char *key, int base, uint64_t *out)
{
	char path[512], line[256];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)))
			continue;
		*out = strtoull(line + strlen(key), NULL, base);
		found = true;
	}
	fclose(f);
	return found;
}

uint64_t kf_host_memory_available(const char *proc)
{
	uint64_t kib = 0;

	read_number(proc, "meminfo", "MemAvailable:", 10, &kib);
	return kib * 1024;
}

/* The file holds "none [integrity] confidentiality": the one in brackets is in force. */
static void read_lockdown(char *out, size_t len, const char *path)
{
	char line[128], *open, *close;
	FILE *f = fopen(path, "re");

	if (!f)
		return;
	if (fgets(line, sizeof(line), f)) {
		open = strchr(line, '[');
		close = open ? strchr(open, ']') : NULL;
		if (close)
			snprintf(out, len, "%.*s", (int)(close - open - 1), open + 1);
	}
	fclose(f);
}

static void find_container(char *out, size_t len)
{
	const char *name = getenv("container");

	if (!access("/.dockerenv", F_OK))
		name = "docker";
	else if (!access("/run/.containerenv", F_OK))
		name = "podman";
	snprintf(out, len, "%s", name ? name : "");
}

static bool tracefs_is_mounted(void)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	struct statfs fs;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!statfs(places[i], &fs) && fs.f_type == TRACEFS_MAGIC)
			return true;
	return false;
}

static void find_hooks(struct kf_host_facts *facts, const struct btf *btf)
{
	static const char *const hooks[] = { "sched_switch",	   "sched_waking",
					     "sched_wakeup_new",   "sched_migrate_task",
					     "sched_process_fork", "sched_process_exec",
					     "sched_process_exit", "task_rename",
					     "sys_enter",	   "sys_exit" };
	char *text = facts->missing_hooks, name[64];
	size_t used = 0;

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		snprintf(name, sizeof(name), "btf_trace_%s", hooks[i]);
		if (btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF) < 0)
			used += snprintf(text + used, sizeof(facts->missing_hooks) - used, "%s%s", used ? ", " : "",
					 hooks[i]);
	}
}

static bool has_function(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) >= 0;
}

/* Without CONFIG_SCHED_INFO the struct is there, but empty. */
static bool has_sched_info(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "sched_info", BTF_KIND_STRUCT);

	return id >= 0 && btf_vlen(btf__type_by_id(btf, id)) > 0;
}

/*
 * What the recorder does, in six instructions: attach to sched_switch by BTF and read kernel memory. This finds what
 * any check of rights, lockdown or configuration could miss. Returns 0 or errno.
 */
static int try_bpf(const struct btf *btf)
{
	const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1, .imm = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_RAW_TP);
	int type = btf__find_by_name_kind(btf, "btf_trace_sched_switch", BTF_KIND_TYPEDEF);
	int fd, link;

	if (type < 0)
		return ENOENT;
	opts.attach_btf_id = (__u32)type;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "kf_doctor", "GPL", program, sizeof(program) / sizeof(program[0]),
			   &opts);
	if (fd < 0)
		return -fd;
	link = bpf_raw_tracepoint_open(NULL, fd);
	close(fd);
	if (link < 0)
		return -link;
	close(link);
	return 0;
}

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

static int try_callback(void)
{
	struct callback_bpf *probe = callback_bpf__open_and_load();
	int error = probe ? 0 : errno;

	callback_bpf__destroy(probe);
	return error;
}

static void probe_bpf(struct kf_host_facts *facts, const struct btf *btf)
{
	facts->bpf_tried = true;
	facts->bpf_error = try_bpf(btf);
	if (facts->bpf_error)
		return;
	facts->has_task_storage = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL) == 1;
	facts->has_timer = libbpf_probe_bpf_helper(BPF_PROG_TYPE_SYSCALL, BPF_FUNC_timer_init, NULL) == 1;
	facts->callbacks_error = facts->has_timer ? try_callback() : 0;
}

static void read_btf(struct kf_host_facts *facts, const char *path)
{
	struct btf *btf;

	if (access(path, R_OK)) {
		facts->btf_error = errno;
		return;
	}
	btf = btf__parse(path, NULL);
	if (libbpf_get_error(btf)) {
		facts->btf_error = EBADMSG;
		return;
	}
	find_hooks(facts, btf);
	kf_kernel_layout_of(&facts->layout, btf);
	facts->has_task_iterator = has_function(btf, "bpf_iter_task");
	facts->has_sched_info = has_sched_info(btf);
	probe_bpf(facts, btf);
	btf__free(btf);
}

void kf_host_facts_read(struct kf_host_facts *facts, const struct kf_host_paths *paths)
{
	libbpf_print_fn_t print;
	struct utsname name;

	memset(facts, 0, sizeof(*facts));
	if (!uname(&name)) {
		snprintf(facts->machine, sizeof(facts->machine), "%s", name.machine);
		snprintf(facts->release, sizeof(facts->release), "%s", name.release);
	}
	read_number(paths->proc, "self/status", "CapEff:", 16, &facts->capabilities);
	facts->initial_pid_namespace = kf_host_is_initial_namespace("pid");
	find_container(facts->container, sizeof(facts->container));
	facts->tracefs_mounted = tracefs_is_mounted();
	facts->memory_available_bytes = kf_host_memory_available(paths->proc);
	read_lockdown(facts->lockdown, sizeof(facts->lockdown), paths->lockdown);
	print = libbpf_set_print(silent); /* we say it in our own words */
	read_btf(facts, paths->btf);
	libbpf_set_print(print);
}
