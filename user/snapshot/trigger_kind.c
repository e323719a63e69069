/* SPDX-License-Identifier: BSD-2-Clause */
#include "snapshot/trigger_kind.h"

#include "kflight/control.h"

const char *kf_trigger_kind_name(unsigned int kind)
{
	static const char *const names[KF_TRIGGER_KINDS] = {
		[KF_TRIGGER_NONE] = "none",	      [KF_TRIGGER_RUNQ] = "runq",
		[KF_TRIGGER_FUTEX] = "futex",	      [KF_TRIGGER_SYSCALL] = "syscall",
		[KF_TRIGGER_BLOCK] = "block",	      [KF_TRIGGER_REQUEST] = "request",
		[KF_TRIGGER_THROTTLED] = "throttled", [KF_TRIGGER_AGGREGATE] = "aggregate",
	};

	return kind < KF_TRIGGER_KINDS ? names[kind] : "unknown";
}
