/* SPDX-License-Identifier: BSD-2-Clause */
/* recorder_filter.c - hands the filter to BPF. */
#include "capture/recorder_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "capture/filter_spec.h"
#include "capture/glob.h"

#include "kflight.skel.h"

void kf_recorder_set_filter(struct kf_recorder *r, const struct kf_recorder_options *opts)
{
	const struct kf_filter_spec *filter = opts->filter;

	if (!filter || kf_filter_spec_is_empty(filter))
		return;
	r->bpf->rodata->filtered = true;
	r->bpf->rodata->follow_children = !opts->only;
	r->bpf->rodata->n_comm_globs = filter->n_comms;
	r->bpf->rodata->n_cgroup_filters = filter->n_cgroups;
	for (size_t i = 0; i < filter->n_comms; i++)
		kf_glob_compile(filter->comms[i].text, &r->bpf->rodata->comm_globs[i]);
	memcpy(r->bpf->rodata->cgroup_filters, filter->cgroups, filter->n_cgroups * sizeof(filter->cgroups[0]));
}

static int fill_ids(int map, const uint32_t *ids, size_t n, struct kf_error *e)
{
	uint8_t yes = 1;

	for (size_t i = 0; i < n; i++)
		if (bpf_map_update_elem(map, &ids[i], &yes, BPF_ANY))
			return kf_fail_errno(e, errno, NULL, "cannot filter for '%u'", ids[i]);
	return 0;
}

int kf_recorder_fill_filter(struct kf_recorder *r, const struct kf_recorder_options *opts, struct kf_error *e)
{
	if (!opts->filter)
		return 0;
	if (fill_ids(bpf_map__fd(r->bpf->maps.filter_pids), opts->filter->pids, opts->filter->n_pids, e))
		return -1;
	return fill_ids(bpf_map__fd(r->bpf->maps.filter_tids), opts->filter->tids, opts->filter->n_tids, e);
}
