/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads what was written with a protobuf reader of its own; tests/e2e/test_perfetto.sh does with Perfetto's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/error.h"
#include "expect_text.h"
#include "hand_setup.h"
#include "model/parts.h"
#include "output/perfetto.h"
#include "output/perfetto_wire.h"
#include "written.h"

struct bytes {
	const unsigned char *at, *end;
};

struct field {
	unsigned int number;
	uint64_t value;	   /* varint, fixed64 */
	struct bytes text; /* length-delimited */
};

static uint64_t read_varint(struct bytes *b)
{
	uint64_t value = 0;

	for (unsigned int shift = 0;; shift += 7) {
		assert_true(b->at < b->end && shift < 64);
		value |= (uint64_t)(*b->at & 0x7f) << shift;
		if (!(*b->at++ & 0x80))
			return value;
	}
}

static bool next_field(struct bytes *b, struct field *f)
{
	uint64_t tag, len;

	if (b->at == b->end)
		return false;
	tag = read_varint(b);
	*f = (struct field){ .number = (unsigned int)(tag >> 3) };
	switch (tag & 7) {
	case 0:
		f->value = read_varint(b);
		return true;
	case 1:
		assert_true(b->end - b->at >= 8);
		for (unsigned int i = 0; i < 8; i++)
			f->value |= (uint64_t)*b->at++ << (8 * i);
		return true;
	case 2:
		len = read_varint(b);
		assert_true((uint64_t)(b->end - b->at) >= len);
		f->text = (struct bytes){ b->at, b->at + len };
		b->at += len;
		return true;
	}
	fail_msg("wire type %d", (int)(tag & 7));
	return false;
}

/* The first field of that number. */
static bool find(struct bytes b, unsigned int number, struct field *f)
{
	while (next_field(&b, f))
		if (f->number == number)
			return true;
	*f = (struct field){ 0 };
	return false;
}

static uint64_t number_of(struct bytes b, unsigned int number)
{
	struct field f;

	find(b, number, &f);
	return f.value;
}

/* What was interned so far, by iid. */
static char names[1000][2100];

static void put_text(FILE *out, struct bytes text)
{
	fwrite(text.at, 1, (size_t)(text.end - text.at), out);
}

static void learn(struct bytes interned)
{
	struct field f, text;

	while (next_field(&interned, &f)) {
		uint64_t iid = number_of(f.text, 1);

		assert_true(iid > 0 && iid < 1000 && !names[iid][0]);
		assert_true(find(f.text, 2, &text));
		snprintf(names[iid], sizeof(names[iid]), "%.*s", (int)(text.text.end - text.text.at), text.text.at);
	}
}

static void show_event(FILE *out, struct bytes event)
{
	static const char *const types[] = { "?", "begin", "end", "instant" };
	struct field f;

	fprintf(out, "%s %llu", types[number_of(event, 9) & 3], (unsigned long long)number_of(event, 11));
	if (number_of(event, 10))
		fprintf(out, " '%s'", names[number_of(event, 10)]);
	if (number_of(event, 47))
		fprintf(out, " flow=%llu", (unsigned long long)number_of(event, 47));
	if (number_of(event, 48))
		fprintf(out, " last-flow=%llu", (unsigned long long)number_of(event, 48));
	while (next_field(&event, &f)) {
		struct field text;

		if (f.number != 4)
			continue;
		fprintf(out, " %s=", names[number_of(f.text, 1)]);
		if (find(f.text, 6, &text))
			put_text(out, text.text);
		else
			fprintf(out, "%llu", (unsigned long long)number_of(f.text, 3));
	}
}

static void show_track(FILE *out, struct bytes track)
{
	struct field f, name;

	fprintf(out, "track %llu", (unsigned long long)number_of(track, 1));
	if (number_of(track, 5))
		fprintf(out, " in %llu", (unsigned long long)number_of(track, 5));
	if (find(track, 2, &name))
		fprintf(out, " rank %d '", (int)number_of(track, 12));
	else if (find(track, 3, &f) && find(f.text, 6, &name))
		fprintf(out, " process %d '", (int)number_of(f.text, 1));
	else if (find(track, 4, &f) && find(f.text, 5, &name))
		fprintf(out, " thread %d/%d '", (int)number_of(f.text, 1), (int)number_of(f.text, 2));
	put_text(out, name.text);
	fprintf(out, "'");
}

