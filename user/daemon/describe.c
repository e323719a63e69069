/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/describe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/error.h"
#include "capture/filter_spec.h"
#include "daemon/saving.h"
#include "daemon/service.h"
#include "expr/trigger_set.h"

static int set_triggers(struct kf_snapshot *s, const struct kf_trigger_set *set)
{
	char *text = set ? kf_trigger_set_text(set) : NULL;

	if (set && !text)
		return -1;
	free(s->triggers);
	s->triggers = text ? text : strdup("");
	return s->triggers ? 0 : -1;
}

int kf_describe(const struct kf_service_options *opts, const struct kf_ask *ask, struct kf_snapshot *s,
		struct kf_error *e)
{
	struct utsname host;

	if (uname(&host))
		return kf_fail_errno(e, errno, NULL, "cannot ask for the name of this host");
	s->requester = ask->by;
	if (kf_snapshot_set(&s->version, KF_VERSION) || kf_snapshot_set(&s->host, host.nodename) ||
	    kf_snapshot_set(&s->kernel, host.release) || kf_snapshot_set(&s->machine, host.machine) ||
	    kf_snapshot_set(&s->filter, opts->filter ? opts->filter->text : NULL) || set_triggers(s, opts->triggers) ||
	    kf_snapshot_set(&s->trace_id, ask->trace_id) || kf_snapshot_set(&s->span_id, ask->span_id) ||
	    kf_snapshot_set(&s->reason, ask->reason))
		return kf_fail_memory(e, "a snapshot");
	return 0;
}
