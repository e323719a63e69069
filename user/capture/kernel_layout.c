/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/kernel_layout.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define NOT_FOUND UINT64_MAX

/* Tracepoint programs get the arguments of this prototype, after one void * of the tracing core itself. */
static bool switch_has_state(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "btf_trace_sched_switch", BTF_KIND_TYPEDEF);
	const struct btf_type *type;

	if (id < 0)
		return false;
	type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	if (type && btf_is_ptr(type))
		type = btf__type_by_id(btf, type->type);
	return type && btf_is_func_proto(type) && btf_vlen(type) >= 5;
}

static uint64_t percpu_offset(const struct btf *btf, const struct btf_type *section, const char *name)
{
	const struct btf_var_secinfo *vars = btf_var_secinfos(section);

	for (int i = 0; i < btf_vlen(section); i++) {
		const struct btf_type *var = btf__type_by_id(btf, vars[i].type);
		const char *var_name = var ? btf__name_by_offset(btf, var->name_off) : NULL;

		if (var_name && !strcmp(var_name, name))
			return vars[i].offset;
	}
	return NOT_FOUND;
}

/* 6.2 to 6.14 keep the two counters in a struct; byte offset of a member, NOT_FOUND without. The kernel's struct
 * pcpu_hot wraps its members in an anonymous union and struct. */
static uint64_t member_offset(const struct btf *btf, const struct btf_type *type, const char *name, int depth)
{
	const struct btf_member *member = btf_members(type);

	for (int i = 0; i < btf_vlen(type); i++, member++) {
		const char *member_name = btf__name_by_offset(btf, member->name_off);
		const struct btf_type *inner = btf__type_by_id(btf, member->type);
		uint64_t base = btf_member_bit_offset(type, i) / 8, below;

		if (member_name && !strcmp(member_name, name))
			return base;
		if (member_name && *member_name)
			continue;
		if (!inner || !btf_is_composite(inner) || depth > 3)
			continue;
		below = member_offset(btf, inner, name, depth + 1);
		if (below != NOT_FOUND)
			return base + below;
	}
	return NOT_FOUND;
}

static uint64_t hot_offset(const struct btf *btf, const struct btf_type *section, const char *member)
{
	int id = btf__find_by_name_kind(btf, "pcpu_hot", BTF_KIND_STRUCT);
	uint64_t hot = percpu_offset(btf, section, "pcpu_hot");
	uint64_t inside;

	if (id < 0 || hot == NOT_FOUND)
		return NOT_FOUND;
	inside = member_offset(btf, btf__type_by_id(btf, id), member, 0);
	return inside == NOT_FOUND ? NOT_FOUND : hot + inside;
}

static void find_percpu(struct kf_kernel_layout *layout, const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, ".data..percpu", BTF_KIND_DATASEC);
	const struct btf_type *section;
	uint64_t queues, number, count;

	if (id < 0)
		return;
	section = btf__type_by_id(btf, id);
	queues = percpu_offset(btf, section, "runqueues");
	number = percpu_offset(btf, section, "cpu_number");
	count = percpu_offset(btf, section, "__preempt_count");
	if (number == NOT_FOUND)
		number = hot_offset(btf, section, "cpu_number");
	if (count == NOT_FOUND)
		count = hot_offset(btf, section, "preempt_count");
	if (queues == NOT_FOUND || number == NOT_FOUND || count == NOT_FOUND)
		return;
	layout->runqueues_offset = queues;
	layout->cpu_number_offset = number;
	layout->preempt_count_offset = count;
}

static bool has_tracepoint(const struct btf *btf, const char *name)
{
	char type[64];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;
}

static bool has_member(const struct btf *btf, const char *type, const char *member)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);

	return id > 0 && member_offset(btf, btf__type_by_id(btf, id), member, 0) != NOT_FOUND;
}

void kf_kernel_layout_of(struct kf_kernel_layout *layout, const struct btf *btf)
{
	memset(layout, 0, sizeof(*layout));
	layout->has_rdonly_cast = btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
	layout->switch_has_state = switch_has_state(btf);
	layout->traces_cpu_irqs = has_tracepoint(btf, "local_timer_entry") &&
				  has_tracepoint(btf, "call_function_entry") &&
				  has_tracepoint(btf, "call_function_single_entry");
	layout->counts_quota = has_member(btf, "cfs_rq", "throttled_clock_self_time") ||
			       has_member(btf, "cfs_rq", "throttled_clock_pelt_time") ||
			       has_member(btf, "cfs_rq", "throttled_clock_task_time");
	layout->counts_steal = has_member(btf, "rq", "prev_steal_time_rq");
	find_percpu(layout, btf);
}

int kf_kernel_layout_read(struct kf_kernel_layout *layout, struct kf_error *e)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		return kf_fail(e, KF_HOST,
			       "kflight needs a kernel with CONFIG_DEBUG_INFO_BTF; `kflight doctor` tells more",
			       "cannot read the kernel's types from '/sys/kernel/btf/vmlinux': %s", strerror(errno));
	kf_kernel_layout_of(layout, btf);
	btf__free(btf);
	return 0;
}
