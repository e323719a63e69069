/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/rights.h"

#include <bpf/bpf.h>
#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "daemon/syscall_filter.h"

/* ---- capabilities ---- */

static uint64_t bit(unsigned int capability)
{
	return 1ULL << capability;
}

static uint64_t held(capng_type_t set)
{
	uint64_t bits = 0;

	for (unsigned int c = 0; c <= CAP_LAST_CAP; c++)
		if (capng_have_capability(set, c))
			bits |= bit(c);
	return bits;
}

static int apply(uint64_t kept, capng_select_t what)
{
	capng_clear(CAPNG_SELECT_ALL);
	for (unsigned int c = 0; c <= CAP_LAST_CAP; c++)
		if (kept & bit(c))
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, c);
	return capng_apply(what);
}

/*
 * Since Linux 5.19 only making maps and loading programs takes CAP_BPF; before, every bpf() does (unless
 * kernel.unprivileged_bpf_disabled is 0). Asked of the kernel, with a descriptor that is none.
 */
static bool bpf_needs_capability(void)
{
	struct bpf_map_info info;
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(-1, &info, &len) && errno == EPERM;
}

/* What it takes to go on recording with those that were permitted. Leaves the effective set empty. */
static int choose(const struct kf_rights_options *opts, uint64_t permitted, uint64_t *kept)
{
	struct stat folder;

	*kept = bit(CAP_SYS_NICE);
	if (!opts->has_opener)
		*kept |= bit(CAP_SYS_ADMIN) | bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH);
	if (opts->output_fd >= 0 && (fstat(opts->output_fd, &folder) || folder.st_uid != geteuid()))
		*kept |= bit(CAP_DAC_OVERRIDE);
	capng_clear(CAPNG_SELECT_ALL);
	for (unsigned int c = 0; c <= CAP_LAST_CAP; c++)
		if (permitted & bit(c))
			capng_update(CAPNG_ADD, CAPNG_PERMITTED, c);
	if (capng_apply(CAPNG_SELECT_CAPS))
		return -1;
	if (bpf_needs_capability())
		*kept |= permitted & bit(CAP_BPF) ? bit(CAP_BPF) | bit(CAP_PERFMON) : bit(CAP_SYS_ADMIN);
	*kept &= permitted;
	return 0;
}

static int drop_capabilities(const struct kf_rights_options *opts, struct kf_error *e)
{
	uint64_t permitted, kept;
	bool may_lock;

	if (capng_get_caps_process())
		return kf_fail(e, KF_HOST, NULL, "cannot read the capabilities of this process");
	permitted = held(CAPNG_PERMITTED);
	may_lock = permitted & bit(CAP_SETPCAP);
	/* Where that is not allowed, no_new_privs keeps anybody from regaining what is gone. */
	if (may_lock && (capng_lock() || apply(0, CAPNG_SELECT_BOUNDS)))
		return kf_fail_errno(e, errno, NULL, "cannot empty the bounding set of capabilities");
	if (choose(opts, permitted, &kept) || apply(kept, CAPNG_SELECT_CAPS))
		return kf_fail_errno(e, errno, NULL, "cannot drop capabilities");
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return 0;
}

const char *kf_rights_text(char *buf, size_t len)
{
	size_t used = 0;

	buf[0] = '\0';
	if (capng_get_caps_process())
		return "unknown";
	for (unsigned int c = 0; c <= CAP_LAST_CAP; c++) {
		int n;

		if (!capng_have_capability(CAPNG_PERMITTED, c))
			continue;
		n = snprintf(buf + used, len - used, "%scap_%s", used ? "," : "", capng_capability_to_name(c));
		if (n < 0 || (size_t)n >= len - used)
			break;
		used += (size_t)n;
	}
	return used ? buf : "none";
}

/* ---- the rest ---- */

/* Capabilities and securebits belong to a thread: others would keep theirs. */
static bool is_single_threaded(void)
{
	DIR *tasks = opendir("/proc/self/task");
	int n = 0;

	if (!tasks)
		return true;
	while (readdir(tasks))
		n++;
	closedir(tasks);
	return n == 3; /* with . and .. */
}

int kf_rights_drop(const struct kf_rights_options *opts, struct kf_error *e)
{
	const struct rlimit none = { 0, 0 };

	if (!is_single_threaded())
		return kf_fail(e, KF_HOST, NULL, "cannot drop rights: another thread runs already");
	umask(077);
	if (setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0))
		return kf_fail_errno(e, errno, NULL, "cannot switch off core dumps");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return kf_fail_errno(e, errno, NULL, "cannot give up new privileges");
	if (drop_capabilities(opts, e))
		return -1;
	return kf_syscall_filter_apply(opts->has_hooks, e);
}
