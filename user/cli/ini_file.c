/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/ini_file.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define MAX_BYTES	  (1 << 20)
#define MAX_SECTION_BYTES 48 /* inih cuts longer ones without a word */

struct reading {
	const char *at, *end;
	unsigned int line; /* of what was handed to inih last */
	bool indented;	   /* that line */
	bool failed;	   /* e says why: nothing more is read */
	bool in_key;	   /* an indented line goes on with it */
	kf_ini_fn fn;
	void *context;
	struct kf_error *e;
};

int kf_ini_blame(const char *path, unsigned int line, struct kf_error *e)
{
	struct kf_error why = *e;

	return kf_fail(e, why.status, why.hint[0] ? why.hint : NULL, "'%s', line %u: %s", path, line, why.message);
}

static int give(struct reading *r, const struct kf_ini_item *item)
{
	if (r->fn(r->context, item, r->e))
		r->failed = true;
	return r->failed ? -1 : 0;
}

/* ---- a line before inih sees it ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static int check_bytes(const char *line, size_t len, struct kf_error *e)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];

		if ((c < ' ' && !is_blank((char)c)) || c == 0x7f)
			return kf_fail(e, KF_USAGE, "a config file is text", "byte %zu is a control character (0x%02x)",
				       i + 1, c);
	}
	return 0;
}

/* inih cuts a value at " ;" but not at " #". Neither is what somebody meant who writes `exec = sh -c "a ; b"`. */
static int check_comment(const char *line, size_t len, struct kf_error *e)
{
	for (size_t i = 1; i < len; i++)
		if ((line[i] == ';' || line[i] == '#') && is_blank(line[i - 1]))
			return kf_fail(e, KF_USAGE, "a comment stands on a line of its own",
				       "column %zu: '%c' behind a blank would begin a comment", i + 1, line[i]);
	return 0;
}

/* line[0] is '['. */
static int begin_section(struct reading *r, const char *line, size_t len)
{
	const char *close = memchr(line, ']', len);
	char name[MAX_SECTION_BYTES + 1];
	struct kf_ini_item item = { .line = r->line, .section = name };

	if (!close)
		return kf_fail(r->e, KF_USAGE, NULL, "a section without ']'");
	if (close != line + len - 1)
		return kf_fail(r->e, KF_USAGE, NULL, "text behind the section's ']'");
	if (len - 2 > MAX_SECTION_BYTES)
		return kf_fail(r->e, KF_USAGE, NULL, "the section's name is longer than %d bytes", MAX_SECTION_BYTES);
	memcpy(name, line + 1, len - 2);
	name[len - 2] = '\0';
	r->in_key = false;
	return give(r, &item);
}

/* len without the line's end and the blanks before that. */
static int check_line(struct reading *r, const char *line, size_t len, size_t room)
{
	size_t indent = 0;

	while (indent < len && is_blank(line[indent]))
		indent++;
	r->indented = indent > 0;
	if (check_bytes(line, len, r->e))
		return -1;
	if (len > room)
		return kf_fail(r->e, KF_USAGE, "go on in a further line that begins with a blank",
			       "%zu bytes, a line holds %zu", len, room);
	if (indent == len || line[indent] == '#' || line[indent] == ';')
		return 0;
	if (line[indent] != '[')
		return check_comment(line, len, r->e);
	if (indent)
		return kf_fail(r->e, KF_USAGE, "move its '[' to the begin of the line",
			       "an indented line goes on with the one before, a section cannot");
	return begin_section(r, line, len);
}

/* For inih: as fgets(). */
static char *next_line(char *to, int room, void *stream)
{
	struct reading *r = stream;
	size_t len, left = (size_t)(r->end - r->at);
	const char *newline;

	if (r->failed || !left)
		return NULL;
	newline = memchr(r->at, '\n', left);
	len = newline ? (size_t)(newline - r->at) : left;
	r->line++;
	while (len && is_blank(r->at[len - 1]))
		len--;
	if (check_line(r, r->at, len, (size_t)room - 3)) {
		r->failed = true;
		return NULL;
	}
	memcpy(to, r->at, len);
	memcpy(to + len, "\n", 2);
	r->at = newline ? newline + 1 : r->end;
	return to;
}

