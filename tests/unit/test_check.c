/* SPDX-License-Identifier: BSD-2-Clause */
/* Verdicts: which of the answers, and how they are written down for people, scripts and CI. */
#include "check/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/error.h"
#include "expect_text.h"
#include "make_snapshot.h"
#include "model/timeline.h"
#include "written.h"

#define MS(n)	((uint64_t)(n)*1000000)
#define HOSTILE "</x>&\"'\x01\xff]]>"

struct world {
	struct kf_snapshot *s;
	struct kf_timeline *t;
	struct kf_checks checks;
	struct kf_verdict v;
	struct kf_verdict_page page;
};

/* 100 to 200 ms: HOSTILE/20 waits 20 ms to run, twice, behind hog/30. Until `sure` its whole history is told. */
static void begin(struct world *w, bool sure)
{
	struct kf_snapshot *s = make(1, MS(100), MS(200));
	struct kf_error e = { 0 };

	*w = (struct world){ .s = s, .checks.fail_on = KF_SEVERITY_ERROR };
	s->syscall_mode = KF_SYSCALLS_BLOCKING;
	memcpy(scanned(s, 20, INTERRUPTIBLE, 0, SYS_futex)->comm, HOSTILE, sizeof(HOSTILE));
	strcpy(scanned(s, 30, 0, 0, KF_NR_USER)->comm, "hog");
	knows_taken(s);
	tells(switched(s, 0, MS(101), 0, 20), MS(99), KF_CAUSE_PREEMPTED, 0);
	for (uint64_t at = MS(110); at < MS(180); at += MS(40)) {
		struct kf_slot *slot = blocked(s, 0, at, 20, 30, SYS_futex);

		if (at == MS(110))
			tells(slot, MS(99), KF_CAUSE_PREEMPTED, 0);
		waking(s, 0, at + MS(10), 20, 30, 0);
		tells(switched(s, 0, at + MS(30), 30, 20), at + MS(10), KF_CAUSE_WOKEN, 30);
	}
	if (!sure) /* it left and came back, unrecorded */
		tells(switched(s, 0, MS(199), 31, 20), MS(198), KF_CAUSE_WOKEN, 0);
	if (kf_snapshot_set(&s->host, "web<1>") || kf_timeline_build(&w->t, s, &e)) {
		fail_msg("%s", e.message);
		abort(); /* not reached: the analyzer does not know */
	}
}

static void ask(struct world *w, const char *expression)
{
	struct kf_error e = { 0 };

	if (kf_checks_add(&w->checks, expression, NULL, &e))
		fail_msg("%s", e.message);
}

static enum kf_status judge(struct world *w)
{
	struct kf_error e = { 0 };

	if (kf_verdict_find(&w->v, &w->checks, w->t, w->s, &e))
		fail_msg("%s", e.message);
	w->page = (struct kf_verdict_page){ .v = &w->v, .c = &w->checks, .t = w->t, .s = w->s, .path = "x.kfl" };
	return w->v.status;
}

static void end(struct world *w)
{
	kf_verdict_release(&w->v);
	kf_checks_release(&w->checks);
	kf_timeline_free(&w->t);
	kf_snapshot_free(&w->s);
}

static char *printed(const struct world *w, int (*print)(const struct kf_verdict_page *, FILE *, struct kf_error *))
{
	return WRITTEN(out, e, print(&w->page, out, &e), NULL);
}

static void expressions_decide(void **state)
{
	struct world w;
	char *text;

	begin(&w, true);
	ask(&w, "max(runq) of 20 > 50ms");
	assert_int_equal(judge(&w), KF_OK);
	assert_false(w.v.has_findings);
	text = printed(&w, kf_verdict_text);
	assert_ptr_equal(strstr(text, "ok: 1 expression\n"), text);
	free(text);
	kf_verdict_release(&w.v);
	ask(&w, "max(runq) of 20 > 15ms");
	assert_int_equal(judge(&w), KF_FINDINGS);
	text = printed(&w, kf_verdict_text);
	assert_ptr_equal(strstr(text, "FAIL: 1 violation\n"), text);
	expect(text, "  FAIL     max(runq) of 20 > 15ms  20.0 ms (3 waits)\n");
	free(text);
	end(&w);
}

