/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "snapshot/pack.h"

#define N 500

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 16;
}

/* Slots as a ring has them: mostly regular, sometimes anything. */
static void make_slots(struct kf_slot *slots, size_t n, uint64_t seed)
{
	uint64_t random = seed, ts_ns = seed << 20;
	uint32_t seq = (uint32_t)seed - 20; /* wraps */

	for (size_t i = 0; i < n; i++) {
		uint64_t r = next_random(&random);

		ts_ns += r % 5000;
		memset(&slots[i], 0, sizeof(slots[i]));
		slots[i].ts_ns = r % 50 ? ts_ns : ts_ns - 3000;
		slots[i].seq = ++seq + (r % 70 == 0);
		slots[i].kind = r % 3 ? (uint8_t)(r % 10) : KF_MORE;
		slots[i].tid = (uint32_t)(r >> 8 & 0x7fff);
		slots[i].start_ns = r & 1 ? r << 40 : 0;
		if (r % 40 == 0)
			for (size_t k = 0; k < sizeof(slots[i]); k++)
				((unsigned char *)&slots[i])[k] = (unsigned char)next_random(&random);
	}
}

static void everything_comes_back(void **state)
{
	struct kf_slot slots[N], back[N];
	unsigned char packed[N * KF_PACKED_MAX_BYTES];

	for (uint64_t seed = 0; seed < 200; seed++) {
		struct kf_pack in = { 0 }, out = { 0 };
		const unsigned char *from = packed;
		size_t len, left;

		make_slots(slots, N, seed);
		/* In two parts: the past is carried over. */
		len = kf_pack_slots(&in, slots, 7, packed);
		len += kf_pack_slots(&in, slots + 7, N - 7, packed + len);
		left = len;
		memset(back, 0xee, sizeof(back));
		assert_int_equal(kf_unpack_slots(&out, back, N, &from, &left), N);
		assert_int_equal(left, 0);
		assert_ptr_equal(from, packed + len);
		assert_memory_equal(slots, back, sizeof(slots));
	}
}

/* However the bytes arrive, cut slots wait for their rest. */
static void bytes_may_come_in_pieces(void **state)
{
	struct kf_slot slots[N], back[N];
	unsigned char packed[N * KF_PACKED_MAX_BYTES];
	struct kf_pack in = { 0 };
	size_t len;

	make_slots(slots, N, 3);
	len = kf_pack_slots(&in, slots, N, packed);
	for (size_t piece = 1; piece < 120; piece++) {
		struct kf_pack out = { 0 };
		size_t done = 0, begin = 0, end = 0;

		while (done < N && end < len) {
			unsigned char *exact; /* so that the sanitizer sees reads behind the end */
			const unsigned char *from;
			size_t left;

			end = end + piece < len ? end + piece : len;
			left = end - begin;
			exact = malloc(left);
			memcpy(exact, packed + begin, left);
			from = exact;
			done += kf_unpack_slots(&out, back + done, N - done, &from, &left);
			begin = end - left;
			free(exact);
		}
		if (done != N || begin != len)
			fail_msg("pieces of %zu: %zu slots, %zu of %zu bytes", piece, done, begin, len);
		assert_memory_equal(slots, back, sizeof(slots));
	}
}

static void any_bytes_are_some_slots(void **state)
{
	uint64_t random = 1;

	for (int round = 0; round < 2000; round++) {
		size_t len = next_random(&random) % 200, left = len, n;
		unsigned char *bytes = malloc(len ? len : 1);
		const unsigned char *from = bytes;
		struct kf_pack p = { 0 };
		struct kf_slot slots[N];

		for (size_t i = 0; i < len; i++)
			bytes[i] = (unsigned char)next_random(&random);
		n = kf_unpack_slots(&p, slots, N, &from, &left);
		assert_true(n <= len / KF_PACKED_MIN_BYTES);
		assert_true(from == bytes + (len - left));
		free(bytes);
	}
}

/* The rule of the file format in numbers, so that it cannot change unnoticed. */
static void layout_is_as_documented(void **state)
{
	struct kf_slot slots[2] = {
		{ .ts_ns = 0x0102, .seq = 1, .tid = 5, .peer = 0x070809, .kind = KF_WAKING, .nr = 202 },
		{ .ts_ns = 0x0105, .seq = 2, .tid = 5, .peer = 0x070809, .kind = KF_WAKING, .nr = 202 },
	};
	const unsigned char want[] = {
		0x42, 0x0f,		/* lengths: ts_lo 2 bytes, tid 1, peer 4, kind 4 */
		0x02, 0x00, 0xca, 0x00, /* kind, flags, nr */
		0x02, 0x01,		/* ts_ns */
		0x05,			/* tid */
		0x09, 0x08, 0x07, 0x00, /* peer */
		0x01, 0x00, 0x03,	/* 3 ns later, all else the same */
	};
	unsigned char packed[2 * KF_PACKED_MAX_BYTES];
	struct kf_pack p = { 0 };

	_Static_assert(KF_WAKING == 2, "as in want");
	assert_int_equal(kf_pack_slots(&p, slots, 2, packed), sizeof(want));
	assert_memory_equal(packed, want, sizeof(want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_comes_back),
		cmocka_unit_test(bytes_may_come_in_pieces),
		cmocka_unit_test(any_bytes_are_some_slots),
		cmocka_unit_test(layout_is_as_documented),
	};

	return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
