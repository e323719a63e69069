/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/glob.h"

#include <stdint.h>
#include <string.h>

/*
 * A state is a place in the pattern; the machine is in a set of them, one bit each. `a` and `?` move from their place
 * to the next; `*` stays, and may be left without reading anything (KF_GLOB_STEP does that, for one star: runs of stars
 * are one). NUL, the padding, moves nothing.
 */
void kf_glob_compile(const char *glob, struct kf_glob_table *table)
{
	unsigned int place = 0;

	memset(table, 0, sizeof(*table));
	for (const char *at = glob; *at; at++) {
		uint64_t bit = 1ULL << place;

		if (*at == '*') {
			if (at > glob && at[-1] == '*')
				continue;
			table->stars |= bit;
		} else if (*at == '?') {
			for (int c = 1; c < 256; c++)
				table->moves[c] |= bit;
		} else {
			table->moves[(unsigned char)*at] |= bit;
		}
		place++;
	}
	table->accept = 1ULL << place;
	table->stays[0] = ~0ULL;
	for (int c = 1; c < 256; c++)
		table->stays[c] = table->stars;
}

bool kf_glob_fits(const struct kf_glob_table *table, const char comm[KF_COMM_BYTES])
{
	uint64_t places = KF_GLOB_START(table);

	for (int i = 0; i < KF_COMM_BYTES; i++)
		places = KF_GLOB_STEP(table, places, (unsigned char)comm[i]);
	return places & table->accept;
}
