/* SPDX-License-Identifier: BSD-2-Clause */
#include "expr/condition.h"

#include <ctype.h>
#include <string.h>

#include "base/error.h"
#include "cli/options.h"
#include "expr/reader.h"

#define DEEPEST 16

/* An OR of ANDs. */
struct clauses {
	uint32_t of[KF_MAX_CLAUSES];
	size_t n;
};

struct parser {
	struct kf_condition *c;
	struct kf_reader r;
	int depth;
};

/* Adds a clause unless one implies it, and drops those it implies. -1: no room. */
static int add_clause(struct clauses *to, uint32_t clause)
{
	size_t kept = 0;

	for (size_t i = 0; i < to->n; i++)
		if ((to->of[i] & clause) == to->of[i])
			return 0;
	for (size_t i = 0; i < to->n; i++)
		if ((to->of[i] & clause) != clause)
			to->of[kept++] = to->of[i];
	to->n = kept;
	if (to->n == KF_MAX_CLAUSES)
		return -1;
	to->of[to->n++] = clause;
	return 0;
}

static int too_many(struct parser *p, const char *at)
{
	return kf_reader_fail(&p->r, at, "several triggers say the same as one with 'or'",
			      "this makes more than %d combinations of and and or", KF_MAX_CLAUSES);
}

static int join_or(struct parser *p, struct clauses *to, const struct clauses *other, const char *at)
{
	for (size_t i = 0; i < other->n; i++)
		if (add_clause(to, other->of[i]))
			return too_many(p, at);
	return 0;
}

/* Each of the one with each of the other. */
static int join_and(struct parser *p, struct clauses *to, const struct clauses *other, const char *at)
{
	struct clauses all = { .n = 0 };

	for (size_t i = 0; i < to->n; i++)
		for (size_t j = 0; j < other->n; j++)
			if (add_clause(&all, to->of[i] | other->of[j]))
				return too_many(p, at);
	*to = all;
	return 0;
}

static int read_expression(struct parser *p, struct clauses *out)
{
	struct kf_condition *c = p->c;
	struct kf_expr x;
	const char *at;
	size_t i;

	kf_reader_skip_blanks(&p->r);
	at = p->r.at;
	if (kf_expr_read(&x, &p->r))
		return -1;
	for (i = 0; i < c->n_exprs; i++)
		if (kf_expr_is_equal(&c->exprs[i], &x))
			break;
	if (i == KF_MAX_TERMS)
		return kf_reader_fail(&p->r, at, NULL, "more than %d expressions", KF_MAX_TERMS);
	if (i == c->n_exprs) {
		c->exprs[i] = x;
		c->columns[i] = (uint16_t)(at - p->r.text + 1);
		c->n_exprs++;
	}
	*out = (struct clauses){ .of = { 1u << i }, .n = 1 };
	return 0;
}

static int read_or(struct parser *p, struct clauses *out);

/* Behind the "(". */
static int read_group(struct parser *p, struct clauses *out)
{
	if (++p->depth > DEEPEST)
		return kf_reader_fail(&p->r, p->r.at - 1, NULL, "more than %d brackets in each other", DEEPEST);
	if (read_or(p, out))
		return -1;
	p->depth--;
	return kf_reader_takes(&p->r, ')')
		       ? 0
		       : kf_reader_fail(&p->r, p->r.at, NULL,
					*p->r.at ? "'and', 'or' or ')' belongs here" : "the ')' is missing");
}

static int read_one(struct parser *p, struct clauses *out)
{
	return kf_reader_takes(&p->r, '(') ? read_group(p, out) : read_expression(p, out);
}

static int read_and(struct parser *p, struct clauses *out)
{
	struct clauses other;

	if (read_one(p, out))
		return -1;
	while (kf_reader_takes_word(&p->r, "and")) {
		const char *at = p->r.at - strlen("and");

		if (read_one(p, &other) || join_and(p, out, &other, at))
			return -1;
	}
	return 0;
}

