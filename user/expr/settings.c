/* SPDX-License-Identifier: BSD-2-Clause */
#include "expr/settings.h"

#include <ctype.h>
#include <string.h>

#include "base/error.h"
#include "expr/expr.h"
#include "expr/reader.h"

#define EXAMPLE	      "write it like {comm=nginx*, cooldown=1m, name=slow}"
#define HUNDRED_MICRO (100ULL * KF_READER_MICRO)

enum key { NAME, COMM, PID, TID, CGROUP, COOLDOWN, SAMPLE, ENABLED };
static const char *const keys[] = { "name", "comm", "pid", "tid", "cgroup", "cooldown", "sample", "enabled", NULL };

/* What stands behind "=" or "|". */
struct value {
	const char *at;
	char text[KF_CGROUP_BYTES];
};

static int take_value(struct kf_reader *r, struct value *out)
{
	const char *end, *start;
	char quote = 0;
	size_t len;

	kf_reader_skip_blanks(r);
	if (*r->at == '\'' || *r->at == '"')
		quote = *r->at++;
	out->at = start = r->at;
	for (end = start; *end && (quote ? *end != quote : !strchr(",|{}", *end)); end++)
		;
	if (quote && !*end)
		return kf_reader_fail(r, start - 1, NULL, "the closing %c is missing", quote);
	r->at = end + (quote != 0);
	while (!quote && end > start && isspace((unsigned char)end[-1]))
		end--;
	len = (size_t)(end - start);
	if (!len)
		return kf_reader_fail(r, start, EXAMPLE, "the value is missing");
	if (len >= sizeof(out->text))
		return kf_reader_fail(r, start, NULL, "the value is longer than %zu bytes", sizeof(out->text) - 1);
	memset(out->text, 0, sizeof(out->text));
	memcpy(out->text, start, len);
	return 0;
}

static int fill_comm(struct kf_term_filter *f, struct kf_reader *r, const struct value *v)
{
	if (strlen(v->text) >= sizeof(f->comm.text))
		return kf_reader_fail(r, v->at, NULL, "the name is longer than %d bytes", KF_COMM_GLOB_BYTES - 1);
	if (!kf_expr_glob_is_possible(v->text))
		return kf_reader_fail(r, v->at, "thread names have at most 15 bytes: cut it and end it with '*'",
				      "no name can fit '%.40s'", v->text);
	memcpy(f->comm.text, v->text, sizeof(f->comm.text));
	return 0;
}

static int read_filter(struct kf_settings *s, struct kf_reader *r, enum key key)
{
	static const enum kf_filter_by dimensions[] = {
		[COMM] = KF_FILTER_COMM, [PID] = KF_FILTER_PID, [TID] = KF_FILTER_TID, [CGROUP] = KF_FILTER_CGROUP
	};
	struct kf_term_filter *f = &s->filters[s->n_filters];
	struct value v;

	if (take_value(r, &v))
		return -1;
	if (s->n_filters == KF_SETTINGS_FILTERS)
		return kf_reader_fail(r, v.at, "use a pattern: comm=nginx*", "more than %d values",
				      KF_SETTINGS_FILTERS);
	*f = (struct kf_term_filter){ .by = dimensions[key] };
	if (key == COMM && fill_comm(f, r, &v))
		return -1;
	if ((key == PID || key == TID) && kf_reader_pid(r, v.text, v.at, &f->id))
		return -1;
	if (key == CGROUP)
		memcpy(f->cgroup, v.text, sizeof(f->cgroup));
	for (size_t i = 0; i < s->n_filters; i++)
		if (kf_filter_is_equal(&s->filters[i], f))
			return kf_reader_fail(r, v.at, NULL, "'%.40s' is there already", v.text);
	s->n_filters++;
	return 0;
}

static int read_filters(struct kf_settings *s, struct kf_reader *r, const struct kf_word *w, enum key key)
{
	if (key == COMM)
		s->comm_column = (uint16_t)(w->at - r->text + 1);
	do
		if (read_filter(s, r, key))
			return -1;
	while (kf_reader_takes(r, '|'));
	return 0;
}

static int read_name(struct kf_settings *s, struct kf_reader *r)
{
	struct kf_error why;
	struct value v = { 0 };

	if (take_value(r, &v))
		return -1;
	if (kf_rule_name_check(v.text, &why))
		return kf_reader_fail(r, v.at, why.hint[0] ? why.hint : NULL, "%s", why.message);
	memcpy(s->name, v.text, sizeof(s->name));
	return 0;
}

