/* SPDX-License-Identifier: BSD-2-Clause */
/* recorder_load.c - sizes the rings, chooses the programs, loads them, fills their maps. */
#include "capture/recorder_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/host.h"
#include "capture/kernel_layout.h"
#include "capture/recorder_waits.h"
#include "capture/shares.h"

#include "kflight.skel.h"

/* A hold whose snapshot never comes ends by itself after --after and this. */
#define HOLD_MAX_NS (30 * 1000 * KF_NS_PER_MS)

static struct bpf_map *ring_map(const struct kf_recorder *r, int class)
{
	switch (class) {
	case KF_CLASS_SYSCALL:
		return r->bpf->maps.rings_syscall;
	case KF_CLASS_LIFE:
		return r->bpf->maps.rings_life;
	case KF_CLASS_TAKEN:
		return r->bpf->maps.rings_taken;
	default:
		return r->bpf->maps.rings_sched;
	}
}

/* Does this kernel take rings larger than KF_PLAN_MAX_SLOTS_OLD? By trying: no fact elsewhere tells. */
static bool takes_large_values(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "kf_size", sizeof(uint32_t),
				 kf_ring_bytes(2 * KF_PLAN_MAX_SLOTS_OLD), 1, &opts);

	if (map < 0)
		return errno != E2BIG;
	close(map);
	return true;
}

static int size_rings(struct kf_recorder *r, const struct kf_recorder_options *opts, struct kf_error *e)
{
	int n_cpus = libbpf_num_possible_cpus();

	if (n_cpus < 1)
		return kf_fail(e, KF_HOST, NULL, "cannot count the CPUs of this host");
	if (kf_ring_plan(&r->plan, n_cpus, opts->window_ns, opts->window_bytes, opts->syscalls, e))
		return -1;
	if (!takes_large_values())
		kf_ring_plan_limit(&r->plan, KF_PLAN_MAX_SLOTS_OLD);
	if (kf_host_require_memory(2 * kf_ring_plan_bytes(&r->plan), e)) /* rings, and a copy of them */
		return -1;
	kf_recorder_set_shares(r, opts->window_ns);
	for (int class = 0; class < KF_CLASSES; class ++) {
		struct bpf_map *map = ring_map(r, class);

		r->bpf->rodata->ring_slots[class] = r->plan.slots[class];
		if (bpf_map__set_max_entries(map, n_cpus) ||
		    bpf_map__set_value_size(map, kf_ring_bytes(r->plan.slots[class])))
			return kf_fail(e, KF_HOST, NULL, "cannot size the rings");
	}
	return 0;
}
static void choose_programs(struct kf_recorder *r, const struct kf_kernel_layout *layout, enum kf_syscall_mode syscalls,
			    uint32_t sources)
{
	struct bpf_program *irqs[] = { r->bpf->progs.on_irq_handler_entry, r->bpf->progs.on_irq_handler_exit,
				       r->bpf->progs.on_softirq_entry, r->bpf->progs.on_softirq_exit };
	struct bpf_program *cpu_irqs[] = {
		r->bpf->progs.on_local_timer_entry,	     r->bpf->progs.on_local_timer_exit,
		r->bpf->progs.on_call_function_entry,	     r->bpf->progs.on_call_function_exit,
		r->bpf->progs.on_call_function_single_entry, r->bpf->progs.on_call_function_single_exit
	};

	bpf_program__set_autoload(r->bpf->progs.on_switch, layout->has_rdonly_cast);
	bpf_program__set_autoload(r->bpf->progs.on_waking, layout->has_rdonly_cast);
	bpf_program__set_autoload(r->bpf->progs.on_switch_helper, !layout->has_rdonly_cast);
	bpf_program__set_autoload(r->bpf->progs.on_waking_helper, !layout->has_rdonly_cast);
	for (size_t i = 0; i < sizeof(irqs) / sizeof(irqs[0]); i++)
		bpf_program__set_autoload(irqs[i], sources & KF_SOURCE_IRQ);
	for (size_t i = 0; i < sizeof(cpu_irqs) / sizeof(cpu_irqs[0]); i++)
		bpf_program__set_autoload(cpu_irqs[i], sources & KF_SOURCE_IRQ && layout->traces_cpu_irqs);
	bpf_program__set_autoload(r->bpf->progs.on_sys_enter, syscalls >= KF_SYSCALLS_SLOW);
	bpf_program__set_autoload(r->bpf->progs.on_sys_exit, syscalls >= KF_SYSCALLS_SLOW);
}

