/* SPDX-License-Identifier: BSD-2-Clause */
/* recorder_run.c - runs the BPF programs that have no hook: commands and task scans. */
#include "capture/recorder_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

int kf_recorder_command_with(struct bpf_program *program, void *context, size_t len)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = context, .ctx_size_in = len);
	int err = bpf_prog_test_run_opts(bpf_program__fd(program), &run);

	return err ? -errno : (int)run.retval;
}

int kf_recorder_command(struct bpf_program *program)
{
	return kf_recorder_command_with(program, NULL, 0);
}

/* Reads fd to its end, appending to bytes if that is wanted. */
static int read_all(int fd, void **bytes, size_t *len)
{
	char chunk[1 << 16];
	ssize_t got;

	for (;;) {
		got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		if (bytes) {
			char *grown = realloc(*bytes, *len + got);

			if (!grown)
				return -ENOMEM;
			memcpy(grown + *len, chunk, got);
			*bytes = grown;
			*len += got;
		}
	}
}

int kf_recorder_scan(struct bpf_program *program, void **bytes, size_t *len, struct kf_error *e)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	int fd, err;

	if (bytes) {
		*bytes = NULL;
		*len = 0;
	}
	if (!link)
		return kf_fail_errno(e, errno, NULL, "cannot scan the tasks");
	fd = bpf_iter_create(bpf_link__fd(link));
	err = fd < 0 ? -errno : read_all(fd, bytes, len);
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return err ? kf_fail_errno(e, -err, NULL, "cannot scan the tasks") : 0;
}
