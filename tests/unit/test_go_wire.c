/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes of a Go trace: the smallest trace of every version, batches, tables, and what is refused when read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "output/go_check.h"
#include "output/go_wire.h"

#define NO_M 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01

struct trace {
	struct kf_go_wire *w;
	FILE *out;
	char *bytes;
	size_t len;
};

static void begin(struct trace *t, enum kf_go_version version, uint64_t start_ns)
{
	const struct kf_go_clock clock = { 1000000, 1700000001000000005 };

	t->bytes = NULL;
	t->out = open_memstream(&t->bytes, &t->len);
	assert_non_null(t->out);
	t->w = kf_go_wire_new(t->out, version, start_ns, &clock);
	assert_non_null(t->w);
}

static void finish(struct trace *t)
{
	struct kf_error e = { 0 };

	if (kf_go_wire_finish(t->w, &e))
		fail_msg("%s", e.message);
	kf_go_wire_free(&t->w);
	fclose(t->out);
}

/* Thread 100 on CPU 0 blocks in a futex, is woken by an interrupt, runs and exits. */
static void write_minimal(struct trace *t, enum kf_go_version version)
{
	struct kf_go_lane *m, *nobody;
	struct kf_go_frame frames[2];
	uint32_t reason, stack;

	begin(t, version, 1000000);
	reason = kf_go_wire_string(t->w, "sync");
	frames[0].func = kf_go_wire_string(t->w, "futex");
	frames[0].file = kf_go_wire_string(t->w, "[syscall]");
	frames[0].line = 1;
	frames[1].func = frames[1].file = kf_go_wire_string(t->w, "nginx");
	frames[1].line = 812;
	stack = kf_go_wire_stack(t->w, frames, 2);
	m = kf_go_wire_lane(t->w, 100);
	nobody = kf_go_wire_lane(t->w, KF_GO_NO_THREAD);
	KF_GO_EVENT(t->w, m, 1000000, KF_GO_PROC_STATUS, 0, KF_GO_PROC_RUNNING);
	KF_GO_EVENT(t->w, m, 1000001, KF_GO_STATUS, 100, 100, KF_GO_RUNNING);
	KF_GO_EVENT(t->w, m, 1000501, KF_GO_BLOCK, reason, stack);
	KF_GO_EVENT0(t->w, m, 1000501, KF_GO_PROC_STOP); /* a tie: one later */
	KF_GO_EVENT(t->w, nobody, 1000800, KF_GO_UNBLOCK, 100, 1, 0);
	KF_GO_EVENT(t->w, m, 1000901, KF_GO_PROC_START, 0, 1);
	KF_GO_EVENT(t->w, m, 1000000, KF_GO_START, 100, 2); /* the past: one later than the newest */
	KF_GO_EVENT0(t->w, m, 1001901, KF_GO_DESTROY);
	finish(t);
}

#define HEADER(nn) 'g', 'o', ' ', '1', '.', '2', nn, ' ', 't', 'r', 'a', 'c', 'e', 0, 0, 0
/* clang-format off */
#define FREQUENCY                                                                                                      \
	0x01, 0x01, NO_M, 0xc0, 0x84, 0x3d, 0x06,                                                                      \
		0x08, 0x80, 0x94, 0xeb, 0xdc, 0x03
#define SYNC                                                                                                           \
	0x01, 0x01, NO_M, 0xc0, 0x84, 0x3d, 0x12,                                                                      \
		0x32, 0x08, 0x80, 0x94, 0xeb, 0xdc, 0x03,                                                              \
		0x33, 0x00, 0xc0, 0x84, 0x3d, 0x81, 0xe2, 0xcf, 0xaa, 0x06, 0x05
#define EVENTS                                                                                                         \
	0x01, 0x01, 0x64, 0xc0, 0x84, 0x3d, 0x1c,                                                                      \
		0x0d, 0x00, 0x00, 0x01,                 /* ProcStatus p 0 running */                                   \
		0x19, 0x01, 0x64, 0x64, 0x02,           /* GoStatus g 100 m 100 running */                             \
		0x14, 0xf4, 0x03, 0x01, 0x01,           /* GoBlock +500 reason 1 stack 1 */                            \
		0x0b, 0x01,                             /* ProcStop +1 */                                              \
		0x0a, 0x8f, 0x03, 0x00, 0x01,           /* ProcStart +399 p 0 seq 1 */                                 \
		0x10, 0x01, 0x64, 0x02,                 /* GoStart +1 g 100 seq 2 */                                   \
		0x11, 0xe7, 0x07                        /* GoDestroy +999 */
