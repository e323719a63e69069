/* SPDX-License-Identifier: BSD-2-Clause */
/* wait.h - what a blocked thread waits for, judged from its syscall, the arguments, the file type and its task state.
 */
#ifndef KF_MODEL_WAIT_H
#define KF_MODEL_WAIT_H

#include <stdbool.h>
#include <stdint.h>

enum kf_wait_kind {
	KF_WAIT_KIND_UNKNOWN = 0,
	KF_WAIT_FUTEX_LOCK, /* futex WAIT, LOCK_PI: what mutexes use */
	KF_WAIT_FUTEX_COND, /* futex WAIT_BITSET, WAIT_REQUEUE_PI, waitv: what condition variables and semaphores use */
	KF_WAIT_LOCK,	    /* flock, fcntl lock, SysV semaphores, message queues */
	KF_WAIT_NETWORK,    /* socket I/O, accept, connect */
	KF_WAIT_POLL,	    /* epoll, poll, select, io_uring_enter */
	KF_WAIT_PIPE_READ,  /* pipe, eventfd, tty ... : read side */
	KF_WAIT_PIPE_WRITE,
	KF_WAIT_SLEEP,	    /* nanosleep, timers */
	KF_WAIT_SIGNAL,	    /* pause, sigsuspend, sigtimedwait */
	KF_WAIT_CHILD,	    /* wait4, waitid, vfork */
	KF_WAIT_DISK,	    /* for a device, and in fsync and the like; in old files any uninterruptible file syscall */
	KF_WAIT_KERNEL,	    /* uninterruptible, but not for a device: a lock of the kernel, memory, another CPU */
	KF_WAIT_PAGE_FAULT, /* blocked outside any syscall */
	KF_WAIT_STOPPED,    /* stopped, traced, frozen */
	KF_WAIT_KTHREAD,    /* kernel thread without work */
	KF_WAIT_KTHREAD_IO, /* kernel thread in uninterruptible wait */
	KF_WAIT_OTHER,	    /* a syscall without a kind of its own */
	KF_WAIT_KINDS,
};

/* Does it wait for a device? */
enum kf_device { KF_DEVICE_UNKNOWN = 0, KF_DEVICE_NO, KF_DEVICE_YES };

struct kf_wait;

/* "futex", "network", "disk", ... : as printed in reports. Never NULL. */
const char *kf_wait_kind_name(enum kf_wait_kind kind);

/* Sets uninterruptible, device and kind from the other fields and the task state as it is recorded (record.h). */
void kf_wait_judge(struct kf_wait *wait, uint32_t task_state);

/* The kind alone, of a wait whose other fields are set. */
enum kf_wait_kind kf_wait_classify(const struct kf_wait *wait, uint32_t task_state);

/* "futex", "epoll_wait" ...; NULL for numbers this build does not know, KF_NR_USER and KF_NR_KTHREAD. */
const char *kf_syscall_name(uint16_t nr);
/* The number, or -1. */
int kf_syscall_number(const char *name);

#endif
