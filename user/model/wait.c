/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/wait.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "kflight/record.h"
#include "model/timeline.h"

#define TASK_UNINTERRUPTIBLE 0x2
#define TASK_NOLOAD	     0x400
#define TASK_STOPPED	     0x4
#define TASK_TRACED	     0x8
#define TASK_PARKED	     0x40
#define TASK_FREEZABLE	     0x2000
#define TASK_FROZEN	     0x8000

static const char *const syscall_names[] = {
#include "syscall_names.inc"
};
#define N_SYSCALLS (sizeof(syscall_names) / sizeof(*syscall_names))

/* What a syscall can wait for; the rest is in its arguments, the file and the state. */
enum subject {
	SUBJECT_OTHER = 0,
	SUBJECT_FUTEX,
	SUBJECT_FUTEX_COND,
	SUBJECT_FUTEX_LOCK,
	SUBJECT_LOCK,
	SUBJECT_FCNTL,
	SUBJECT_NETWORK,
	SUBJECT_POLL,
	SUBJECT_READ,  /* of any file */
	SUBJECT_WRITE, /* to any file */
	SUBJECT_SLEEP,
	SUBJECT_SIGNAL,
	SUBJECT_CHILD,
	SUBJECT_CLONE,
	SUBJECT_SYNC, /* waits for the disk, whatever its state */
	SUBJECT_FILE, /* waits for the disk if it cannot be interrupted, and not for a lock */
};

/* By number. */
static const uint8_t subjects[] = {
	[SYS_futex] = SUBJECT_FUTEX,
	[SYS_futex_waitv] = SUBJECT_FUTEX_COND,
	[SYS_flock] = SUBJECT_LOCK,
	[SYS_semop] = SUBJECT_LOCK,
	[SYS_semtimedop] = SUBJECT_LOCK,
	[SYS_msgsnd] = SUBJECT_LOCK,
	[SYS_msgrcv] = SUBJECT_LOCK,
	[SYS_mq_timedsend] = SUBJECT_LOCK,
	[SYS_mq_timedreceive] = SUBJECT_LOCK,
	[SYS_fcntl] = SUBJECT_FCNTL,
	[SYS_connect] = SUBJECT_NETWORK,
	[SYS_accept] = SUBJECT_NETWORK,
	[SYS_accept4] = SUBJECT_NETWORK,
	[SYS_sendto] = SUBJECT_NETWORK,
	[SYS_sendmsg] = SUBJECT_NETWORK,
	[SYS_sendmmsg] = SUBJECT_NETWORK,
	[SYS_recvfrom] = SUBJECT_NETWORK,
	[SYS_recvmsg] = SUBJECT_NETWORK,
	[SYS_recvmmsg] = SUBJECT_NETWORK,
	[SYS_epoll_pwait] = SUBJECT_POLL,
	[SYS_epoll_pwait2] = SUBJECT_POLL,
	[SYS_ppoll] = SUBJECT_POLL,
	[SYS_pselect6] = SUBJECT_POLL,
	[SYS_io_uring_enter] = SUBJECT_POLL,
	[SYS_io_getevents] = SUBJECT_POLL,
	[SYS_io_pgetevents] = SUBJECT_POLL,
	[SYS_read] = SUBJECT_READ,
	[SYS_readv] = SUBJECT_READ,
	[SYS_pread64] = SUBJECT_READ,
	[SYS_preadv] = SUBJECT_READ,
	[SYS_preadv2] = SUBJECT_READ,
	[SYS_write] = SUBJECT_WRITE,
	[SYS_writev] = SUBJECT_WRITE,
	[SYS_pwrite64] = SUBJECT_WRITE,
	[SYS_pwritev] = SUBJECT_WRITE,
	[SYS_pwritev2] = SUBJECT_WRITE,
	[SYS_nanosleep] = SUBJECT_SLEEP,
	[SYS_clock_nanosleep] = SUBJECT_SLEEP,
	[SYS_rt_sigsuspend] = SUBJECT_SIGNAL,
	[SYS_rt_sigtimedwait] = SUBJECT_SIGNAL,
	[SYS_wait4] = SUBJECT_CHILD,
	[SYS_waitid] = SUBJECT_CHILD,
	[SYS_clone] = SUBJECT_CLONE,
	[SYS_clone3] = SUBJECT_CLONE,
	[SYS_fsync] = SUBJECT_SYNC,
	[SYS_fdatasync] = SUBJECT_SYNC,
	[SYS_sync] = SUBJECT_SYNC,
	[SYS_syncfs] = SUBJECT_SYNC,
	[SYS_sync_file_range] = SUBJECT_SYNC,
	[SYS_msync] = SUBJECT_SYNC,
	[SYS_openat] = SUBJECT_FILE,
	[SYS_openat2] = SUBJECT_FILE,
	[SYS_close] = SUBJECT_FILE,
	[SYS_fstat] = SUBJECT_FILE,
	[SYS_newfstatat] = SUBJECT_FILE,
	[SYS_statx] = SUBJECT_FILE,
	[SYS_statfs] = SUBJECT_FILE,
	[SYS_faccessat] = SUBJECT_FILE,
	[SYS_faccessat2] = SUBJECT_FILE,
	[SYS_readlinkat] = SUBJECT_FILE,
	[SYS_getdents64] = SUBJECT_FILE,
	[SYS_renameat] = SUBJECT_FILE,
	[SYS_renameat2] = SUBJECT_FILE,
	[SYS_unlinkat] = SUBJECT_FILE,
	[SYS_mkdirat] = SUBJECT_FILE,
	[SYS_linkat] = SUBJECT_FILE,
	[SYS_symlinkat] = SUBJECT_FILE,
	[SYS_truncate] = SUBJECT_FILE,
	[SYS_ftruncate] = SUBJECT_FILE,
	[SYS_fallocate] = SUBJECT_FILE,
	[SYS_fadvise64] = SUBJECT_FILE,
	[SYS_readahead] = SUBJECT_FILE,
	[SYS_sendfile] = SUBJECT_FILE,
	[SYS_splice] = SUBJECT_FILE,
	[SYS_copy_file_range] = SUBJECT_FILE,
	[SYS_execve] = SUBJECT_FILE,
	[SYS_execveat] = SUBJECT_FILE,
	[SYS_mount] = SUBJECT_FILE,
	[SYS_umount2] = SUBJECT_FILE,
	[SYS_chdir] = SUBJECT_FILE,
	[SYS_fchmod] = SUBJECT_FILE,
	[SYS_fchmodat] = SUBJECT_FILE,
	[SYS_fchown] = SUBJECT_FILE,
	[SYS_fchownat] = SUBJECT_FILE,
	[SYS_utimensat] = SUBJECT_FILE,
	[SYS_io_submit] = SUBJECT_FILE,
#ifdef SYS_open /* not on architectures younger than the *at calls */
	[SYS_epoll_wait] = SUBJECT_POLL,
	[SYS_poll] = SUBJECT_POLL,
	[SYS_select] = SUBJECT_POLL,
	[SYS_pause] = SUBJECT_SIGNAL,
	[SYS_vfork] = SUBJECT_CHILD,
	[SYS_open] = SUBJECT_FILE,
	[SYS_creat] = SUBJECT_FILE,
	[SYS_stat] = SUBJECT_FILE,
	[SYS_lstat] = SUBJECT_FILE,
	[SYS_access] = SUBJECT_FILE,
	[SYS_readlink] = SUBJECT_FILE,
	[SYS_getdents] = SUBJECT_FILE,
	[SYS_rename] = SUBJECT_FILE,
	[SYS_unlink] = SUBJECT_FILE,
	[SYS_mkdir] = SUBJECT_FILE,
	[SYS_rmdir] = SUBJECT_FILE,
	[SYS_link] = SUBJECT_FILE,
	[SYS_symlink] = SUBJECT_FILE,
	[SYS_chmod] = SUBJECT_FILE,
	[SYS_chown] = SUBJECT_FILE,
#endif
#ifdef SYS_futex_wait /* Linux 6.7 */
	[SYS_futex_wait] = SUBJECT_FUTEX_LOCK,
#endif
};

