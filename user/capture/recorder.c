/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/recorder.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/error.h"
#include "capture/filter_spec.h"
#include "capture/glob.h"
#include "capture/host.h"
#include "capture/kernel_layout.h"
#include "capture/recorder_internal.h"
#include "capture/recorder_waits.h"
#include "capture/trigger_spec.h"

#include "kflight.skel.h"

#define NS_PER_MS 1000000ULL
/* A hold whose snapshot never comes ends by itself after --after and this. */
#define HOLD_MAX_NS  (30 * 1000 * NS_PER_MS)
#define CHECK_MIN_NS (1 * NS_PER_MS)
#define CHECK_MAX_NS (1000 * NS_PER_MS)

uint64_t kf_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

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
	for (int class = 0; class < KF_CLASSES; class ++) {
		struct bpf_map *map = ring_map(r, class);

		r->bpf->rodata->ring_slots[class] = r->plan.slots[class];
		if (bpf_map__set_max_entries(map, n_cpus) ||
		    bpf_map__set_value_size(map, kf_ring_bytes(r->plan.slots[class])))
			return kf_fail(e, KF_HOST, NULL, "cannot size the rings");
	}
	return 0;
}

static void set_filter(struct kf_recorder *r, const struct kf_recorder_options *opts)
{
	const struct kf_filter_spec *filter = opts->filter;

	if (!filter || kf_filter_spec_is_empty(filter))
		return;
	r->bpf->rodata->filtered = true;
	r->bpf->rodata->follow_children = !opts->only;
	r->bpf->rodata->n_comm_globs = filter->n_comms;
	r->bpf->rodata->n_cgroup_filters = filter->n_cgroups;
	for (size_t i = 0; i < filter->n_comms; i++)
		kf_glob_compile(filter->comms[i].text, &r->bpf->rodata->comm_globs[i]);
	memcpy(r->bpf->rodata->cgroup_filters, filter->cgroups, filter->n_cgroups * sizeof(filter->cgroups[0]));
}

