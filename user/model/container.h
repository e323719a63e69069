/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * container.h - which container, pod and systemd unit a cgroup belongs to, from its path alone.
 *
 * Container runtimes and systemd name cgroups in a way of their own; what does not look exactly so is none of them. The path is
 * read from the root to the leaf, the innermost name counts: a container in a pod in a node that is a container itself (kind) is that pod's
 * container. A name in the path says no more than that somebody made a cgroup of that name: whoever may make cgroups may lie.
 *
 *	/docker/ID  /system.slice/docker-ID.scope			docker
 *	cri-containerd-ID.scope  nerdctl-ID.scope  /k8s.io/ID		containerd
 *	crio-ID.scope  crio-ID						cri-o
 *	libpod-ID.scope  libpod-ID  libpod-payload-ID			podman
 *	/lxc/NAME  lxc.payload.NAME  /lxc.payload/NAME			lxc
 *	a folder that is called ID					a container, of which runtime is not known
 *	SLICE:RUNTIME:ID						the same, where runtime and kubelet disagree about the driver
 *	kubepods[-QOS]-podUID.slice  kubepods/[QOS/]podUID		pod of Kubernetes
 *	libpod_pod_ID  machine-libpod_pod_ID.slice			pod of podman
 *	NAME.service  NAME.scope, else NAME.slice			unit of systemd
 *
 * ID is 64 hexadecimal digits, UID a UUID (systemd writes '_' for '-') or the 32 digits of a static pod. The monitors of containers
 * (crio-conmon-ID, libpod-conmon-ID, lxc.monitor.NAME) are outside of them.
 */
#ifndef KF_MODEL_CONTAINER_H
#define KF_MODEL_CONTAINER_H

#include <stddef.h>

#define KF_CONTAINER_ID_BYTES 33
#define KF_POD_BYTES	      37

struct kf_container {
	const char *runtime; /* "docker", "containerd", "cri-o", "podman", "lxc"; "" not known, or no container */
	char id[KF_CONTAINER_ID_BYTES]; /* first 12 digits, or the name of an lxc container; "" none */
	char pod[KF_POD_BYTES];		/* UID with '-', or the first 12 digits of a podman pod; "" none */
	const char *unit;		/* in the path, unit_len bytes; not terminated. NULL none */
	size_t unit_len;
};

/* path from the root of its hierarchy: "/system.slice/nginx.service". Any bytes. */
void kf_container_of(const char *path, struct kf_container *out);

#endif
