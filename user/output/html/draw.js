/* SPDX-License-Identifier: BSD-2-Clause */
/* Draws a picture, and lets the reader look closer: wheel, buttons, drag and keys change which times are in view. */

const MIN_VIEW_NS = 200;
const CHARACTER = 6.4; /* width of one in a label */

/* Ticks of 1, 2 or 5 times a power of ten, about a hundred pixels apart. */
function tickStep(span, width) {
	const rough = Math.max(span / Math.max(width / 100, 2), 1);
	const power = 10 ** Math.floor(Math.log10(rough));

	return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= rough);
}

function tickText(ns, step, span) {
	const [name, worth] = UNITS.slice(0, 4).reverse().find(([, size]) => Math.max(Math.abs(ns), span / 4) >= size) || UNITS[0];
	const decimals = Math.max(0, Math.ceil(-Math.log10(step / worth) - 1e-9));

	return ns === 0 ? "0" : `${ns > 0 ? "+" : "-"}${(Math.abs(ns) / worth).toFixed(decimals)} ${name}`;
}

function label(text, x, y, room, className) {
	const fits = Math.floor((room - 8) / CHARACTER);

	if (fits < 4 && text.length > fits)
		return null;
	const cut = text.length > fits ? `${text.slice(0, fits - 1)}…` : text;

	return svg("text", { x: x + 4, y, class: className }, cut);
}

/* Draws into a group for one view; x() of a time is within the plot. */
class Drawing {
	constructor(picture, view, width, data) {
		this.picture = picture;
		this.gap = picture.gap;
		this.view = view;
		this.data = data;
		this.left = width < 560 ? 46 : LANE.gutter;
		this.width = Math.max(width - this.left, 50);
		this.scale = this.width / (view.to - view.from);
		this.group = svg("g");
	}

	x(at) {
		return this.left + (clamp(at, this.view.from, this.view.to) - this.view.from) * this.scale;
	}

	add(tag, attributes, ...children) {
		this.group.append(svg(tag, attributes, ...children));
	}

	/* Nothing if it is out of view; never thinner than can be seen. */
	rect(from, to, y, height, className) {
		if (to <= this.view.from || from >= this.view.to)
			return 0;
		const x = this.x(from), width = Math.max(this.x(to) - x, 0.8);

		this.add("rect", { x: x.toFixed(2), y, width: width.toFixed(2), height,
			class: width < 4 ? `${className} thin` : className });
		return width;
	}

	text(content, from, to, y, className) {
		const x = this.x(from), node = label(content, x, y, this.x(to) - x, className);

		if (node)
			this.group.append(node);
	}

	axis() {
		const step = tickStep(this.view.to - this.view.from, this.width);
		const first = Math.ceil((this.view.from - this.gap.start) / step);

		for (let n = first; this.gap.start + n * step <= this.view.to; n++) {
			const x = this.x(this.gap.start + n * step).toFixed(2);
			const text = tickText(n * step, step, this.view.to - this.view.from);

			this.add("line", { x1: x, x2: x, y1: LANE.axis - 5, y2: this.picture.height, class: "tick" });
			if (x < this.left + this.width - 24)
				this.add("text", { x, y: LANE.axis - 10, class: "tick-text" }, text);
		}
	}

	shade() {
		this.rect(this.gap.start, this.gap.end, LANE.axis - 4, this.picture.height - LANE.axis + 4, "shade");
		for (const at of [this.gap.start, this.gap.end])
			if (at >= this.view.from && at <= this.view.to)
				this.add("line", { x1: this.x(at), x2: this.x(at), y1: LANE.axis - 4,
					y2: this.picture.height, class: "edge" });
	}

	run(lane, run) {
		if (run.who && run.who.kind === "idle")
			return;
		const own = run.who === this.gap.who;
		const paintOf = run.who ? (own ? "victim" : run.who.paint) : "mixed";
		const width = this.rect(run.from, run.to, lane.y, LANE.bar, `run ${paintOf}`);

		if (width > 30)
			this.text(run.who ? run.who.label : `${count(run.n)} runs`, run.from, run.to, lane.y + 22,
				`ink-${paintOf}`);
	}

	lane(lane) {
		this.rect(this.view.from, this.view.to, lane.y, LANE.bar, "lane");
		this.add("text", { x: this.left - 8, y: lane.y + 19, class: lane.waits.length ? "cpu waited" : "cpu" },
			this.left < LANE.gutter ? String(lane.cpu) : `CPU ${lane.cpu}`);
		for (let i = firstEndingAfter(lane.runs, this.view.from);
			i < lane.runs.length && lane.runs[i].from < this.view.to; i++)
			this.run(lane, lane.runs[i]);
		for (const taken of lane.taken)
			this.taken(lane, taken);
		for (const wait of lane.waits)
			this.wait(lane, wait);
	}

