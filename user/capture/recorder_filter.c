/* SPDX-License-Identifier: BSD-2-Clause */
/* recorder_filter.c - hands the filters to BPF: of the recording, and of the terms of its triggers. */
#include "capture/recorder_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "capture/cgroup.h"
#include "capture/filter_spec.h"
#include "capture/glob.h"
#include "expr/trigger_set.h"

#include "kflight.skel.h"

/* The same pattern may be given by several: it is walked once. */
static int add_comm(struct kflight_bpf__rodata *rodata, const char *text, uint64_t who, struct kf_error *e)
{
	struct kf_glob_table table;
	uint32_t i;

	kf_glob_compile(text, &table);
	for (i = 0; i < rodata->n_comm_globs; i++)
		if (!memcmp(&rodata->comm_globs[i], &table, sizeof(table)))
			break;
	if (i == KF_MAX_GLOBS)
		return kf_fail(e, KF_USAGE, "filter by --cgroup or --pid",
			       "more than %d different names in the filters of the recording and its triggers",
			       KF_MAX_GLOBS);
	rodata->comm_globs[i] = table;
	rodata->comm_filters[i] |= who;
	if (i == rodata->n_comm_globs)
		rodata->n_comm_globs++;
	return 0;
}

static int add_cgroup(struct kflight_bpf__rodata *rodata, const struct kf_cgroup_filter *cgroup, uint64_t who,
		      struct kf_error *e)
{
	uint32_t i;

	for (i = 0; i < rodata->n_cgroup_filters; i++)
		if (rodata->cgroup_filters[i].id == cgroup->id)
			break;
	if (i == KF_MAX_CGROUPS)
		return kf_fail(e, KF_USAGE, "name a common parent",
			       "more than %d different cgroups in the filters of the recording and its triggers",
			       KF_MAX_CGROUPS);
	rodata->cgroup_filters[i] = *cgroup;
	rodata->cgroup_users[i] |= who;
	if (i == rodata->n_cgroup_filters)
		rodata->n_cgroup_filters++;
	return 0;
}

static int set_recording(struct kflight_bpf__rodata *rodata, const struct kf_filter_spec *filter, struct kf_error *e)
{
	rodata->filtered = true;
	rodata->filters_ids = filter->n_pids || filter->n_tids;
	for (size_t i = 0; i < filter->n_comms; i++)
		if (add_comm(rodata, filter->comms[i].text, KF_FILTERS_RECORDING, e))
			return -1;
	for (size_t i = 0; i < filter->n_cgroups; i++)
		if (add_cgroup(rodata, &filter->cgroups[i], KF_FILTERS_RECORDING, e))
			return -1;
	return 0;
}

static int set_term_filter(struct kflight_bpf__rodata *rodata, const struct kf_term_filter *filter, struct kf_error *e)
{
	struct kf_cgroup_filter cgroup;

	rodata->filtered_terms |= filter->terms;
	switch (filter->by) {
	case KF_FILTER_COMM:
		rodata->terms_by_comm |= filter->terms;
		return add_comm(rodata, filter->comm.text, filter->terms, e);
	case KF_FILTER_CGROUP:
		rodata->terms_by_cgroup |= filter->terms;
		return kf_cgroup_resolve(filter->cgroup, &cgroup, e) ? -1
								     : add_cgroup(rodata, &cgroup, filter->terms, e);
	case KF_FILTER_PID:
		rodata->terms_by_pid |= filter->terms;
		break;
	case KF_FILTER_TID:
		rodata->terms_by_tid |= filter->terms;
		break;
	case KF_FILTER_PID_OR_TID:
		rodata->terms_by_number |= filter->terms;
		break;
	}
	rodata->filters_ids = true;
	return kf_filter_check_id(filter->id, filter->by, e);
}

int kf_recorder_plan_filters(struct kf_recorder *r, const struct kf_recorder_options *opts, struct kf_error *e)
{
	const struct kf_filter_spec *filter = opts->filter;
	const struct kf_trigger_set *set = opts->trigger_set;

	r->bpf->rodata->follow_children = !opts->only;
	if (filter && !kf_filter_spec_is_empty(filter) && set_recording(r->bpf->rodata, filter, e))
		return -1;
	for (size_t i = 0; set && i < set->n_filters; i++)
		if (set_term_filter(r->bpf->rodata, &set->filters[i], e))
			return -1;
	return 0;
}

/* Adds to what is there for this number. */
static int add_id(const struct bpf_map *map, uint32_t id, struct kf_id_filters more, struct kf_error *e)
{
	struct kf_id_filters all = { 0 };

	bpf_map_lookup_elem(bpf_map__fd(map), &id, &all);
	all.by_id |= more.by_id;
	all.by_number |= more.by_number;
	if (bpf_map_update_elem(bpf_map__fd(map), &id, &all, BPF_ANY))
		return kf_fail_errno(e, errno, NULL, "cannot filter for '%u'", id);
	return 0;
}

static int add_ids(const struct bpf_map *map, const uint32_t *ids, size_t n, struct kf_error *e)
{
	const struct kf_id_filters recording = { .by_id = KF_FILTERS_RECORDING };

	for (size_t i = 0; i < n; i++)
		if (add_id(map, ids[i], recording, e))
			return -1;
	return 0;
}

static int add_term_filter(struct kf_recorder *r, const struct kf_term_filter *filter, struct kf_error *e)
{
	const struct kf_id_filters by_id = { .by_id = filter->terms }, by_number = { .by_number = filter->terms };

	switch (filter->by) {
	case KF_FILTER_PID:
		return add_id(r->bpf->maps.filter_pids, filter->id, by_id, e);
	case KF_FILTER_TID:
		return add_id(r->bpf->maps.filter_tids, filter->id, by_id, e);
	case KF_FILTER_PID_OR_TID:
		if (add_id(r->bpf->maps.filter_pids, filter->id, by_number, e))
			return -1;
		return add_id(r->bpf->maps.filter_tids, filter->id, by_number, e);
	default:
		return 0;
	}
}

int kf_recorder_fill_filters(struct kf_recorder *r, const struct kf_recorder_options *opts, struct kf_error *e)
{
	const struct kf_filter_spec *filter = opts->filter;
	const struct kf_trigger_set *set = opts->trigger_set;

	if (filter && (add_ids(r->bpf->maps.filter_pids, filter->pids, filter->n_pids, e) ||
		       add_ids(r->bpf->maps.filter_tids, filter->tids, filter->n_tids, e)))
		return -1;
	for (size_t i = 0; set && i < set->n_filters; i++)
		if (add_term_filter(r, &set->filters[i], e))
			return -1;
	return 0;
}