/* libbpf explains failures at great length, for developers: KFLIGHT_LIBBPF_LOG=1 shows it. */
static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	if (!getenv("KFLIGHT_LIBBPF_LOG"))
		return 0;
	return vfprintf(stderr, format, args);
}

/* Of the kernel's CPU masks, as much as a kf_task has room for all CPUs. */
static uint32_t allowed_bytes(uint32_t n_cpus)
{
	uint32_t words = (n_cpus + 63) / 64;

	return words <= KF_ALLOWED_WORDS ? words * sizeof(uint64_t) : 0;
}

static int load(struct kf_recorder *r, const struct kf_recorder_options *opts, struct kf_error *e)
{
	uint32_t sources = opts->sources;
	struct kf_kernel_layout layout;

	if (kf_kernel_layout_read(&layout, e))
		return -1;
	if (!layout.counts_steal)
		sources &= ~KF_SOURCE_STEAL;
	if (!layout.counts_quota)
		sources &= ~KF_SOURCE_QUOTA;
	libbpf_set_print(print_libbpf);
	r->bpf = kflight_bpf__open();
	if (!r->bpf)
		return kf_fail_errno(e, errno, NULL, "cannot open the BPF programs");
	if (size_rings(r, opts, e) || kf_recorder_waits_plan(r, opts, e) || kf_recorder_plan_filters(r, opts, e))
		return -1;
	kf_recorder_plan_rules(r, opts->trigger_set);
	choose_programs(r, &layout, opts->syscalls, sources);
	r->bpf->rodata->n_cpus = r->plan.n_cpus;
	r->bpf->rodata->syscall_mode = opts->syscalls;
	r->bpf->rodata->sources = sources;
	r->bpf->rodata->allowed_bytes = allowed_bytes(r->plan.n_cpus);
	r->bpf->rodata->switch_has_state = layout.switch_has_state;
	r->bpf->rodata->runqueues_offset = layout.runqueues_offset;
	r->bpf->rodata->cpu_number_offset = layout.cpu_number_offset;
	r->bpf->rodata->preempt_count_offset = layout.preempt_count_offset;
	if (kflight_bpf__load(r->bpf))
		return kf_fail_errno(
			e, errno,
			"`kflight doctor` tells what is missing; KFLIGHT_LIBBPF_LOG=1 shows the verifier's words",
			"the kernel refused the BPF programs");
	return 0;
}

static int map_rings(struct kf_recorder *r, struct kf_error *e)
{
	for (int class = 0; class < KF_CLASSES; class ++) {
		size_t bytes = kf_ring_bytes(r->plan.slots[class]) * r->plan.n_cpus;
		void *rings = mmap(NULL, bytes, PROT_READ, MAP_SHARED, bpf_map__fd(ring_map(r, class)), 0);

		if (rings == MAP_FAILED)
			return kf_fail_errno(e, errno, NULL, "cannot map the rings");
		r->rings[class] = rings;
	}
	return 0;
}

static int fill_watches(struct kf_recorder *r, struct kf_error *e)
{
	for (uint32_t i = KF_MAX_WATCHED; i-- > 0;) /* a stack: the lowest comes off first */
		if (bpf_map_update_elem(bpf_map__fd(r->bpf->maps.free_watches), NULL, &i, BPF_ANY))
			return kf_fail_errno(e, errno, NULL, "cannot set up the look at open waits");
	return 0;
}

static int fill_maps(struct kf_recorder *r, const struct kf_recorder_options *opts, struct kf_error *e)
{
	struct kf_control *control = &r->bpf->bss->control;

	control->window_ns = opts->window_ns > opts->after_ns ? opts->window_ns - opts->after_ns : opts->window_ns;
	control->hold_max_ns = opts->after_ns + HOLD_MAX_NS;
	/* Empty rings: nothing is held. */
	if (kf_recorder_command(r->bpf->progs.release_window) < 0)
		return kf_fail(e, KF_HOST, NULL, "cannot run a BPF program of type syscall");
	if (kf_recorder_fill_filters(r, opts, e))
		return -1;
	kf_recorder_set_rules(r, opts->trigger_set);
	return r->bpf->rodata->open_terms ? fill_watches(r, e) : 0;
}

int kf_recorder_load(struct kf_recorder *r, const struct kf_recorder_options *opts, struct kf_error *e)
{
	return load(r, opts, e) || map_rings(r, e) || kf_recorder_waits_map(r, e) || fill_maps(r, opts, e) ? -1 : 0;
}
