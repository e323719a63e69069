/* SPDX-License-Identifier: BSD-2-Clause */
/* status_example.h - a status with a number of its own in every field that tests look for. */
#ifndef TEST_STATUS_EXAMPLE_H
#define TEST_STATUS_EXAMPLE_H

#include "daemon/status.h"
#include "snapshot/snapshot.h"

#define MS 1000000ull
#define S  (1000 * MS)

static struct kf_status_cpu example_cpus[] = { { 12 * S, 700, 0 }, { 0, 0, 0 }, { 9500 * MS, 300, 7 } };

/* 2026-11-21T08:15:02Z, 65 s after its start. */
static struct kf_daemon_status example(void)
{
	struct kf_daemon_status s = {
		.version = "1.2.3",
		.host = "web\x1b-1",
		.state = "recording",
		.filter = "pid 2144",
		.pid = 812,
		.now_ns = 165 * S,
		.started_ns = 100 * S,
		.real_ns = 1795248902ull * S,
		.wished_ns = 10 * S,
		.held_ns = 9500 * MS,
		.ring_bytes = 64 << 20,
		.cpus = example_cpus,
		.n_cpus = 3,
		.slots = 1000,
		.class_slots = { 600, 300, 60, 40 },
		.lost = { 7, 2, 0, 1, 0, 5, 3 },
		.n_rules = 2,
		.snapshots_written = 3,
		.snapshots_failed = 1,
		.snapshot_bytes = 4096,
		.last_snapshot = "/var/lib/kflight/a.kfl",
		.kept_known = true,
		.kept = 6,
		.kept_bytes = 8192,
		.removed = 2,
		.removed_bytes = 2048,
		.hooks = { 3, 2, 1 },
		.conversions = { 9, 8, 7 },
		.left_out = 4,
		.requests = { 11, 12, 13, 14, 15, 16 },
		.own_cpu_ns = 1250 * MS,
		.resident_bytes = 13 << 20,
		.cost_ppm = 3100,
		.budget_ppm = 20000,
		.shed = KF_SHED_SYSCALLS,
		.sheds = 2,
		.restores = 1,
		.hold_latency = { [3] = 98, [4] = 1, [15] = 1 },
		.waits_counted = 1u << KF_WAITS_RUNQ | 1u << KF_WAITS_FUTEX,
	};

	s.rules[0] = (struct kf_status_rule){ .name = "runq-5ms",
					      .text = "runq>5ms{comm=\"ng*\"}",
					      .enabled = true,
					      .counts = { 3, 5, 1, 2, 4 },
					      .last_hit_ns = 160 * S };
	s.rules[1] = (struct kf_status_rule){ .name = "storm", .text = "rate(runq>1ms)>100/s" };
	s.waits[KF_WAITS_RUNQ] =
		(struct kf_wait_histogram){ .ns = 1500000001,
					    .buckets = { [0] = 90, [10] = 9, [KF_WAITS_BUCKETS - 1] = 1 } };
	return s;
}

#endif
