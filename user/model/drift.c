/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/drift.h"

#include "model/machine.h"

void kf_drift_add(struct kf_machine *m, uint32_t thread, struct kf_drift drift)
{
	struct kf_track *track = &m->tracks[thread];

	m->drifts[m->n_drifts++] = drift;
	if (track->last_drift)
		m->drifts[track->last_drift - 1].next = m->n_drifts;
	else
		track->first_drift = m->n_drifts;
	track->last_drift = m->n_drifts;
}

static const struct kf_drift *drift_at(const struct kf_machine *m, uint32_t index)
{
	return index ? &m->drifts[index - 1] : NULL;
}

const struct kf_drift *kf_drift_first(const struct kf_machine *m, uint32_t thread)
{
	return drift_at(m, m->tracks[thread].first_drift);
}

uint16_t kf_drift_cpu(const struct kf_machine *m, uint32_t thread, uint64_t ts_ns, uint16_t cpu)
{
	const struct kf_drift *d = kf_drift_first(m, thread);

	if (!d)
		return cpu;
	for (cpu = d->from; d && d->ts_ns <= ts_ns; d = drift_at(m, d->next))
		cpu = d->to;
	return cpu;
}

void kf_drift_replay(struct kf_machine *m, uint32_t thread, uint64_t since_ns)
{
	struct kf_track *track = &m->tracks[thread];

	for (const struct kf_drift *d = kf_drift_first(m, thread); d; d = drift_at(m, d->next)) {
		if (d->ts_ns < since_ns)
			continue;
		kf_machine_move(m, d->ts_ns, thread, KF_MOVE_MIGRATE, 0)->cpu = d->to;
		track->cpu = d->to;
		track->certain_ns = d->ts_ns;
	}
}
