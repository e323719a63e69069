/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * filter.bpf.h - who may trigger, and whose syscalls are recorded. (Scheduling is recorded for everybody, or culprits
 * would be invisible.) A thread is judged when it is first seen, after exec, and when it is renamed; the verdict is
 * kept in its state.
 *
 * Two kinds of filters: of the whole recording, where one that fits is enough, and without any everybody fits; and of single
 * terms of the triggers, where one of each dimension (process, thread, number, name, cgroup) that the term has must fit.
 */
#ifndef KF_FILTER_BPF_H
#define KF_FILTER_BPF_H

const volatile bool filtered;	     /* any filter of the recording */
const volatile bool follow_children; /* of processes in filter_pids */
const volatile bool filters_ids;     /* filter_pids or filter_tids hold something */

/* Terms: all; those with a filter in a dimension. */
const volatile __u32 all_terms, terms_by_pid, terms_by_tid, terms_by_number, terms_by_comm, terms_by_cgroup;

const volatile __u32 n_comm_globs, n_cgroup_filters;
const volatile struct kf_glob_table comm_globs[KF_MAX_GLOBS];
const volatile __u64 comm_filters[KF_MAX_GLOBS]; /* whose globs these are */
const volatile struct kf_cgroup_filter cgroup_filters[KF_MAX_CGROUPS];
const volatile __u64 cgroup_users[KF_MAX_CGROUPS]; /* whose filters these are */

/* Of the user, and the children that follow. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KF_MAX_FILTER_PIDS + KF_MAX_FOLLOWED);
	__type(key, u32);
	__type(value, struct kf_id_filters);
} filter_pids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KF_MAX_FILTER_PIDS);
	__type(key, u32);
	__type(value, struct kf_id_filters);
} filter_tids SEC(".maps");

/* Padded with NULs. */
struct names {
	char thread[KF_COMM_BYTES];
	char process[KF_COMM_BYTES];
};

/*
 * No branches: the verifiers of older kernels would follow every one of them, 16 bytes deep. Not static, this and what follows:
 * the verifier then looks at each once, not on every way that leads to it.
 */
__noinline u32 glob_fits(u32 which, const struct names *names)
{
	const volatile struct kf_glob_table *table = &comm_globs[which & (KF_MAX_GLOBS - 1)];
	u64 places = KF_GLOB_START(table), process_places = places;

	if (!names)
		return 0;
	for (u32 i = 0; i < KF_COMM_BYTES; i++) {
		u8 byte = names->thread[i], process_byte = names->process[i];

		places = KF_GLOB_STEP(table, places, byte);
		process_places = KF_GLOB_STEP(table, process_places, process_byte);
	}
	return ((places | process_places) & table->accept) != 0;
}

/* The filters that such names fit. */
__noinline u64 filters_of_names(const struct names *names)
{
	u64 filters = 0;

	for (u32 i = 0; i < KF_MAX_GLOBS; i++) {
		if (i >= n_comm_globs)
			break;
		filters |= comm_filters[i] & -(u64)(glob_fits(i, names) & 1);
	}
	return filters;
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

__noinline u32 is_in_cgroup(u64 address, u32 which)
{
	const volatile struct kf_cgroup_filter *filter = &cgroup_filters[which & (KF_MAX_CGROUPS - 1)];
	struct cgroup *cgroup = (void *)address;
	u32 level = filter->level;

	if (level > (u32)BPF_CORE_READ(cgroup, level) || level >= 256)
		return 0;
	return ancestor_id(cgroup, level) == filter->id;
}

/* The filters that a cgroup fits, or one above it. */
__noinline u64 filters_of_cgroup(u64 address)
{
	u64 filters = 0;

	for (u32 i = 0; i < KF_MAX_CGROUPS; i++) {
		if (i >= n_cgroup_filters)
			break;
		filters |= cgroup_users[i] & -(u64)(is_in_cgroup(address, i) & 1);
	}
	return filters;
}

/* new_comm: a name the thread is about to get, NULL the one it has. */
static __always_inline u64 filters_by_comm(struct task_struct *task, const char *new_comm)
{
	struct names names = {};

	if (!n_comm_globs)
		return 0;
	if (new_comm)
		bpf_probe_read_kernel_str(&names.thread, sizeof(names.thread), new_comm);
	else
		BPF_CORE_READ_STR_INTO(&names.thread, task, comm);
	if (new_comm && task->pid == task->tgid)
		__builtin_memcpy(names.process, names.thread, sizeof(names.process));
	else
		BPF_CORE_READ_STR_INTO(&names.process, task, group_leader, comm);
	return filters_of_names(&names);
}

struct verdict {
	bool tracked; /* the filter of the recording fits */
	u32 terms;    /* whose filters fit, a bit each; none of a thread that is not tracked */
};

/* Slow: called once per life, exec and rename. */
static __always_inline struct verdict judge(struct task_struct *task, const char *new_comm)
{
	u32 tid = task->pid, tgid = task->tgid;
	struct verdict verdict = { .tracked = true, .terms = all_terms };
	const struct kf_id_filters *process, *thread;
	u64 by_pid, by_tid, by_number, by_comm, by_cgroup;

	if (!filtered && !(terms_by_pid | terms_by_tid | terms_by_number | terms_by_comm | terms_by_cgroup))
		return verdict;
	process = bpf_map_lookup_elem(&filter_pids, &tgid);
	thread = bpf_map_lookup_elem(&filter_tids, &tid);
	by_pid = process ? process->by_id : 0;
	by_tid = thread ? thread->by_id : 0;
	by_number = (process ? process->by_number : 0) | (thread ? thread->by_number : 0);
	by_comm = filters_by_comm(task, new_comm);
	by_cgroup = n_cgroup_filters ? filters_of_cgroup((u64)BPF_CORE_READ(task, cgroups, dfl_cgrp)) : 0;
	verdict.tracked = !filtered || (by_pid | by_tid | by_comm | by_cgroup) & KF_FILTERS_RECORDING;
	verdict.terms &= (by_pid | ~terms_by_pid) & (by_tid | ~terms_by_tid) & (by_number | ~terms_by_number) &
			 (by_comm | ~terms_by_comm) & (by_cgroup | ~terms_by_cgroup);
	if (!verdict.tracked)
		verdict.terms = 0;
	return verdict;
}

/* Fork: the child of a filtered process is filtered too. False if there is no room for it. */
static __always_inline bool filter_follow(struct task_struct *parent, struct task_struct *child)
{
	u32 from = parent->tgid, to = child->tgid;
	const struct kf_id_filters *found;
	struct kf_id_filters filters;

	if (!follow_children || from == to)
		return true;
	found = bpf_map_lookup_elem(&filter_pids, &from);
	if (!found)
		return true;
	filters = *found;
	return !bpf_map_update_elem(&filter_pids, &to, &filters, BPF_ANY);
}

/* Exit of the last thread: the number may be given to a stranger. */
static __always_inline void filter_forget(struct task_struct *task)
{
	u32 tid = task->pid, tgid = task->tgid;

	if (!filters_ids)
		return;
	bpf_map_delete_elem(&filter_tids, &tid);
	if (!task->signal->live.counter)
		bpf_map_delete_elem(&filter_pids, &tgid);
}

#endif
