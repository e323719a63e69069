/* SPDX-License-Identifier: BSD-2-Clause */
/* shed.c - gives up what costs most and is needed least, on a recorder that runs, and takes it back. */
#include "capture/shed.h"

#include <bpf/libbpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/now.h"
#include "capture/recorder.h"
#include "capture/recorder_internal.h"
#include "snapshot/snapshot.h"

#include "kflight.skel.h"

#define MAX_PROBES 10
/* A begin that a probe saw earlier does not count: none does until all probes of the group are there. */
#define NEVER UINT64_MAX

struct probe {
	struct bpf_program *program;
	struct bpf_link **link;
};

/* What is attached and detached together. */
struct group {
	struct probe probes[MAX_PROBES];
	size_t n;
	volatile __u64 *since_ns; /* BPF ignores what began before */
};

#define ADD(group, name) ((group)->probes[(group)->n++] = (struct probe){ r->bpf->progs.name, &r->bpf->links.name })

static struct group group_of(struct kf_recorder *r, enum kf_shed_level level)
{
	struct group g = { .since_ns = &r->bpf->bss->syscalls_since_ns };

	if (level == KF_SHED_SYSCALLS) {
		ADD(&g, on_sys_enter);
		ADD(&g, on_sys_exit);
		return g;
	}
	g.since_ns = &r->bpf->bss->irqs_since_ns;
	ADD(&g, on_irq_handler_entry);
	ADD(&g, on_irq_handler_exit);
	ADD(&g, on_softirq_entry);
	ADD(&g, on_softirq_exit);
	ADD(&g, on_local_timer_entry);
	ADD(&g, on_local_timer_exit);
	ADD(&g, on_call_function_entry);
	ADD(&g, on_call_function_exit);
	ADD(&g, on_call_function_single_entry);
	ADD(&g, on_call_function_single_exit);
	return g;
}

static void detach(struct group *g)
{
	__atomic_store_n(g->since_ns, NEVER, __ATOMIC_RELEASE);
	for (size_t i = 0; i < g->n; i++) {
		bpf_link__destroy(*g->probes[i].link);
		*g->probes[i].link = NULL;
	}
}

/* All or none. */
static int attach(struct group *g, struct kf_error *e)
{
	for (size_t i = 0; i < g->n; i++) {
		if (bpf_program__fd(g->probes[i].program) < 0) /* not loaded: not wanted, or not in this kernel */
			continue;
		*g->probes[i].link = bpf_program__attach(g->probes[i].program);
		if (!*g->probes[i].link) {
			kf_fail_errno(e, errno, "it takes CAP_BPF and CAP_PERFMON", "cannot attach '%s' again",
				      bpf_program__name(g->probes[i].program));
			detach(g);
			return -1;
		}
	}
	__atomic_store_n(g->since_ns, kf_now_ns(), __ATOMIC_RELEASE);
	return 0;
}

int kf_recorder_shed(struct kf_recorder *r, enum kf_shed_level level, struct kf_error *e)
{
	struct group g;

	while (r->shed < level) {
		g = group_of(r, r->shed + 1);
		detach(&g);
		r->shed++;
	}
	while (r->shed > level) {
		g = group_of(r, r->shed);
		if (attach(&g, e))
			return -1;
		r->shed--;
	}
	return 0;
}

/* Probes nobody ever took away have 0 there. */
static bool recorded_since(uint64_t since_ns, const struct kf_snapshot *s)
{
	return since_ns <= s->floor_ns;
}

void kf_recorder_claim_sources(const struct kf_recorder *r, struct kf_snapshot *s)
{
	s->sources = r->bpf->rodata->sources;
	s->syscall_mode = r->bpf->rodata->syscall_mode;
	if (!recorded_since(r->bpf->bss->irqs_since_ns, s))
		s->sources &= ~KF_SOURCE_IRQ;
	if (s->syscall_mode >= KF_SYSCALLS_SLOW && !recorded_since(r->bpf->bss->syscalls_since_ns, s))
		s->syscall_mode = KF_SYSCALLS_BLOCKING;
}
