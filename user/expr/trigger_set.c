/* SPDX-License-Identifier: BSD-2-Clause */
#include "expr/trigger_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "expr/reader.h"
#include "expr/rule_name.h"

/* A trigger on its way into a set. */
struct trial {
	struct kf_condition c;
	struct kf_trigger_set set; /* the one it will be */
	struct kf_reader r;	   /* for errors */
};

static int fail_at(struct trial *t, size_t column, const char *hint, const char *why)
{
	return kf_reader_fail(&t->r, t->r.text + (column ? column - 1 : 0), hint, "%s", why);
}

/* What `check` can answer, but no trigger. */
static int check_sense(struct trial *t)
{
	const struct kf_condition *c = &t->c;

	for (size_t i = 0; i < c->n_exprs; i++) {
		const struct kf_expr *x = &c->exprs[i];

		if (x->kind >= KF_EXPR_STEAL)
			return fail_at(t, c->columns[i], "a trigger can look at total(throttled)",
				       "time of CPUs (steal, softirq, irq) is for `check` only");
		if (kf_expr_is_event(x) && !x->limit)
			return fail_at(t, c->columns[i], "write it like 'runq>5ms'", "the limit is zero");
		if (x->who[0] && c->settings.comm_column)
			return fail_at(t, c->settings.comm_column, "leave one of the two out",
				       "'of' says already which names it is about");
	}
	return 0;
}

static int choose_name(struct trial *t, const char *name, struct kf_trigger_rule *rule)
{
	const char *given = name ? name : t->c.settings.name;
	struct kf_error why;

	if (name && kf_rule_name_check(name, &why))
		return kf_fail(t->r.e, KF_USAGE, why.hint[0] ? why.hint : NULL, "trigger '%.100s': %s", name,
			       why.message);
	if (name && t->c.settings.name[0] && strcmp(name, t->c.settings.name))
		return kf_fail(t->r.e, KF_USAGE, "leave name= out", "trigger '%s' calls itself '%s'", name,
			       t->c.settings.name);
	if (given[0]) {
		if (kf_trigger_set_find(&t->set, given) >= 0)
			return kf_fail(t->r.e, KF_USAGE, "each trigger needs a name of its own",
				       "there is a trigger '%s' already: '%.200s'", given,
				       t->set.rules[kf_trigger_set_find(&t->set, given)].text);
		memcpy(rule->name, given, strlen(given));
		return 0;
	}
	kf_rule_name_make(rule->name, &t->c);
	for (unsigned int n = 2; kf_trigger_set_find(&t->set, rule->name) >= 0; n++) {
		kf_rule_name_make(rule->name, &t->c);
		kf_rule_name_number(rule->name, n);
	}
	return 0;
}

static struct kf_term term_of(const struct kf_expr *x)
{
	struct kf_term term = { .kind = x->kind, .event = kf_expr_is_event(x) };
	bool or_equal;

	term.limit_ns = kf_expr_each_ns(x, &or_equal);
	term.or_equal = or_equal;
	term.any_syscall = x->kind == KF_EXPR_SYSCALL && !x->n_syscalls;
	for (uint32_t i = 0; i < x->n_syscalls; i++)
		term.syscalls[x->syscalls[i] / 64] |= 1ULL << x->syscalls[i] % 64;
	return term;
}

static uint64_t period_of(const struct kf_expr *x)
{
	if (kf_expr_is_event(x))
		return 0;
	if (x->over_ns)
		return x->over_ns;
	return x->function == KF_EXPR_RATE ? x->per_ns : KF_AGGREGATE_NS;
}

static int add_filter(struct trial *t, const struct kf_term_filter *f, uint32_t terms)
{
	struct kf_trigger_set *set = &t->set;
	size_t i;

	for (i = 0; i < set->n_filters; i++)
		if (kf_filter_is_equal(&set->filters[i], f))
			break;
	if (i == KF_MAX_TERM_FILTERS)
		return kf_fail(t->r.e, KF_USAGE, "use patterns: comm=nginx*", "more than %d filters of triggers",
			       KF_MAX_TERM_FILTERS);
	if (i == set->n_filters) {
		set->filters[set->n_filters++] = *f;
		set->filters[i].terms = 0;
	}
	set->filters[i].terms |= terms;
	return 0;
}

/* "of WHO" */
static int add_who(struct trial *t, const struct kf_expr *x, uint32_t term)
{
	struct kf_term_filter f = { .by = x->pid ? KF_FILTER_PID_OR_TID : KF_FILTER_COMM, .id = x->pid };

	if (!x->pid && !x->who[0])
		return 0;
	memcpy(f.comm.text, x->who, sizeof(f.comm.text));
	return add_filter(t, &f, term);
}

