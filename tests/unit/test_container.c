/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/container.h"

#define A64  "0ba8ac17e4e7a31fb82279503552fe94e64bab4745bf6fd2ff231e7c8ca8bed0"
#define B64  "358607a37e7ada357032e7f5729c9ae6a3efdb7962acbcbe47ff6a3c5506cb1c"
#define A12  "0ba8ac17e4e7"
#define B12  "358607a37e7a"
#define UID_ "2ca4a155_3599_498d_bb9d_4446693fa3ea"
#define UID  "2ca4a155-3599-498d-bb9d-4446693fa3ea"
#define MD5  "187bff14cccb94f179e943eacce55bb3"
#define K8S  "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice"
#define USER "/user.slice/user-1000.slice/user@1000.service"

struct shape {
	const char *path, *runtime, *id, *pod, *unit;
};

static void expect(const struct shape *want)
{
	struct kf_container c;
	char unit[256] = "";

	kf_container_of(want->path, &c);
	if (c.unit)
		snprintf(unit, sizeof(unit), "%.*s", (int)c.unit_len, c.unit);
	if (strcmp(c.runtime, want->runtime) || strcmp(c.id, want->id) || strcmp(c.pod, want->pod) ||
	    strcmp(unit, want->unit))
		fail_msg("'%s' is {%s, %s, %s, %s}, not {%s, %s, %s, %s}", want->path, c.runtime, c.id, c.pod, unit,
			 want->runtime, want->id, want->pod, want->unit);
}

#define EXPECT_ALL(shapes)                                                                                             \
	do {                                                                                                           \
		for (size_t i_ = 0; i_ < sizeof(shapes) / sizeof((shapes)[0]); i_++)                                   \
			expect(&(shapes)[i_]);                                                                         \
	} while (0)

static void containers_of_one_host(void **state)
{
	static const struct shape shapes[] = {
		{ "/docker/" A64, "docker", A12, "", "" },
		{ "/system.slice/docker-" A64 ".scope", "docker", A12, "", "docker-" A64 ".scope" },
		{ "/web.slice/docker-" A64 ".scope", "docker", A12, "", "docker-" A64 ".scope" },
		{ USER "/user.slice/docker-" A64 ".scope", "docker", A12, "", "docker-" A64 ".scope" },
		{ "/docker/" A64 "/init", "docker", A12, "", "" },
		{ "/docker/" A64 "/docker/" B64, "docker", B12, "", "" },
		{ "/docker/" A64 "/system.slice/nginx.service", "docker", A12, "", "nginx.service" },
		{ "/system.slice:docker:" A64, "docker", A12, "", "" },
		{ "/ecs/5a0d5ceddf6c44c1928d367a815d890f/" A64, "", A12, "", "" },
		{ "/actions_job/" A64, "", A12, "", "" },
		{ "/" A64, "", A12, "", "" },
		{ "/k8s.io/" A64, "containerd", A12, "", "" },
		{ "/system.slice/nerdctl-" A64 ".scope", "containerd", A12, "", "nerdctl-" A64 ".scope" },
		{ USER "/user.slice/nerdctl-" A64 ".scope", "containerd", A12, "", "nerdctl-" A64 ".scope" },
		{ "/machine.slice/libpod-" A64 ".scope", "podman", A12, "", "libpod-" A64 ".scope" },
		{ "/machine.slice/libpod-" A64 ".scope/container", "podman", A12, "", "libpod-" A64 ".scope" },
		{ USER "/user.slice/libpod-" A64 ".scope/container", "podman", A12, "", "libpod-" A64 ".scope" },
		{ "/libpod_parent/libpod-" A64, "podman", A12, "", "" },
		{ "/system.slice/app.service/libpod-payload-" A64, "podman", A12, "", "app.service" },
		{ "/lxc/web", "lxc", "web", "", "" },
		{ "/lxc/101/ns/init.scope", "lxc", "101", "", "init.scope" },
		{ "/lxc.payload.web-1", "lxc", "web-1", "", "" },
		{ "/lxc.payload/web/system.slice/cron.service", "lxc", "web", "", "cron.service" },
	};

	EXPECT_ALL(shapes);
}

