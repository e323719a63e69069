/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/budget.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/now.h"
#include "base/units.h"
#include "capture/recorder.h"
#include "daemon/events.h"
#include "snapshot/shed_name.h"

#define NS_PER_MS	1000000ULL
#define EVERY_NS	(10000 * NS_PER_MS)
#define MIN_EVERY_NS	(100 * NS_PER_MS)
#define LOOKS_PART	50 /* of the time is measured: 200 ms in 10 s */
#define MIN_LOOK_NS	(20 * NS_PER_MS)
#define PPM		1000000ULL
#define PPM_PER_PERCENT 10000

struct kf_budget {
	struct kf_recorder *recorder;
	struct kf_timer *timer;
	uint64_t every_ns, look_ns;
	bool looking;	    /* the kernel counts */
	uint64_t began_ns;  /* this look */
	uint64_t bpf_ns;    /* cost of the programs when it began */
	uint64_t own_at_ns; /* when own CPU time was looked at last */
	uint64_t own_ns;    /* what it was */
	struct kf_budget_judge judge;
	struct kf_budget_status status;
	struct kf_shed sheds[KF_MAX_SHEDS];
	size_t n_sheds;
	bool told_exhausted, told_unknown;
};

int kf_budget_parse(const char *text, uint32_t *out_ppm, struct kf_error *e)
{
	const char *hint = "give a part of the host's CPU time, such as 2% or 0.5%; 0% only measures, 'off' does not";
	size_t digits = strspn(text, "0123456789.");
	double percent;
	char *end;

	if (!strcmp(text, "off")) {
		*out_ppm = KF_BUDGET_OFF;
		return 0;
	}
	percent = strtod(text, &end);
	if (!digits || end != text + digits || strcmp(end, "%"))
		return kf_fail(e, KF_USAGE, hint, "bad budget '%s'", text);
	if (percent > 100)
		return kf_fail(e, KF_USAGE, hint, "bad budget '%s': more than all there is", text);
	if (percent > 0 && percent * PPM_PER_PERCENT < 1)
		return kf_fail(e, KF_USAGE, hint, "bad budget '%s': less than 0.0001%%", text);
	*out_ppm = (uint32_t)(percent * PPM_PER_PERCENT + 0.5);
	return 0;
}

/* User and system time of this process, not of its children. */
static uint64_t own_cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 * NS_PER_MS +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

/* A part of the time of all CPUs. */
static uint32_t part_ppm(uint64_t cost_ns, uint64_t elapsed_ns)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	double part = (double)cost_ns / ((double)elapsed_ns * (double)(cpus > 0 ? cpus : 1));

	return elapsed_ns && part < 1 ? (uint32_t)(part * PPM) : PPM;
}

static void remember(struct kf_budget *b, enum kf_shed_level before, enum kf_shed_level after)
{
	if (b->n_sheds == KF_MAX_SHEDS)
		memmove(&b->sheds[0], &b->sheds[1], --b->n_sheds * sizeof(b->sheds[0]));
	b->sheds[b->n_sheds++] = (struct kf_shed){ .ts_ns = kf_now_ns(),
						   .cost_ppm = b->status.cost_ppm,
						   .before = (uint16_t)before,
						   .after = (uint16_t)after };
	if (after > before)
		b->status.sheds++;
	else
		b->status.restores++;
}

static double percent(uint32_t ppm)
{
	return ppm / (double)PPM_PER_PERCENT;
}

static void tell(const struct kf_budget *b, enum kf_shed_level before, enum kf_shed_level after)
{
	enum kf_shed_level changed = after > before ? after : before;

	kf_note("budget: recording costs %.2f %% of the host's CPU time, allowed are %.2f %%: %s are %s",
		percent(b->status.cost_ppm), percent(b->status.budget_ppm), kf_shed_name(changed),
		after > before ? "not recorded any more" : "recorded again");
}

/* Above the budget, and that is how it stays. Told once, until it is below again. */
static void tell_exhausted(struct kf_budget *b)
{
	const struct kf_budget_status *st = &b->status;
	bool over = st->budget_ppm && st->cost_ppm > st->budget_ppm;
	bool by_itself = over && st->own_ppm > st->budget_ppm;
	bool exhausted = over && (by_itself || !kf_budget_can_shed_more(&b->judge));

	if (exhausted && !b->told_exhausted && by_itself)
		kf_note("budget: snapshots and requests cost %.2f %% of the host's CPU time, allowed are %.2f %%: take "
			"fewer (--cooldown, --limit)",
			percent(st->own_ppm), percent(st->budget_ppm));
	else if (exhausted && !b->told_exhausted)
		kf_note("budget: recording costs %.2f %% of the host's CPU time, allowed are %.2f %%, and there is "
			"nothing left to give up",
			percent(st->cost_ppm), percent(st->budget_ppm));
	b->told_exhausted = exhausted;
}

