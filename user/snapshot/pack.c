/* SPDX-License-Identifier: BSD-2-Clause */
#include "snapshot/pack.h"

#include <stdbool.h>
#include <string.h>

#define WORDS 8

enum word { TS_LO = 0, TS_HI = 1, SEQ = 2, KIND = 5 };

/* KIND comes first: the others are compared with a slot of the same kind. */
static const unsigned char order[WORDS] = { KIND, TS_LO, TS_HI, SEQ, 3, 4, 6, 7 };
static const unsigned char bytes_of[4] = { 0, 1, 2, 4 };
static const uint32_t mask_of[4] = { 0, 0xff, 0xffff, 0xffffffff };

/* The kind is the low byte of its word. */
static bool has_time(uint32_t kind_word)
{
	return (kind_word & 0xff) != KF_MORE;
}

static unsigned int code_of(uint32_t difference)
{
	return difference > 0xffff ? 3 : difference > 0xff ? 2 : difference > 0;
}

static uint64_t time_of(const uint32_t *words)
{
	return words[TS_LO] | (uint64_t)words[TS_HI] << 32;
}

/* What must be added to (time, seq) or XORed to (others) the past to get the slot; the slot becomes the past. */
static void take_difference(struct kf_pack *p, const uint32_t *words, uint32_t *difference)
{
	uint32_t *last = p->last[words[KIND] & 15];

	for (int i = 0; i < WORDS; i++)
		difference[i] = words[i] ^ last[i];
	difference[KIND] = words[KIND] ^ p->kind_word;
	difference[SEQ] = words[SEQ] - p->seq - 1;
	if (has_time(words[KIND])) {
		uint64_t past = time_of(words) - p->ts_ns;

		difference[TS_LO] = (uint32_t)past;
		difference[TS_HI] = (uint32_t)(past >> 32);
		p->ts_ns = time_of(words);
	}
	p->kind_word = words[KIND];
	p->seq = words[SEQ];
	memcpy(last, words, WORDS * sizeof(*words));
}

size_t kf_pack_slots(struct kf_pack *p, const struct kf_slot *slots, size_t n, unsigned char *out)
{
	unsigned char *to = out;

	for (size_t i = 0; i < n; i++) {
		uint32_t words[WORDS], difference[WORDS];
		unsigned char *head = to;
		uint16_t codes = 0;

		memcpy(words, &slots[i], sizeof(words));
		take_difference(p, words, difference);
		to += sizeof(codes);
		for (int k = 0; k < WORDS; k++) {
			unsigned int word = order[k], code = code_of(difference[word]);

			/* All four bytes; the next word overwrites those that do not count. */
			memcpy(to, &difference[word], sizeof(difference[word]));
			codes |= (uint16_t)(code << 2 * word);
			to += bytes_of[code];
		}
		memcpy(head, &codes, sizeof(codes));
	}
	return (size_t)(to - out);
}

/* Bytes of a slot with these lengths. */
static size_t packed_bytes(uint16_t codes)
{
	size_t n = sizeof(codes);

	for (int word = 0; word < WORDS; word++)
		n += bytes_of[codes >> 2 * word & 3];
	return n;
}

/* At most KF_PACKED_MAX_BYTES + 4 bytes are read; returns how many belong to the slot. */
static inline size_t unpack_one(struct kf_pack *p, const unsigned char *bytes, uint32_t *words)
{
	const unsigned char *from = bytes;
	uint32_t *last;
	uint16_t codes;

	memcpy(&codes, from, sizeof(codes));
	from += sizeof(codes);
	for (int k = 0; k < WORDS; k++) {
		unsigned int word = order[k], code = codes >> 2 * word & 3;

		memcpy(&words[word], from, sizeof(words[word]));
		words[word] &= mask_of[code];
		from += bytes_of[code];
	}
	words[KIND] ^= p->kind_word;
	words[SEQ] += p->seq + 1;
	last = p->last[words[KIND] & 15];
	if (has_time(words[KIND])) {
		p->ts_ns += time_of(words);
		words[TS_LO] = (uint32_t)p->ts_ns;
		words[TS_HI] = (uint32_t)(p->ts_ns >> 32);
	} else {
		words[TS_LO] ^= last[TS_LO];
		words[TS_HI] ^= last[TS_HI];
	}
	words[3] ^= last[3];
	words[4] ^= last[4];
	words[6] ^= last[6];
	words[7] ^= last[7];
	p->kind_word = words[KIND];
	p->seq = words[SEQ];
	memcpy(last, words, WORDS * sizeof(*words));
	return (size_t)(from - bytes);
}

/* Near the end, where a slot may be cut and nothing may be read behind it. Returns the bytes it took, 0 for a cut one.
 */
static size_t unpack_careful(struct kf_pack *p, const unsigned char *bytes, size_t len, uint32_t *words)
{
	unsigned char copy[KF_PACKED_MAX_BYTES + 4] = { 0 };
	uint16_t codes;

	if (len < sizeof(codes))
		return 0;
	memcpy(&codes, bytes, sizeof(codes));
	if (packed_bytes(codes) > len)
		return 0;
	memcpy(copy, bytes, len < sizeof(copy) ? len : sizeof(copy));
	return unpack_one(p, copy, words);
}

size_t kf_unpack_slots(struct kf_pack *p, struct kf_slot *slots, size_t n, const unsigned char **bytes, size_t *len)
{
	const unsigned char *from = *bytes;
	size_t left = *len, done;

	for (done = 0; done < n; done++) {
		uint32_t words[WORDS];
		size_t used;

		if (left >= KF_PACKED_MAX_BYTES + 4)
			used = unpack_one(p, from, words);
		else
			used = unpack_careful(p, from, left, words);
		if (!used)
			break;
		memcpy(&slots[done], words, sizeof(words));
		from += used;
		left -= used;
	}
	*bytes = from;
	*len = left;
	return done;
}
