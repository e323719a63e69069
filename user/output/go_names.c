/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/go_names.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define MAX_FRAMES 4
#define CACHE_WAYS 8

/* A stack a thread had before: events repeat the same few, and looking one up costs several hashes. */
struct cached {
	uint32_t key; /* 0 empty */
	uint32_t stack;
};

struct name_cache {
	struct kf_go_frame root; /* func 0: not made yet */
	struct cached ways[CACHE_WAYS];
};

struct kf_go_names {
	const struct kf_timeline *t;
	struct kf_go_wire *w;
	enum kf_go_reasons words;
	struct name_cache *threads;
	uint32_t reasons[KF_WAIT_KINDS][2]; /* string ids + 1, by by_thread; 0 not made yet */
};

/*
 * What viewers and profiles know: "sync" and "select" go to Go's sync profile, "network" to its network profile, by
 * substring. Own words must not contain those by accident (nor "chan").
 */
static const struct {
	const char *go;
	const char *rich; /* NULL: the same */
} reasons[KF_WAIT_KINDS] = {
	[KF_WAIT_KIND_UNKNOWN] = { "", "unknown" },
	[KF_WAIT_FUTEX_LOCK] = { "sync", NULL },
	[KF_WAIT_FUTEX_COND] = { "sync.(*Cond).Wait", NULL },
	[KF_WAIT_LOCK] = { "sync", NULL },
	[KF_WAIT_NETWORK] = { "network", NULL },
	[KF_WAIT_POLL] = { "network", NULL },
	[KF_WAIT_PIPE_READ] = { "chan receive", NULL },
	[KF_WAIT_PIPE_WRITE] = { "chan send", NULL },
	[KF_WAIT_SLEEP] = { "sleep", NULL },
	[KF_WAIT_SIGNAL] = { "sleep", "signal" },
	[KF_WAIT_CHILD] = { "chan receive", "child process" },
	[KF_WAIT_DISK] = { "", "disk" },
	[KF_WAIT_KERNEL] = { "", "kernel" },
	[KF_WAIT_PAGE_FAULT] = { "", "page fault" },
	[KF_WAIT_STOPPED] = { "preempted", "stopped" },
	[KF_WAIT_KTHREAD] = { "system goroutine wait", NULL },
	[KF_WAIT_KTHREAD_IO] = { "system goroutine wait", "kernel I/O" },
	[KF_WAIT_OTHER] = { "", "other" },
};

const char *kf_go_reason(enum kf_go_reasons words, enum kf_wait_kind kind, bool by_thread)
{
	if ((unsigned int)kind >= KF_WAIT_KINDS)
		kind = KF_WAIT_KIND_UNKNOWN;
	if (kind == KF_WAIT_POLL && by_thread)
		return "select";
	if (words == KF_GO_REASONS_RICH && reasons[kind].rich)
		return reasons[kind].rich;
	return reasons[kind].go ? reasons[kind].go : "";
}

/* "kworker/u8:2-events" -> "kworker", "kswapd0" -> "kswapd": they would be hundreds of groups of one. */
static void drop_number(char *name)
{
	size_t len = strcspn(name, "/");

	if (!name[len])
		while (len > 1 && isdigit((unsigned char)name[len - 1]))
			len--;
	if (len)
		name[len] = '\0';
}

void kf_go_thread_name(const struct kf_thread *thread, char *buf, size_t len)
{
	char comm[KF_TEXT_COMM_BYTES], process[KF_TEXT_COMM_BYTES];
	const char *guard;

	kf_text_printable(thread->comm, sizeof(thread->comm), comm, sizeof(comm));
	kf_text_printable(thread->process_comm, sizeof(thread->process_comm), process, sizeof(process));
	if (thread->kernel)
		drop_number(comm);
	/* Viewers hide what looks like Go's runtime. */
	guard = !strncmp(comm, "runtime.", 8) || !strncmp(process, "runtime.", 8) ? "'" : "";
	if (thread->kernel || !process[0] || !strcmp(comm, process))
		snprintf(buf, len, "%s%s", guard, comm[0] ? comm : "(no name)");
	else
		snprintf(buf, len, "%s%s/%s", guard, process, comm);
}

struct kf_go_names *kf_go_names_new(const struct kf_timeline *t, struct kf_go_wire *w, enum kf_go_reasons words)
{
	struct kf_go_names *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->threads = calloc(t->n_threads + 1, sizeof(*n->threads));
	if (!n->threads) {
		free(n);
		return NULL;
	}
	n->t = t;
	n->w = w;
	n->words = words;
	return n;
}

void kf_go_names_free(struct kf_go_names **n)
{
	if (!*n)
		return;
	free((*n)->threads);
	free(*n);
	*n = NULL;
}

