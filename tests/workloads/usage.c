/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage.c - what a command uses: usage FILE COMMAND... runs it and writes {"cpu_ms", "wall_ms", "max_rss_kib"} to FILE.
 * The exit status is the command's, 128 + signal if it was killed.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include "workload.h"

static double ms(const struct timeval *t)
{
	return (double)t->tv_sec * 1e3 + (double)t->tv_usec / 1e3;
}

int main(int argc, char **argv)
{
	uint64_t start = now_ns();
	struct rusage used;
	FILE *out;
	pid_t pid;
	int status;

	if (argc < 3)
		return 2;
	pid = fork();
	if (!pid) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &used) != pid) {
		perror("usage");
		return 2;
	}
	out = fopen(argv[1], "w");
	if (!out) {
		perror(argv[1]);
		return 2;
	}
	fprintf(out, "{\"cpu_ms\":%.0f,\"wall_ms\":%.0f,\"max_rss_kib\":%ld}\n",
		ms(&used.ru_utime) + ms(&used.ru_stime), (double)(now_ns() - start) / NS_PER_MS, used.ru_maxrss);
	fclose(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
