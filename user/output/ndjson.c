/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/ndjson.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/timeline.h"
#include "output/clock.h"
#include "output/gap_json.h"
#include "snapshot/snapshot.h"

static int write_failed(struct kf_error *e)
{
	return kf_fail_errno(e, errno ? errno : EIO, NULL, "cannot write NDJSON");
}

/* host is JSON already. */
static int write_gap(struct kf_gap_json *g, const struct kf_snapshot *s, const struct kf_gap *gap, const char *host,
		     FILE *out, struct kf_error *e)
{
	char time[64];

	errno = 0;
	if (kf_gap_json_write_open(g, gap, out, e))
		return -1;
	fputs_unlocked(",\"time\":\"", out);
	fputs_unlocked(kf_format_timestamp(kf_real_ns(s, gap->start_ns), time, sizeof(time)), out);
	fputs_unlocked("\",\"host\":", out);
	fputs_unlocked(host, out);
	return fputs_unlocked("}\n", out) == EOF || ferror(out) ? write_failed(e) : 0;
}

static char *quote(const char *text)
{
	json_t *string = kf_json_text(text, strlen(text));
	char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;

	json_decref(string);
	return quoted;
}

int kf_ndjson_write(const struct kf_timeline *t, const struct kf_snapshot *s, FILE *out, uint64_t min_gap_ns,
		    struct kf_error *e)
{
	char *host = quote(s->host);
	struct kf_gap_json g;
	int err = kf_gap_json_init(&g, t, e);

	if (!err && !host)
		err = kf_fail_memory(e, "the name of the host");
	for (size_t i = 0; !err && i < t->n_gaps; i++)
		if (t->gaps[i].end_ns - t->gaps[i].start_ns >= min_gap_ns)
			err = write_gap(&g, s, &t->gaps[i], host, out, e);
	kf_gap_json_release(&g);
	free(host);
	errno = 0;
	if (!err && fflush(out))
		err = write_failed(e);
	return err;
}
