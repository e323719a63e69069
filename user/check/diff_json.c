/* SPDX-License-Identifier: BSD-2-Clause */
/* Differences as JSON. */
#include "check/diff.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "model/timeline.h"
#include "output/gap_json.h"
#include "snapshot/snapshot.h"

static json_t *text_of(const char *text)
{
	return kf_json_text(text, strlen(text));
}

static json_t *side_json(const struct kf_diff_side *side)
{
	return json_pack("{so so so sI}", "file", text_of(side->path), "host", text_of(side->s->host), "kernel",
			 text_of(side->s->kernel), "window_ns", (json_int_t)(side->t->end_ns - side->t->floor_ns));
}

static json_t *distribution_json(const struct kf_distribution *d, bool there, uint64_t window_ns)
{
	double seconds = window_ns ? (double)window_ns / 1e9 : 1;

	if (!there)
		return json_null();
	return json_pack("{sI sf sI sI sI sI sf}", "count", (json_int_t)d->n, "per_s", (double)d->n / seconds, "p50_ns",
			 (json_int_t)d->p50_ns, "p99_ns", (json_int_t)d->p99_ns, "max_ns", (json_int_t)d->max_ns,
			 "total_ns", (json_int_t)d->total_ns, "total_ns_per_s", (double)d->total_ns / seconds);
}

static json_t *verdict_of(const struct kf_diff_row *row)
{
	static const char *const names[] = {
		[KF_ANSWER_NO] = "ok",
		[KF_ANSWER_YES] = "fail",
		[KF_ANSWER_UNKNOWN] = "unknown",
	};

	if (!row->judged)
		return json_null();
	return json_string(row->few ? "few" : names[row->worse]);
}

static json_t *rows_json(const struct kf_diff *d)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < d->n; i++) {
		const struct kf_diff_row *row = &d->rows[i];
		json_t *o = json_pack("{so ss so so so}", "process", kf_json_text(row->comm, sizeof(row->comm)), "wait",
				      kf_diff_wait_name(row->wait), "verdict", verdict_of(row), "a",
				      distribution_json(&row->a, row->in_a, d->window_a_ns), "b",
				      distribution_json(&row->b, row->in_b, d->window_b_ns));

		if (json_array_append_new(list, o)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

int kf_diff_json(const struct kf_diff *d, const struct kf_diff_side *a, const struct kf_diff_side *b,
		 const struct kf_diff_options *o, FILE *out, struct kf_error *e)
{
	const char *verdict = d->status == KF_OK ? "ok" : d->status == KF_FINDINGS ? "fail" : "incomplete";
	json_t *made = json_pack("{ss si so so sf sI so}", "verdict", verdict, "status", (int)d->status, "a",
				 side_json(a), "b", side_json(b), "ratio", o->ratio, "floor_ns",
				 (json_int_t)o->floor_ns, "rows", rows_json(d));
	int err = made ? 0 : kf_fail_memory(e, "the differences as JSON");

	errno = 0;
	if (!err && (json_dumpf(made, out, JSON_INDENT(1)) || putc('\n', out) == EOF || fflush(out)))
		err = kf_fail_errno(e, errno ? errno : EIO, NULL, "cannot write the differences");
	json_decref(made);
	return err;
}