static int read_sample(struct kf_settings *s, struct kf_reader *r)
{
	const char *at;
	uint64_t micro;

	kf_reader_skip_blanks(r);
	at = r->at;
	if (kf_reader_micro(r, &micro))
		return -1;
	if (!kf_reader_takes(r, '%'))
		return kf_reader_fail(r, r->at, "write it like sample=10%", "a '%%' belongs here");
	if (!micro || micro > HUNDRED_MICRO)
		return kf_reader_fail(r, at, "above 0, up to 100 %; 'enabled=no' switches a trigger off",
				      "the share is out of range");
	s->sample = (uint32_t)((micro << 32) / HUNDRED_MICRO - 1);
	return 0;
}

static int read_enabled(struct kf_settings *s, struct kf_reader *r)
{
	static const char *const answers[] = { "no", "yes", NULL };
	struct kf_word w = kf_reader_word(r);
	int answer = kf_word_find(&w, answers);

	if (!w.len)
		return kf_reader_fail(r, w.at, "yes or no", "the value is missing");
	if (answer < 0)
		return kf_reader_unknown(r, &w, "value", answers, "yes or no");
	s->enabled = answer;
	return 0;
}

static int read_setting(struct kf_settings *s, struct kf_reader *r, const struct kf_word *w, enum key key)
{
	switch (key) {
	case NAME:
		return read_name(s, r);
	case COMM:
	case PID:
	case TID:
	case CGROUP:
		return read_filters(s, r, w, key);
	case COOLDOWN:
		s->paced = true;
		return kf_reader_duration(r, &s->cooldown_ns);
	case SAMPLE:
		s->paced = true;
		return read_sample(s, r);
	case ENABLED:
		s->paced = true;
		return read_enabled(s, r);
	}
	return -1;
}

static int read_one(struct kf_settings *s, struct kf_reader *r, uint32_t *seen)
{
	struct kf_word w = kf_reader_word(r);
	int key = kf_word_find(&w, keys);

	if (!w.len)
		return kf_reader_fail(r, w.at, EXAMPLE, "a setting is missing");
	if (key < 0)
		return kf_reader_unknown(r, &w, "setting", keys,
					 "the settings are name, comm, pid, tid, cgroup, cooldown, sample and enabled");
	if (*seen >> key & 1)
		return kf_reader_fail(r, w.at, "alternatives are written a|b", "'%s' is there already", w.text);
	*seen |= 1u << key;
	if (!kf_reader_takes(r, '='))
		return kf_reader_fail(r, r->at, EXAMPLE, "a '=' belongs here");
	return read_setting(s, r, &w, (enum key)key);
}

void kf_settings_default(struct kf_settings *s)
{
	*s = (struct kf_settings){ .sample = KF_SAMPLE_ALWAYS, .enabled = true };
}

int kf_settings_read(struct kf_settings *out, struct kf_reader *r)
{
	uint32_t seen = 0;

	kf_settings_default(out);
	if (!kf_reader_takes(r, '{') || kf_reader_takes(r, '}'))
		return 0;
	do
		if (read_one(out, r, &seen))
			return -1;
	while (kf_reader_takes(r, ','));
	return kf_reader_takes(r, '}')
		       ? 0
		       : kf_reader_fail(r, r->at, EXAMPLE, *r->at ? "a ',' or '}' belongs here" : "the '}' is missing");
}

bool kf_filter_is_equal(const struct kf_term_filter *a, const struct kf_term_filter *b)
{
	return a->by == b->by && a->id == b->id && !strcmp(a->comm.text, b->comm.text) && !strcmp(a->cgroup, b->cgroup);
}

static bool is_name_byte(unsigned char c)
{
	return c < 0x80 && (isalnum(c) || c == '-' || c == '_' || c == '.');
}

int kf_rule_name_check(const char *name, struct kf_error *e)
{
	size_t len = strlen(name);

	if (!len)
		return kf_fail(e, KF_USAGE, NULL, "the name is empty");
	if (len >= KF_RULE_NAME_BYTES)
		return kf_fail(e, KF_USAGE, NULL, "the name is longer than %d bytes", KF_RULE_NAME_BYTES - 1);
	for (const char *c = name; *c; c++)
		if (!is_name_byte((unsigned char)*c))
			return kf_fail(e, KF_USAGE, "names become part of file names",
				       "a name has only letters, digits, '-', '_' and '.'");
	if (!isalnum((unsigned char)name[0]))
		return kf_fail(e, KF_USAGE, NULL, "a name begins with a letter or digit");
	if (!strcmp(name, KF_NAME_OF_REQUESTS))
		return kf_fail(e, KF_USAGE, "take another one", "'%s' is what requested snapshots are called", name);
	return 0;
}