static void pods(void **state)
{
	static const struct shape shapes[] = {
		{ K8S "/cri-containerd-" A64 ".scope", "containerd", A12, UID, "cri-containerd-" A64 ".scope" },
		{ K8S "/crio-" A64 ".scope", "cri-o", A12, UID, "crio-" A64 ".scope" },
		{ K8S "/crio-" A64 ".scope/container", "cri-o", A12, UID, "crio-" A64 ".scope" },
		{ K8S "/docker-" A64 ".scope", "docker", A12, UID, "docker-" A64 ".scope" },
		{ K8S "/" A64, "", A12, UID, "kubepods-burstable-pod" UID_ ".slice" },
		{ K8S, "", "", UID, "kubepods-burstable-pod" UID_ ".slice" },
		{ "/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" A64 ".scope", "containerd", A12, UID,
		  "cri-containerd-" A64 ".scope" },
		{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" MD5 ".slice/crio-" A64 ".scope",
		  "cri-o", A12, MD5, "crio-" A64 ".scope" },
		{ "/kubepods/besteffort/pod" UID "/" A64, "", A12, UID, "" },
		{ "/kubepods/burstable/pod" UID "/" A64, "", A12, UID, "" },
		{ "/kubepods/pod" UID "/" A64, "", A12, UID, "" },
		{ "/kubepods/burstable/pod" MD5 "/crio-" A64, "cri-o", A12, MD5, "" },
		{ "/docker/" A64 "/kubelet/kubepods/besteffort/pod" UID "/" B64, "", B12, UID, "" },
		{ "/docker/" A64 "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
		  ".slice/crio-" B64 ".scope",
		  "cri-o", B12, UID, "crio-" B64 ".scope" },
		{ "/system.slice/docker-" A64 ".scope/kubelet.slice/kubelet-kubepods.slice/"
		  "kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod" UID_ ".slice/cri-containerd-" B64
		  ".scope",
		  "containerd", B12, UID, "cri-containerd-" B64 ".scope" },
		{ "/system.slice/containerd.service/kubepods-burstable-pod" UID_ ".slice:cri-containerd:" A64,
		  "containerd", A12, UID, "containerd.service" },
		{ "/kubepods/burstable/pod" UID "/" A64 "/docker/" B64, "docker", B12, UID, "" },
		{ "/machine.slice/machine-libpod_pod_" B64 ".slice/libpod-" A64 ".scope", "podman", A12, B12,
		  "libpod-" A64 ".scope" },
		{ USER "/user.slice/user-libpod_pod_" B64 ".slice/libpod-" A64 ".scope/container", "podman", A12, B12,
		  "libpod-" A64 ".scope" },
		{ "/libpod_parent/libpod_pod_" B64 "/" A64, "", A12, B12, "" },
	};

	EXPECT_ALL(shapes);
}

static void units(void **state)
{
	static const struct shape shapes[] = {
		{ "/system.slice/nginx.service", "", "", "", "nginx.service" },
		{ "/system.slice/nginx.service/workers/1", "", "", "", "nginx.service" },
		{ "/system.slice/system-getty.slice/getty@tty1.service", "", "", "", "getty@tty1.service" },
		{ "/user.slice/user-1000.slice/session-3.scope", "", "", "", "session-3.scope" },
		{ USER "/app.slice/app-firefox\\x2d1.scope", "", "", "", "app-firefox\\x2d1.scope" },
		{ USER "/session.slice", "", "", "", "user@1000.service" },
		{ "/init.scope", "", "", "", "init.scope" },
		{ "/web.slice/web-front.slice", "", "", "", "web-front.slice" },
		{ "/system.slice/containerd.service", "", "", "", "containerd.service" },
		{ "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/vcpu0", "", "", "",
		  "machine-qemu\\x2d1\\x2dvm.scope" },
	};

	EXPECT_ALL(shapes);
}

