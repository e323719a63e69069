/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/watchdog.h"

#include "base/error.h"
#include "base/now.h"
#include "daemon/events.h"
#include "daemon/notify.h"

static void on_time(void *notify)
{
	kf_notify_alive(notify);
}

int kf_watchdog_start(struct kf_events *events, struct kf_notify *notify, struct kf_error *e)
{
	uint64_t every_ns = kf_notify_watchdog_ns(notify) / 2;
	struct kf_timer *timer;

	if (!every_ns)
		return 0;
	if (kf_events_timer(events, on_time, notify, &timer, e))
		return -1;
	kf_timer_set(timer, kf_now_ns(), every_ns);
	return 0;
}
