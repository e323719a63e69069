/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h - can this host record? `doctor` prints the checks, `record` and `run` refuse with the first one that fails.
 *
 * kf_host_check() looks at the host (host_facts.h) and judges what it found; the judgement alone, for any facts, is
 * kf_host_judge().
 */
#ifndef KF_CAPTURE_HOST_H
#define KF_CAPTURE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kf_error;
struct kf_host_facts;

enum kf_check_status {
	KF_CHECK_OK,
	KF_CHECK_WARN,	  /* records, but less well */
	KF_CHECK_UNKNOWN, /* could not be looked at without rights or BTF, which are missing themselves */
	KF_CHECK_MISSING, /* cannot record */
};

struct kf_check {
	const char *name; /* "kernel BTF" */
	enum kf_check_status status;
	char found[200];
	char todo[280]; /* what to do, "" nothing */
};

#define KF_MAX_CHECKS 20

struct kf_checks {
	struct kf_check items[KF_MAX_CHECKS];
	size_t n;
};

/* Loads some tiny BPF programs and frees them at once. Takes some 100 ms. */
void kf_host_check(struct kf_checks *out);
void kf_host_judge(const struct kf_host_facts *facts, struct kf_checks *out);

size_t kf_checks_count(const struct kf_checks *checks, enum kf_check_status status);

/* 0 if nothing is missing; else KF_HOST with what was found and what to do about the first missing one. */
int kf_host_require(const struct kf_checks *checks, struct kf_error *e);

/*
 * Refuses rings of that many bytes when the host does not have the memory now. (The kernel allocates them at once, and
 * a snapshot needs as much again for its copy: count both.)
 */
int kf_host_require_memory(uint64_t bytes, struct kf_error *e);
int kf_host_judge_memory(uint64_t bytes, uint64_t available_bytes, struct kf_error *e);

/* Whether this process is in the first namespace of that kind ("pid", "cgroup"): the one whose numbers BPF sees. */
bool kf_host_is_initial_namespace(const char *kind);

/* "ok", "warn", "unknown", "missing" */
const char *kf_check_status_name(enum kf_check_status status);

#endif
