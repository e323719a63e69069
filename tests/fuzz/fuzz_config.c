/* SPDX-License-Identifier: BSD-2-Clause */
/* Config files. What was accepted has no value that was not in the file, and no trigger without name or text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/config.h"
#include "cli/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct kf_config *config, const struct kf_strings *list, size_t size)
{
	const struct kf_config_trigger *triggers;
	size_t n, bytes = 0;

	triggers = kf_config_triggers(config, &n);
	for (size_t i = 0; i < n; i++)
		if (!*triggers[i].name || !*triggers[i].text || !kf_config_trigger_line(config, triggers[i].name))
			abort();
	for (size_t i = 0; i < list->n; i++)
		bytes += strlen(list->items[i]);
	if (bytes > size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *output = ".", *config_path;
	struct kf_strings list = { 0 };
	uint64_t cooldown_ns = 0, count = 0;
	bool only = false;
	const struct kf_option rows[] = {
		{ "config", 0, KF_OPT_STRING, &config_path, "FILE", "" },
		{ "output", 'o', KF_OPT_STRING, &output, "DIR", "" },
		{ "trigger", 0, KF_OPT_STRINGS, &list, "EXPR", "" },
		{ "cooldown", 0, KF_OPT_DURATION, &cooldown_ns, "TIME", "" },
		{ "count", 0, KF_OPT_COUNT, &count, "N", "" },
		{ "only", 0, KF_OPT_FLAG, &only, NULL, "" },
		{ 0 },
	};
	const bool given[sizeof(rows) / sizeof(rows[0])] = { true };
	int fd = memfd_create("config", MFD_CLOEXEC);
	struct kf_config *config = NULL;
	struct kf_error e;
	char path[32];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || fchmod(fd, 0600))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	config_path = path;
	if (!kf_config_load(&config, rows, given, NULL, &e))
		check(config, &list, size);
	kf_config_free(&config);
	free(list.items);
	close(fd);
	return 0;
}
