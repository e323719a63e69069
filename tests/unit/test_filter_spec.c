/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "capture/cgroup.h"
#include "capture/filter_spec.h"
#include "capture/host.h"

static void assert_refused(int ret, const struct kf_error *e, enum kf_status status, const char *part)
{
	if (ret != -1)
		fail_msg("accepted, expected '%s'", part);
	if (!strstr(e->message, part) && !strstr(e->hint, part))
		fail_msg("'%s' is neither in message '%s' nor in hint '%s'", part, e->message, e->hint);
	assert_int_equal(e->status, status);
}

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct kf_filter_spec));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	kf_filter_spec_release(*state);
	free(*state);
	return 0;
}

static void need_host_pids(void)
{
	if (!kf_host_is_initial_namespace("pid")) {
		print_message("SKIP: not in the host's pid namespace\n");
		skip();
	}
}

static void own_process_and_init(void **state)
{
	struct kf_filter_spec *spec = *state;
	struct kf_error e = { 0 };
	char list[64], want[96];

	need_host_pids();
	assert_true(kf_filter_spec_is_empty(spec));
	snprintf(list, sizeof(list), "1, %d 1", getpid());
	snprintf(want, sizeof(want), "pid 1, pid %d", getpid());
	if (kf_filter_spec_add_pids(spec, list, &e))
		fail_msg("%s", e.message);
	assert_int_equal(spec->n_pids, 2);
	assert_int_equal(spec->pids[0], 1);
	assert_int_equal(spec->pids[1], getpid());
	assert_string_equal(spec->text, want);
	assert_false(kf_filter_spec_is_empty(spec));
}

struct other {
	pthread_barrier_t started, done;
	pid_t tid;
};

static void *other_main(void *arg)
{
	struct other *other = arg;

	other->tid = gettid();
	pthread_barrier_wait(&other->started);
	pthread_barrier_wait(&other->done);
	return NULL;
}

/* A thread number is no process number; the message says whose thread it is. */
static void thread_given_as_process(void **state)
{
	struct kf_filter_spec *spec = *state;
	struct kf_error e = { 0 };
	struct other other;
	char number[16], part[32];
	pthread_t thread;

	need_host_pids();
	pthread_barrier_init(&other.started, NULL, 2);
	pthread_barrier_init(&other.done, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, other_main, &other), 0);
	pthread_barrier_wait(&other.started);
	snprintf(number, sizeof(number), "%d", other.tid);
	snprintf(part, sizeof(part), "of process %d", getpid());
	assert_refused(kf_filter_spec_add_pids(spec, number, &e), &e, KF_USAGE, part);
	assert_true(kf_filter_spec_is_empty(spec));
	if (kf_filter_spec_add_tids(spec, number, &e))
		fail_msg("%s", e.message);
	assert_int_equal(spec->tids[0], other.tid);
	pthread_barrier_wait(&other.done);
	pthread_join(thread, NULL);
}

static void numbers_nobody_has(void **state)
{
	struct kf_filter_spec *spec = *state;
	struct kf_error e = { 0 };

	need_host_pids();
	/* above the largest pid_max */
	assert_refused(kf_filter_spec_add_pids(spec, "1,2147483646", &e), &e, KF_USAGE, "no process '2147483646'");
	assert_int_equal(spec->n_pids, 0);
	assert_string_equal(spec->text, "");
	assert_refused(kf_filter_spec_add_tids(spec, "2147483646", &e), &e, KF_USAGE, "no thread");
	assert_refused(kf_filter_spec_add_pids(spec, "0", &e), &e, KF_USAGE, "bad process number '0'");
	assert_refused(kf_filter_spec_add_pids(spec, "-1", &e), &e, KF_USAGE, "bad process number '-1'");
	assert_refused(kf_filter_spec_add_pids(spec, "nginx", &e), &e, KF_USAGE, "--comm");
	assert_refused(kf_filter_spec_add_pids(spec, "99999999999999999999", &e), &e, KF_USAGE, "bad process number");
	assert_refused(kf_filter_spec_add_pids(spec, " , ", &e), &e, KF_USAGE, "empty");
}

/* Filters of triggers: "of 2144" may be either. */
static void number_of_a_trigger(void **state)
{
	struct kf_error e;

	(void)state;
	need_host_pids();
	assert_int_equal(kf_filter_check_id(getpid(), KF_FILTER_PID, &e), 0);
	assert_int_equal(kf_filter_check_id(getpid(), KF_FILTER_TID, &e), 0);
	assert_int_equal(kf_filter_check_id(getpid(), KF_FILTER_PID_OR_TID, &e), 0);
	assert_refused(kf_filter_check_id(2147483646, KF_FILTER_PID, &e), &e, KF_USAGE, "no process '2147483646'");
	assert_refused(kf_filter_check_id(2147483646, KF_FILTER_TID, &e), &e, KF_USAGE, "no thread '2147483646'");
	assert_refused(kf_filter_check_id(2147483646, KF_FILTER_PID_OR_TID, &e), &e, KF_USAGE,
		       "no process or thread '2147483646'");
}