/* A violation is one, whatever else is not known. */
static void unknown_is_no_pass(void **state)
{
	struct world w;
	char *text;

	begin(&w, true);
	ask(&w, "max(runq) of nginx > 50ms");
	ask(&w, "max(runq) of 20 > 50ms");
	assert_int_equal(judge(&w), KF_INCOMPLETE);
	text = printed(&w, kf_verdict_text);
	assert_ptr_equal(strstr(text, "INCOMPLETE: the window cannot tell\n"), text); /* --as-seen would not help */
	expect(text, "no thread or process named 'nginx' is in the window\n");
	free(text);
	kf_verdict_release(&w.v);
	ask(&w, "max(runq) of hgo > 50ms");
	assert_int_equal(judge(&w), KF_INCOMPLETE);
	assert_string_equal(w.v.judged[2].parts[0].why,
			    "no thread or process named 'hgo' is in the window, did you mean 'hog'?");
	kf_verdict_release(&w.v);
	ask(&w, "max(runq) of '</y>&\"*\xff]]>' > 50ms");
	assert_int_equal(judge(&w), KF_INCOMPLETE);
	expect(w.v.judged[3].parts[0].why, ", did you mean '</x>&\"'\\x01\\xff]]>'?");
	kf_verdict_release(&w.v);
	ask(&w, "max(runq) of 20 > 15ms");
	assert_int_equal(judge(&w), KF_FINDINGS);
	end(&w);
}

/* Unknown is max(runq) of nobody; true and false are of 20, which waited 20 ms. */
#define UNKNOWN "max(runq) of nobody > 1ms"
#define TRUE	"max(runq) of 20 > 15ms"
#define FALSE	"max(runq) of 20 > 50ms"