/* Any of these can pass its threshold while the wait is still open. */
static uint64_t smallest_threshold(const struct kf_trigger_spec *triggers)
{
	uint64_t smallest = 0;

	for (int kind = KF_TRIGGER_RUNQ; triggers && kind < KF_TRIGGER_REQUEST; kind++) {
		uint64_t ns = triggers->threshold_ns[kind];

		if (ns && (!smallest || ns < smallest))
			smallest = ns;
	}
	return smallest;
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
	if (size_rings(r, opts, e) || kf_recorder_waits_plan(r, opts, e))
		return -1;
	set_filter(r, opts);
	choose_programs(r, &layout, opts->syscalls, sources);
	r->bpf->rodata->n_cpus = r->plan.n_cpus;
	r->bpf->rodata->syscall_mode = opts->syscalls;
	r->bpf->rodata->sources = sources;
	r->bpf->rodata->allowed_bytes = allowed_bytes(r->plan.n_cpus);
	r->bpf->rodata->watching = smallest_threshold(opts->triggers) != 0;
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

static int fill_ids(int map, const uint32_t *ids, size_t n, struct kf_error *e)
{
	uint8_t yes = 1;

	for (size_t i = 0; i < n; i++)
		if (bpf_map_update_elem(map, &ids[i], &yes, BPF_ANY))
			return kf_fail_errno(e, errno, NULL, "cannot filter for '%u'", ids[i]);
	return 0;
}

static int fill_maps(struct kf_recorder *r, const struct kf_recorder_options *opts, struct kf_error *e)
{
	struct kf_control *control = &r->bpf->bss->control;
	uint64_t smallest = smallest_threshold(opts->triggers);

	control->window_ns = opts->window_ns > opts->after_ns ? opts->window_ns - opts->after_ns : opts->window_ns;
	control->hold_max_ns = opts->after_ns + HOLD_MAX_NS;
	/* Empty rings: nothing is held. */
	if (kf_recorder_command(r->bpf->progs.release_window) < 0)
		return kf_fail(e, KF_HOST, NULL, "cannot run a BPF program of type syscall");
	if (opts->filter &&
	    (fill_ids(bpf_map__fd(r->bpf->maps.filter_pids), opts->filter->pids, opts->filter->n_pids, e) ||
	     fill_ids(bpf_map__fd(r->bpf->maps.filter_tids), opts->filter->tids, opts->filter->n_tids, e)))
		return -1;
	if (!smallest)
		return 0;
	memcpy(control->threshold_ns, opts->triggers->threshold_ns, sizeof(control->threshold_ns));
	memcpy(control->syscall_threshold_ns, opts->triggers->syscall_threshold_ns,
	       sizeof(control->syscall_threshold_ns));
	control->check_every_ns = smallest / 4 < CHECK_MIN_NS ? CHECK_MIN_NS : smallest / 4;
	if (control->check_every_ns > CHECK_MAX_NS)
		control->check_every_ns = CHECK_MAX_NS;
	for (uint32_t i = KF_MAX_WATCHED; i-- > 0;) /* a stack: the lowest comes off first */
		if (bpf_map_update_elem(bpf_map__fd(r->bpf->maps.free_watches), NULL, &i, BPF_ANY))
			return kf_fail_errno(e, errno, NULL, "cannot set up the look at open waits");
	return 0;
}

static int keep_trigger(void *recorder, void *data, size_t len)
{
	struct kf_recorder *r = recorder;

	if (len < sizeof(*r->fired) || KF_GROW(r->fired, r->n_fired, r->room_fired))
		return 0;
	memcpy(&r->fired[r->n_fired++], data, sizeof(*r->fired));
	return 0;
}

/*
 * The memory of a BPF timer comes from an allocator that never waits for a lock. On a busy 6.18 it refuses in one start of
 * 80, for 30 ms as a rule, but also for more than 5 s. Then user space has to call. KFLIGHT_USER_TIMER=1 makes it so.
 */
static bool start_checks(struct kf_recorder *r)
{
	const struct timespec pause = { .tv_nsec = NS_PER_MS };

	if (getenv("KFLIGHT_USER_TIMER"))
		return false;
	for (int tries = 0; tries < 200; tries++) {
		if (!kf_recorder_command(r->bpf->progs.start_checks))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/*
 * The first scan makes every thread's state before a hot path needs it. The second, with the probes in place, notes who
 * is blocked: a thread that woke between a scan and the attaching would be taken for blocked for ever.
 */
static int attach(struct kf_recorder *r, struct kf_error *e)
{
	if (kf_recorder_scan(r->bpf->progs.seed_threads, NULL, NULL, e))
		return -1;
	bpf_program__set_autoattach(r->bpf->progs.seed_threads, false);
	bpf_program__set_autoattach(r->bpf->progs.scan_threads, false);
	if (kflight_bpf__attach(r->bpf))
		return kf_fail_errno(e, errno, "`kflight doctor` tells what is missing",
				     "cannot attach the BPF programs");
	r->started_ns = kf_monotonic_ns();
	r->bpf->bss->seed_blocked = 1;
	if (kf_recorder_scan(r->bpf->progs.seed_threads, NULL, NULL, e))
		return -1;
	if (r->bpf->bss->control.check_every_ns && !start_checks(r))
		r->check_every_ns = r->bpf->bss->control.check_every_ns;
	return 0;
}

int kf_recorder_open(struct kf_recorder **out, const struct kf_recorder_options *opts, struct kf_error *e)
{
	struct kf_recorder *r = calloc(1, sizeof(*r));

	if (!r)
		return kf_fail_memory(e, "the recorder");
	r->window_ns = opts->window_ns;
	r->after_ns = opts->after_ns;
	if (load(r, opts, e) || map_rings(r, e) || kf_recorder_waits_map(r, e) || fill_maps(r, opts, e))
		goto fail;
	r->triggers = ring_buffer__new(bpf_map__fd(r->bpf->maps.triggers), keep_trigger, r, NULL);
	if (!r->triggers) {
		kf_fail_errno(e, errno, NULL, "cannot read triggers");
		goto fail;
	}
	if (attach(r, e))
		goto fail;
	*out = r;
	return 0;
fail:
	kf_recorder_close(&r);
	return -1;
}

void kf_recorder_close(struct kf_recorder **r)
{
	if (!*r)
		return;
	ring_buffer__free((*r)->triggers);
	for (int class = 0; class < KF_CLASSES; class ++)
		if ((*r)->rings[class])
			munmap((void *)(*r)->rings[class], kf_ring_bytes((*r)->plan.slots[class]) * (*r)->plan.n_cpus);
	kf_recorder_waits_unmap(*r);
	kflight_bpf__destroy((*r)->bpf);
	free((*r)->fired);
	free(*r);
	*r = NULL;
}

uint64_t kf_recorder_ring_bytes(const struct kf_recorder *r)
{
	return kf_ring_plan_bytes(&r->plan);
}

void kf_recorder_arm(struct kf_recorder *r, uint64_t cooldown_until_ns)
{
	struct kf_control *control = &r->bpf->bss->control;

	control->cooldown_until_ns = cooldown_until_ns;
	__atomic_store_n(&control->gate, KF_GATE_ARMED, __ATOMIC_RELEASE);
}

void kf_recorder_disarm(struct kf_recorder *r)
{
	__atomic_store_n(&r->bpf->bss->control.gate, KF_GATE_CLOSED, __ATOMIC_RELEASE);
}

uint64_t kf_recorder_check_every_ns(const struct kf_recorder *r)
{
	return r->check_every_ns;
}

void kf_recorder_check(struct kf_recorder *r)
{
	kf_recorder_command(r->bpf->progs.check_open_waits);
}

int kf_recorder_trigger_fd(const struct kf_recorder *r)
{
	return ring_buffer__epoll_fd(r->triggers);
}

bool kf_recorder_next_trigger(struct kf_recorder *r, struct kf_trigger *out)
{
	ring_buffer__consume(r->triggers);
	if (!r->n_fired)
		return false;
	*out = r->fired[0];
	memmove(&r->fired[0], &r->fired[1], --r->n_fired * sizeof(*r->fired));
	return true;
}

int kf_recorder_hold(struct kf_recorder *r, struct kf_trigger *out, struct kf_error *e)
{
	int held = kf_recorder_command(r->bpf->progs.hold_window);

	if (held < 0)
		return kf_fail_errno(e, -held, NULL, "cannot hold the window");
	if (held)
		return 1;
	memset(out, 0, sizeof(*out));
	out->kind = KF_TRIGGER_REQUEST;
	out->ts_ns = kf_monotonic_ns();
	out->since_ns = out->ts_ns;
	out->nr = KF_NR_USER;
	return 0;
}

int kf_recorder_command(struct bpf_program *program)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);
	int err = bpf_prog_test_run_opts(bpf_program__fd(program), &run);

	return err ? -errno : (int)run.retval;
}

/* Reads fd to its end, appending to bytes if that is wanted. */
static int read_all(int fd, void **bytes, size_t *len)
{
	char chunk[1 << 16];
	ssize_t got;

	for (;;) {
		got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		if (bytes) {
			char *grown = realloc(*bytes, *len + got);

			if (!grown)
				return -ENOMEM;
			memcpy(grown + *len, chunk, got);
			*bytes = grown;
			*len += got;
		}
	}
}

int kf_recorder_scan(struct bpf_program *program, void **bytes, size_t *len, struct kf_error *e)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	int fd, err;

	if (bytes) {
		*bytes = NULL;
		*len = 0;
	}
	if (!link)
		return kf_fail_errno(e, errno, NULL, "cannot scan the tasks");
	fd = bpf_iter_create(bpf_link__fd(link));
	err = fd < 0 ? -errno : read_all(fd, bytes, len);
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return err ? kf_fail_errno(e, -err, NULL, "cannot scan the tasks") : 0;
}

