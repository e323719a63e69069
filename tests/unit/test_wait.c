/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/wait.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "kflight/record.h"
#include "model/timeline.h"

#define S	 1 /* TASK_INTERRUPTIBLE */
#define D	 2 /* TASK_UNINTERRUPTIBLE */
#define KILLABLE 0x102
#define IDLE	 0x402 /* uninterruptible, but not load: a kernel thread without work */

static enum kf_wait_kind judge(uint16_t nr, uint64_t arg1, unsigned mode, uint32_t task_state)
{
	struct kf_wait wait = { .nr = nr, .arg1 = arg1, .filetype = mode >> 12, .in_syscall = nr < KF_NR_COMPAT };

	kf_wait_judge(&wait, task_state);
	return wait.kind;
}

static void expect(uint16_t nr, uint64_t arg1, unsigned mode, uint32_t task_state, enum kf_wait_kind want)
{
	enum kf_wait_kind got = judge(nr, arg1, mode, task_state);

	if (got != want)
		fail_msg("syscall %u (%s), arg1 %llu, mode %o, state %x: %s, not %s", nr,
			 kf_syscall_name(nr) ? kf_syscall_name(nr) : "-", (unsigned long long)arg1, mode, task_state,
			 kf_wait_kind_name(got), kf_wait_kind_name(want));
}

static void futexes(void **state)
{
	expect(SYS_futex, FUTEX_WAIT_PRIVATE, 0, S, KF_WAIT_FUTEX_LOCK);
	expect(SYS_futex, FUTEX_LOCK_PI, 0, S, KF_WAIT_FUTEX_LOCK);
	expect(SYS_futex, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, 0, S, KF_WAIT_FUTEX_COND);
	expect(SYS_futex, FUTEX_WAIT_REQUEUE_PI, 0, S, KF_WAIT_FUTEX_COND);
	expect(SYS_futex, FUTEX_WAKE, 0, D, KF_WAIT_OTHER);
	expect(SYS_futex_waitv, 0, 0, S, KF_WAIT_FUTEX_COND);
}

/* One syscall waits for many things; the file and the state tell which. */
static void reads_and_writes(void **state)
{
	expect(SYS_read, 0, S_IFSOCK, S, KF_WAIT_NETWORK);
	expect(SYS_read, 0, S_IFIFO, S, KF_WAIT_PIPE_READ);
	expect(SYS_write, 0, S_IFIFO, S, KF_WAIT_PIPE_WRITE);
	expect(SYS_read, 0, S_IFCHR, S, KF_WAIT_PIPE_READ);
	expect(SYS_read, 0, S_IFCHR, D, KF_WAIT_OTHER);
	expect(SYS_readv, 0, S_IFREG, D, KF_WAIT_DISK);
	expect(SYS_pwrite64, 0, S_IFBLK, D, KF_WAIT_DISK);
	expect(SYS_read, 0, 0, KILLABLE, KF_WAIT_DISK);
	expect(SYS_read, 0, 0, S, KF_WAIT_OTHER); /* of whatever it is: not a guess */
}

static void subjects_by_syscall(void **state)
{
	expect(SYS_accept4, 0, 0, S, KF_WAIT_NETWORK);
	expect(SYS_recvmsg, 0, 0, S, KF_WAIT_NETWORK);
	expect(SYS_epoll_wait, 0, 0, S, KF_WAIT_POLL);
	expect(SYS_io_uring_enter, 0, 0, S, KF_WAIT_POLL);
	expect(SYS_clock_nanosleep, 0, 0, 0x2001, KF_WAIT_SLEEP);
	expect(SYS_rt_sigtimedwait, 0, 0, S, KF_WAIT_SIGNAL);
	expect(SYS_wait4, 0, 0, S, KF_WAIT_CHILD);
	expect(SYS_vfork, 0, 0, 0x2102, KF_WAIT_CHILD);
	expect(SYS_clone3, 0, 0, 0x2102, KF_WAIT_CHILD);
	expect(SYS_clone3, 0, 0, D, KF_WAIT_OTHER);
	expect(SYS_flock, 0, 0, S, KF_WAIT_LOCK);
	expect(SYS_fcntl, F_SETLKW, 0, S, KF_WAIT_LOCK);
	expect(SYS_fcntl, F_GETFL, 0, D, KF_WAIT_OTHER);
	expect(SYS_msgrcv, 0, 0, S, KF_WAIT_LOCK);
	expect(SYS_fsync, 0, 0, D, KF_WAIT_DISK);
	expect(SYS_openat, 0, 0, D, KF_WAIT_DISK);
	expect(SYS_openat, 0, 0, S, KF_WAIT_OTHER); /* a fifo without the other end */
	expect(SYS_ioctl, 0, 0, S, KF_WAIT_OTHER);
	expect(4095, 0, 0, S, KF_WAIT_OTHER);
}

