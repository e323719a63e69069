/* SPDX-License-Identifier: BSD-2-Clause */
/* slots.h - makes a row of slots keep what record.h promises about records of two slots. */
#ifndef KF_SNAPSHOT_SLOTS_H
#define KF_SNAPSHOT_SLOTS_H

#include <stddef.h>

#include "kflight/record.h"

/*
 * Removes, in place, slots of kind 0, KF_MORE slots without their record, and records whose KF_MORE slot is missing
 * (half of a record says something else than the whole). Sets *n and returns how many slots are gone.
 */
size_t kf_slots_drop_orphans(struct kf_slot *slots, size_t *n);

#endif