	/* Along the top of the bar; lower where only a part of the time was taken. */
	taken(lane, taken) {
		const part = clamp(taken.ns / Math.max(taken.to - taken.from, 1), 0.3, 1);
		const height = Math.round(LANE.taken * part);
		const width = this.rect(taken.from, taken.to, lane.y, height, `taken ${taken.who.paint}`);

		if (width > 50 && height === LANE.taken)
			this.text(taken.who.label, taken.from, taken.to, lane.y + 9.5, `small ink-${taken.who.paint}`);
	}

	wait(lane, wait) {
		this.rect(wait.from, wait.to, lane.waitY, LANE.wait, "wait");
		if (this.gap.throttle)
			this.rect(Math.max(this.gap.throttle.from, wait.from), Math.min(this.gap.throttle.to, wait.to),
				lane.waitY, LANE.wait, "throttled");
		const text = `${this.gap.who.label} waits ${duration(this.gap.wait)}`;
		const from = this.x(wait.from), room = this.x(wait.to) - from;

		if (room > text.length * 6.9 + 14) {
			this.add("rect", { x: from + 4, y: lane.waitY + 1.5, width: text.length * 6.9 + 8,
				height: LANE.wait - 3, rx: 2, class: "wait-label" });
			this.add("text", { x: from + 8, y: lane.waitY + 11.5, class: "wait-text" }, text);
		}
	}

	/* From queue to queue. */
	migrations() {
		const at = (stretch) => this.picture.lanes.find((lane) => lane.cpu === stretch.cpu);

		for (let i = 1; i < this.gap.stretches.length; i++) {
			const stretch = this.gap.stretches[i], before = at(this.gap.stretches[i - 1]), lane = at(stretch);

			if (!before || !lane || before === lane || stretch.from < this.view.from || stretch.from > this.view.to)
				continue;
			const x = this.x(stretch.from), down = lane.waitY > before.waitY;

			this.add("line", { x1: x, x2: x, y1: before.waitY + (down ? LANE.wait : 0),
				y2: lane.waitY + (down ? 0 : LANE.wait), class: "move", "marker-end": "url(#arrow)" });
		}
	}

	/* From the CPU of the waker, or from above where that is not known, to the beginning of the wait. */
	wake() {
		const { gap } = this;
		const lane = this.picture.lanes.find((l) => gap.stretches.length && l.cpu === gap.stretches[0].cpu);

		if (!wakerText(gap) || !lane || gap.start < this.view.from || gap.start > this.view.to)
			return;
		const x = this.x(gap.start), from = this.picture.lanes.find((l) => l.cpu === gap.wakerCpu);
		const y = from ? from.y + LANE.bar / 2 : LANE.axis - 4;
		const end = from && from.y > lane.y ? lane.waitY + LANE.wait : lane.waitY;

		this.add("line", { x1: x, x2: x, y1: y, y2: end, class: "wake-halo" });
		this.add("line", { x1: x, x2: x, y1: y, y2: end, class: "wake", "marker-end": "url(#arrow)" });
		if (from)
			this.add("circle", { cx: x, cy: y, r: 3.5, class: "wake-from" });
		this.wakeLabel(x, lane.waitY + 11.5, `woken by ${wakerText(gap)}`);
	}

	/* Before the wait its lane is empty. */
	wakeLabel(x, y, text) {
		if (x - this.left > text.length * 6 + 16)
			this.add("text", { x: x - 8, y, class: "wake-text" }, text);
	}

	trigger() {
		const at = this.data.trigger;

		if (at === null || at < this.view.from || at > this.view.to)
			return;
		const x = this.x(at);

		this.add("line", { x1: x, x2: x, y1: LANE.axis - 4, y2: this.picture.height, class: "trigger" });
	}

	draw() {
		this.shade();
		this.axis();
		for (const lane of this.picture.lanes)
			this.lane(lane);
		this.migrations();
		this.trigger();
		this.wake();
		return this.group;
	}
}

/* The times in view, within those of the picture. */
class View {
	constructor(picture, changed) {
		this.picture = picture;
		this.changed = changed;
		this.reset();
	}

	set(from, span) {
		const whole = this.picture.to - this.picture.from;
		const length = clamp(span, Math.min(MIN_VIEW_NS, whole), whole);

		this.from = clamp(from, this.picture.from, this.picture.to - length);
		this.to = this.from + length;
		this.changed();
	}

	reset() {
		this.set(this.picture.from, Infinity);
	}

	/* By factor, keeping the time `at` in its place; without one the middle. */
	zoom(factor, at = (this.from + this.to) / 2) {
		this.set(at - (at - this.from) * factor, (this.to - this.from) * factor);
	}

	pan(part) {
		this.set(this.from + part * (this.to - this.from), this.to - this.from);
	}

	get whole() {
		return this.from <= this.picture.from && this.to >= this.picture.to;
	}
}

