/* SPDX-License-Identifier: BSD-2-Clause */
/* A verdict as JUnit XML, as CI systems read it: testsuites/testsuite/testcase/failure|error|skipped. */
#include "check/verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "expr/expr_text.h"
#include "model/timeline.h"
#include "output/line.h"
#include "output/sentence.h"

/* U+FFFE and U+FFFF are UTF-8, but no XML. */
static bool is_no_character(const char *c)
{
	return c[0] == '\xef' && c[1] == '\xbf' && (c[2] == '\xbe' || c[2] == '\xbf');
}

/* text is printable UTF-8. */
static void put(FILE *out, const char *text)
{
	for (const char *c = text; *c; c++)
		switch (*c) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&apos;", out);
			break;
		default:
			if (is_no_character(c)) {
				fputs("\\xef\\xbf", out);
				fprintf(out, "\\x%02x", (unsigned char)c[2]);
				c += 2;
			} else {
				putc(*c, out);
			}
		}
}

static void open_case(FILE *out, const char *class, const char *name)
{
	fprintf(out, "  <testcase classname=\"kflight.%s\" name=\"", class);
	put(out, name);
	fputs("\">\n", out);
}

/* <failure message="...">detail</failure> */
static void put_result(FILE *out, const char *element, const char *type, const char *message, const char *detail)
{
	fprintf(out, "   <%s type=\"%s\" message=\"", element, type);
	put(out, message);
	fputs("\">", out);
	put(out, detail);
	fprintf(out, "</%s>\n", element);
}

/* What decided it: "p99(runq)>2ms/1s: 3.2 ms; futex>50ms: 61 ms", or why it is not known. */
static void add_message(struct kf_line *line, const struct kf_judged *j, const struct kf_condition *c, size_t i)
{
	const struct kf_measured *m = &j->parts[i];
	char value[64], limit[64], shown[4 * KF_EXPR_BYTES];

	if (line->used)
		kf_line_text(line, "; ");
	if (c->n_exprs > 1) {
		kf_text_printable(c->exprs[i].text, sizeof(c->exprs[i].text), shown, sizeof(shown));
		kf_line_add(line, "%s: ", shown);
	}
	if (m->answer == KF_ANSWER_UNKNOWN)
		kf_line_text(line, m->why);
	else
		kf_line_add(line, "%s, which is %s", kf_measured_value(m, &c->exprs[i], value, sizeof(value)),
			    kf_expr_limit(&c->exprs[i], limit, sizeof(limit)));
}

static void put_condition(const struct kf_verdict_page *p, size_t i, FILE *out)
{
	const struct kf_condition *c = &p->c->conditions[i];
	const struct kf_judged *j = &p->v->judged[i];
	char worst[KF_SENTENCE_BYTES], title[KF_TITLE_BYTES], message[2048], detail[4096];
	struct kf_line said, more;

	kf_line_init(&said, message, sizeof(message));
	kf_line_init(&more, detail, sizeof(detail));
	for (size_t k = 0; k < c->n_exprs; k++) {
		if (!(j->decisive >> k & 1))
			continue;
		add_message(&said, j, c, k);
		kf_measured_worst(&j->parts[k], &c->exprs[k], p->t, worst, sizeof(worst));
		kf_line_add(&more, "%s%s", more.used && worst[0] ? "; " : "", worst);
	}
	open_case(out, "expression", kf_condition_title(c, title, sizeof(title)));
	if (j->answer == KF_ANSWER_YES)
		put_result(out, "failure", "violation", message, detail);
	else if (j->answer == KF_ANSWER_UNKNOWN)
		put_result(out, "error", "incomplete", message, detail);
	fputs("  </testcase>\n", out);
}

static bool is_off(const struct kf_checks *c, const struct kf_rule *rule)
{
	for (size_t i = 0; i < c->rules.n_off; i++)
		if (c->rules.off[i] == rule)
			return true;
	return false;
}

/* All in one <failure>, as readers expect it: the worst is its message. */
static void put_failures(const struct kf_verdict_page *p, const struct kf_rule *rule, FILE *out)
{
	bool open = false;

	for (size_t i = 0; i < p->v->findings.n; i++) {
		const struct kf_finding *f = &p->v->findings.items[i];

		if (f->rule != rule || f->severity < p->c->fail_on)
			continue;
		if (!open) {
			fprintf(out, "   <failure type=\"%s\" message=\"", kf_severity_name(f->severity));
			put(out, f->message);
			fputs("\">", out);
			open = true;
		}
		fprintf(out, "%s: ", kf_severity_name(f->severity));
		put(out, f->message);
		fputs("\ntry: ", out);
		put(out, f->suggestion);
		putc('\n', out);
	}
	if (open)
		fputs("</failure>\n", out);
}

static void put_rule(const struct kf_verdict_page *p, const struct kf_rule *rule, FILE *out)
{
	open_case(out, "rule", kf_rule_name(rule));
	if (is_off(p->c, rule))
		fputs("   <skipped/>\n", out);
	put_failures(p, rule, out);
	fputs("  </testcase>\n", out);
}

/* That findings may be hidden is no rule's fault: a testcase of its own. */
static void put_findings(const struct kf_verdict_page *p, FILE *out)
{
	for (const struct kf_rule *const *rule = kf_rules(); *rule; rule++)
		put_rule(p, *rule, out);
	open_case(out, "findings", "the window is whole");
	if (p->v->findings_answer == KF_ANSWER_UNKNOWN)
		put_result(out, "error", "incomplete", p->v->findings_why, "");
	fputs("  </testcase>\n", out);
}

struct totals {
	size_t tests, failures, errors, skipped;
};

/* Testcases with failures, not failures. */
static size_t bad_rules(const struct kf_verdict_page *p)
{
	size_t n = 0;

	for (const struct kf_rule *const *rule = kf_rules(); *rule; rule++) {
		bool bad = false;

		for (size_t i = 0; i < p->v->findings.n; i++)
			bad |= p->v->findings.items[i].rule == *rule &&
			       p->v->findings.items[i].severity >= p->c->fail_on;
		n += bad;
	}
	return n;
}

static struct totals add_up(const struct kf_verdict_page *p)
{
	struct totals t = {
		.tests = p->c->n_conditions,
		.failures = p->v->n_violated,
		.errors = p->v->n_unknown,
	};

	if (!p->v->has_findings)
		return t;
	for (const struct kf_rule *const *rule = kf_rules(); *rule; rule++) {
		t.tests++;
		t.skipped += is_off(p->c, *rule);
	}
	t.tests++;
	t.failures += bad_rules(p);
	t.errors += p->v->findings_answer == KF_ANSWER_UNKNOWN;
	return t;
}

int kf_verdict_junit(const struct kf_verdict_page *p, FILE *out, struct kf_error *e)
{
	struct totals n = add_up(p);

	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n <testsuite name=\"kflight check\" "
		"tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n",
		n.tests, n.failures, n.errors, n.skipped);
	for (size_t i = 0; i < p->c->n_conditions; i++)
		put_condition(p, i, out);
	if (p->v->has_findings)
		put_findings(p, out);
	fputs(" </testsuite>\n</testsuites>\n", out);
	errno = 0;
	if (fflush(out) || ferror(out))
		return kf_fail_errno(e, errno ? errno : EIO, NULL, "cannot write the verdict");
	return 0;
}
