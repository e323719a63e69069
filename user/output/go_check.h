/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * go_check.h - would Go read this trace? The rules of its reader, in C, over written bytes.
 *
 * Stricter than Go's reader, which only orders by sequence numbers: here times must grow from event to event over the
 * whole file, and every event must be legal in that order. Go's own reader is the judge (tests/go); this is for tests
 * and fuzzing where there is no Go.
 *
 * Source of the rules: order.go of golang.org/x/exp/trace, and what crashes viewers although the reader accepts it.
 */
#ifndef KF_OUTPUT_GO_CHECK_H
#define KF_OUTPUT_GO_CHECK_H

#include "output/go_parse.h"

struct kf_error;

/* 0, or -1 with the first broken rule, its event and time in *e. */
int kf_go_check(const struct kf_go_parsed *p, struct kf_error *e);

/* kf_go_parse() and kf_go_check(). */
int kf_go_check_bytes(const void *bytes, size_t len, struct kf_error *e);

#endif
