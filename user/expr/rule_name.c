/* SPDX-License-Identifier: BSD-2-Clause */
#include "expr/rule_name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "expr/condition.h"
#include "model/wait.h"

/* What has been made of a name so far; long ones grow beyond what is kept. */
struct draft {
	char text[128];
	size_t len;
};

/* Appends a part, behind a '-'; its bytes that names cannot have are left out. */
static void add(struct draft *d, const char *part)
{
	if (d->len && d->len + 1 < sizeof(d->text) && d->text[d->len - 1] != '-')
		d->text[d->len++] = '-';
	for (; *part && d->len + 1 < sizeof(d->text); part++) {
		unsigned char c = (unsigned char)*part;

		if (c < 0x80 && (isalnum(c) || c == '_' || (d->len && (c == '.' || c == '-'))))
			d->text[d->len++] = (char)c;
	}
	d->text[d->len] = '\0';
}

/* "5ms", "1.5s": in the largest unit that leaves it a number of 1 and more. */
static const char *duration(uint64_t ns, char *buf, size_t len)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "h", 3600000000000 }, { "m", 60000000000 }, { "s", 1000000000 },
		      { "ms", 1000000 },      { "us", 1000 },	    { "ns", 1 } };
	size_t i = 0;

	while (units[i].ns > 1 && (ns < units[i].ns || (units[i].ns > 1000000000 && ns % units[i].ns)))
		i++;
	snprintf(buf, len, "%.6g%s", (double)ns / (double)units[i].ns, units[i].name);
	return buf;
}

static void add_limit(struct draft *d, const struct kf_expr *x)
{
	double number = (double)x->limit / KF_EXPR_MICRO;
	char text[48];

	switch (x->unit) {
	case KF_EXPR_NS:
		duration(x->limit, text, sizeof(text));
		break;
	case KF_EXPR_PERCENT:
		snprintf(text, sizeof(text), "%.6gpct", number);
		break;
	case KF_EXPR_PER_TIME:
		snprintf(text, sizeof(text), "%.6g-per-%s", number,
			 x->per_ns > 60000000000  ? "h"
			 : x->per_ns > 1000000000 ? "m"
						  : "s");
		break;
	default:
		snprintf(text, sizeof(text), "%.6g", number);
	}
	add(d, text);
}

static void add_expression(struct draft *d, const struct kf_expr *x)
{
	bool below = x->compare == KF_EXPR_BELOW || x->compare == KF_EXPR_AT_MOST;
	char text[32];

	if (!kf_expr_is_event(x))
		add(d, kf_expr_function_name(x, text, sizeof(text)));
	add(d, kf_expr_kind_name(x->kind));
	for (uint32_t i = 0; i < x->n_syscalls; i++)
		if (kf_syscall_name(x->syscalls[i]))
			add(d, kf_syscall_name(x->syscalls[i]));
	if (below)
		add(d, "below");
	add_limit(d, x);
	if (x->who[0])
		add(d, x->who);
	if (x->pid) {
		snprintf(text, sizeof(text), "%u", x->pid);
		add(d, text);
	}
}

static void add_condition(struct draft *d, const struct kf_condition *c)
{
	for (size_t i = 0; i < c->n_clauses; i++) {
		bool first = true;

		if (i)
			add(d, "or");
		for (size_t j = 0; j < c->n_exprs; j++) {
			if (!(c->clauses[i] >> j & 1))
				continue;
			if (!first)
				add(d, "and");
			add_expression(d, &c->exprs[j]);
			first = false;
		}
	}
}

/* The last part of "/system.slice/nginx.service". */
static const char *last_part(const char *path)
{
	const char *last = path;

	for (const char *c = path; *c; c++)
		if (*c == '/' && c[1])
			last = c + 1;
	return last;
}

static void add_filters(struct draft *d, const struct kf_settings *s)
{
	char number[16];

	for (size_t i = 0; i < s->n_filters; i++) {
		const struct kf_term_filter *f = &s->filters[i];

		if (f->by == KF_FILTER_COMM) {
			add(d, f->comm.text);
		} else if (f->by == KF_FILTER_CGROUP) {
			add(d, last_part(f->cgroup));
		} else {
			snprintf(number, sizeof(number), "%u", f->id);
			add(d, number);
		}
	}
}

/* Cuts to len at most, not at a joint. */
static void cut(char *name, size_t len)
{
	size_t used = strlen(name);

	used = used < len ? used : len;
	while (used && (name[used - 1] == '-' || name[used - 1] == '.'))
		used--;
	name[used] = '\0';
}

void kf_rule_name_make(char name[KF_RULE_NAME_BYTES], const struct kf_condition *c)
{
	struct draft d = { .len = 0 };

	add_condition(&d, c);
	add_filters(&d, &c->settings);
	cut(d.text, KF_RULE_NAME_BYTES - 1);
	memset(name, 0, KF_RULE_NAME_BYTES);
	memcpy(name, d.text, strlen(d.text));
}

void kf_rule_name_number(char name[KF_RULE_NAME_BYTES], unsigned int number)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "-%u", number);
	size_t used;

	cut(name, KF_RULE_NAME_BYTES - 1 - (size_t)len);
	used = strlen(name);
	memset(name + used, 0, KF_RULE_NAME_BYTES - used);
	memcpy(name + used, text, (size_t)len);
}

bool kf_rule_name_is_made(const char *name, const char *text)
{
	struct kf_condition c;
	char made[KF_RULE_NAME_BYTES];

	if (kf_condition_parse(&c, "trigger", text, NULL, NULL))
		return false;
	kf_rule_name_make(made, &c);
	for (unsigned int n = 2; n <= KF_MAX_RULES + 1; n++) {
		if (!strcmp(name, made))
			return true;
		kf_rule_name_make(made, &c);
		kf_rule_name_number(made, n);
	}
	return false;
}