/* They watch a container from outside. */
static void monitors_are_in_no_container(void **state)
{
	static const struct shape shapes[] = {
		{ K8S "/crio-conmon-" A64 ".scope", "", "", UID, "crio-conmon-" A64 ".scope" },
		{ "/machine.slice/libpod-conmon-" A64 ".scope", "", "", "", "libpod-conmon-" A64 ".scope" },
		{ "/libpod_parent/libpod-conmon-" A64, "", "", "", "" },
		{ "/lxc.monitor.web", "", "", "", "" },
		{ "/lxc.monitor/web", "", "", "", "" },
	};

	EXPECT_ALL(shapes);
}

static void what_only_looks_alike_is_nothing(void **state)
{
	static const struct shape shapes[] = {
		{ "", "", "", "", "" },
		{ "/", "", "", "", "" },
		{ "////", "", "", "", "" },
		{ "/web", "", "", "", "" },
		{ "/docker", "", "", "", "" },
		{ "/docker/0ba8ac17e4e7", "", "", "", "" },
		{ "/docker/" A64 "0", "", "", "", "" },
		{ "/docker/0BA8AC17E4E7A31FB82279503552FE94E64BAB4745BF6FD2FF231E7C8CA8BED0", "", "", "", "" },
		{ "/system.slice/docker-ce.scope", "", "", "", "docker-ce.scope" },
		{ "/system.slice/docker-" A64, "", "", "", "system.slice" },
		{ "/system.slice/docker-" A64 ".service", "", "", "", "docker-" A64 ".service" },
		{ "/system.slice/docker.service", "", "", "", "docker.service" },
		{ "/pod" UID, "", "", "", "" }, /* not below kubepods */
		{ "/kubepods/burstable/pod" UID_, "", "", "", "" },
		{ "/kubepods/burstable/pod" UID "x", "", "", "", "" },
		{ "/kubepods/burstable/pod", "", "", "", "" },
		{ "/kubepods.slice/kubepods-burstable-pod" UID ".slice", "", "", "",
		  "kubepods-burstable-pod" UID ".slice" },
		{ "/mykubepods-pod" UID_ ".slice", "", "", "", "mykubepods-pod" UID_ ".slice" },
		{ "/kubepods-pod" UID_ ".slice/x:y", "", "", UID, "kubepods-pod" UID_ ".slice" },
		{ "/a:b:" A64, "", "", "", "" },
		{ "/:::", "", "", "", "" },
		{ "/a/lxc/web", "", "", "", "" },
		{ "/lxc/..", "", "", "", "" },
		{ "/lxc/we\x1b[31mb", "", "", "", "" },
		{ "/lxc/a-name-that-is-longer-than-32-letters", "", "", "", "" },
		{ "/.slice/.scope/.service", "", "", "", "" },
		{ "/libpod_pod_" B64 ".slice", "", "", "", "libpod_pod_" B64 ".slice" },
		{ "/\xff\xfe/\x01.service", "", "", "", "\x01.service" },
	};

	EXPECT_ALL(shapes);
}

static void long_paths_are_read_to_their_end(void **state)
{
	char path[4096] = "";
	struct kf_container c;

	while (strlen(path) < sizeof(path) - 100)
		strcat(path, "/0123456789abcdef");
	strcat(path, "/" A64);
	kf_container_of(path, &c);
	assert_string_equal(c.id, A12);
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	kf_container_of(path, &c);
	assert_string_equal(c.id, "");
	assert_null(c.unit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(containers_of_one_host),
		cmocka_unit_test(pods),
		cmocka_unit_test(units),
		cmocka_unit_test(monitors_are_in_no_container),
		cmocka_unit_test(what_only_looks_alike_is_nothing),
		cmocka_unit_test(long_paths_are_read_to_their_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
