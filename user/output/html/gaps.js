/* SPDX-License-Identifier: BSD-2-Clause */
/* The gaps as cards, twenty at a time: filtered, sorted, and opened one by one. */

const PAGE_SIZE = 20;

/* Several CPUs and many small parts, in one line as wide as the wait is long beside the longest. */
function shareBar(gap, longest) {
	const bar = svg("svg", { class: "bar", viewBox: "0 0 1000 8", preserveAspectRatio: "none", "aria-hidden": "true" });
	const scale = Math.max(1000 * gap.wait / Math.max(longest, 1), 4) / Math.max(gap.wait, 1);
	let x = 0;

	for (const { who, ns } of gap.shares) {
		bar.append(svg("rect", { x, y: 0, width: Math.max(ns * scale, 0.5), height: 8, class: `run ${who.paint}` }));
		x += ns * scale;
	}
	return bar;
}

function swatch(paintOf) {
	return svg("svg", { class: "swatch", width: 14, height: 14, "aria-hidden": "true" },
		svg("rect", { x: 0.5, y: 0.5, width: 13, height: 13, rx: 2, class: `run ${paintOf}` }));
}

function legend(gap) {
	const rows = gap.shares.map(({ who, n, ns }) => el("li", {}, swatch(who.paint),
		el("span", {}, shareText({ who, n }), who.prio && who.prio !== "nice 0" ? el("span", { class: "muted" }, ` ${who.prio}`) : null), el("span", { class: "number" }, duration(ns)),
		el("span", { class: "number muted" }, percent(ns, gap.wait, 1))));

	return el("ul", { class: "legend", "aria-label": "Who used the CPU instead" }, ...rows);
}

