/* SPDX-License-Identifier: BSD-2-Clause */
/* recorder.c - life cycle. */
#include "capture/recorder.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/error.h"
#include "capture/recorder_internal.h"
#include "capture/recorder_waits.h"

#include "kflight.skel.h"

uint64_t kf_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}
static int keep_trigger(void *recorder, void *data, size_t len)
{
	struct kf_recorder *r = recorder;

	if (len < sizeof(r->fired[0]) || r->n_fired == KF_FIRED_MAX)
		return 0;
	memcpy(&r->fired[r->n_fired++], data, sizeof(r->fired[0]));
	return 0;
}

/*
 * The memory of a BPF timer comes from an allocator that never waits for a lock. On a busy 6.18 it refuses in one start of
 * 80, for 30 ms as a rule, but also for more than 5 s. Then user space has to call. KFLIGHT_USER_TIMER=1 makes it so.
 */
static bool start_checks(struct kf_recorder *r)
{
	const struct timespec pause = { .tv_nsec = KF_NS_PER_MS };

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
	r->cost.opener = opts->opener;
	if (kf_recorder_load(r, opts, e))
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
	kf_recorder_count_cost(*r, false, NULL);
	kf_recorder_waits_unmap(*r);
	kflight_bpf__destroy((*r)->bpf);
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
	memmove(&r->fired[0], &r->fired[1], --r->n_fired * sizeof(r->fired[0]));
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
