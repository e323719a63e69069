/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/irq_names.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/snapshot.h"

/* Numbers above are the CPU's own interrupts. */
#define MAX_IRQ	   KF_VECTOR_IRQ_WORK
#define NAME_BYTES 64

static void mark_seen(const struct kf_ring_copy *ring, bool *seen)
{
	for (size_t i = 0; i < ring->n_slots; i++)
		if (ring->slots[i].kind == KF_IRQ && !(ring->slots[i].flags & KF_F_SOFTIRQ) &&
		    ring->slots[i].nr < MAX_IRQ)
			seen[ring->slots[i].nr] = true;
}

/* Drivers choose the names: keep them to one printable line. */
static bool read_name(const char *folder, unsigned int irq, char name[NAME_BYTES])
{
	char path[4096];
	bool got;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%u/actions", folder, irq);
	f = fopen(path, "re");
	if (!f)
		return false;
	got = fgets(name, NAME_BYTES, f) != NULL;
	fclose(f);
	if (!got)
		return false;
	name[strcspn(name, "\n")] = '\0';
	for (char *c = name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return name[0];
}

void kf_irq_names_add(struct kf_snapshot *s, const char *folder)
{
	bool *seen = calloc(MAX_IRQ, sizeof(*seen));
	char name[NAME_BYTES], *text = NULL;
	size_t bytes;
	FILE *out;

	if (!seen)
		return;
	out = open_memstream(&text, &bytes);
	for (uint32_t cpu = 0; out && cpu < s->n_cpus; cpu++)
		mark_seen(&s->rings[KF_CLASS_TAKEN][cpu], seen);
	for (unsigned int irq = 0; out && irq < MAX_IRQ; irq++)
		if (seen[irq] && read_name(folder, irq, name))
			fprintf(out, "%u %s\n", irq, name);
	if (out && !fclose(out))
		kf_snapshot_set(&s->irqs, text);
	free(text);
	free(seen);
}