static int add_terms(struct trial *t, struct kf_trigger_rule *rule)
{
	struct kf_trigger_set *set = &t->set;

	if (set->n_terms + t->c.n_exprs > KF_MAX_TERMS)
		return kf_fail(t->r.e, KF_USAGE, NULL, "the triggers have more than %d expressions together",
			       KF_MAX_TERMS);
	for (size_t i = 0; i < t->c.n_exprs; i++) {
		const struct kf_expr *x = &t->c.exprs[i];
		size_t term = set->n_terms++;

		set->exprs[term] = *x;
		set->terms[term] = term_of(x);
		set->period_ns[term] = period_of(x);
		rule->terms |= 1u << term;
		if (add_who(t, x, 1u << term))
			return -1;
	}
	for (size_t i = 0; i < t->c.settings.n_filters; i++)
		if (add_filter(t, &t->c.settings.filters[i], rule->terms))
			return -1;
	return 0;
}

static int add_clauses(struct trial *t, uint32_t rule, size_t first_term)
{
	struct kf_trigger_set *set = &t->set;

	if (set->n_clauses + t->c.n_clauses > KF_MAX_CLAUSES)
		return kf_fail(t->r.e, KF_USAGE, "fewer 'or' inside of 'and'",
			       "the triggers have more than %d combinations together", KF_MAX_CLAUSES);
	for (size_t i = 0; i < t->c.n_clauses; i++)
		set->clauses[set->n_clauses++] = (struct kf_clause){ t->c.clauses[i] << first_term, rule };
	return 0;
}

static void take_settings(struct kf_trigger_rule *rule, const struct kf_condition *c)
{
	rule->cooldown_ns = c->settings.cooldown_ns;
	rule->sample = c->settings.sample;
	rule->enabled = c->settings.enabled;
	memcpy(rule->text, c->text, sizeof(rule->text));
}

static int add(struct trial *t, const char *name)
{
	struct kf_trigger_set *set = &t->set;
	struct kf_trigger_rule *rule = &set->rules[set->n_rules];
	size_t first_term = set->n_terms;

	if (check_sense(t))
		return -1;
	if (set->n_rules == KF_MAX_RULES)
		return kf_fail(t->r.e, KF_USAGE, "join some with 'or'", "more than %d triggers", KF_MAX_RULES);
	if (choose_name(t, name, rule) || add_terms(t, rule) || add_clauses(t, (uint32_t)set->n_rules, first_term))
		return -1;
	take_settings(rule, &t->c);
	set->n_rules++;
	return 0;
}

static int parse(struct trial *t, const char *text, size_t *column)
{
	return kf_condition_parse(&t->c, "trigger", text, column, t->r.e);
}

static struct trial *trial_new(const struct kf_trigger_set *set, const char *text, struct kf_error *e)
{
	struct trial *t = calloc(1, sizeof(*t));

	if (!t) {
		kf_fail_memory(e, "the triggers");
		return NULL;
	}
	t->r = (struct kf_reader){ .what = "trigger", .text = text, .at = text, .e = e };
	if (set)
		t->set = *set;
	return t;
}

static void tell_column(const struct trial *t, size_t *column)
{
	if (column && t->r.blame)
		*column = (size_t)(t->r.blame - t->r.text) + 1;
}

int kf_trigger_set_add_named(struct kf_trigger_set *set, const char *name, const char *text, size_t *column,
			     struct kf_error *e)
{
	struct trial *t = trial_new(set, text, e);
	int err;

	if (column)
		*column = 0;
	if (!t)
		return -1;
	err = parse(t, text, column);
	if (!err) {
		err = add(t, name);
		tell_column(t, column);
	}
	if (!err)
		*set = t->set;
	free(t);
	return err;
}

int kf_trigger_set_add(struct kf_trigger_set *set, const char *text, size_t *column, struct kf_error *e)
{
	return kf_trigger_set_add_named(set, NULL, text, column, e);
}

int kf_trigger_set_find(const struct kf_trigger_set *set, const char *name)
{
	for (size_t i = 0; i < set->n_rules; i++)
		if (!strcmp(set->rules[i].name, name))
			return (int)i;
	return -1;
}

int kf_trigger_set_rule_of(const struct kf_trigger_set *set, size_t term)
{
	for (size_t i = 0; i < set->n_rules; i++)
		if (set->rules[i].terms >> term & 1)
			return (int)i;
	return -1;
}