#define TAIL                                                                                                           \
	0x01, 0x01, NO_M, 0xe0, 0x8a, 0x3d, 0x05,                                                                      \
		0x15, 0x00, 0x64, 0x01, 0x00,           /* GoUnblock g 100 seq 1 */                                    \
	0x01, 0x01, NO_M, 0xc0, 0x84, 0x3d, 0x0f,                                                                      \
		0x02, 0x03, 0x01, 0x02, 0x80, 0x20, 0x02, 0x03, 0x01, 0x90, 0x20, 0x04, 0x04, 0xac, 0x06,              \
	0x01, 0x01, NO_M, 0xc0, 0x84, 0x3d, 0x24,                                                                      \
		0x04, 0x05, 0x01, 0x04, 's', 'y', 'n', 'c', 0x05, 0x02, 0x05, 'f', 'u', 't', 'e', 'x',                 \
		0x05, 0x03, 0x09, '[', 's', 'y', 's', 'c', 'a', 'l', 'l', ']', 0x05, 0x04, 0x05, 'n', 'g', 'i', 'n', 'x'
/* clang-format on */

static void expect_bytes(enum kf_go_version version, const uint8_t *want, size_t len)
{
	struct kf_error e = { 0 };
	struct trace t;

	write_minimal(&t, version);
	assert_int_equal(t.len, len);
	assert_memory_equal(t.bytes, want, len);
	if (kf_go_check_bytes(t.bytes, t.len, &e))
		fail_msg("%s", e.message);
	free(t.bytes);
}

static void minimal_of_every_version(void **state)
{
	static const uint8_t v22[] = { HEADER('2'), FREQUENCY, EVENTS, TAIL };
	static const uint8_t v23[] = { HEADER('3'), FREQUENCY, EVENTS, TAIL };
	static const uint8_t v25[] = { HEADER('5'), SYNC, EVENTS, TAIL };
	static const uint8_t v26[] = { HEADER('6'), SYNC, EVENTS, TAIL, 0x34 };

	(void)state;
	expect_bytes(KF_GO_1_22, v22, sizeof(v22));
	expect_bytes(KF_GO_1_23, v23, sizeof(v23));
	expect_bytes(KF_GO_1_25, v25, sizeof(v25));
	expect_bytes(KF_GO_1_26, v26, sizeof(v26));
}

/* Every cut and every changed byte is either refused or read; never a crash (run this with SAN=1). */
static void damaged_traces_are_survived(void **state)
{
	struct kf_error e = { 0 };
	struct trace t;
	size_t refused = 0;

	(void)state;
	write_minimal(&t, KF_GO_1_26);
	for (size_t len = 0; len < t.len; len++)
		assert_int_equal(kf_go_check_bytes(t.bytes, len, &e), -1);
	for (size_t at = 0; at < t.len; at++) {
		char was = t.bytes[at];

		for (int bit = 0; bit < 8; bit++) {
			t.bytes[at] = (char)(was ^ 1 << bit);
			refused += kf_go_check_bytes(t.bytes, t.len, &e) != 0;
		}
		t.bytes[at] = was;
	}
	assert_in_range(refused, t.len * 4, t.len * 8);
	free(t.bytes);
}

static void full_batches_are_split(void **state)
{
	struct kf_error e = { 0 };
	struct kf_go_parsed *p;
	struct kf_go_lane *m;
	uint64_t seq = 0;
	struct trace t;

	(void)state;
	begin(&t, KF_GO_1_22, 5000);
	m = kf_go_wire_lane(t.w, 7);
	KF_GO_EVENT(t.w, m, 5000, KF_GO_PROC_STATUS, 3, KF_GO_PROC_RUNNING);
	KF_GO_EVENT(t.w, m, 5000, KF_GO_STATUS, 7, 7, KF_GO_RUNNING);
	for (int i = 0; i < 50000; i++) {
		KF_GO_EVENT(t.w, m, 6000 + i * 100, KF_GO_SYSCALL_BEGIN, ++seq, 0);
		KF_GO_EVENT0(t.w, m, 6050 + i * 100, KF_GO_SYSCALL_END);
	}
	assert_int_equal(kf_go_wire_events(t.w), 100002);
	finish(&t);
	if (kf_go_parse(&p, t.bytes, t.len, &e) || kf_go_check(p, &e))
		fail_msg("%s", e.message);
	assert_int_equal(p->n_events, 100002);
	assert_int_equal(p->events[100001].ts_ns, 6050 + 49999 * 100);
	assert_in_range(p->n_batches, 6, 20);
	kf_go_parsed_free(&p);
	free(t.bytes);
}