/* "10.0 begin 65552 'runnable' kind=woken": a line per packet, times in ms. */
static void show_packet(FILE *out, struct bytes packet)
{
	struct field f;

	assert_int_equal(number_of(packet, 10), 1);
	if (find(packet, 12, &f))
		learn(f.text);
	if (!number_of(packet, 8))
		return;
	assert_int_equal(number_of(packet, 13), 2);
	fprintf(out, "%.1f ", (double)number_of(packet, 8) / 1e6);
	if (find(packet, 60, &f))
		show_track(out, f.text);
	else if (find(packet, 11, &f))
		show_event(out, f.text);
	fputc('\n', out);
}

static char *shown(const char *bytes, size_t len)
{
	struct bytes b = { (const unsigned char *)bytes, (const unsigned char *)bytes + len };
	struct field packet;
	char *text = NULL;
	size_t text_len;
	FILE *out = open_memstream(&text, &text_len);

	assert_non_null(out);
	memset(names, 0, sizeof(names));
	while (next_field(&b, &packet)) {
		assert_int_equal(packet.number, 1);
		show_packet(out, packet.text);
	}
	fclose(out);
	return text;
}

/* The trace as lines; free() it. */
static char *trace_of(const struct kf_perfetto_options *o)
{
	size_t len;
	char *bytes = WRITTEN(out, e, kf_perfetto_write(&h.timeline, s, o, out, &e), &len);
	char *text = shown(bytes, len);

	free(bytes);
	return text;
}

static void add_move(uint64_t ts_ns, uint32_t thread, uint32_t other, enum kf_move kind)
{
	h.moves[h.timeline.n_moves++] =
		(struct kf_transition){ .ts_ns = ts_ns, .thread = thread, .other = other, .kind = kind };
}

/* hand_timeline.h in moves: what nginx did. */
static void move_nginx(void)
{
	struct kf_thread *nginx = &h.threads[HAND_NGINX];

	nginx->start_state = KF_STATE_BLOCKED;
	nginx->start_wait =
		(struct kf_wait){ .kind = KF_WAIT_FUTEX_LOCK, .nr = 202, .in_syscall = true, .arg0 = 0x7f00 };
	h.threads[HAND_REDIS].running_ns = MS(7);
	h.threads[HAND_REDIS].start_state = KF_STATE_RUNNABLE;
	add_move(MS(10), HAND_REDIS, KF_NOBODY, KF_MOVE_RUN);
	add_move(MS(10), HAND_NGINX, HAND_REDIS, KF_MOVE_WAKE);
	add_move(MS(17), HAND_REDIS, KF_NOBODY, KF_MOVE_BLOCK);
	add_move(MS(21), HAND_NGINX, KF_NOBODY, KF_MOVE_RUN);
	add_move(MS(30), HAND_NGINX, KF_NOBODY, KF_MOVE_STOP);
}

static const struct kf_perfetto_options all = KF_PERFETTO_OPTIONS_DEFAULT;

static void a_thread_has_its_states(void **state)
{
	char *text;

	move_nginx();
	text = trace_of(&all);
	expect(text, "1.0 track 8589936736 process 2144 'nginx'\n"
		     "1.0 track 65552 in 8589936736 thread 2144/2144 'nginx'\n");
	expect(text, "1.0 begin 65552 'blocked: futex' syscall=futex futex=0x7f00\n");
	expect(text, "10.0 end 65553\n10.0 begin 65553 'running' cpu=0\n"
		     "10.0 instant 65553 'wakes nginx/2144' flow=1\n"
		     "10.0 end 65552\n"
		     "10.0 begin 65552 'runnable' last-flow=1 kind=woken "
		     "why=nginx/2144 waited 11.0 ms to run on CPU 0 (woken by redis/812): ");
	expect(text, "21.0 end 65552\n21.0 begin 65552 'running' cpu=0\n"
		     "30.0 end 65552\n30.0 begin 65552 'runnable' kind=preempted why=nginx/2144 was preempted");
	expect(text, "101.0 end 65552\n");
	free(text);
}