/* ---- what inih makes of it ---- */

static int take(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;
	struct kf_ini_item item = {
		.line = r->line, .section = section, .key = name, .value = value, .goes_on = r->indented && r->in_key
	};

	r->in_key = true;
	return r->failed || give(r, &item) ? 0 : 1;
}

int kf_ini_read_text(const char *path, const char *text, size_t len, kf_ini_fn fn, void *context, struct kf_error *e)
{
	struct reading r = { .at = text, .end = text + len, .fn = fn, .context = context, .e = e };
	int bad;

	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		r.at += 3;
	bad = ini_parse_stream(next_line, &r, take, &r);
	if (r.failed)
		return kf_ini_blame(path, r.line, e);
	if (bad < 0)
		return kf_fail_memory(e, "the config file");
	if (bad > 0)
		return kf_fail(e, KF_USAGE, "a line is [SECTION], KEY = VALUE or # comment",
			       "'%s', line %d: there is no '='", path, bad);
	return 0;
}

/* ---- the file ---- */

/* sudo's caller can become root anyway. */
static bool is_trusted(uid_t uid)
{
	const char *sudo = getenv("SUDO_UID");
	char text[16];

	snprintf(text, sizeof(text), "%u", (unsigned int)uid);
	return uid == 0 || uid == geteuid() || (sudo && !strcmp(sudo, text));
}

static int check_file(const char *path, const struct stat *st, struct kf_error *e)
{
	if (!S_ISREG(st->st_mode))
		return kf_fail(e, KF_USAGE, NULL, "config '%s' is no regular file", path);
	if (!is_trusted(st->st_uid))
		return kf_fail(e, KF_USAGE, "the recorder runs commands from it: give it to root (chown root)",
			       "config '%s' belongs to uid %u", path, (unsigned int)st->st_uid);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return kf_fail(e, KF_USAGE, "the recorder runs commands from it: chmod go-w",
			       "config '%s' can be written by others (mode %04o)", path,
			       (unsigned int)st->st_mode & 07777);
	if (st->st_size > MAX_BYTES)
		return kf_fail(e, KF_USAGE, NULL, "config '%s' is larger than 1 MiB", path);
	return 0;
}

static int read_all(const char *path, int fd, char *text, size_t *len, struct kf_error *e)
{
	ssize_t got = 1;

	for (*len = 0; got && *len < MAX_BYTES; *len += (size_t)got) {
		got = read(fd, text + *len, MAX_BYTES - *len);
		if (got < 0) {
			kf_fail_errno(e, errno,
				      "docs/config.md shows such a file; `kflight config check FILE` tries one",
				      "cannot read config '%s'", path);
			e->status = KF_USAGE;
			return -1;
		}
	}
	return 0;
}

int kf_ini_read(const char *path, kf_ini_fn fn, void *context, struct kf_error *e)
{
	/* O_NONBLOCK: a FIFO must not hang us. Symlinks are followed: Kubernetes mounts configuration as such. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret;
	struct stat st;
	char *text;
	size_t len;

	if (fd < 0 || fstat(fd, &st)) {
		kf_fail_errno(e, errno, "docs/config.md shows such a file; `kflight config check FILE` tries one",
			      "cannot read config '%s'", path);
		e->status = KF_USAGE;
		if (fd >= 0)
			close(fd);
		return -1;
	}
	text = malloc(MAX_BYTES);
	if (!text)
		ret = kf_fail_memory(e, "the config file");
	else if (check_file(path, &st, e) || read_all(path, fd, text, &len, e))
		ret = -1;
	else
		ret = kf_ini_read_text(path, text, len, fn, context, e);
	free(text);
	close(fd);
	return ret;
}