static void tables_are_cut_interned_and_split(void **state)
{
	struct kf_go_frame frames[200];
	struct kf_error e = { 0 };
	struct kf_go_parsed *p;
	uint32_t id, stack;
	struct trace t;
	char text[3000];

	(void)state;
	begin(&t, KF_GO_1_22, 1);
	for (uint32_t i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "%u:%0*d", i, 1100, 0);
		id = kf_go_wire_string(t.w, text);
		assert_int_equal(id, i + 1);
		assert_int_equal(kf_go_wire_string(t.w, text), id);
	}
	assert_int_equal(kf_go_wire_string(t.w, ""), 0);
	for (uint32_t i = 0; i < 200; i++)
		frames[i] = (struct kf_go_frame){ i + 1, 1, 1 };
	stack = kf_go_wire_stack(t.w, frames, 200);
	assert_int_equal(stack, 1);
	assert_int_equal(kf_go_wire_stack(t.w, frames + 200 - 128, 128), 1);
	assert_int_equal(kf_go_wire_stack(t.w, frames, 1), 2);
	assert_int_equal(kf_go_wire_stack(t.w, frames, 0), 0);
	finish(&t);
	if (kf_go_parse(&p, t.bytes, t.len, &e))
		fail_msg("%s", e.message);
	assert_int_equal(strlen(p->strings[2000]), KF_GO_STRING_BYTES);
	assert_int_equal(p->stacks[1].n, KF_GO_STACK_FRAMES);
	assert_int_equal(p->stacks[1].frames[127].func, 200);
	/* One frame has one counter, in whatever stack it is. */
	assert_true(p->stacks[2].frames[0].pc != p->stacks[1].frames[0].pc);
	kf_go_parsed_free(&p);
	free(t.bytes);
}

static void a_full_disk_is_an_error(void **state)
{
	const struct kf_go_clock clock = { 1, 1 };
	struct kf_error e = { 0 };
	struct kf_go_wire *w;
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	if (!full)
		skip();
	w = kf_go_wire_new(full, KF_GO_1_22, 1, &clock);
	assert_int_equal(kf_go_wire_finish(w, &e), -1);
	assert_non_null(strstr(e.message, "No space left"));
	kf_go_wire_free(&w);
	fclose(full);
}