static void a_cpu_has_its_threads(void **state)
{
	char *text = trace_of(&all);

	expect(text, "1.0 track 2 rank -1 'CPUs'\n1.0 track 16 in 2 rank 0 'CPU 0'\n"
		     "10.0 begin 16 'redis/812'\n17.0 end 16\n17.0 begin 16 'cron/77'\n20.0 end 16\n"
		     "21.0 begin 16 'nginx/2144'\n30.0 end 16\n30.0 begin 16 'unknown'\n40.0 end 16\n"
		     "40.0 begin 16 'hog/900'\n101.0 end 16\n"
		     "1.0 track 17 in 2 rank 4 'CPU 1'\n1.0 begin 17 'hog/900'\n40.0 end 17\n");
	free(text);
}

static void what_was_taken_nests_or_has_a_row_of_its_own(void **state)
{
	char *text;

	hand_take(&h, 0, KF_PART_SOFTIRQ, 3, MS(11), MS(12), MS(1));
	hand_take(&h, 0, KF_PART_SOFTIRQ, 1, MS(10), MS(14), MS(2));
	hand_take(&h, 0, KF_PART_SOFTIRQ, 9, MS(13), MS(16), MS(3));
	hand_take(&h, 0, KF_PART_IRQ, 24, MS(15), MS(16), MS(1));
	h.timeline.irqs = "24 a\xff\x1b[0m\n";
	text = trace_of(&all);
	expect(text, "1.0 track 17179869184 in 2 rank 1 'CPU 0 softirq'\n"
		     "10.0 begin 17179869184 'TIMER' ns=2000000\n11.0 begin 17179869184 'NET_RX'\n"
		     "12.0 end 17179869184\n1.0 track 17179869185 in 2 rank 1 'CPU 0 softirq'\n"
		     "13.0 begin 17179869185 'RCU'\n14.0 end 17179869184\n16.0 end 17179869185\n"
		     "1.0 track 17179869186 in 2 rank 2 'CPU 0 irq'\n"
		     "15.0 begin 17179869186 'a\\xff\\x1b[0m'\n16.0 end 17179869186\n");
	free(text);
}

static void a_cut_is_whole(void **state)
{
	const struct kf_perfetto_options cut = { .from_ns = MS(15), .to_ns = MS(25), .gap_ns = MS(100) };
	char *text;

	move_nginx();
	hand_take(&h, 0, KF_PART_SOFTIRQ, 3, MS(12), MS(16), MS(4));
	hand_take(&h, 0, KF_PART_IRQ, 1, MS(24), MS(28), MS(4));
	text = trace_of(&cut);
	expect(text, "15.0 begin 1 'window'");
	expect(text, "15.0 begin 16 'redis/812'\n17.0 end 16\n");
	expect(text, "21.0 begin 16 'nginx/2144'\n25.0 end 16\n");
	expect(text, "15.0 begin 17179869184 'NET_RX'\n16.0 end 17179869184\n");
	expect(text, "24.0 begin 17179869185 '1'\n25.0 end 17179869185\n");
	expect(text, "15.0 begin 65552 'runnable' kind=woken\n");
	expect(text, "25.0 end 65552\n");
	assert_null(strstr(text, "trigger"));
	assert_null(strstr(text, "flow"));
	assert_null(strstr(text, "\n10.0"));
	assert_null(strstr(text, "\n30.0"));
	free(text);
}

static void an_interrupt_has_its_arrow_on_the_cpu(void **state)
{
	char *text;

	move_nginx();
	h.moves[1].flags = KF_MOVE_F_IRQ | KF_MOVE_F_CTX_KNOWN;
	text = trace_of(&all);
	expect(text, "10.0 instant 16 'wakes nginx/2144' flow=1\n");
	free(text);
	h.moves[1].other = KF_IDLE;
	text = trace_of(&all);
	assert_null(strstr(text, "flow"));
	free(text);
}