const char *kf_wait_kind_name(enum kf_wait_kind kind)
{
	static const char *const names[KF_WAIT_KINDS] = {
		[KF_WAIT_KIND_UNKNOWN] = "unknown",  [KF_WAIT_FUTEX_LOCK] = "futex",
		[KF_WAIT_FUTEX_COND] = "futex_cond", [KF_WAIT_LOCK] = "lock",
		[KF_WAIT_NETWORK] = "network",	     [KF_WAIT_POLL] = "poll",
		[KF_WAIT_PIPE_READ] = "pipe_read",   [KF_WAIT_PIPE_WRITE] = "pipe_write",
		[KF_WAIT_SLEEP] = "sleep",	     [KF_WAIT_SIGNAL] = "signal",
		[KF_WAIT_CHILD] = "child",	     [KF_WAIT_DISK] = "disk",
		[KF_WAIT_PAGE_FAULT] = "page_fault", [KF_WAIT_STOPPED] = "stopped",
		[KF_WAIT_KTHREAD] = "kthread",	     [KF_WAIT_KTHREAD_IO] = "kthread_io",
		[KF_WAIT_OTHER] = "other",	     [KF_WAIT_KERNEL] = "kernel",
	};

	return (unsigned)kind < KF_WAIT_KINDS ? names[kind] : names[KF_WAIT_KIND_UNKNOWN];
}

const char *kf_syscall_name(uint16_t nr)
{
	return nr < N_SYSCALLS ? syscall_names[nr] : NULL;
}

int kf_syscall_number(const char *name)
{
	for (size_t nr = 0; nr < N_SYSCALLS; nr++)
		if (syscall_names[nr] && !strcmp(syscall_names[nr], name))
			return nr;
	return -1;
}

