/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Snapshot files: first as they are, then with all checksums made right, or hardly any input would get past them.
 * What is accepted must keep what snapshot.h promises, and `kflight info` must be able to print it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "output/info.h"
#include "snapshot/format.h"
#include "snapshot/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void seal_sections(uint8_t *bytes, size_t size, size_t at)
{
	struct kf_file_section s;

	while (size - at >= sizeof(s)) {
		memcpy(&s, bytes + at, sizeof(s));
		if (s.stored_bytes > size - at - sizeof(s))
			s.stored_bytes = size - at - sizeof(s);
		s.crc = kf_file_section_crc(&s, (uint32_t)crc32_z(0, bytes + at + sizeof(s), s.stored_bytes));
		memcpy(bytes + at, &s, sizeof(s));
		at += sizeof(s) + s.stored_bytes;
	}
}

static void seal(uint8_t *bytes, size_t size)
{
	struct kf_file_header h;

	if (size < sizeof(h))
		return;
	memcpy(&h, bytes, sizeof(h));
	if (h.header_bytes < sizeof(h) || h.header_bytes > size)
		h.header_bytes = sizeof(h);
	h.file_bytes = size;
	h.crc = kf_file_header_crc(&h, bytes + sizeof(h), h.header_bytes - sizeof(h));
	memcpy(bytes, &h, sizeof(h));
	seal_sections(bytes, size, h.header_bytes);
}

static void check_ring(const struct kf_ring_copy *ring)
{
	bool expect_more = false;

	for (size_t i = 0; i < ring->n_slots; i++) {
		bool is_more = ring->slots[i].kind == KF_MORE;

		if (is_more != expect_more || ring->slots[i].kind == KF_INVALID)
			abort();
		expect_more = !is_more && ring->slots[i].flags & KF_F_MORE;
	}
	if (expect_more)
		abort();
}

static void check(const struct kf_snapshot *s)
{
	static FILE *nowhere;
	struct kf_info_options o = { .path = "fuzz.kfl", .tasks = true };
	struct kf_error e;

	if (s->floor_ns > s->end_ns)
		abort();
	for (int c = 0; c < KF_CLASSES; c++)
		for (uint32_t cpu = 0; cpu < s->n_cpus; cpu++)
			check_ring(&s->rings[c][cpu]);
	for (size_t i = 0; i < s->n_cgroups; i++)
		if (!s->cgroups[i].path)
			abort();
	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	/* Thousands of CPUs or tasks are only slow. */
	if (nowhere && s->n_cpus <= 64 && s->n_tasks <= 64 &&
	    (kf_info_text(s, &o, nowhere, &e) || kf_info_json(s, &o, nowhere, &e)))
		abort();
}

static void parse(const uint8_t *data, size_t size)
{
	struct kf_snapshot *s = NULL;
	struct kf_error e = { 0 };

	if (kf_snapshot_parse(&s, data, size, "fuzz.kfl", &e)) {
		if (s || !e.message[0] || strchr(e.message, '\n'))
			abort();
		return;
	}
	check(s);
	kf_snapshot_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	parse(copy, size);
	seal(copy, size);
	parse(copy, size);
	free(copy);
	return 0;
}
