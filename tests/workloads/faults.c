/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * faults.c - waits for data, inside and outside of syscalls.
 *
 *	faults read FILE [-s SECONDS] [-j JOURNAL]
 *	faults page [-s SECONDS] [-j JOURNAL]
 *
 * read: reads 4 MiB of FILE, which is made, at a time and past the page cache (O_DIRECT). page: touches memory whose pages
 * come 5 ms after they were missed (userfaultfd). Journal: every read with the time that it ran in it, every touch. Stays
 * at the end until killed.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "workload.h"

#define FILE_BYTES    (64UL << 20)
#define READ_BYTES    (4UL << 20)
#define PAGE_BYTES    4096UL
#define AREA_BYTES    (64UL << 20)
#define PAGE_DELAY_NS (5 * NS_PER_MS)

/* In a process of its own, so that its waits are nobody else's. */
static void make_file(const char *path)
{
	static char block[1 << 20];
	pid_t child = fork();
	int fd, status;

	if (child) {
		if (child < 0 || waitpid(child, &status, 0) < 0)
			give_up(1, "cannot make '%s': %s", path, strerror(errno));
		if (status)
			exit(WEXITSTATUS(status));
		return;
	}
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	if (fd < 0)
		give_up(1, "cannot make '%s': %s", path, strerror(errno));
	memset(block, 'x', sizeof(block));
	for (size_t done = 0; done < FILE_BYTES; done += sizeof(block))
		if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block))
			give_up(WORKLOAD_SKIP, "cannot write '%s': %s", path, strerror(errno));
	fsync(fd);
	_exit(0);
}

static void read_past_cache(const char *path, uint64_t end, FILE *journal)
{
	char *buffer =
		mmap(NULL, READ_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	int fd = open(path, O_RDONLY | O_DIRECT);

	if (fd < 0)
		give_up(WORKLOAD_SKIP, "no reads past the page cache of '%s': %s", path, strerror(errno));
	for (size_t at = 0; now_ns() < end; at = (at + READ_BYTES) % FILE_BYTES) {
		uint64_t start = now_ns(), ran = my_cpu_ns();

		if (pread(fd, buffer, READ_BYTES, (off_t)at) != (ssize_t)READ_BYTES)
			give_up(1, "cannot read '%s': %s", path, strerror(errno));
		journal_wait_and_work(journal, my_tid(), start, now_ns(), my_cpu_ns() - ran);
	}
}

/* Gives every page that is missed, PAGE_DELAY_NS after it was. */
static void *provide_pages(void *arg)
{
	const int *uffd = arg;
	static char page[PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
	struct uffd_msg message;

	take_exact_timers();
	while (read(*uffd, &message, sizeof(message)) == sizeof(message)) {
		struct uffdio_copy copy = { .dst = message.arg.pagefault.address & ~(PAGE_BYTES - 1),
					    .src = (uintptr_t)page,
					    .len = PAGE_BYTES };

		sleep_until(now_ns() + PAGE_DELAY_NS);
		ioctl(*uffd, UFFDIO_COPY, &copy);
	}
	return NULL;
}

static int open_userfaultfd(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		give_up(WORKLOAD_SKIP, "no userfaultfd here: %s", strerror(errno));
	return fd;
}

static void touch_pages(uint64_t end, FILE *journal)
{
	struct uffdio_register area = { .mode = UFFDIO_REGISTER_MODE_MISSING, .range.len = AREA_BYTES };
	int fd = open_userfaultfd();
	pthread_t thread;
	volatile char *page;
	char sum = 0;

	page = mmap(NULL, AREA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	area.range.start = (uintptr_t)page;
	if (page == MAP_FAILED || ioctl(fd, UFFDIO_REGISTER, &area))
		give_up(WORKLOAD_SKIP, "cannot register memory: %s", strerror(errno));
	if (pthread_create(&thread, NULL, provide_pages, &fd))
		give_up(1, "cannot start a thread");
	for (size_t at = 0; at < AREA_BYTES && now_ns() < end; at += PAGE_BYTES) {
		uint64_t start = now_ns();

		sum = (char)(sum + page[at]);
		journal_wait(journal, my_tid(), start, now_ns());
	}
}

int main(int argc, char **argv)
{
	struct common_options common = COMMON_DEFAULTS;
	const char *mode = argc > 1 ? argv[1] : "";
	const char *path = !strcmp(mode, "read") && argc > 2 ? argv[2] : NULL;
	FILE *journal;
	int opt;

	if (!path && strcmp(mode, "page"))
		give_up(2, "usage: faults read FILE|page [-s SECONDS] [-j JOURNAL]");
	optind = path ? 3 : 2;
	while ((opt = getopt(argc, argv, COMMON_OPTIONS)) != -1)
		take_common(&common, opt, optarg);
	pin_to(common.cpu);
	if (path)
		make_file(path);
	journal = journal_open(common.journal);
	journal_begin(journal, "faults", my_tid());
	if (path)
		read_past_cache(path, end_of(&common), journal);
	else
		touch_pages(end_of(&common), journal);
	fclose(journal);
	stay_until_killed();
}