/* Drag marks times to look at; with shift, or a finger, it moves what is in view. */
function listenToPointer(canvas, view, timeAt, mark) {
	let start = null;

	canvas.addEventListener("pointerdown", (event) => {
		if (event.button)
			return;
		start = { x: event.clientX, at: timeAt(event), from: view.from, pan: event.shiftKey || event.pointerType === "touch" };
		canvas.setPointerCapture(event.pointerId);
	});
	canvas.addEventListener("pointermove", (event) => {
		if (!start)
			return;
		if (start.pan)
			view.set(start.from - (event.clientX - start.x) * view.perPixel, view.to - view.from);
		else
			mark(start.at, timeAt(event));
	});
	canvas.addEventListener("pointerup", (event) => {
		const at = timeAt(event);

		if (start && !start.pan && Math.abs(event.clientX - start.x) > 5)
			view.set(Math.min(start.at, at), Math.abs(at - start.at));
		start = null;
		mark(0, 0);
	});
	canvas.addEventListener("pointercancel", () => {
		start = null;
		mark(0, 0);
	});
	canvas.addEventListener("dblclick", () => view.reset());
}

/* The page scrolls as ever, unless the reader has clicked into the picture or holds Ctrl. */
function listenToWheel(canvas, view, timeAt) {
	canvas.addEventListener("wheel", (event) => {
		if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas)
			return;
		event.preventDefault();
		if (Math.abs(event.deltaX) > Math.abs(event.deltaY))
			view.pan(event.deltaX / 800);
		else
			view.zoom(1.0015 ** clamp(event.deltaY, -600, 600), timeAt(event));
	}, { passive: false });
}

function listenToKeys(canvas, view) {
	const keys = {
		"+": () => view.zoom(0.6), "=": () => view.zoom(0.6), "-": () => view.zoom(1 / 0.6), "0": () => view.reset(),
		ArrowLeft: () => view.pan(-0.2), ArrowRight: () => view.pan(0.2),
	};

	canvas.addEventListener("keydown", (event) => {
		if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey)
			return;
		event.preventDefault();
		keys[event.key]();
	});
}

function tools(view) {
	const button = (text, name, action) => el("button", { type: "button", class: "quiet", "aria-label": name,
		title: name, onclick: action }, text);

	return el("div", { class: "tools" }, button("−", "Zoom out", () => view.zoom(1 / 0.6)),
		button("+", "Zoom in", () => view.zoom(0.6)), button("Reset", "Show all of the picture", () => view.reset()));
}

function captionOf(picture) {
	const said = ["Drag or + to zoom, Shift-drag or ← → to move, double click or 0 for all; click, then the wheel zooms."];

	if (picture.fine)
		said.push(`Runs shorter than ${duration(picture.fine)} are put together.`);
	if (picture.leftOut)
		said.push(`${counted(picture.leftOut, "CPU")} not shown.`);
	if (picture.gap.start < 0)
		said.push("It waited since before the window, which begins at the left edge.");
	return said.join(" ");
}

/* The picture of a gap with all that belongs to it; it follows the width of the page. */
function pictureOf(gap, data) {
	const picture = readPicture(gap, data.who);
	const canvas = svg("svg", { class: "picture", tabindex: 0, role: "img", height: picture.height,
		"aria-label": `What the CPUs did meanwhile. ${sentenceOf(gap)}` });
	const marked = svg("rect", { class: "marked", y: LANE.axis, height: picture.height - LANE.axis, width: 0 });
	let drawing = null;
	const draw = () => {
		drawing = new Drawing(picture, view, canvas.clientWidth || 900, data);
		view.perPixel = 1 / drawing.scale;
		canvas.replaceChildren(drawing.draw(), marked);
	};
	const view = new View(picture, perFrame(() => draw()));
	const timeAt = (event) => {
		const x = event.clientX - canvas.getBoundingClientRect().left;

		return clamp(view.from + (x - drawing.left) * view.perPixel, view.from, view.to);
	};
	const mark = (a, b) => {
		marked.setAttribute("x", drawing.x(Math.min(a, b)));
		marked.setAttribute("width", drawing.x(Math.max(a, b)) - drawing.x(Math.min(a, b)));
	};

	listenToPointer(canvas, view, timeAt, mark);
	listenToWheel(canvas, view, timeAt);
	listenToKeys(canvas, view);
	canvas.addEventListener("pointermove", (event) => {
		const { top, left } = canvas.getBoundingClientRect();
		const inside = event.clientX - left >= drawing.left;
		const thing = inside && thingAt(picture, event.clientY - top, timeAt(event), 2 * view.perPixel);

		if (thing)
			tip.show(event, linesOf(picture, thing));
		else
			tip.hide();
	});
	canvas.addEventListener("pointerleave", () => tip.hide());
	new ResizeObserver(perFrame(() => draw())).observe(canvas);
	return el("figure", {}, el("div", { class: "picture-head" }, el("span", {}, "What the CPUs did, from the start of the wait"),
		tools(view)), canvas, el("figcaption", {}, captionOf(picture)));
}