static enum kf_wait_kind futex_kind(uint64_t op)
{
	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return KF_WAIT_FUTEX_LOCK;
	case FUTEX_WAIT_BITSET:
	case FUTEX_WAIT_REQUEUE_PI:
		return KF_WAIT_FUTEX_COND;
	}
	return KF_WAIT_OTHER;
}

/* A wait that is for the disk, as far as is known. */
static enum kf_wait_kind disk_kind(const struct kf_wait *wait)
{
	if (wait->device == KF_DEVICE_NO)
		return wait->uninterruptible ? KF_WAIT_KERNEL : KF_WAIT_OTHER;
	return KF_WAIT_DISK;
}

/* Reading or writing a file of any sort. An uninterruptible wait of an unknown one is the disk, unless it is known not to be. */
static enum kf_wait_kind transfer_kind(const struct kf_wait *wait, enum kf_wait_kind pipe_kind)
{
	switch ((unsigned)wait->filetype << 12) {
	case S_IFSOCK:
		return KF_WAIT_NETWORK;
	case S_IFIFO:
		return pipe_kind;
	case S_IFCHR:
		return wait->uninterruptible ? KF_WAIT_OTHER : pipe_kind;
	case S_IFREG:
	case S_IFDIR:
	case S_IFBLK:
		return disk_kind(wait);
	}
	return wait->uninterruptible ? disk_kind(wait) : KF_WAIT_OTHER;
}

/* A parent of vfork waits killable and freezable; any other sleep in clone is not for the child. */
static enum kf_wait_kind clone_kind(uint32_t task_state)
{
	return task_state & TASK_FREEZABLE ? KF_WAIT_CHILD : KF_WAIT_OTHER;
}

static enum kf_wait_kind syscall_kind(const struct kf_wait *wait, uint32_t task_state)
{
	switch (wait->nr < sizeof(subjects) ? subjects[wait->nr] : SUBJECT_OTHER) {
	case SUBJECT_FUTEX:
		return futex_kind(wait->arg1);
	case SUBJECT_FUTEX_COND:
		return KF_WAIT_FUTEX_COND;
	case SUBJECT_FUTEX_LOCK:
		return KF_WAIT_FUTEX_LOCK;
	case SUBJECT_LOCK:
		return KF_WAIT_LOCK;
	case SUBJECT_FCNTL:
		return wait->arg1 == F_SETLKW || wait->arg1 == F_OFD_SETLKW ? KF_WAIT_LOCK : KF_WAIT_OTHER;
	case SUBJECT_NETWORK:
		return KF_WAIT_NETWORK;
	case SUBJECT_POLL:
		return KF_WAIT_POLL;
	case SUBJECT_READ:
		return transfer_kind(wait, KF_WAIT_PIPE_READ);
	case SUBJECT_WRITE:
		return transfer_kind(wait, KF_WAIT_PIPE_WRITE);
	case SUBJECT_SLEEP:
		return KF_WAIT_SLEEP;
	case SUBJECT_SIGNAL:
		return KF_WAIT_SIGNAL;
	case SUBJECT_CHILD:
		return KF_WAIT_CHILD;
	case SUBJECT_CLONE:
		return clone_kind(task_state);
	case SUBJECT_SYNC:
		return KF_WAIT_DISK;
	case SUBJECT_FILE:
		return wait->uninterruptible ? disk_kind(wait) : KF_WAIT_OTHER;
	}
	return wait->device ? disk_kind(wait) : KF_WAIT_OTHER;
}

static enum kf_wait_kind kthread_kind(const struct kf_wait *wait)
{
	if (!wait->uninterruptible)
		return KF_WAIT_KTHREAD;
	return wait->device == KF_DEVICE_NO ? KF_WAIT_KERNEL : KF_WAIT_KTHREAD_IO;
}

void kf_wait_judge(struct kf_wait *wait, uint32_t task_state)
{
	wait->uninterruptible = (task_state & TASK_UNINTERRUPTIBLE) && !(task_state & TASK_NOLOAD);
	wait->device = KF_DEVICE_UNKNOWN;
	if (wait->uninterruptible && task_state & (KF_STATE_DEVICE | KF_STATE_NO_DEVICE))
		wait->device = task_state & KF_STATE_DEVICE ? KF_DEVICE_YES : KF_DEVICE_NO;
	wait->kind = kf_wait_classify(wait, task_state);
}

enum kf_wait_kind kf_wait_classify(const struct kf_wait *wait, uint32_t task_state)
{
	if (task_state & (TASK_STOPPED | TASK_TRACED | TASK_FROZEN))
		return KF_WAIT_STOPPED;
	if (wait->nr == KF_NR_KTHREAD)
		return kthread_kind(wait);
	if (task_state & TASK_PARKED)
		return KF_WAIT_STOPPED;
	if (wait->nr == KF_NR_COMPAT)
		return KF_WAIT_OTHER;
	if (wait->nr == KF_NR_USER || !wait->in_syscall)
		return wait->device == KF_DEVICE_NO ? KF_WAIT_KERNEL : KF_WAIT_PAGE_FAULT;
	return syscall_kind(wait, task_state);
}
