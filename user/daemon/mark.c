/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define MARK_NAME  "user.kflight"
#define MARK_BYTES 128

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

void kf_clocks_read(struct kf_clocks *out)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, out->boot_id, sizeof(out->boot_id) - 1) : 0;

	out->boot_id[got > 0 ? got : 0] = 0;
	out->boot_id[strcspn(out->boot_id, "\n")] = 0;
	if (!out->boot_id[0])
		snprintf(out->boot_id, sizeof(out->boot_id), "-");
	if (fd >= 0)
		close(fd);
	out->boot_ns = clock_ns(CLOCK_BOOTTIME);
	out->real_ns = clock_ns(CLOCK_REALTIME);
}

int kf_mark_set(int fd)
{
	struct kf_clocks now;
	struct stat st;
	char mark[MARK_BYTES];
	int len;

	if (fstat(fd, &st))
		return errno;
	kf_clocks_read(&now);
	len = snprintf(mark, sizeof(mark), "1 %ju %s %" PRIu64, (uintmax_t)st.st_ino, now.boot_id, now.boot_ns);
	return fsetxattr(fd, MARK_NAME, mark, (size_t)len, 0) ? errno : 0;
}

static uint64_t since(uint64_t then_ns, uint64_t now_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

bool kf_mark_is_ours(int fd, const struct kf_clocks *now, uint64_t *age_ns)
{
	char mark[MARK_BYTES], boot_id[sizeof(now->boot_id)];
	struct stat st;
	uintmax_t inode;
	uint64_t boot_ns;
	ssize_t len;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1)
		return false;
	len = fgetxattr(fd, MARK_NAME, mark, sizeof(mark) - 1);
	if (len <= 0)
		return false;
	mark[len] = 0;
	if (sscanf(mark, "1 %ju %39s %" SCNu64, &inode, boot_id, &boot_ns) != 3 || inode != st.st_ino)
		return false;
	if (!strcmp(boot_id, now->boot_id))
		*age_ns = since(boot_ns, now->boot_ns);
	else
		*age_ns =
			since((uint64_t)st.st_mtim.tv_sec * 1000000000ULL + (uint64_t)st.st_mtim.tv_nsec, now->real_ns);
	return true;
}
