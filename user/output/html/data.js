/* SPDX-License-Identifier: BSD-2-Clause */
/* The data of the page (html_data.h says how it is written) with names for what is in its lists. */

const COLOURED = 3;

const KINDS = {
	unknown: "cause not known",
	preempted: "preempted",
	yielded: "gave its CPU away",
	throttled: "CPU quota used up",
	woken: "woken, CPU busy",
	woken_idle: "woken, CPU idle",
	forked: "new thread",
};

const FLAG_OPEN = 1, FLAG_WAKER_IRQ = 4;

/* The list in pieces of n. */
function pieces(list, n) {
	const out = [];

	for (let i = 0; i < list.length; i += n)
		out.push(list.slice(i, i + n));
	return out;
}

function readWho([kind, label, tid = null, tgid = null, name = null, own = 0, prio = ""], id) {
	return { id, kind, label, tid, tgid, name, own: own === 1, prio, paint: kind };
}

/* Names of threads by how long those of interest waited for them. */
function worstNames(gaps) {
	const sums = new Map();

	for (const part of gaps.flatMap((gap) => gap.shares))
		if (part.who.kind === "thread")
			sums.set(part.who.name, (sums.get(part.who.name) || 0) + part.ns);
	return [...sums].sort((a, b) => b[1] - a[1]).slice(0, COLOURED).map(([name]) => name);
}

/* The same colour everywhere for these names; all further threads share one. */
function paint(who, gaps) {
	const own = gaps.filter((gap) => gap.who.own);
	const names = worstNames(own.length ? own : gaps);

	for (const w of who) {
		const rank = w.kind === "thread" ? names.indexOf(w.name) : -1;

		if (w.kind === "thread")
			w.paint = rank >= 0 ? `c${rank + 1}` : `other${w.id % 2}`;
	}
}

function readGap(list, who) {
	const [id, start, wait, cpu, kind, waker, wakerCpu, flags, sentence, parts, stretches, throttle, picture] = list;

	return {
		index: 0, start, wait, end: start + wait, cpu, kind, sentence, picture,
		who: who[id],
		waker: waker < 0 ? null : who[waker],
		wakerCpu,
		open: (flags & FLAG_OPEN) !== 0,
		wakerIrq: (flags & FLAG_WAKER_IRQ) !== 0,
		shares: pieces(parts, 3).map(([part, n, ns]) => ({ who: who[part], n, ns })),
		stretches: pieces(stretches, 3).map(([from, ns, onCpu]) => ({ from, to: from + ns, cpu: onCpu })),
		throttle: throttle ? { from: throttle[0], to: throttle[0] + throttle[1] } : null,
	};
}

function readData() {
	const data = JSON.parse(byId("data").textContent);

	data.who = data.who.map(readWho);
	data.gaps = data.gaps.map((gap) => readGap(gap, data.who)).sort((a, b) => b.wait - a.wait);
	paint(data.who, data.gaps);
	data.gaps.forEach((gap, index) => {
		gap.index = index;
	});
	return data;
}

/* The gap that a finding is about; undefined if it has none, or that is not in the page. */
function gapOf(finding, data) {
	const [id, start, wait] = finding.gap || [];

	return data.gaps.find((gap) => gap.wait === wait && gap.start === start && gap.who.id === id);
}

/* "redis/812", "redis (4 threads)" */
function shareText({ who, n }) {
	return n > 1 ? `${who.label.replace(`/${who.tid}`, "")} (${count(n)} threads)` : who.label;
}

function sentenceOf(gap) {
	if (gap.sentence)
		return gap.sentence;
	const told = gap.shares.slice(0, 4).map((share) => `${duration(share.ns)} ${shareText(share)}`);

	return `${gap.who.label} waited ${duration(gap.wait)}: ${told.join(", ")}`;
}

/* "an interrupt", "redis/812", "" */
function wakerText(gap) {
	if (gap.wakerIrq)
		return "an interrupt";
	return gap.waker ? gap.waker.label : "";
}

/* "14:13:22.167586" of a moment since the floor, UTC. */
function clockText(data, ns) {
	const us = data.floor_us + Math.floor(ns / 1000);
	const time = new Date(Math.floor(us / 1000));

	if (Number.isNaN(time.getTime()))
		return "";
	return `${time.toISOString().slice(11, 19)}.${String(((us % 1e6) + 1e6) % 1e6).padStart(6, "0")}`;
}

function dateText(data) {
	const time = new Date(data.floor_us / 1000);

	return Number.isNaN(time.getTime()) ? "" : time.toISOString().slice(0, 10);
}