static void names(void **state)
{
	struct kf_filter_spec *spec = *state;
	struct kf_error e = { 0 };

	assert_int_equal(kf_filter_spec_add_comm(spec, "nginx*", &e), 0);
	assert_int_equal(kf_filter_spec_add_comm(spec, "*aaaaaaaaaaaaaaa", &e), 0);
	assert_string_equal(spec->comms[0].text, "nginx*");
	assert_string_equal(spec->text, "comm nginx*, comm *aaaaaaaaaaaaaaa");
	assert_refused(kf_filter_spec_add_comm(spec, "", &e), &e, KF_USAGE, "empty");
	assert_refused(kf_filter_spec_add_comm(spec, "aaaaaaaaaaaaaaaa", &e), &e, KF_USAGE, "15 bytes");
	assert_refused(kf_filter_spec_add_comm(spec, "********************************", &e), &e, KF_USAGE, "31");
	while (spec->n_comms < KF_MAX_FILTER_COMMS)
		assert_int_equal(kf_filter_spec_add_comm(spec, "x", &e), 0);
	assert_refused(kf_filter_spec_add_comm(spec, "x", &e), &e, KF_USAGE, "more than 16");
}

static void mount_of(const char *mountinfo, struct kf_cgroup_mount *mount, int want)
{
	char path[] = "/tmp/kf-test-XXXXXX";
	int fd = mkstemp(path);
	struct kf_error e = { 0 };
	int ret;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, mountinfo, strlen(mountinfo)), strlen(mountinfo));
	close(fd);
	ret = kf_cgroup_mount_find(path, mount, &e);
	unlink(path);
	assert_int_equal(ret, want);
}

static void mountinfo_lines(void **state)
{
	struct kf_cgroup_mount mount;

	mount_of("1 0 0:1 / / rw - ext4 /dev/vda rw\n"
		 "32 31 0:29 / /sys/fs/cgroup/cpu rw shared:1 - cgroup cgroup rw,cpu\n"
		 "41 31 0:38 / /sys/fs/cgroup/unified rw shared:9 master:1 - cgroup2 cgroup2 rw\n",
		 &mount, 0);
	assert_string_equal(mount.point, "/sys/fs/cgroup/unified");
	assert_int_equal(mount.level, 0);
	mount_of("41 31 0:38 /a.slice/b /mnt/my\\040groups rw - cgroup2 none rw\n", &mount, 0);
	assert_string_equal(mount.point, "/mnt/my groups");
	assert_int_equal(mount.level, 2);
	mount_of("32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n", &mount, -1);
	mount_of("41 31 0:38 /../.. /nowhere/at/all rw - cgroup2 none rw\n", &mount, -1);
	mount_of(" - cgroup2 \n41 - cgroup2 x\n\n-", &mount, -1);
	mount_of("", &mount, -1);
}

/* On a real hierarchy, if there is one that we may write: a group of ours two levels deep. */
static void real_cgroup(void **state)
{
	struct kf_filter_spec *spec = *state;
	char outer[PATH_MAX + 64], inner[PATH_MAX + 80], relative[96];
	struct kf_cgroup_mount mount;
	struct kf_error e = { 0 };
	struct stat st;

	if (!kf_host_is_initial_namespace("cgroup") || kf_cgroup_mount_find("/proc/self/mountinfo", &mount, &e))
		skip();
	assert_refused(kf_filter_spec_add_cgroup(spec, "no/such/group", &e), &e, KF_USAGE, "no cgroup 'no/such/group'");
	assert_refused(kf_filter_spec_add_cgroup(spec, "/etc/passwd", &e), &e, KF_USAGE, "no cgroup");
	assert_refused(kf_filter_spec_add_cgroup(spec, "../../../..", &e), &e, KF_USAGE, "no cgroup");
	assert_refused(kf_filter_spec_add_cgroup(spec, "", &e), &e, KF_USAGE, "empty");
	if (!access("/sys/fs/cgroup/cpu/tasks", F_OK))
		assert_refused(kf_filter_spec_add_cgroup(spec, "/sys/fs/cgroup/cpu", &e), &e, KF_USAGE, "version 1");
	snprintf(outer, sizeof(outer), "%s/kf-test-%d", mount.point, getpid());
	snprintf(inner, sizeof(inner), "%s/inner", outer);
	if (mkdir(outer, 0700)) {
		print_message("SKIP the rest: cannot create '%s'\n", outer);
		skip();
	}
	assert_int_equal(mkdir(inner, 0700), 0);
	assert_int_equal(stat(inner, &st), 0);
	snprintf(relative, sizeof(relative), "/kf-test-%d/./inner/../inner/", getpid());
	assert_int_equal(kf_filter_spec_add_cgroup(spec, relative, &e), 0);
	assert_int_equal(kf_filter_spec_add_cgroup(spec, inner, &e), 0);
	rmdir(inner);
	rmdir(outer);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(spec->cgroups[i].id, st.st_ino);
		assert_int_equal(spec->cgroups[i].level, mount.level + 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(own_process_and_init, setup, teardown),
		cmocka_unit_test_setup_teardown(thread_given_as_process, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_nobody_has, setup, teardown),
		cmocka_unit_test(number_of_a_trigger),
		cmocka_unit_test_setup_teardown(names, setup, teardown),
		cmocka_unit_test(mountinfo_lines),
		cmocka_unit_test_setup_teardown(real_cgroup, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
