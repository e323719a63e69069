/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/syscall_filter.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/prctl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/error.h"

/* Some have no number in an older libseccomp: by name, and unknown ones are left out. */
static const char *const allowed[] = {
	/* files: snapshots and their folder, /proc and /sys, the configuration */
	"read",
	"readv",
	"pread64",
	"write",
	"writev",
	"pwrite64",
	"lseek",
	"openat",
	"open",
	"close",
	"close_range",
	"fstat",
	"newfstatat",
	"stat",
	"lstat",
	"statx",
	"fcntl",
	"flock",
	"fsync",
	"fdatasync",
	"ftruncate",
	"fallocate",
	"fadvise64",
	"getdents64",
	"unlink",
	"unlinkat",
	"rename",
	"renameat",
	"renameat2",
	"linkat",
	"mkdir",
	"mkdirat",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"readlinkat",
	"getcwd",
	"fchmod",
	"fchown",
	"fchownat",
	"fsetxattr",
	"fgetxattr",
	"getxattr",
	"statfs",
	"fstatfs",
	"dup",
	"dup2",
	"dup3",
	"umask",
	"pipe2",
	/* sockets that are open already, journal and service manager: these two take messages without connect(), with which user 0 could ask
	 * all that trusts it (systemd, container engines) to act for it */
	"accept",
	"accept4",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"sendfile",
	"shutdown",
	"getsockopt",
	"setsockopt",
	"getsockname",
	"getpeername",
	/* the loop */
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_ctl",
	"epoll_create1",
	"eventfd2",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_gettime",
	"signalfd4",
	"poll",
	"ppoll",
	"select",
	"pselect6",
	"clock_gettime",
	"clock_getres",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"time",
	"restart_syscall",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigtimedwait",
	"rt_sigpending",
	"sigaltstack",
	/* memory */
	"munmap",
	"mremap",
	"madvise",
	"brk",
	"membarrier",
	/* threads, itself and its children */
	"futex",
	"set_robust_list",
	"get_robust_list",
	"rseq",
	"set_tid_address",
	"exit",
	"exit_group",
	"gettid",
	"getpid",
	"getppid",
	"getpgrp",
	"getpgid",
	"getsid",
	"tgkill",
	"sched_yield",
	"sched_getaffinity",
	"sched_getparam",
	"sched_getscheduler",
	"getcpu",
	"setpriority",
	"getpriority",
	"getrusage",
	"times",
	"getrlimit",
	"uname",
	"sysinfo",
	"getrandom",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getresuid",
	"getresgid",
	"getgroups",
	"capget",
	"wait4",
	"waitid",
	"pidfd_open",
};

/* No recorder does that: whoever does has taken it over. */
static const char *const deadly[] = {
	"execve",
	"execveat",
	"fork",
	"vfork",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"pidfd_getfd",
	"kcmp",
	"init_module",
	"finit_module",
	"delete_module",
	"kexec_load",
	"kexec_file_load",
	"reboot",
	"mount",
	"umount2",
	"pivot_root",
	"chroot",
	"move_mount",
	"open_tree",
	"fsopen",
	"fsconfig",
	"fsmount",
	"fspick",
	"mount_setattr",
	"setns",
	"unshare",
	"open_by_handle_at",
	"setuid",
	"setgid",
	"setreuid",
	"setregid",
	"setresuid",
	"setresgid",
	"setfsuid",
	"setfsgid",
	"setgroups",
	"capset",
	"add_key",
	"request_key",
	"keyctl",
	"userfaultfd",
	"io_uring_setup",
	"personality",
	"swapon",
	"swapoff",
	"acct",
	"sethostname",
	"setdomainname",
	"settimeofday",
	"clock_settime",
	"clock_adjtime",
	"adjtimex",
	"quotactl",
	"syslog",
	"iopl",
	"ioperm",
	"mknod",
	"mknodat",
	"perf_event_open",
	"modify_ldt",
};