static int read_or(struct parser *p, struct clauses *out)
{
	struct clauses other;

	if (read_and(p, out))
		return -1;
	while (kf_reader_takes_word(&p->r, "or")) {
		const char *at = p->r.at - strlen("or");

		if (read_and(p, &other) || join_or(p, out, &other, at))
			return -1;
	}
	return 0;
}

static int check_bytes(struct kf_reader *r)
{
	if (strlen(r->text) >= KF_CONDITION_BYTES)
		return kf_reader_fail(r, r->text, NULL, "it is longer than %d bytes", KF_CONDITION_BYTES - 1);
	for (const char *c = r->text; *c; c++)
		if (iscntrl((unsigned char)*c) && *c != '\t')
			return kf_reader_fail(r, c, NULL, "a control character");
	return 0;
}

/* Something stands where the text should be over. */
static int fail_behind(struct parser *p)
{
	static const char *const joins[] = { "and", "or", NULL };
	const char *at = p->r.at, *hint = "expressions are joined by 'and' and 'or', settings stand in {} at the end";
	struct kf_word w = kf_reader_word(&p->r);
	const char *near;

	if (!strncmp(at, "&&", 2) || !strcmp(w.text, "AND"))
		return kf_reader_fail(&p->r, at, hint, "did you mean 'and'?");
	if (!strncmp(at, "||", 2) || !strcmp(w.text, "OR"))
		return kf_reader_fail(&p->r, at, hint, "did you mean 'or'?");
	if (*at == ',')
		return kf_reader_fail(&p->r, at, "give several triggers one by one", "the expression should end here");
	near = w.len && w.len < KF_READER_WORD_BYTES ? kf_nearest(w.text, joins) : NULL;
	if (near)
		return kf_reader_fail(&p->r, at, hint, "did you mean '%s'?", near);
	return kf_reader_fail(&p->r, at, hint, "the expression should end here");
}

/* Forgets expressions that no clause needs. */
static void drop_unused(struct kf_condition *c)
{
	uint32_t used = 0, below, above;

	for (size_t i = 0; i < c->n_clauses; i++)
		used |= c->clauses[i];
	for (size_t i = c->n_exprs; i-- > 0;) {
		if (used >> i & 1)
			continue;
		c->n_exprs--;
		memmove(&c->exprs[i], &c->exprs[i + 1], (c->n_exprs - i) * sizeof(c->exprs[0]));
		memmove(&c->columns[i], &c->columns[i + 1], (c->n_exprs - i) * sizeof(c->columns[0]));
		memset(&c->exprs[c->n_exprs], 0, sizeof(c->exprs[0]));
		c->columns[c->n_exprs] = 0;
		for (size_t j = 0; j < c->n_clauses; j++) {
			below = c->clauses[j] & ((1u << i) - 1);
			above = c->clauses[j] >> i >> 1;
			c->clauses[j] = below | above << i;
		}
	}
}

static int parse(struct parser *p)
{
	struct clauses clauses;

	if (check_bytes(&p->r) || read_or(p, &clauses))
		return -1;
	memcpy(p->c->clauses, clauses.of, clauses.n * sizeof(clauses.of[0]));
	p->c->n_clauses = clauses.n;
	drop_unused(p->c);
	if (kf_settings_read(&p->c->settings, &p->r))
		return -1;
	return kf_reader_peek(&p->r) ? fail_behind(p) : 0;
}

static void keep_text(struct kf_condition *c, const char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	memcpy(c->text, text, len);
}

int kf_condition_parse(struct kf_condition *out, const char *what, const char *text, size_t *column, struct kf_error *e)
{
	struct kf_error ignored;
	struct parser p = { .c = out, .r = { .what = what, .text = text, .at = text, .e = e ? e : &ignored } };
	int err;

	memset(out, 0, sizeof(*out));
	err = parse(&p);
	if (column)
		*column = p.r.blame ? (size_t)(p.r.blame - text) + 1 : 0;
	if (!err)
		keep_text(out, text);
	return err;
}
