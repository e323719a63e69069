/* SPDX-License-Identifier: BSD-2-Clause */
/* control_address.h - where `record --metrics` listens. */
#ifndef KF_DAEMON_CONTROL_ADDRESS_H
#define KF_DAEMON_CONTROL_ADDRESS_H

#include <sys/socket.h>

struct kf_error;

struct kf_metrics_address {
	struct sockaddr_storage address;
	socklen_t len;
};

/*
 * "9477" and ":9477" are the loopback address, "127.0.0.1:9477", "[::1]:9477", "0.0.0.0:9477" and "[::]:9477" what they say. Names
 * are not looked up.
 */
int kf_metrics_address_parse(struct kf_metrics_address *out, const char *text, struct kf_error *e);

/* A listening non-blocking TCP socket there, or -1. */
int kf_metrics_address_listen(const struct kf_metrics_address *a, struct kf_error *e);

#endif