/* Commands of bpf() on what is there already; what makes programs and maps is deadly. */
static const unsigned int bpf_commands[] = {
	BPF_MAP_LOOKUP_ELEM,
	BPF_MAP_UPDATE_ELEM,
	BPF_MAP_DELETE_ELEM,
	BPF_MAP_GET_NEXT_KEY,
	BPF_MAP_LOOKUP_AND_DELETE_ELEM,
	BPF_MAP_LOOKUP_BATCH,
	BPF_MAP_UPDATE_BATCH,
	BPF_PROG_TEST_RUN,
	BPF_ITER_CREATE,
	BPF_LINK_CREATE,
	BPF_LINK_DETACH,
	BPF_RAW_TRACEPOINT_OPEN,
	BPF_OBJ_GET_INFO_BY_FD,
	BPF_ENABLE_STATS,
};
static const unsigned int deadly_bpf_commands[] = { BPF_PROG_LOAD,   BPF_MAP_CREATE, BPF_BTF_LOAD,
						    BPF_PROG_ATTACH, BPF_OBJ_PIN,    BPF_OBJ_GET };

#define N(array) (sizeof(array) / sizeof((array)[0]))

static int add_names(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);

		if (number != __NR_SCMP_ERROR && seccomp_rule_add(filter, action, number, 0))
			return -1;
	}
	return 0;
}

static int allow_if(scmp_filter_ctx filter, int number, struct scmp_arg_cmp condition)
{
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &condition);
}

static int add_bpf(scmp_filter_ctx filter)
{
	struct scmp_arg_cmp is = SCMP_A0(SCMP_CMP_EQ, 0);

	for (size_t i = 0; i < N(bpf_commands); i++) {
		is.datum_a = bpf_commands[i];
		if (allow_if(filter, SCMP_SYS(bpf), is))
			return -1;
	}
	for (size_t i = 0; i < N(deadly_bpf_commands); i++) {
		is.datum_a = deadly_bpf_commands[i];
		if (seccomp_rule_add_array(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(bpf), 1, &is))
			return -1;
	}
	return 0;
}

/* Those that are fine with some arguments only. clone3() hides its flags in memory: ENOSYS makes the C library use clone(). */
static int add_conditional(scmp_filter_ctx filter)
{
	const unsigned int ioctls[] = { TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIOCLEX };
	const unsigned int prctls[] = { PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, PR_GET_DUMPABLE, PR_CAPBSET_READ };
	int err = 0;

	err |= allow_if(filter, SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	err |= allow_if(filter, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	err |= allow_if(filter, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	err |= allow_if(filter, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	err |= allow_if(filter, SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0)); /* asks only */
	for (size_t i = 0; i < N(ioctls); i++)
		err |= allow_if(filter, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, ioctls[i]));
	for (size_t i = 0; i < N(prctls); i++)
		err |= allow_if(filter, SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, prctls[i]));
	return err;
}

static int build(scmp_filter_ctx filter, bool may_kill)
{
	static const char *const kills[] = { "kill", "pidfd_send_signal" };

	if (seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) ||
	    seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1))
		return -1;
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list */
	return add_names(filter, SCMP_ACT_ALLOW, allowed, N(allowed)) ||
	       add_names(filter, SCMP_ACT_KILL_PROCESS, deadly, N(deadly)) ||
	       (may_kill && add_names(filter, SCMP_ACT_ALLOW, kills, N(kills))) || add_bpf(filter) ||
	       add_conditional(filter);
}

#ifdef __SANITIZE_ADDRESS__
static int load(scmp_filter_ctx filter)
{
	return 0; /* the leak checker clones and traces */
}
#else
static int load(scmp_filter_ctx filter)
{
	return seccomp_load(filter);
}
#endif

int kf_syscall_filter_apply(bool may_kill, struct kf_error *e)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int err;

	if (!filter)
		return kf_fail_memory(e, "the filter of system calls");
	err = build(filter, may_kill) ? -EINVAL : load(filter);
	seccomp_release(filter);
	if (err)
		return kf_fail_errno(e, -err, "is CONFIG_SECCOMP_FILTER in this kernel?",
				     "cannot install the filter of system calls");
	return 0;
}
