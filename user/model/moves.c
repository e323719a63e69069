/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/moves.h"

#include <stdlib.h>

#include "base/array.h"

static int grow_to(void **items, size_t n, size_t more, size_t *room, size_t item_bytes)
{
	while (*room - n < more)
		if (kf_grow(items, *room, room, item_bytes))
			return -1;
	return 0;
}

int kf_moves_reserve(struct kf_moves *m, size_t more)
{
	if (m->room - m->n >= more && m->room_late - m->n_late >= more)
		return 0;
	if (grow_to((void **)&m->items, m->n, more, &m->room, sizeof(*m->items)))
		return -1;
	return grow_to((void **)&m->late, m->n_late, more, &m->room_late, sizeof(*m->late));
}

struct kf_transition *kf_moves_add(struct kf_moves *m, uint64_t ts_ns, uint32_t thread, enum kf_move kind)
{
	struct kf_transition *move;

	if (m->n && ts_ns < m->items[m->n - 1].ts_ns) {
		m->late[m->n_late].order = m->n_late;
		move = &m->late[m->n_late++].move;
	} else {
		move = &m->items[m->n++];
	}
	*move = (struct kf_transition){ .ts_ns = ts_ns,
					.thread = thread,
					.other = KF_NOBODY,
					.cpu = KF_NO_CPU,
					.kind = kind,
					.wait.nr = KF_NR_USER };
	return move;
}

static int compare_late(const void *a, const void *b)
{
	const struct kf_late_move *x = a, *y = b;

	if (x->move.ts_ns != y->move.ts_ns)
		return x->move.ts_ns < y->move.ts_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

int kf_moves_settle(struct kf_moves *m)
{
	size_t from = m->n, late = m->n_late, to = m->n + m->n_late;

	if (kf_moves_reserve(m, m->n_late))
		return -1;
	if (m->n_late)
		qsort(m->late, m->n_late, sizeof(*m->late), compare_late);
	while (late) {
		/* A late move follows what had been known of its time when it was added. */
		if (from && m->items[from - 1].ts_ns > m->late[late - 1].move.ts_ns)
			m->items[--to] = m->items[--from];
		else
			m->items[--to] = m->late[--late].move;
	}
	m->n += m->n_late;
	m->n_late = 0;
	return 0;
}

void kf_moves_release(struct kf_moves *m)
{
	free(m->items);
	free(m->late);
	*m = (struct kf_moves){ 0 };
}