/* What cannot change while it is in use. */
static bool is_same_measure(const struct kf_expr *a, const struct kf_expr *b)
{
	return a->function == b->function && a->kind == b->kind && kf_expr_is_event(a) == kf_expr_is_event(b) &&
	       a->n_syscalls == b->n_syscalls && !memcmp(a->syscalls, b->syscalls, sizeof(a->syscalls));
}

/* Does a term have the same filters here and there? */
static bool is_same_filter(const struct kf_trigger_set *a, size_t term_a, const struct kf_trigger_set *b, size_t term_b)
{
	size_t in_a = 0, in_b = 0, both = 0;

	for (size_t i = 0; i < a->n_filters; i++) {
		if (!(a->filters[i].terms >> term_a & 1))
			continue;
		in_a++;
		for (size_t j = 0; j < b->n_filters; j++)
			both += (b->filters[j].terms >> term_b & 1) &&
				kf_filter_is_equal(&a->filters[i], &b->filters[j]);
	}
	for (size_t j = 0; j < b->n_filters; j++)
		in_b += b->filters[j].terms >> term_b & 1;
	return in_a == both && in_b == both;
}

static bool is_same_clauses(const struct kf_trigger_set *set, size_t rule, size_t first_term,
			    const struct kf_trigger_set *other)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n_clauses; i++) {
		if (set->clauses[i].rule != rule)
			continue;
		if (n == other->n_clauses || set->clauses[i].terms >> first_term != other->clauses[n].terms)
			return false;
		n++;
	}
	return n == other->n_clauses;
}

/* other has only the rule that is to be put in its place. */
static bool is_same_shape(const struct kf_trigger_set *set, size_t rule, const struct kf_trigger_set *other)
{
	size_t first_term = (size_t)__builtin_ctz(set->rules[rule].terms);

	if ((size_t)__builtin_popcount(set->rules[rule].terms) != other->n_terms ||
	    !is_same_clauses(set, rule, first_term, other))
		return false;
	for (size_t i = 0; i < other->n_terms; i++)
		if (!is_same_measure(&set->exprs[first_term + i], &other->exprs[i]) ||
		    !is_same_filter(set, first_term + i, other, i))
			return false;
	return true;
}

static void put_in_place(struct kf_trigger_set *set, size_t rule, const struct trial *t)
{
	size_t first_term = (size_t)__builtin_ctz(set->rules[rule].terms);

	for (size_t i = 0; i < t->set.n_terms; i++) {
		set->exprs[first_term + i] = t->set.exprs[i];
		set->terms[first_term + i] = t->set.terms[i];
		set->period_ns[first_term + i] = t->set.period_ns[i];
	}
	take_settings(&set->rules[rule], &t->c);
}

static int change(struct kf_trigger_set *set, size_t rule, struct trial *t)
{
	const char *given = t->c.settings.name;

	if (given[0] && strcmp(given, set->rules[rule].name))
		return kf_fail(t->r.e, KF_USAGE, "restart the recorder with the new triggers",
			       "trigger '%s' cannot be renamed to '%s' while recording", set->rules[rule].name, given);
	if (add(t, NULL))
		return -1;
	if (!is_same_shape(set, rule, &t->set))
		return kf_fail(
			t->r.e, KF_USAGE,
			"limits, periods, cooldown, sample and enabled can change; repeat the rest, filters like "
			"{comm=...} "
			"too, or restart the recorder",
			"trigger '%s' cannot become '%.200s' while recording: it measures something else, or of others",
			set->rules[rule].name, t->c.text);
	put_in_place(set, rule, t);
	return 0;
}

int kf_trigger_set_change(struct kf_trigger_set *set, int rule, const char *text, size_t *column, struct kf_error *e)
{
	struct trial *t;
	int err;

	if (column)
		*column = 0;
	if (rule < 0 || (size_t)rule >= set->n_rules)
		return kf_fail(e, KF_USAGE, NULL, "there is no trigger %d", rule);
	t = trial_new(NULL, text, e);
	if (!t)
		return -1;
	err = parse(t, text, column);
	if (!err) {
		err = change(set, (size_t)rule, t);
		tell_column(t, column);
	}
	free(t);
	return err;
}

char *kf_trigger_set_text(const struct kf_trigger_set *set)
{
	size_t room = 1, used = 0;
	char *text;

	for (size_t i = 0; i < set->n_rules; i++)
		room += strlen(set->rules[i].text) + strlen(", ");
	text = malloc(room);
	if (!text)
		return NULL;
	text[0] = '\0';
	for (size_t i = 0; i < set->n_rules; i++)
		used += (size_t)snprintf(text + used, room - used, "%s%s", i ? ", " : "", set->rules[i].text);
	return text;
}
