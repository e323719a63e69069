/* SPDX-License-Identifier: BSD-2-Clause */
/* bounds.h - does what counts for an expression pass its limit, surely, possibly, or not at all? */
#ifndef KF_CHECK_BOUNDS_H
#define KF_CHECK_BOUNDS_H

#include <stdbool.h>
#include <stdint.h>

#include "check/doubt.h"
#include "check/measure.h"

struct kf_material;

/* The answer to the whole expression, below-comparisons included. */
enum kf_answer kf_decide(const struct kf_material *m, enum kf_doubt doubt);

/* Can it only become more when more is known of the range? Then what passes in a part passes in the whole. */
bool kf_grows_with_knowledge(const struct kf_material *m);
/* Is it above its limit, or at it if asked for so, whatever is not known? */
enum kf_answer kf_passes(const struct kf_material *m);

/* As it was seen: ns, or how many; has_value is false if there is none. */
uint64_t kf_value_seen(const struct kf_material *m, bool *has_value);

#endif
