/* SPDX-License-Identifier: BSD-2-Clause */
/* options.h - what only a recorder that lives on is told: limits, retention, shipping, metrics, budget. Texts as given, NULL not given. */
#ifndef KF_DAEMON_OPTIONS_H
#define KF_DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/control_address.h"
#include "daemon/retention.h"
#include "daemon/space.h"

struct kf_daemon_options {
	const char *limit, *exec, *convert, *group;
	uint64_t exec_timeout_ns; /* 0 the default */
	struct kf_keep keep;
	bool keeps; /* --keep was given */
	struct kf_space space;
	bool serves_metrics;
	struct kf_metrics_address metrics_address;
	uint32_t budget_ppm; /* KF_BUDGET_OFF: not even measured */
};

#endif