static struct kf_go_frame make_frame(struct kf_go_names *n, const char *func, const char *file, uint32_t line)
{
	return (struct kf_go_frame){
		.func = kf_go_wire_string(n->w, func),
		.file = kf_go_wire_string(n->w, file),
		.line = line ? line : 1, /* 0 looks like a missing line */
	};
}

static struct kf_go_frame root_frame(struct kf_go_names *n, uint32_t index)
{
	const struct kf_thread *thread = &n->t->threads[index];
	struct kf_go_frame *root = &n->threads[index].root;
	char name[KF_GO_NAME_BYTES], file[KF_GO_NAME_BYTES];

	if (root->func)
		return *root;
	kf_go_thread_name(thread, name, sizeof(name));
	if (thread->kernel)
		snprintf(file, sizeof(file), "[kernel]");
	else
		kf_text_printable(thread->process_comm, sizeof(thread->process_comm), file, sizeof(file));
	*root = make_frame(n, name, file[0] ? file : "[process]", thread->tgid);
	return *root;
}

/* What the stack says first; NULL: nothing. */
static const char *leaf_word(enum kf_go_stack kind, const struct kf_wait *wait, const char **file)
{
	*file = "[scheduler]";
	switch (kind) {
	case KF_GO_STACK_WAIT:
		*file = "[wait]";
		return wait ? kf_wait_kind_name(wait->kind) : NULL;
	case KF_GO_STACK_PREEMPTED:
		return "preempted";
	case KF_GO_STACK_YIELD:
		return "yielded";
	case KF_GO_STACK_THROTTLED:
		return "throttled";
	case KF_GO_STACK_WAKER:
		return "wakeup";
	case KF_GO_STACK_FORK:
		return "fork";
	case KF_GO_STACK_LOST:
		return "records lost";
	default:
		return NULL;
	}
}

static const char *syscall_word(const struct kf_wait *wait, char *buf, size_t len)
{
	const char *name;

	if (!wait || !wait->in_syscall || wait->nr == KF_NR_USER || wait->nr == KF_NR_KTHREAD)
		return NULL;
	name = kf_syscall_name(wait->nr);
	if (name)
		return name;
	snprintf(buf, len, "syscall %u", wait->nr);
	return buf;
}

static uint32_t make_stack(struct kf_go_names *n, uint32_t thread, enum kf_go_stack kind, const struct kf_wait *wait)
{
	struct kf_go_frame frames[MAX_FRAMES];
	const char *file, *leaf = leaf_word(kind, wait, &file);
	char number[32];
	const char *call = syscall_word(wait, number, sizeof(number));
	size_t depth = 0;

	if (leaf && !(call && !strcmp(leaf, call)))
		frames[depth++] = make_frame(n, leaf, file, 1);
	if (call)
		frames[depth++] = make_frame(n, call, "[syscall]", 1);
	frames[depth++] = root_frame(n, thread);
	return kf_go_wire_stack(n->w, frames, depth);
}

/* Everything make_stack() looks at, without its pointers. */
static uint32_t cache_key(enum kf_go_stack kind, const struct kf_wait *wait)
{
	uint32_t nr = wait && wait->in_syscall ? wait->nr : KF_NR_USER;
	uint32_t wait_kind = kind == KF_GO_STACK_WAIT && wait ? wait->kind : 0;

	return (uint32_t)(kind + 1) << 24 | wait_kind << 16 | nr;
}

uint32_t kf_go_names_stack(struct kf_go_names *n, uint32_t thread, enum kf_go_stack kind, const struct kf_wait *wait)
{
	uint32_t key = cache_key(kind, wait);
	struct cached *way;

	if (thread >= n->t->n_threads)
		return 0;
	way = &n->threads[thread].ways[(key ^ key >> 16 ^ key >> 24) % CACHE_WAYS];
	if (way->key != key) {
		way->stack = make_stack(n, thread, kind, wait);
		way->key = key;
	}
	return way->stack;
}

uint32_t kf_go_names_wakeup(struct kf_go_names *n, bool irq)
{
	struct kf_go_frame frame =
		irq ? make_frame(n, "interrupt", "[kernel]", 1) : make_frame(n, "unknown waker", "[kernel]", 1);

	return kf_go_wire_stack(n->w, &frame, 1);
}

uint32_t kf_go_names_reason(struct kf_go_names *n, enum kf_wait_kind kind, bool by_thread)
{
	uint32_t *id;

	if ((unsigned int)kind >= KF_WAIT_KINDS)
		kind = KF_WAIT_KIND_UNKNOWN;
	id = &n->reasons[kind][by_thread];
	if (!*id)
		*id = kf_go_wire_string(n->w, kf_go_reason(n->words, kind, by_thread)) + 1;
	return *id - 1;
}
