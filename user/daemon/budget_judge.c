/* SPDX-License-Identifier: BSD-2-Clause */
/* budget_judge.c - when to give something up, and when to try again. Time is counted in looks. */
#include "daemon/budget.h"

#define OVER_LOOKS	  2
#define CALM_LOOKS	  3
#define TRIAL_LOOKS	  6
#define MIN_PENALTY_LOOKS 60
#define MAX_PENALTY_LOOKS 8640 /* a day */

/* It came back and was too dear: is it to blame? Waits longer each time. One that was fine for a while starts afresh. */
static void note_failure(struct kf_budget_judge *j, enum kf_shed_level level)
{
	uint64_t *penalty = &j->penalty[level];

	if (!j->restored_at[level] || j->looks - j->restored_at[level] > TRIAL_LOOKS) {
		*penalty = 0;
		return;
	}
	*penalty = *penalty ? *penalty * 2 : MIN_PENALTY_LOOKS;
	if (*penalty > MAX_PENALTY_LOOKS)
		*penalty = MAX_PENALTY_LOOKS;
	j->not_before[level] = j->looks + *penalty;
}

static enum kf_shed_level one_more(const struct kf_budget_judge *j)
{
	for (int level = j->level + 1; level < KF_SHED_LEVELS; level++)
		if (j->can_shed[level])
			return (enum kf_shed_level)level;
	return j->level;
}

bool kf_budget_can_shed_more(const struct kf_budget_judge *j)
{
	return one_more(j) != j->level;
}

static void shed_more(struct kf_budget_judge *j)
{
	if (!kf_budget_can_shed_more(j))
		return;
	j->level = one_more(j);
	note_failure(j, j->level);
}

/* The level below which something is still recorded. */
static enum kf_shed_level one_less(const struct kf_budget_judge *j)
{
	int level = j->level - 1;

	while (level > KF_SHED_NOTHING && !j->can_shed[level])
		level--;
	return (enum kf_shed_level)level;
}

static void take_back(struct kf_budget_judge *j)
{
	if (j->level == KF_SHED_NOTHING || j->looks < j->not_before[j->level])
		return;
	j->restored_at[j->level] = j->looks;
	j->level = one_less(j);
	j->calm = 0;
}

enum kf_shed_level kf_budget_judge(struct kf_budget_judge *j, uint32_t bpf_ppm, uint32_t own_ppm)
{
	uint32_t cost_ppm = bpf_ppm + own_ppm;

	j->looks++;
	j->over = cost_ppm > j->budget_ppm && own_ppm <= j->budget_ppm ? j->over + 1 : 0;
	j->calm = cost_ppm <= j->budget_ppm / 2 ? j->calm + 1 : 0;
	if (!j->budget_ppm)
		return j->level;
	if (j->over >= OVER_LOOKS) {
		j->over = 0; /* what it costs now is not known yet */
		shed_more(j);
	} else if (j->calm >= CALM_LOOKS) {
		take_back(j);
	}
	return j->level;
}

void kf_budget_judge_refused(struct kf_budget_judge *j, enum kf_shed_level stays)
{
	j->level = stays;
	j->penalty[stays] = MAX_PENALTY_LOOKS;
	j->not_before[stays] = j->looks + MAX_PENALTY_LOOKS;
}
