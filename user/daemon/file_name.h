/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file_name.h - names of snapshot files: kflight-20261121T081502Z-runq-nginx-2144.kfl (UTC time and kind of the trigger, process,
 * pid), kflight-20261121T081502Z-slow-web-nginx-2144.kfl (a rule that was given a name),
 * kflight-20261121T081502Z-p99-runq-2ms.kfl (an aggregate), without process for requests about nobody
 * and for aggregates. Bytes that are not letters, digits, '.', '_' or '-' become '_'. From the second attempt on a number keeps
 * names apart: ...-2144-2.kfl.
 */
#ifndef KF_DAEMON_FILE_NAME_H
#define KF_DAEMON_FILE_NAME_H

#include <stddef.h>

struct kf_snapshot;

#define KF_FILE_NAME_BYTES 128

void kf_file_name(const struct kf_snapshot *s, int attempt, char *name, size_t len);

#endif
