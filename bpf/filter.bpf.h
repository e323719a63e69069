/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * filter.bpf.h - who may trigger, and whose syscalls are recorded. (Scheduling is recorded for everybody, or culprits
 * would be invisible.) A thread is judged when it is first seen, after exec, and when it is renamed; the verdict is
 * kept in its state. With several filters, one that fits is enough; without any, everybody fits.
 */
#ifndef KF_FILTER_BPF_H
#define KF_FILTER_BPF_H

const volatile bool filtered;	     /* any filter at all */
const volatile bool follow_children; /* of processes in filter_pids */
const volatile __u32 n_comm_globs, n_cgroup_filters;
const volatile struct kf_glob_table comm_globs[KF_MAX_FILTER_COMMS];
const volatile struct kf_cgroup_filter cgroup_filters[KF_MAX_FILTER_CGROUPS];

/* Of the user, and the children that follow. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KF_MAX_FILTER_PIDS + KF_MAX_FOLLOWED);
	__type(key, u32);
	__type(value, u8);
} filter_pids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KF_MAX_FILTER_PIDS);
	__type(key, u32);
	__type(value, u8);
} filter_tids SEC(".maps");

/* comm is padded with NULs. No branches: the verifiers of older kernels would follow every one of them, 16 bytes deep.
 */
static __noinline bool glob_fits(u32 which, const char *comm)
{
	const volatile struct kf_glob_table *table = &comm_globs[which & (KF_MAX_FILTER_COMMS - 1)];
	u64 places = KF_GLOB_START(table);

	if (!comm)
		return false;
	for (u32 i = 0; i < KF_COMM_BYTES; i++) {
		u8 byte = comm[i];

		places = KF_GLOB_STEP(table, places, byte);
	}
	return places & table->accept;
}

/* Functions of their own: the compiler would move their field offsets out of the branch that chooses, where the
 * verifier meets the one this kernel does not have. */
static __noinline u64 ancestor_id_61(struct cgroup *cgroup, u32 level)
{
	struct cgroup *ancestor = NULL;

	bpf_probe_read_kernel(&ancestor, sizeof(ancestor),
			      (void *)cgroup + bpf_core_field_offset(struct cgroup, ancestors) +
				      (u64)level * sizeof(void *));
	return BPF_CORE_READ(ancestor, kn, id);
}

/* before 6.1 */
static __noinline u64 ancestor_id_old(struct cgroup *cgroup, u32 level)
{
	u64 id = 0;

	bpf_probe_read_kernel(&id, sizeof(id),
			      (void *)cgroup + bpf_core_field_offset(struct cgroup___ids, ancestor_ids) +
				      (u64)level * sizeof(u64));
	return id;
}

static __always_inline u64 ancestor_id(struct cgroup *cgroup, u32 level)
{
	if (bpf_core_field_exists(struct cgroup, ancestors))
		return ancestor_id_61(cgroup, level);
	return ancestor_id_old(cgroup, level);
}

static __noinline bool cgroup_fits(struct task_struct *task)
{
	struct cgroup *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	u32 depth = BPF_CORE_READ(cgroup, level);

	for (u32 i = 0; i < KF_MAX_FILTER_CGROUPS; i++) {
		u32 level = cgroup_filters[i].level;

		if (i >= n_cgroup_filters)
			break;
		if (level <= depth && level < 256 && ancestor_id(cgroup, level) == cgroup_filters[i].id)
			return true;
	}
	return false;
}

/* new_comm: a name the thread is about to get, NULL the one it has. */
static __always_inline bool comm_fits(struct task_struct *task, const char *new_comm)
{
	char comm[KF_COMM_BYTES] = {}, process[KF_COMM_BYTES] = {};

	if (new_comm)
		bpf_probe_read_kernel_str(&comm, sizeof(comm), new_comm);
	else
		BPF_CORE_READ_STR_INTO(&comm, task, comm);
	if (new_comm && task->pid == task->tgid)
		__builtin_memcpy(process, comm, sizeof(process));
	else
		BPF_CORE_READ_STR_INTO(&process, task, group_leader, comm);
	for (u32 i = 0; i < KF_MAX_FILTER_COMMS; i++) {
		if (i >= n_comm_globs)
			break;
		if (glob_fits(i, comm) || glob_fits(i, process))
			return true;
	}
	return false;
}

/* The verdict. Slow: called once per life, exec and rename. */
static __always_inline bool filter_fits(struct task_struct *task, const char *new_comm)
{
	u32 tid = task->pid, tgid = task->tgid;

	if (!filtered)
		return true;
	if (bpf_map_lookup_elem(&filter_pids, &tgid) || bpf_map_lookup_elem(&filter_tids, &tid))
		return true;
	if (n_comm_globs && comm_fits(task, new_comm))
		return true;
	return n_cgroup_filters && cgroup_fits(task);
}

/* Fork: the child of a filtered process is filtered too. False if there is no room for it. */
static __always_inline bool filter_follow(struct task_struct *parent, struct task_struct *child)
{
	u32 from = parent->tgid, to = child->tgid;
	u8 yes = 1;

	if (!follow_children || from == to || !bpf_map_lookup_elem(&filter_pids, &from))
		return true;
	return !bpf_map_update_elem(&filter_pids, &to, &yes, BPF_ANY);
}

/* Exit of the last thread: the number may be given to a stranger. */
static __always_inline void filter_forget(struct task_struct *task)
{
	u32 tid = task->pid, tgid = task->tgid;

	if (!filtered)
		return;
	bpf_map_delete_elem(&filter_tids, &tid);
	if (!task->signal->live.counter)
		bpf_map_delete_elem(&filter_pids, &tgid);
}

#endif
