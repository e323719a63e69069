/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/schema.h"

#include <errno.h>
#include <stddef.h>

#include "base/error.h"

/* The bytes of docs/schema/NAME.schema.json, made by the Makefile. */
static const unsigned char report[] = {
#include "report.schema.inc"
};
static const unsigned char gap[] = {
#include "gap.schema.inc"
};

int kf_schema_write(enum kf_schema which, FILE *out, struct kf_error *e)
{
	static const struct {
		const unsigned char *bytes;
		size_t n;
	} schemas[KF_SCHEMAS] = {
		[KF_SCHEMA_REPORT] = { report, sizeof(report) },
		[KF_SCHEMA_GAP] = { gap, sizeof(gap) },
	};

	errno = 0;
	if (fwrite(schemas[which].bytes, 1, schemas[which].n, out) != schemas[which].n || fflush(out))
		return kf_fail_errno(e, errno ? errno : EIO, NULL, "cannot write the schema");
	return 0;
}
