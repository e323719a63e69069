/* SPDX-License-Identifier: BSD-2-Clause */
#include "top/sampler.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/error.h"
#include "base/now.h"
#include "capture/kernel_layout.h"
#include "capture/recorder_internal.h"

#include "top.skel.h"

struct kf_top {
	struct top_bpf *bpf;
	struct kf_top_process *processes; /* mapped; BPF adds to it all the time */
	uint64_t taken_ns;		  /* the last look */
	uint64_t uncounted;		  /* until then */
};

#define PROCESSES_BYTES (sizeof(struct kf_top_process) * KF_TOP_MAX_PROCESSES)

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	if (!getenv("KFLIGHT_LIBBPF_LOG"))
		return 0;
	return vfprintf(stderr, format, args);
}

static int load(struct kf_top *top, struct kf_error *e)
{
	struct kf_kernel_layout layout;

	if (kf_kernel_layout_read(&layout, e))
		return -1;
	libbpf_set_print(print_libbpf);
	top->bpf = top_bpf__open();
	if (!top->bpf)
		return kf_fail_errno(e, errno, NULL, "cannot open the BPF programs");
	bpf_program__set_autoload(top->bpf->progs.top_switch, layout.has_rdonly_cast);
	bpf_program__set_autoload(top->bpf->progs.top_switch_helper, !layout.has_rdonly_cast);
	top->bpf->rodata->switch_has_state = layout.switch_has_state;
	if (top_bpf__load(top->bpf))
		return kf_fail_errno(
			e, errno,
			"`kflight doctor` tells what is missing; KFLIGHT_LIBBPF_LOG=1 shows the verifier's words",
			"the kernel refused the BPF programs");
	return 0;
}

int kf_top_open(struct kf_top **out, struct kf_error *e)
{
	struct kf_top *top = calloc(1, sizeof(*top));
	void *mapped;

	if (!top)
		return kf_fail_memory(e, "the counters");
	if (load(top, e))
		goto fail;
	mapped = mmap(NULL, PROCESSES_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(top->bpf->maps.processes),
		      0);
	if (mapped == MAP_FAILED) {
		kf_fail_errno(e, errno, NULL, "cannot map the counters");
		goto fail;
	}
	top->processes = mapped;
	top->bpf->bss->seeding = 1;
	if (kf_recorder_scan(top->bpf->progs.top_scan, NULL, NULL, e))
		goto fail;
	top->bpf->bss->seeding = 0;
	if (top_bpf__attach(top->bpf)) {
		kf_fail_errno(e, errno, "`kflight doctor` tells what is missing", "cannot attach the BPF programs");
		goto fail;
	}
	top->taken_ns = kf_now_ns();
	*out = top;
	return 0;
fail:
	kf_top_close(&top);
	return -1;
}

void kf_top_close(struct kf_top **top)
{
	if (!*top)
		return;
	if ((*top)->processes)
		munmap((*top)->processes, PROCESSES_BYTES);
	top_bpf__destroy((*top)->bpf);
	free(*top);
	*top = NULL;
}

#define TAKE(counter) __atomic_exchange_n(&(counter), 0, __ATOMIC_RELAXED)

/* A wait that is being counted meanwhile is a bit in this look and a bit in the next one. */
static void take_waits(struct kf_top_waits *from, struct kf_top_waits *to)
{
	memset(to, 0, sizeof(*to));
	if (!__atomic_load_n(&from->max_ns, __ATOMIC_RELAXED))
		return;
	to->ns = TAKE(from->ns);
	to->max_ns = TAKE(from->max_ns);
	to->count = TAKE(from->count);
	for (size_t i = 0; i < KF_TOP_BUCKETS; i++)
		if (__atomic_load_n(&from->buckets[i], __ATOMIC_RELAXED))
			to->buckets[i] = TAKE(from->buckets[i]);
}

/* The process is no more, and this look was the last one that had to tell of it. */
static void free_slot(struct kf_top *top, uint32_t slot)
{
	struct kf_top_process *p = &top->processes[slot];
	uint32_t tgid = p->tgid;

	__atomic_store_n(&p->tgid, 0, __ATOMIC_RELEASE);
	bpf_map_delete_elem(bpf_map__fd(top->bpf->maps.slots), &tgid);
	bpf_map_update_elem(bpf_map__fd(top->bpf->maps.free_slots), NULL, &slot, BPF_ANY);
}

static int take_processes(struct kf_top *top, struct kf_top_sample *out)
{
	uint32_t used = top->bpf->bss->slots_used;
	size_t room = 0;

	for (uint32_t slot = 0; slot < used && slot < KF_TOP_MAX_PROCESSES; slot++) {
		struct kf_top_process *from = &top->processes[slot], *to;
		bool gone = from->gone;

		if (!__atomic_load_n(&from->tgid, __ATOMIC_ACQUIRE))
			continue;
		if (KF_GROW(out->processes, out->n_processes, room))
			return -1;
		to = &out->processes[out->n_processes];
		to->tgid = from->tgid;
		to->now = TAKE(from->now);
		memcpy(to->comm, from->comm, sizeof(to->comm));
		to->comm[sizeof(to->comm) - 1] = 0;
		take_waits(&from->runq, &to->runq);
		take_waits(&from->futex, &to->futex);
		if (to->runq.max_ns || to->futex.max_ns)
			out->n_processes++;
		else if (gone)
			free_slot(top, slot);
	}
	return 0;
}

/* Probes that the kernel skipped because they were running already. */
static uint64_t missed_runs(const struct kf_top *top)
{
	struct bpf_program *program;
	uint64_t missed = 0;

	bpf_object__for_each_program(program, top->bpf->obj)
	{
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);
		int fd = bpf_program__fd(program);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
			missed += info.recursion_misses;
	}
	return missed;
}

int kf_top_take(struct kf_top *top, struct kf_top_sample *out, struct kf_error *e)
{
	uint64_t uncounted;

	memset(out, 0, sizeof(*out));
	if (kf_recorder_scan(top->bpf->progs.top_scan, NULL, NULL, e))
		return -1;
	if (take_processes(top, out)) {
		kf_top_sample_release(out);
		return kf_fail_memory(e, "the counters");
	}
	out->start_ns = top->taken_ns;
	out->end_ns = top->taken_ns = kf_now_ns();
	uncounted = top->bpf->bss->uncounted + missed_runs(top);
	out->uncounted = uncounted - top->uncounted;
	top->uncounted = uncounted;
	return 0;
}

void kf_top_sample_release(struct kf_top_sample *sample)
{
	free(sample->processes);
	sample->processes = NULL;
	sample->n_processes = 0;
}