/* A file behind a syscall is no proof of a disk: writing to a cgroup's file waits for locks of the kernel. */
static void for_a_device_or_not(void **state)
{
	expect(SYS_write, 0, S_IFREG, D | KF_STATE_DEVICE, KF_WAIT_DISK);
	expect(SYS_write, 0, S_IFREG, D | KF_STATE_NO_DEVICE, KF_WAIT_KERNEL);
	expect(SYS_write, 0, 0, D | KF_STATE_NO_DEVICE, KF_WAIT_KERNEL);
	expect(SYS_openat, 0, 0, D | KF_STATE_NO_DEVICE, KF_WAIT_KERNEL);
	expect(SYS_openat, 0, 0, D | KF_STATE_DEVICE, KF_WAIT_DISK);
	expect(SYS_fsync, 0, 0, D | KF_STATE_NO_DEVICE, KF_WAIT_DISK); /* for the journal, which waits for the disk */
	expect(SYS_ioctl, 0, 0, D | KF_STATE_DEVICE, KF_WAIT_DISK);
	expect(SYS_munmap, 0, 0, D | KF_STATE_NO_DEVICE, KF_WAIT_KERNEL);
	expect(SYS_munmap, 0, 0, D, KF_WAIT_OTHER); /* not known */
	expect(SYS_read, 0, S_IFSOCK, D | KF_STATE_NO_DEVICE, KF_WAIT_NETWORK);
	expect(KF_NR_USER, 0, 0, D | KF_STATE_DEVICE, KF_WAIT_PAGE_FAULT);
	expect(KF_NR_USER, 0, 0, D | KF_STATE_NO_DEVICE, KF_WAIT_KERNEL);
	expect(KF_NR_KTHREAD, 0, 0, D | KF_STATE_DEVICE, KF_WAIT_KTHREAD_IO);
	expect(KF_NR_KTHREAD, 0, 0, D | KF_STATE_NO_DEVICE, KF_WAIT_KERNEL);
	expect(KF_NR_KTHREAD, 0, 0, IDLE | KF_STATE_NO_DEVICE, KF_WAIT_KTHREAD);
	expect(SYS_read, 0, S_IFREG, S, KF_WAIT_DISK);
}

static void not_in_a_syscall(void **state)
{
	struct kf_wait returning = { .nr = SYS_futex, .in_syscall = false };

	expect(KF_NR_USER, 0, 0, S, KF_WAIT_PAGE_FAULT);
	expect(KF_NR_USER, 0, 0, KILLABLE, KF_WAIT_PAGE_FAULT);
	expect(KF_NR_KTHREAD, 0, 0, IDLE, KF_WAIT_KTHREAD);
	expect(KF_NR_KTHREAD, 0, 0, S, KF_WAIT_KTHREAD);
	expect(KF_NR_KTHREAD, 0, 0, 0x40, KF_WAIT_KTHREAD);
	expect(KF_NR_KTHREAD, 0, 0, D, KF_WAIT_KTHREAD_IO);
	expect(KF_NR_COMPAT, 0, 0, S, KF_WAIT_OTHER);
	assert_int_equal(kf_wait_classify(&returning, S), KF_WAIT_PAGE_FAULT);
}

/* Stopped is stopped, whatever it was doing. */
static void stopped(void **state)
{
	expect(SYS_read, 0, S_IFSOCK, 0x4 | 0x100, KF_WAIT_STOPPED);
	expect(KF_NR_USER, 0, 0, 0x8, KF_WAIT_STOPPED);
	expect(KF_NR_USER, 0, 0, 0x8000, KF_WAIT_STOPPED);
	expect(SYS_nanosleep, 0, 0, 0x2001, KF_WAIT_SLEEP); /* could be frozen, is not */
}

static void names(void **state)
{
	assert_string_equal(kf_syscall_name(SYS_futex), "futex");
	assert_null(kf_syscall_name(KF_NR_USER));
	assert_null(kf_syscall_name(KF_NR_KTHREAD));
	assert_null(kf_syscall_name(4095));
	assert_int_equal(kf_syscall_number("epoll_wait"), SYS_epoll_wait);
	assert_int_equal(kf_syscall_number("no_such_call"), -1);
	for (int kind = 0; kind < KF_WAIT_KINDS; kind++) {
		assert_non_null(kf_wait_kind_name(kind));
		for (int other = 0; other < kind; other++)
			assert_string_not_equal(kf_wait_kind_name(kind), kf_wait_kind_name(other));
	}
	assert_string_equal(kf_wait_kind_name(KF_WAIT_KINDS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(futexes),
		cmocka_unit_test(reads_and_writes),
		cmocka_unit_test(subjects_by_syscall),
		cmocka_unit_test(for_a_device_or_not),
		cmocka_unit_test(not_in_a_syscall),
		cmocka_unit_test(stopped),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
