/* SPDX-License-Identifier: BSD-2-Clause */
/* What a picture shows and where: lanes of CPUs with their runs, and what is at a point of it. draw.js draws it. */

const LANE = { axis: 24, bar: 28, taken: 11, wait: 15, gap: 10, gutter: 62, foot: 6 };

/* Runs follow one another; those of -1 stand for several. */
function readRuns(numbers, from, who) {
	const runs = [];
	let at = from;

	for (let i = 0; i < numbers.length;) {
		const run = { from: at, to: at + numbers[i], who: null, n: 1, idle: 0 };

		if (numbers[i + 1] === -1) {
			run.n = numbers[i + 2];
			run.idle = numbers[i + 3];
			i += 4;
		} else {
			run.who = who[numbers[i + 1]];
			i += 2;
		}
		at = run.to;
		runs.push(run);
	}
	return runs;
}

function readLane([cpu, runs, taken], from, gap, who) {
	return {
		cpu,
		runs: readRuns(runs, from, who),
		taken: pieces(taken, 4).map(([start, length, ns, by]) =>
			({ from: from + start, to: from + start + length, ns, who: who[by] })),
		waits: gap.stretches.filter((s) => s.cpu === cpu),
	};
}

/* Lanes from top to bottom; one where the thread waited is followed by its wait. */
function layOut(lanes) {
	let y = LANE.axis;

	for (const lane of lanes) {
		lane.y = y;
		lane.waitY = y + LANE.bar + 2;
		y += LANE.bar + (lane.waits.length ? LANE.wait + 2 : 0) + LANE.gap;
	}
	return y - LANE.gap + LANE.foot;
}

function readPicture(gap, who) {
	const [from, length, fine, leftOut, lanes] = gap.picture;
	const picture = { gap, from, to: from + length, fine, leftOut };

	picture.lanes = lanes.map((lane) => readLane(lane, from, gap, who));
	picture.height = layOut(picture.lanes);
	return picture;
}

/* The index of the first that ends after at. */
function firstEndingAfter(runs, at) {
	let low = 0, high = runs.length;

	while (low < high) {
		const middle = (low + high) >> 1;

		if (runs[middle].to <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Somebody who ran, rather than the idle time beside: short runs are hard to hit. */
function runAt(lane, at, reach) {
	const first = firstEndingAfter(lane.runs, at - reach);
	const near = [];

	for (let i = first; i < lane.runs.length && lane.runs[i].from <= at + reach; i++)
		near.push(lane.runs[i]);
	const exact = near.find((run) => run.from <= at && at < run.to);

	if (exact && !(exact.who && exact.who.kind === "idle"))
		return exact;
	return near.find((run) => !run.who || run.who.kind !== "idle") || exact || null;
}

function takenAt(lane, at, reach) {
	return lane.taken.find((t) => t.from - reach <= at && at <= t.to + reach) || null;
}

/* What is at height y and time at: {taken}, {run} or {wait}, with its lane; null nothing. */
function thingAt(picture, y, at, reach) {
	for (const lane of picture.lanes) {
		if (y < lane.y || y >= lane.y + LANE.bar + (lane.waits.length ? LANE.wait + 2 : 0))
			continue;
		if (y >= lane.y + LANE.bar) {
			const wait = lane.waits.find((w) => w.from <= at && at <= w.to);

			return wait ? { lane, wait } : null;
		}
		const taken = y < lane.y + LANE.taken ? takenAt(lane, at, reach) : null;
		const run = runAt(lane, at, reach);

		return taken ? { lane, taken } : run ? { lane, run } : null;
	}
	return null;
}

/* From and to as seen from the start of the wait. */
function spanText(gap, { from, to }) {
	return `from ${signed(from - gap.start)} to ${signed(to - gap.start)}`;
}

function runLines(picture, lane, run) {
	const { gap } = picture, span = run.to - run.from;

	if (!run.who)
		return [`${count(run.n)} runs, each shorter than ${duration(picture.fine)}`,
			`${duration(span)} on CPU ${lane.cpu}, ${percent(run.idle, span)} of it idle`, spanText(gap, run)];
	const title = run.who.kind === "idle" ? `CPU ${lane.cpu} was idle` :
		run.who.kind === "unknown" ? `not known what CPU ${lane.cpu} did` : run.who.label;
	const edge = run.from <= picture.from || run.to >= picture.to ? " or more" : "";

	return [title, `${duration(span)}${edge} on CPU ${lane.cpu}`, spanText(gap, run),
		run.who.prio, run.who === gap.who ? "the thread that waited" : ""].filter((line) => line);
}

function takenLines(picture, lane, taken) {
	const span = taken.to - taken.from;
	const much = taken.ns < span ? `${duration(taken.ns)} out of ${duration(span)}` : duration(span);

	return [taken.who.label, `${much} on CPU ${lane.cpu}`, spanText(picture.gap, taken)];
}

function waitLines(picture, lane, wait) {
	const { gap } = picture;
	const lines = [`${gap.who.label} was ready and waited for CPU ${lane.cpu}`, duration(wait.to - wait.from),
		spanText(gap, wait)];

	if (gap.throttle)
		lines.push(`CPU quota used up ${spanText(gap, gap.throttle)}`);
	return lines;
}

function linesOf(picture, thing) {
	if (thing.taken)
		return takenLines(picture, thing.lane, thing.taken);
	if (thing.run)
		return runLines(picture, thing.lane, thing.run);
	return waitLines(picture, thing.lane, thing.wait);
}
