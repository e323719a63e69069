/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/surroundings.h"

#include "capture/cgroup_tree.h"
#include "capture/go_program.h"
#include "capture/irq_names.h"

void kf_surroundings_add(struct kf_snapshot *s, struct kf_opener *opener)
{
	kf_cgroup_tree_add(s);
	kf_irq_names_add(s, "/sys/kernel/irq");
	kf_go_programs_mark(s, opener); /* asks the cgroups */
}
