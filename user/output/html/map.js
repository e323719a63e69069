/* SPDX-License-Identifier: BSD-2-Clause */
/* All gaps at a glance: time from left to right, length from bottom to top, stronger where there are more. */

const MAP = { left: 62, top: 8, row: 9, foot: 22, columns: 110, perDecade: 6 };

/* Rows: so many per power of ten, on a logarithmic scale. */
function rowOf(wait) {
	return Math.floor(Math.log10(Math.max(wait, 1)) * MAP.perDecade);
}

function mapCells(data) {
	const cells = new Map();

	for (const gap of data.gaps) {
		const column = clamp(Math.floor(MAP.columns * gap.start / Math.max(data.length, 1)), 0, MAP.columns - 1);
		const key = `${column},${rowOf(gap.wait)}`;
		const cell = cells.get(key) || { column, row: rowOf(gap.wait), n: 0, worst: gap };

		cell.n++;
		cells.set(key, cell);
	}
	return [...cells.values()];
}

/* 1 to 5, each for four times as many as the one before. */
function strength(n) {
	return clamp(1 + Math.floor(Math.log(n) / Math.log(4)), 1, 5);
}

function cellLines(data, cell) {
	const from = 10 ** (cell.row / MAP.perDecade), to = 10 ** ((cell.row + 1) / MAP.perDecade);

	return [`${counted(cell.n, "gap")} of ${duration(from)} to ${duration(to)}`,
		`around ${clockText(data, (cell.column + 0.5) / MAP.columns * data.length)}`,
		`the longest: ${cell.worst.who.label}, ${duration(cell.worst.wait)}; click to open it`];
}

function drawMap(canvas, data, cells, rows, reveal) {
	const width = Math.max(canvas.clientWidth - MAP.left - 4, 100), step = width / MAP.columns;
	const y = (row) => MAP.top + (rows.high - row) * MAP.row;
	const nodes = [];

	for (let decade = Math.ceil(rows.low / MAP.perDecade); decade * MAP.perDecade <= rows.high + 1; decade++) {
		const at = y(decade * MAP.perDecade) + MAP.row;

		nodes.push(svg("line", { x1: MAP.left, x2: MAP.left + width, y1: at, y2: at, class: "tick" }),
			svg("text", { x: MAP.left - 6, y: at + 4, class: "axis-text" }, duration(10 ** decade)));
	}
	for (const cell of cells) {
		nodes.push(svg("rect", { x: (MAP.left + cell.column * step).toFixed(2), y: y(cell.row) + 0.5,
			width: Math.max(step - 1, 1.5).toFixed(2), height: MAP.row - 1, rx: 1, class: `cell s${strength(cell.n)}`,
			onpointermove: (event) => tip.show(event, cellLines(data, cell)), onpointerleave: () => tip.hide(),
			onclick: () => reveal(cell.worst) }));
	}
	const foot = y(rows.low) + MAP.row;

	if (data.trigger !== null && data.trigger >= 0 && data.trigger <= data.length) {
		const x = MAP.left + width * data.trigger / data.length, right = x > MAP.left + width / 2;

		nodes.push(svg("line", { x1: x, x2: x, y1: 0, y2: foot + 4, class: "trigger" }),
			svg("text", { x: right ? Math.min(x - 5, MAP.left + width - 56) : Math.max(x + 5, MAP.left + 16), y: foot + 16, class: right ? "trigger-text end" : "trigger-text" }, "trigger"));
	}
	nodes.push(svg("text", { x: MAP.left, y: foot + 16, class: "tick-text first" }, "0"),
		svg("text", { x: MAP.left + width, y: foot + 16, class: "tick-text last" }, duration(data.length)));
	canvas.replaceChildren(...nodes);
}

function showMap(data, reveal) {
	if (data.gaps.length < 2)
		return;
	const cells = mapCells(data), found = cells.map((cell) => cell.row);
	const rows = { low: Math.min(...found), high: Math.max(...found) };
	const height = MAP.top + (rows.high - rows.low + 1) * MAP.row + MAP.foot;
	const canvas = svg("svg", { class: "gap-map", height, role: "img",
		"aria-label": `When the ${counted(data.shown.gaps, "gap")} began and how long they were; the list below has them all` });
	const draw = perFrame(() => drawMap(canvas, data, cells, rows, reveal));

	new ResizeObserver(draw).observe(canvas);
	byId("map").append(el("h2", { id: "map-title" }, "Gaps over time"),
		el("p", { class: "muted" }, "When they began, and how long they were; stronger where there are more." +
			(data.n_gaps > data.shown.gaps ? ` Only ${selectionText(data, data.shown.gaps)}.` : "")), canvas);
	byId("map").hidden = false;
}