static void act(struct kf_budget *b)
{
	struct kf_budget_judge before = b->judge;
	enum kf_shed_level level = kf_budget_judge(&b->judge, b->status.bpf_ppm, b->status.own_ppm);
	struct kf_error e;

	if (level != before.level && kf_recorder_shed(b->recorder, level, &e)) {
		kf_note("budget: %s", e.message);
		kf_budget_judge_refused(&b->judge, before.level);
		level = before.level;
	}
	if (level != before.level) {
		remember(b, before.level, level);
		tell(b, before.level, level);
	} else {
		tell_exhausted(b);
	}
	b->status.level = level;
}

static void begin_look(struct kf_budget *b)
{
	struct kf_error e;

	if (kf_recorder_count_cost(b->recorder, true, &e)) {
		if (!b->told_unknown)
			kf_note("budget: %s; nothing will be given up", e.message);
		b->told_unknown = true;
		b->status.cost_ppm = KF_COST_UNKNOWN;
		kf_timer_set(b->timer, kf_now_ns() + b->every_ns, 0); /* the host may be too busy just now */
		return;
	}
	b->bpf_ns = kf_recorder_cost_ns(b->recorder);
	b->began_ns = kf_now_ns();
	b->looking = true;
	kf_timer_set(b->timer, b->began_ns + b->look_ns, 0);
}

static void end_look(struct kf_budget *b)
{
	uint64_t now_ns = kf_now_ns(), bpf_ns = kf_recorder_cost_ns(b->recorder), own_ns = own_cpu_ns();

	kf_recorder_count_cost(b->recorder, false, NULL);
	b->looking = false;
	b->status.bpf_ppm = part_ppm(bpf_ns - b->bpf_ns, now_ns - b->began_ns);
	b->status.own_ppm = part_ppm(own_ns - b->own_ns, now_ns - b->own_at_ns);
	b->status.cost_ppm = b->status.bpf_ppm + b->status.own_ppm;
	b->status.looks++;
	b->own_ns = own_ns;
	b->own_at_ns = now_ns;
	act(b);
	kf_timer_set(b->timer, b->began_ns + b->every_ns, 0);
}

static void on_timer(void *budget)
{
	struct kf_budget *b = budget;

	if (b->looking)
		end_look(b);
	else
		begin_look(b);
}

/* KFLIGHT_BUDGET_EVERY makes tests short. */
static uint64_t choose_every_ns(uint64_t wish_ns)
{
	const char *text = getenv("KFLIGHT_BUDGET_EVERY");
	uint64_t every_ns = wish_ns ? wish_ns : EVERY_NS;

	if (text && kf_parse_duration(text, &every_ns, NULL))
		every_ns = EVERY_NS;
	return every_ns < MIN_EVERY_NS ? MIN_EVERY_NS : every_ns;
}

int kf_budget_new(struct kf_budget **out, const struct kf_budget_options *opts, struct kf_recorder *recorder,
		  struct kf_events *events, struct kf_error *e)
{
	struct kf_budget *b = calloc(1, sizeof(*b));

	if (!b)
		return kf_fail_memory(e, "the budget");
	b->recorder = recorder;
	b->every_ns = choose_every_ns(opts->every_ns);
	b->look_ns = b->every_ns / LOOKS_PART > MIN_LOOK_NS ? b->every_ns / LOOKS_PART : MIN_LOOK_NS;
	b->judge.budget_ppm = opts->budget_ppm == KF_BUDGET_OFF ? KF_BUDGET_NONE : opts->budget_ppm;
	b->judge.can_shed[KF_SHED_SYSCALLS] = opts->records_syscalls;
	b->judge.can_shed[KF_SHED_INTERRUPTS] = opts->records_interrupts;
	b->status.budget_ppm = b->judge.budget_ppm;
	b->status.cost_ppm = KF_COST_UNKNOWN;
	if (opts->budget_ppm != KF_BUDGET_OFF && kf_events_timer(events, on_timer, b, &b->timer, e)) {
		free(b);
		return -1;
	}
	b->own_at_ns = kf_now_ns();
	b->own_ns = own_cpu_ns();
	if (b->timer)
		kf_timer_set(b->timer, b->own_at_ns + b->every_ns / 10, 0);
	*out = b;
	return 0;
}

void kf_budget_free(struct kf_budget **b)
{
	if (!*b)
		return;
	if ((*b)->timer)
		kf_timer_set((*b)->timer, 0, 0);
	kf_recorder_count_cost((*b)->recorder, false, NULL);
	free(*b);
	*b = NULL;
}

void kf_budget_status(const struct kf_budget *b, struct kf_budget_status *out)
{
	*out = b->status;
}

const struct kf_shed *kf_budget_sheds(const struct kf_budget *b, size_t *n)
{
	*n = b->n_sheds;
	return b->sheds;
}

int kf_budget_tell(const struct kf_budget *b, struct kf_snapshot *s)
{
	s->cost_ppm = b->status.cost_ppm;
	s->budget_ppm = b->status.budget_ppm;
	if (!b->n_sheds)
		return 0;
	s->sheds = malloc(b->n_sheds * sizeof(s->sheds[0]));
	if (!s->sheds)
		return -1;
	memcpy(s->sheds, b->sheds, b->n_sheds * sizeof(s->sheds[0]));
	s->n_sheds = b->n_sheds;
	return 0;
}
