/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * go_tables.h - the strings, frames and stacks of a Go trace, each stored once.
 *
 * Ids are dense from 1. Readers key frames by program counter, for the whole file: so each different frame gets a
 * made-up counter of its own, and addresses of real programs (which collide between processes) never appear.
 */
#ifndef KF_OUTPUT_GO_TABLES_H
#define KF_OUTPUT_GO_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "output/go_wire.h"

struct kf_go_tables;

struct kf_go_pc {
	uint64_t pc;
	struct kf_go_frame frame;
};

struct kf_go_tables *kf_go_tables_new(void);
void kf_go_tables_free(struct kf_go_tables **t);

/* The id, or 0 when out of memory. */
uint32_t kf_go_tables_string(struct kf_go_tables *t, const char *text, size_t len);
uint32_t kf_go_tables_stack(struct kf_go_tables *t, const struct kf_go_frame *frames, size_t n);

/* In order of ids. */
void kf_go_tables_each_string(const struct kf_go_tables *t,
			      void (*each)(void *ctx, uint32_t id, const char *text, size_t len), void *ctx);
void kf_go_tables_each_stack(const struct kf_go_tables *t,
			     void (*each)(void *ctx, uint32_t id, const struct kf_go_pc *pcs, size_t n), void *ctx);

#endif