static void three_values(void **state)
{
	static const struct {
		const char *text;
		enum kf_answer answer;
		uint32_t decisive;
	} cases[] = {
		{ TRUE " and " TRUE, KF_ANSWER_YES, 1 },
		{ TRUE " and " FALSE, KF_ANSWER_NO, 0 },
		{ TRUE " or " FALSE, KF_ANSWER_YES, 1 },
		{ FALSE " or " TRUE, KF_ANSWER_YES, 2 },
		{ FALSE " or runq of 20 > 60ms", KF_ANSWER_NO, 0 },
		{ UNKNOWN " or " TRUE, KF_ANSWER_YES, 2 },
		{ UNKNOWN " or " FALSE, KF_ANSWER_UNKNOWN, 1 },
		{ UNKNOWN " and " TRUE, KF_ANSWER_UNKNOWN, 1 },
		{ UNKNOWN " and " FALSE, KF_ANSWER_NO, 0 },
		{ "(" UNKNOWN " or " FALSE ") and " TRUE, KF_ANSWER_UNKNOWN, 1 },
		{ "(" UNKNOWN " or " TRUE ") and runq of 20 > 16ms", KF_ANSWER_YES, 6 },
		{ "(" UNKNOWN " or " TRUE ") and " FALSE, KF_ANSWER_NO, 0 },
		{ "max(runq) > 15ms {pid=20}", KF_ANSWER_YES, 1 },
		{ "max(runq) > 15ms {tid=20}", KF_ANSWER_YES, 1 },
		{ "max(runq) > 15ms {tid=30|20, pid=20}", KF_ANSWER_YES, 1 },
		{ "max(runq) > 15ms {tid=30, pid=20}", KF_ANSWER_UNKNOWN, 1 },
		{ "max(runq) > 15ms {comm=nobody|<*, cooldown=1m}", KF_ANSWER_YES, 1 },
		{ "max(runq) > 15ms {comm=h?g}", KF_ANSWER_YES, 1 },
		{ "max(runq) of 20 > 15ms {comm=hog}", KF_ANSWER_UNKNOWN, 1 },
		{ "max(runq) of 20 > 15ms {cgroup=/web}", KF_ANSWER_UNKNOWN, 1 },
	};
	struct world w;

	begin(&w, true);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ask(&w, cases[i].text);
	judge(&w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (w.v.judged[i].answer != cases[i].answer || w.v.judged[i].decisive != cases[i].decisive)
			fail_msg("%s: wanted %d by %x, got %d by %x: %s", cases[i].text, cases[i].answer,
				 cases[i].decisive, w.v.judged[i].answer, w.v.judged[i].decisive,
				 w.v.judged[i].parts[0].why);
	end(&w);
}

/* Which part it was. */
static void parts_are_told(void **state)
{
	json_error_t why;
	json_t *o, *x;
	struct world w;
	char *text;

	begin(&w, true);
	ask(&w, TRUE " and " FALSE " or total(runq) of 20 > 10% {name=slow, sample=10%}");
	ask(&w, UNKNOWN " or " FALSE);
	assert_int_equal(judge(&w), KF_FINDINGS);
	text = printed(&w, kf_verdict_text);
	expect(text, "FAIL: 1 violation\n");
	expect(text, "  FAIL     slow: " TRUE " and " FALSE " or total(runq) of 20 > 10% {name=slow, sample=10%}\n"
		     "    true     " TRUE "  20.0 ms (3 waits)\n"
		     "    false    " FALSE "  20.0 ms (3 waits)\n"
		     "    true     total(runq) of 20 > 10%  ");
	expect(text, "(cooldown, sample and enabled are for triggers: left out)\n");
	expect(text, "    unknown  " UNKNOWN "  no such wait\n             no thread or process named 'nobody' is in");
	free(text);
	text = printed(&w, kf_verdict_junit);
	expect(text, "name=\"slow: max(runq) of 20 &gt; 15ms and ");
	expect(text, "<failure type=\"violation\" message=\"total(runq) of 20 &gt; 10%: ");
	expect(text, "<error type=\"incomplete\" message=\"max(runq) of nobody &gt; 1ms: no thread or process named");
	free(text);
	text = printed(&w, kf_verdict_json);
	o = json_loads(text, 0, &why);
	if (!o)
		fail_msg("line %d: %s\n%s", why.line, why.text, text);
	x = json_array_get(json_object_get(o, "expressions"), 0);
	assert_string_equal(json_string_value(json_object_get(x, "name")), "slow");
	assert_true(json_is_null(json_object_get(x, "value")));
	x = json_array_get(json_object_get(x, "parts"), 2);
	assert_string_equal(json_string_value(json_object_get(x, "answer")), "true");
	assert_true(json_is_true(json_object_get(x, "decisive")));
	assert_string_equal(json_string_value(json_object_get(x, "unit")), "percent");
	json_decref(o);
	free(text);
	end(&w);
}

/* The worst period is named. */
static void periods_are_told(void **state)
{
	json_error_t why;
	json_t *o, *x;
	struct world w;
	char *text;

	begin(&w, true);
	ask(&w, "count(runq) of 20 > 1 / 100ms");
	assert_int_equal(judge(&w), KF_FINDINGS);
	text = printed(&w, kf_verdict_text);
	expect(text, "  FAIL     count(runq) of 20 > 1 / 100ms  3 (3 waits), in the 100 ms from ");
	free(text);
	text = printed(&w, kf_verdict_json);
	o = json_loads(text, 0, &why);
	x = json_array_get(json_object_get(json_array_get(json_object_get(o, "expressions"), 0), "parts"), 0);
	x = json_object_get(x, "period");
	assert_int_equal(json_integer_value(json_object_get(x, "from_ns")), MS(100));
	assert_int_equal(json_integer_value(json_object_get(x, "length_ns")), MS(100));
	json_decref(o);
	free(text);
	end(&w);
}

static void findings_decide_without_expressions(void **state)
{
	struct kf_error e = { 0 };
	struct world w;

	begin(&w, true);
	assert_int_equal(judge(&w), KF_FINDINGS);
	assert_true(w.v.n_bad > 0);
	kf_verdict_release(&w.v);
	for (const struct kf_rule *const *rule = kf_rules(); *rule; rule++) {
		char off[64];

		snprintf(off, sizeof(off), "%s=off", kf_rule_name(*rule));
		assert_int_equal(kf_rule_settings_add(&w.checks.rules, off, &e), 0);
	}
	assert_int_equal(judge(&w), KF_OK);
	kf_verdict_release(&w.v);
	w.checks.window_min_ns = MS(1000);
	assert_int_equal(judge(&w), KF_INCOMPLETE);
	kf_verdict_release(&w.v);
	w.checks.window_min_ns = 0;
	w.checks.from_ns = MS(90);
	assert_int_equal(judge(&w), KF_INCOMPLETE);
	expect(w.v.findings_why, "not the first 10.0 ms");
	end(&w);
}

static struct kf_finding finding_of(const char *rule, enum kf_severity severity, const struct kf_gap *gap,
				    char *message)
{
	return (struct kf_finding){
		.rule = kf_rule_find(rule),
		.severity = severity,
		.worst_ns = MS(20),
		.total_ns = MS(20),
		.count = 1,
		.thread = gap->thread,
		.culprit = KF_NOBODY,
		.gap = gap,
		.message = message,
		.suggestion = "sleep",
	};
}

/* People read of it once, and how many there are. */
static void a_wait_is_told_once(void **state)
{
	struct world w;
	char *text;

	begin(&w, true);
	if (!w.t || w.t->n_gaps < 2) {
		fail_msg("too few gaps");
		return;
	}
	w.t->gaps[1].thread = w.t->gaps[0].thread + 1; /* of somebody else */
	{
		struct kf_finding items[] = {
			finding_of("RunQueueLatency", KF_SEVERITY_ERROR, &w.t->gaps[0], "late"),
			finding_of("Preempted", KF_SEVERITY_ERROR, &w.t->gaps[0], "preempted"),
			finding_of("BadPlacement", KF_SEVERITY_ERROR, &w.t->gaps[0], "misplaced"),
			finding_of("Preempted", KF_SEVERITY_ERROR, &w.t->gaps[1], "another"),
			finding_of("ForkStorm", KF_SEVERITY_WARN, &w.t->gaps[1], "forks"),
		};

		judge(&w);
		kf_findings_release(&w.v.findings);
		w.v.findings = (struct kf_findings){ .items = items, .n = 5 };
		w.v.n_bad = 4;
		text = printed(&w, kf_verdict_text);
		w.v.findings = (struct kf_findings){ 0 };
	}
	expect(text, "FAIL: 4 findings\n");
	expect(text, "another");
	expect(text, "\n  and 2 more about the same waits (--json tells them)\n  and 1 below ERROR");
	assert_int_equal(!!strstr(text, "late") + !!strstr(text, "preempted") + !!strstr(text, "misplaced"), 1);
	free(text);
	end(&w);
}

/* What 20 did is unknown for 28 ms: a 10 ms gap could hide there. */
static void a_hole_can_hide_a_finding(void **state)
{
	struct kf_error e = { 0 };
	struct world w;

	begin(&w, false);
	for (const struct kf_rule *const *rule = kf_rules(); *rule; rule++) {
		char off[64];

		snprintf(off, sizeof(off), "%s=off", kf_rule_name(*rule));
		assert_int_equal(kf_rule_settings_add(&w.checks.rules, off, &e), 0);
	}
	assert_int_equal(judge(&w), KF_INCOMPLETE);
	expect(w.v.findings_why, "is unknown for up to");
	end(&w);
}

static void json_is_valid(void **state)
{
	json_error_t why;
	struct world w;
	json_t *o, *x;
	char *text;

	begin(&w, true);
	w.checks.findings = true;
	ask(&w, "p99(runq) of 20 > 15ms");
	ask(&w, "total(steal) > 1%");
	ask(&w, "max(runq) of '\xff' > 1ms");
	assert_int_equal(judge(&w), KF_FINDINGS);
	text = printed(&w, kf_verdict_json);
	o = json_loads(text, 0, &why);
	if (!o)
		fail_msg("line %d: %s\n%s", why.line, why.text, text);
	assert_string_equal(json_string_value(json_object_get(o, "verdict")), "fail");
	assert_int_equal(json_integer_value(json_object_get(o, "status")), 1);
	x = json_array_get(json_object_get(o, "expressions"), 0);
	assert_int_equal(json_integer_value(json_object_get(x, "value")), MS(20));
	assert_string_equal(json_string_value(json_object_get(x, "verdict")), "fail");
	x = json_array_get(json_object_get(o, "expressions"), 2);
	assert_string_equal(json_string_value(json_object_get(x, "verdict")), "unknown");
	assert_true(json_is_null(json_object_get(x, "value")));
	assert_true(json_array_size(json_object_get(o, "findings")) > 0);
	json_decref(o);
	free(text);
	end(&w);
}

/* Only what XML allows, and nothing of a name that XML would take for its own. */
static void junit_is_escaped(void **state)
{
	struct world w;
	char *text;

	begin(&w, true);
	w.checks.findings = true;
	ask(&w, "max(runq) of \"</*\" > 15ms");
	ask(&w, "max(runq) of nobody > 15ms");
	ask(&w, "max(runq) of '\xef\xbf\xbf' > 15ms");
	judge(&w);
	text = printed(&w, kf_verdict_junit);
	expect(text, "name=\"max(runq) of &quot;&lt;/*&quot; &gt; 15ms\"");
	expect(text, "failures=\"2\" errors=\"2\"");
	expect(text, "<error type=\"incomplete\" message=\"no thread or process named &apos;nobody&apos;");
	expect(text, "&lt;/x&gt;&amp;&quot;&apos;\\x01\\xff]]&gt;/20 waited 20.0 ms");
	assert_null(strstr(text, "</x>"));
	for (const char *c = text; *c; c++)
		if (((unsigned char)*c < 0x20 && *c != '\n') || (unsigned char)*c == 0xff ||
		    !strncmp(c, "\xef\xbf\xbf", 3))
			fail_msg("byte %02x in: %s", (unsigned char)*c, text);
	free(text);
	end(&w);
}

static void write_file(char path[64], const char *bytes, size_t len)
{
	int fd;

	strcpy(path, "/tmp/kflight-rules.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	close(fd);
}

static void rules_from_a_file(void **state)
{
	static const char text[] = "# what we promise\n\n  max(runq) of web > 5ms   # in front\n"
				   "rule RunQueueLatency=5ms,20ms\r\nmax(futex) of a#b > 1s\n";
	struct kf_checks checks = { 0 };
	struct kf_error e = { 0 };
	char path[64];

	write_file(path, text, strlen(text));
	if (kf_checks_add_file(&checks, path, &e))
		fail_msg("%s", e.message);
	unlink(path);
	assert_int_equal(checks.n_conditions, 2);
	assert_string_equal(checks.conditions[0].text, "max(runq) of web > 5ms");
	assert_string_equal(checks.conditions[1].exprs[0].who, "a#b");
	assert_int_equal(checks.rules.n_thresholds, 1);
	kf_checks_release(&checks);
}

static void bad_rules_file(const char *bytes, size_t len, const char *why)
{
	struct kf_checks checks = { 0 };
	struct kf_error e = { 0 };
	char path[64];
	int err;

	write_file(path, bytes, len);
	err = kf_checks_add_file(&checks, path, &e);
	unlink(path);
	kf_checks_release(&checks);
	if (!err || e.status != KF_USAGE || !strstr(e.message, why) || strchr(e.message, '\n'))
		fail_msg("wanted '%s', got %d: %s", why, err, e.message);
}

static void bad_rules_files(void **state)
{
	struct kf_checks checks = { 0 };
	struct kf_error e = { 0 };
	char *large = malloc(2 << 20);

	bad_rules_file("runq > 5ms\nmax(rung) > 5ms\n", 27,
		       "line 2: expression 'max(rung) > 5ms', column 5: unknown kind");
	bad_rules_file("rule RunQueLatency=5ms\n", 23, "line 1: unknown rule 'RunQueLatency'");
	bad_rules_file("rule RunQueueLatency=5\n", 23, "line 1: ");
	bad_rules_file("\n# nothing\n", 11, "hold no rule");
	bad_rules_file("runq > 5ms\0\n", 12, "NUL");
	memset(large, '\n', 2 << 20);
	bad_rules_file(large, 2 << 20, "larger than 1 MiB");
	free(large);
	assert_int_equal(kf_checks_add_file(&checks, "/nonexistent/rules", &e), -1);
	assert_int_equal(e.status, KF_USAGE);
	expect(e.message, "cannot read rules '/nonexistent/rules'");
	assert_int_equal(kf_checks_add_file(&checks, "/", &e), -1);
	assert_int_equal(e.status, KF_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expressions_decide),  cmocka_unit_test(unknown_is_no_pass),
		cmocka_unit_test(three_values),	       cmocka_unit_test(parts_are_told),
		cmocka_unit_test(periods_are_told),    cmocka_unit_test(findings_decide_without_expressions),
		cmocka_unit_test(a_wait_is_told_once), cmocka_unit_test(a_hole_can_hide_a_finding),
		cmocka_unit_test(json_is_valid),       cmocka_unit_test(junit_is_escaped),
		cmocka_unit_test(rules_from_a_file),   cmocka_unit_test(bad_rules_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
