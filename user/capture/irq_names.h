/* SPDX-License-Identifier: BSD-2-Clause */
/* irq_names.h - who the interrupts of a snapshot belong to: "24 virtio0-input.0" lines, from the kernel's /sys/kernel/irq. */
#ifndef KF_CAPTURE_IRQ_NAMES_H
#define KF_CAPTURE_IRQ_NAMES_H

struct kf_snapshot;

/* Sets s->irqs: a line for each interrupt number that has a record and a name in folder/NUMBER/actions. */
void kf_irq_names_add(struct kf_snapshot *s, const char *folder);

#endif
