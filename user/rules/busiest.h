/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * busiest.h - how much of a CPU interrupts or the hypervisor took, in stretches of KF_STRETCH_NS: a storm of a second is
 * lost in the mean over a window of a minute. Internal to rules/.
 */
#ifndef KF_RULES_BUSIEST_H
#define KF_RULES_BUSIEST_H

#include <stddef.h>
#include <stdint.h>

struct kf_cpu;
struct kf_error;
struct kf_timeline;

#define KF_STRETCH_NS	  100000000ULL
#define KF_STRETCHES_MAX  4096	      /* longer windows get longer stretches */
#define KF_STRETCH_MIN_NS 10000000ULL /* what is left at the end counts if it is that long */

struct kf_busy {
	uint64_t *taken_ns; /* of each stretch */
	size_t n;
	uint64_t from_ns; /* of the first stretch: where knowledge begins */
	uint64_t stretch_ns;
	uint64_t last_ns; /* length of the last one */
	uint64_t total_ns;
};

/* Kinds: bits 1 << enum kf_part_kind. n is 0 if nothing is known. release b also after a failure. */
int kf_busy_find(struct kf_busy *b, const struct kf_timeline *t, const struct kf_cpu *cpu, unsigned int kinds,
		 struct kf_error *e);
/* Share of a stretch, in thousandths. */
uint64_t kf_busy_permille(const struct kf_busy *b, size_t stretch);
void kf_busy_release(struct kf_busy *b);

#endif