static uint64_t covered_ns(const struct kf_recorder *r, uint32_t cpu, uint64_t now_ns)
{
	const struct kf_ring_head *ring = kf_recorder_ring(r, KF_CLASS_SCHED, cpu);
	uint64_t slots = r->plan.slots[KF_CLASS_SCHED], segment = slots / KF_RING_SEGMENTS;
	uint64_t oldest_ns;

	if (ring->head <= slots)
		return now_ns - r->started_ns;
	oldest_ns = ring->mark_ns[(ring->head / segment + 1) % KF_RING_SEGMENTS]; /* first segment that is whole */
	return now_ns > oldest_ns ? now_ns - oldest_ns : 0;
}

void kf_recorder_status(const struct kf_recorder *r, struct kf_recorder_status *out)
{
	const struct kf_counters *counters = &r->bpf->bss->counters;
	uint64_t now_ns = kf_monotonic_ns();

	memset(out, 0, sizeof(*out));
	out->window_held_ns = UINT64_MAX;
	for (uint32_t cpu = 0; cpu < r->plan.n_cpus; cpu++) {
		uint64_t covered = covered_ns(r, cpu, now_ns);

		for (int class = 0; class < KF_CLASSES; class ++) {
			out->slots_written += kf_recorder_ring(r, class, cpu)->head;
			out->records_dropped += kf_recorder_ring(r, class, cpu)->dropped;
		}
		if (covered < out->window_held_ns)
			out->window_held_ns = covered;
		if (cpu < sizeof(r->bpf->bss->cpu_base) / sizeof(r->bpf->bss->cpu_base[0]))
			out->contexts_known |= r->bpf->bss->cpu_base[cpu] > 1;
	}
	for (int kind = 0; kind < KF_TRIGGER_KINDS; kind++) {
		out->hits += counters->hits[kind];
		out->cooling += counters->cooling[kind];
		out->busy += counters->busy[kind];
	}
	out->unwatched = counters->unwatched;
	out->unfollowed = counters->unfollowed;
	out->checks = counters->checks;
	out->check_ns = counters->check_ns;
}
