/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/reload.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/options.h"
#include "daemon/log.h"
#include "expr/trigger_set.h"

/* As much as fits; the log line says enough with it. */
static void put(char *to, size_t len, const char *text)
{
	snprintf(to, len, "%.*s", (int)len - 1, text);
}

static struct kf_change *add(struct kf_changes *changes, const char *what, const char *name)
{
	struct kf_change *c = &changes->items[changes->n];

	if (changes->n == KF_MAX_CHANGES) {
		changes->untold++;
		return NULL;
	}
	changes->n++;
	memset(c, 0, sizeof(*c));
	snprintf(c->name, sizeof(c->name), "%s%s", what, name);
	return c;
}

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names;
}

void kf_reload_options(struct kf_changes *changes, const struct kf_option *was, const struct kf_option *now,
		       const char *const *live)
{
	for (; was->name; was++, now++) {
		struct kf_change *c;

		if (!strcmp(was->name, "trigger") || kf_option_equal(was, now))
			continue;
		c = add(changes, "", was->name);
		if (!c)
			continue;
		kf_option_text(was, c->was, sizeof(c->was));
		kf_option_text(now, c->now, sizeof(c->now));
		c->live = is_one_of(was->name, live);
	}
}

static void change_rule(struct kf_changes *changes, struct kf_trigger_set *running, int rule, const char *text)
{
	struct kf_trigger_rule *r = &running->rules[rule];
	struct kf_change *c;
	struct kf_error e;

	if (!strcmp(r->text, text))
		return;
	c = add(changes, "trigger ", r->name);
	if (!c)
		return;
	put(c->was, sizeof(c->was), r->text);
	put(c->now, sizeof(c->now), text);
	c->live = !kf_trigger_set_change(running, rule, text, NULL, &e);
	if (!c->live)
		put(c->why, sizeof(c->why), e.message);
}

void kf_reload_triggers(struct kf_changes *changes, struct kf_trigger_set *running, const struct kf_trigger_set *wanted)
{
	struct kf_change *c;

	for (size_t i = 0; i < wanted->n_rules; i++) {
		int rule = kf_trigger_set_find(running, wanted->rules[i].name);

		if (rule >= 0)
			change_rule(changes, running, rule, wanted->rules[i].text);
		else if ((c = add(changes, "trigger ", wanted->rules[i].name)))
			put(c->now, sizeof(c->now), wanted->rules[i].text);
	}
	for (size_t i = 0; i < running->n_rules; i++)
		if (kf_trigger_set_find(wanted, running->rules[i].name) < 0 &&
		    (c = add(changes, "trigger ", running->rules[i].name)))
			put(c->was, sizeof(c->was), running->rules[i].text);
}

/* Values are the user's own; a list of them may be long. */
static const char *shown(const char *value, char *buf, size_t len)
{
	if (!*value)
		return "nothing";
	kf_text_printable(value, strlen(value), buf, len);
	return buf;
}

void kf_reload_log(const struct kf_changes *changes, struct kf_log *log)
{
	for (size_t i = 0; i < changes->n; i++) {
		const struct kf_change *c = &changes->items[i];
		char was[256], now[256];

		kf_log(log, c->live ? KF_LOG_INFO : KF_LOG_WARNING,
		       KF_LOG_FIELDS({ "message_id", KF_LOG_ID_RELOADED }, { "setting", c->name }),
		       "%s: %s -> %s%s%s%s", c->name, shown(c->was, was, sizeof(was)), shown(c->now, now, sizeof(now)),
		       c->live ? "" : ": only a restart changes this", *c->why ? ": " : "", c->why);
	}
	if (changes->untold)
		kf_log(log, KF_LOG_WARNING, NULL, "%zu more changes need a restart", changes->untold);
	if (!changes->n)
		kf_log(log, KF_LOG_INFO, KF_LOG_FIELDS({ "message_id", KF_LOG_ID_RELOADED }),
		       "reloaded: nothing has changed");
}
