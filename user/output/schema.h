/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * schema.h - what our JSON looks like, for validators and code generators: JSON Schema, draft 2020-12. The schemas are the
 * files docs/schema/NAME.schema.json; each stands for itself, and tells exactly what this version writes.
 */
#ifndef KF_OUTPUT_SCHEMA_H
#define KF_OUTPUT_SCHEMA_H

#include <stdio.h>

struct kf_error;

enum kf_schema {
	KF_SCHEMA_REPORT, /* report --json */
	KF_SCHEMA_GAP,	  /* a line of export -f ndjson */
	KF_SCHEMAS,
};

/* Flushes out; a full disk or closed pipe is an error. */
int kf_schema_write(enum kf_schema which, FILE *out, struct kf_error *e);

#endif