static void any_name_is_printable(void **state)
{
	char *text;

	move_nginx();
	memcpy(h.threads[HAND_NGINX].comm, "\xff\n\"x\0", 5);
	memcpy(h.threads[HAND_NGINX].process_comm, "\xc3\0", 2);
	assert_int_equal(kf_snapshot_set(&s->host, "a\nb\x80"), 0);
	text = trace_of(&all);
	expect(text, "process 2144 '\\xc3'\n");
	expect(text, "thread 2144/2144 '\\xff\\x0a\"x'\n");
	expect(text, "'wakes \\xff\\x0a\"x/2144'");
	expect(text, " host=a\\x0ab\\x80 ");
	free(text);
}

static void the_trace_says_what_it_is(void **state)
{
	char *text;

	s->trigger =
		(struct kf_trigger){ .kind = KF_TRIGGER_RUNQ, .ts_ns = MS(20), .threshold_ns = MS(5), .tid = 2144 };
	text = trace_of(&all);
	expect(text, "1.0 track 1 rank -2 'kflight'\n1.0 begin 1 'window' missing=");
	expect(text, " host=web1 kernel=6.18.0 kflight=\n20.0 instant 1 'trigger: runq' why=runq > 5 ms");
	expect(text, "\n101.0 end 1\n");
	free(text);
}

static void bytes_are_as_the_format_has_them(void **state)
{
	static const unsigned char wanted[] = {
		/* packet: sequence id, cleared state, first, clock by default */
		0x0a, 0x0d, 0xda, 0x03, 0x03, 0xd0, 0x03, 3, 0x68, 3, 0xb8, 0x05, 1, 0x50, 1,
		/* packet: clocks */
		0x0a, 0x18, 0x32, 0x14, 0x0a, 4, 8, 3, 0x10, 5, 0x0a, 4, 8, 1, 0x10, 6, 0x0a, 4, 8, 6, 0x10, 7, 0x10, 3,
		0x50, 1,
		/* packet: an instant with a flow, and its name */
		0x0a, 0x22, 0x40, 0xac, 0x02, 0x68, 2, 0x5a, 0x10, 0x48, 3, 0x58, 9, 0x50, 1, 0xf9, 0x02, 1, 0, 0, 0, 0,
		0, 0, 0, 0x62, 7, 0x12, 5, 8, 1, 0x12, 1, 'n', 0x50, 1
	};
	const struct kf_perfetto_clocks clocks = { 5, 6, 7 };
	struct kf_perfetto_event event = { .ts_ns = 300, .track = 9, .type = KF_PERFETTO_INSTANT, .flow = 1 };
	struct kf_error e = { 0 };
	char *bytes = NULL;
	size_t len;
	FILE *out = open_memstream(&bytes, &len);
	struct kf_perfetto_wire *w = kf_perfetto_wire_new(out, &clocks);

	event.name = kf_perfetto_wire_name(w, "n");
	assert_int_equal(kf_perfetto_wire_name(w, "n"), event.name);
	kf_perfetto_wire_event(w, &event);
	assert_int_equal(kf_perfetto_wire_finish(w, &e), 0);
	kf_perfetto_wire_free(&w);
	fclose(out);
	assert_int_equal(len, sizeof(wanted));
	assert_memory_equal(bytes, wanted, sizeof(wanted));
	free(bytes);
}

static void a_full_disk_is_an_error(void **state)
{
	FAILS_ON_A_FULL_DISK(out, e, kf_perfetto_write(&h.timeline, s, &all, out, &e),
			     "cannot write the trace: No space left on device");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_thread_has_its_states, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(a_cpu_has_its_threads, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(what_was_taken_nests_or_has_a_row_of_its_own, hand_setup,
						hand_teardown),
		cmocka_unit_test_setup_teardown(a_cut_is_whole, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(an_interrupt_has_its_arrow_on_the_cpu, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(any_name_is_printable, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(the_trace_says_what_it_is, hand_setup, hand_teardown),
		cmocka_unit_test(bytes_are_as_the_format_has_them),
		cmocka_unit_test_setup_teardown(a_full_disk_is_an_error, hand_setup, hand_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
