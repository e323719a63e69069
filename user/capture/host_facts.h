/* SPDX-License-Identifier: BSD-2-Clause */
/* host_facts.h - what host.h judges: plain facts about kernel and process, by looking, not by guessing from versions.
 */
#ifndef KF_CAPTURE_HOST_FACTS_H
#define KF_CAPTURE_HOST_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/kernel_layout.h"

struct kf_host_facts {
	char machine[65];      /* uname -m */
	char release[65];      /* uname -r */
	uint64_t capabilities; /* effective */
	bool initial_pid_namespace;
	char container[32]; /* "docker", "podman", ...; "" none seen */
	bool tracefs_mounted;
	uint64_t memory_available_bytes; /* 0 not known */
	char lockdown[32];		 /* "none", "integrity", "confidentiality"; "" not known */

	int btf_error;		 /* errno of reading the kernel's BTF, 0 read. The next ones are known only then */
	char missing_hooks[256]; /* names of tracepoints, comma separated */
	struct kf_kernel_layout layout;
	bool has_sched_info;
	bool has_task_iterator;

	bool bpf_tried; /* needs BTF; the others below are known only if the load went well */
	int bpf_error;	/* errno of loading a small program on sched_switch, 0 loaded */
	bool has_task_storage;
	bool has_timer;
	int callbacks_error; /* errno of loading a program with a callback (bpf/callback.bpf.c), 0 loaded */
};

/* Where to look: the real places, or a test's. */
struct kf_host_paths {
	const char *proc; /* "/proc" */
	const char *btf;  /* "/sys/kernel/btf/vmlinux" */
	const char *lockdown;
};

extern const struct kf_host_paths kf_host_real_paths;

void kf_host_facts_read(struct kf_host_facts *facts, const struct kf_host_paths *paths);

/* MemAvailable, 0 not known. */
uint64_t kf_host_memory_available(const char *proc);

#endif
