/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/ndjson.h"

#include <errno.h>

#include "base/error.h"
#include "model/timeline.h"
#include "output/gap_json.h"

static int write_failed(struct kf_error *e)
{
	return kf_fail_errno(e, errno ? errno : EIO, NULL, "cannot write NDJSON");
}

static int write_gap(struct kf_gap_json *g, const struct kf_gap *gap, FILE *out, struct kf_error *e)
{
	errno = 0;
	if (kf_gap_json_write(g, gap, out, e))
		return -1;
	return putc('\n', out) == EOF || ferror(out) ? write_failed(e) : 0;
}

int kf_ndjson_write(const struct kf_timeline *t, FILE *out, uint64_t min_gap_ns, struct kf_error *e)
{
	struct kf_gap_json g;
	int err;

	err = kf_gap_json_init(&g, t, e);
	for (size_t i = 0; !err && i < t->n_gaps; i++)
		if (t->gaps[i].end_ns - t->gaps[i].start_ns >= min_gap_ns)
			err = write_gap(&g, &t->gaps[i], out, e);
	kf_gap_json_release(&g);
	errno = 0;
	if (!err && fflush(out))
		err = write_failed(e);
	return err;
}
