/* SPDX-License-Identifier: BSD-2-Clause */
#include "snapshot/shed_name.h"

#include "snapshot/snapshot.h"

const char *kf_shed_name(unsigned int level)
{
	static const char *const names[KF_SHED_LEVELS] = {
		[KF_SHED_NOTHING] = "nothing",
		[KF_SHED_SYSCALLS] = "syscalls",
		[KF_SHED_INTERRUPTS] = "interrupts",
	};

	return level < KF_SHED_LEVELS ? names[level] : "unknown";
}