/* One wrong event each, behind a start with thread 100 on CPU 0, 200 runnable, 300 waiting and CPU 1 idle. */
static const struct {
	enum kf_go_code code;
	uint64_t m, args[4];
	const char *rule; /* NULL: legal */
} rules[] = {
	{ KF_GO_STOP, 100, { 0, 0 }, NULL },
	{ KF_GO_START, 100, { 200, 1 }, "the M has no goroutine" },
	{ KF_GO_START, 7, { 200, 1 }, "the M has a processor" },
	{ KF_GO_UNBLOCK, 100, { 200, 1, 0 }, "the goroutine waits" },
	{ KF_GO_UNBLOCK, 100, { 300, 2, 0 }, "sequence number of the goroutine" },
	{ KF_GO_UNBLOCK, 100, { 300, 1, 77 }, "the stack exists" },
	{ KF_GO_UNBLOCK, 7, { 300, 1, 0 }, NULL },
	{ KF_GO_UNBLOCK, KF_GO_NO_THREAD, { 300, 1, 0 }, NULL },
	{ KF_GO_BLOCK, 100, { 77, 0 }, "the string exists" },
	{ KF_GO_BLOCK, 7, { 0, 0 }, "has a processor and a goroutine" },
	{ KF_GO_CREATE, 100, { 300, 0, 0 }, "the goroutine is new" },
	{ KF_GO_CREATE, 7, { 400, 0, 0 }, "the M has a processor" },
	{ KF_GO_CREATE_SYSCALL, 100, { 400 }, "the M has no goroutine" },
	{ KF_GO_CREATE_SYSCALL, 400, { 400 }, NULL },
	{ KF_GO_PROC_START, 100, { 1, 1 }, "the M has no processor" },
	{ KF_GO_PROC_START, 7, { 0, 1 }, "the processor is idle" },
	{ KF_GO_PROC_START, 7, { 1, 2 }, "sequence number of the processor" },
	{ KF_GO_PROC_START, 7, { 1, 1 }, NULL },
	{ KF_GO_PROC_STOP, 7, { 0 }, "the M has a processor" },
	{ KF_GO_SYSCALL_BEGIN, 100, { 2, 0 }, "sequence number of the processor" },
	{ KF_GO_SYSCALL_BEGIN, 100, { 1, 0 }, NULL },
	{ KF_GO_SYSCALL_END, 100, { 0 }, "in a syscall" },
	{ KF_GO_SYSCALL_END_BLOCKED, 100, { 0 }, "in a syscall" },
	{ KF_GO_STATUS, KF_GO_NO_THREAD, { 200, KF_GO_NO_THREAD, KF_GO_WAITING }, "a repeated status is the same" },
	{ KF_GO_STATUS, KF_GO_NO_THREAD, { 200, KF_GO_NO_THREAD, KF_GO_RUNNABLE }, NULL },
	{ KF_GO_STATUS, 9, { 9, 9, KF_GO_RUNNING }, "has M and processor" },
	{ KF_GO_LOG, 7, { 0, 0, 0, 0 }, "has a processor and a goroutine" },
	{ KF_GO_LOG, 100, { 5, 0, 0, 0 }, "before it is named" },
	{ KF_GO_TASK_BEGIN, 100, { 5, 0, 0, 0 }, NULL },
	{ KF_GO_STATUS_STACK, 100, { 100, 100, KF_GO_RUNNING, 0 }, "unknown event" },
};

static void every_rule_is_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct kf_error e = { 0 };
		struct kf_go_lane *m, *nobody, *other;
		struct trace t;
		int n = 1, err;

		begin(&t, KF_GO_1_22, 1000);
		m = kf_go_wire_lane(t.w, 100);
		nobody = kf_go_wire_lane(t.w, KF_GO_NO_THREAD);
		other = rules[i].m == 100		? m
			: rules[i].m == KF_GO_NO_THREAD ? nobody
							: kf_go_wire_lane(t.w, rules[i].m);
		KF_GO_EVENT(t.w, m, 1000, KF_GO_PROC_STATUS, 0, KF_GO_PROC_RUNNING);
		KF_GO_EVENT(t.w, m, 1000, KF_GO_STATUS, 100, 100, KF_GO_RUNNING);
		KF_GO_EVENT(t.w, nobody, 1000, KF_GO_STATUS, 200, KF_GO_NO_THREAD, KF_GO_RUNNABLE);
		KF_GO_EVENT(t.w, nobody, 1000, KF_GO_STATUS, 300, KF_GO_NO_THREAD, KF_GO_WAITING);
		KF_GO_EVENT(t.w, nobody, 1000, KF_GO_PROC_STATUS, 1, KF_GO_PROC_IDLE);
		if (rules[i].code != KF_GO_STATUS_STACK)
			n = kf_go_code_args((uint8_t)rules[i].code);
		kf_go_wire_event(t.w, other, 2000, rules[i].code, rules[i].args, (size_t)n);
		finish(&t);
		err = kf_go_check_bytes(t.bytes, t.len, &e);
		if (!rules[i].rule && err)
			fail_msg("rule %zu: %s", i, e.message);
		if (rules[i].rule && !err)
			fail_msg("rule %zu accepted: %s", i, rules[i].rule);
		if (rules[i].rule && !strstr(e.message, rules[i].rule))
			fail_msg("rule %zu: '%s' instead of '%s'", i, e.message, rules[i].rule);
		free(t.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(minimal_of_every_version), cmocka_unit_test(damaged_traces_are_survived),
		cmocka_unit_test(full_batches_are_split),   cmocka_unit_test(tables_are_cut_interned_and_split),
		cmocka_unit_test(a_full_disk_is_an_error),  cmocka_unit_test(every_rule_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