function factsOf(gap, data) {
	const facts = [["thread", gap.who.label], ["priority", gap.who.prio], ["why ready", KINDS[gap.kind] || gap.kind],
		["woken by", wakerText(gap)], ["began", `${clockText(data, gap.start)} UTC`],
		["from the trigger", data.trigger === null ? "" : signed(gap.start - data.trigger)],
		["moved", gap.stretches.length > 1 ? counted(gap.stretches.length - 1, "time") : ""],
		["ended", gap.open ? "not within the window" : ""]];

	return el("dl", { class: "facts" }, ...facts.filter(([, value]) => value)
		.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function bodyOf(gap, data) {
	const picture = gap.picture ? pictureOf(gap, data)
		: el("p", { class: "note" }, "The picture of this gap is not in the file: see below which ones have theirs.");

	return [el("p", { class: "sentence" }, whole(sentenceOf(gap))), picture,
		el("div", { class: "columns" }, legend(gap), factsOf(gap, data))];
}

function headOf(gap, data) {
	const [first] = gap.shares;
	const blame = first ? `${shareText(first)} ${percent(first.ns, gap.wait)}` : "";

	return [el("span", { class: "rank" }, `#${count(gap.index + 1)}`), el("span", { class: "wait-time number" }, duration(gap.wait)),
		el("span", { class: "what" }, el("span", { class: "victim-name" }, gap.who.label), " ",
			el("span", { class: "muted" }, `${KINDS[gap.kind] || gap.kind}${gap.cpu < 0 ? "" : ` · CPU ${gap.cpu}`}`)),
		el("span", { class: "blame" }, first ? swatch(first.who.paint) : null, blame),
		el("span", { class: "when number muted" }, clockText(data, gap.start))];
}

function card(gap, data, longest) {
	const body = el("div", { class: "gap-body", id: `gap-${gap.index + 1}-body`, hidden: true });
	const button = el("button", { type: "button", class: "gap-head", "aria-expanded": "false",
		"aria-controls": body.id }, ...headOf(gap, data));
	const node = el("article", { class: "gap", id: `gap-${gap.index + 1}` },
		el("h3", {}, button), shareBar(gap, longest), body);
	const open = (wanted) => {
		button.setAttribute("aria-expanded", String(wanted));
		body.hidden = !wanted;
		/* Built when first looked at: ten thousand pictures are nobody's wish. */
		if (wanted && !body.firstChild)
			body.append(...bodyOf(gap, data));
	};

	button.addEventListener("click", () => open(body.hidden));
	return { node, open };
}

const ORDERS = {
	longest: ["longest first", (a, b) => a.index - b.index],
	earliest: ["earliest first", (a, b) => a.start - b.start],
	thread: ["by thread", (a, b) => a.who.label.localeCompare(b.who.label) || a.index - b.index],
};

function matches(gap, words) {
	if (gap.text === undefined) {
		gap.text = [gap.who.label, KINDS[gap.kind], `cpu ${gap.cpu}`, ...gap.shares.map((share) => share.who.label)]
			.join("\n").toLowerCase();
	}
	return words.every((word) => gap.text.includes(word));
}

class GapList {
	constructor(data) {
		this.data = data;
		this.words = "";
		this.own = data.own !== null && data.gaps.some((gap) => gap.who.own);
		this.order = "longest";
		this.first = 0;
		this.list = el("div", { class: "cards" });
		this.pager = el("nav", { class: "pager", "aria-label": "Pages of gaps" });
		this.select();
	}

	select() {
		const words = this.words.toLowerCase().split(/\s+/).filter((word) => word);

		this.chosen = this.data.gaps.filter((gap) => (!this.own || gap.who.own) && matches(gap, words))
			.sort(ORDERS[this.order][1]);
		this.first = 0;
		this.show();
	}

	show() {
		const gaps = this.chosen.slice(this.first, this.first + PAGE_SIZE);
		const longest = this.chosen.reduce((most, gap) => Math.max(most, gap.wait), 0);

		this.cards = new Map(gaps.map((gap) => [gap, card(gap, this.data, longest)]));
		this.list.replaceChildren(...[...this.cards.values()].map(({ node }) => node));
		if (!gaps.length)
			this.list.append(el("p", { class: "note" }, this.data.n_gaps || this.data.leaves_out ? "No gap fits." :
				"There is none: every thread ran as soon as it could."));
		this.showPager(gaps.length);
	}

	showPager(n) {
		const turn = (text, first, possible) => el("button", { type: "button", class: "quiet", disabled: !possible,
			onclick: () => {
				this.first = first;
				this.show();
				byId("gaps").scrollIntoView();
			} }, text);

		this.pager.replaceChildren(turn("← Previous", Math.max(this.first - PAGE_SIZE, 0), this.first > 0),
			el("span", { class: "number" }, n ? `${count(this.first + 1)}–${count(this.first + n)} of ${count(this.chosen.length)}` : "0"),
			turn("Next →", this.first + PAGE_SIZE, this.first + PAGE_SIZE < this.chosen.length));
		this.pager.hidden = this.chosen.length <= PAGE_SIZE;
	}

	/* Shows this gap opened, whatever was filtered before. */
	reveal(gap) {
		if (!this.chosen.includes(gap)) {
			this.words = this.search.value = "";
			this.own = false;
			if (this.ownBox)
				this.ownBox.checked = false;
			this.select();
		}
		this.first = Math.floor(this.chosen.indexOf(gap) / PAGE_SIZE) * PAGE_SIZE;
		this.show();
		const { node, open } = this.cards.get(gap);

		open(true);
		node.scrollIntoView({ block: "start" });
		node.querySelector("button").focus({ preventScroll: true });
	}

	filter(words) {
		this.words = this.search.value = words;
		this.own = false;
		if (this.ownBox)
			this.ownBox.checked = false;
		this.select();
		byId("gaps").scrollIntoView();
	}

	/* The controls above the list. */
	controls() {
		this.search = el("input", { type: "search", id: "gap-search", placeholder: "thread, culprit, kind, cpu 3",
			autocomplete: "off", oninput: () => {
				this.words = this.search.value;
				this.select();
			} });
		const order = el("select", { id: "gap-order", onchange: () => {
			this.order = order.value;
			this.select();
		} }, ...Object.entries(ORDERS).map(([key, [name]]) => el("option", { value: key }, name)));
		const all = [el("label", { for: "gap-search" }, "Filter "), this.search, el("label", { for: "gap-order" }, "Order "), order];

		if (this.own) {
			this.ownBox = el("input", { type: "checkbox", id: "gap-own", checked: true, onchange: () => {
				this.own = this.ownBox.checked;
				this.select();
			} });
			all.push(el("label", { class: "check" }, this.ownBox, ` only ${this.data.own}, which triggered`));
		}
		return el("div", { class: "controls" }, ...all);
	}
}

/* "the 120 of nginx/2144 and the 9,880 longest others": which n come first in the file. */
function selectionText(data, n) {
	const own = Math.min(data.shown.own_gaps, n);

	if (!own)
		return `the ${count(n)} longest`;
	return `the ${own < data.n_own_gaps ? "longest " : ""}${count(own)} of ${data.own}` +
		(n > own ? ` and the ${count(n - own)} longest others` : "");
}

function gapsTitle(data) {
	const left = data.n_gaps - data.shown.gaps;

	return [el("h2", { id: "gaps-title" }, "Worst gaps"),
		el("p", { class: "muted" }, `${counted(data.n_gaps, "gap")}, ${duration(data.gaps_ns)} in all.`,
			left ? ` Of these, ${selectionText(data, data.shown.gaps)} are here.` : "")];
}

function showGaps(data) {
	const list = new GapList(data);
	const section = byId("gaps");

	if (!data.gaps.length)
		section.append(...gapsTitle(data), list.list);
	else
		section.append(...gapsTitle(data), list.controls(), list.list, list.pager);
	if (list.chosen.length)
		list.cards.get(list.chosen[0]).open(true);
	return list;
}
