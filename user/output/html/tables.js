/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables that a click on a heading sorts. */

const ROWS_AT_FIRST = 15, ROWS_MORE = 200;

/*
 * columns: [{title, text: row -> text or node, value: row -> what to sort by, number: right-aligned, larger first}].
 * The rows come sorted by the column numbered `by`.
 */
class SortedTable {
	constructor(caption, columns, rows, by) {
		Object.assign(this, { columns, rows, by, down: true, limit: ROWS_AT_FIRST });
		this.body = el("tbody");
		this.heads = columns.map((column, i) => el("th", { scope: "col", class: column.number ? "number" : null },
			el("button", { type: "button", onclick: () => this.sort(i) }, column.title)));
		this.more = el("button", { type: "button", class: "quiet more", onclick: () => {
			this.limit += ROWS_MORE;
			this.show();
		} });
		this.node = el("div", {}, el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
			el("table", {}, el("caption", { class: "unseen" }, caption), el("thead", {}, el("tr", {}, ...this.heads)),
				this.body)), this.more);
		this.show();
	}

	sort(i) {
		const { value, number } = this.columns[i];

		this.down = this.by === i ? !this.down : Boolean(number);
		this.by = i;
		const sign = this.down ? -1 : 1;

		this.rows.sort((a, b) => {
			const x = value(a), y = value(b);

			return sign * (typeof x === "string" ? x.localeCompare(y) : x - y);
		});
		this.show();
	}

	show() {
		this.heads.forEach((head, i) => {
			head.setAttribute("aria-sort", i !== this.by ? "none" : this.down ? "descending" : "ascending");
		});
		this.body.replaceChildren(...this.rows.slice(0, this.limit).map((row) => el("tr", {},
			...this.columns.map((column) => el("td", { class: column.number ? "number" : null }, column.text(row))))));
		const left = this.rows.length - this.limit;

		this.more.hidden = left <= 0;
		this.more.textContent = `Show ${count(Math.min(left, ROWS_MORE))} more of ${count(left)}`;
	}
}

function some(ns) {
	return ns ? duration(ns) : "–";
}

function section(id, title, note, ...nodes) {
	byId(id).append(el("h2", { id: `${id}-title` }, title), note ? el("p", { class: "muted" }, note) : "", ...nodes);
	byId(id).hidden = false;
}

function showThreads(data, filter) {
	const rows = data.threads.map(([id, running, ready, gaps, worst, unknown, blocked, why]) =>
		({ who: data.who[id], running, ready, gaps, worst, unknown, blocked, why }));
	const ns = (title, key) => ({ title, number: true, value: (row) => row[key], text: (row) => some(row[key]) });
	const columns = [
		{ title: "thread", value: (row) => row.who.label, text: (row) => row.gaps ? el("button", { type: "button",
			class: "link", title: "Show its gaps", onclick: () => filter(row.who.label) }, row.who.label) : row.who.label },
		ns("running", "running"), ns("ready", "ready"),
		{ title: "gaps", number: true, value: (row) => row.gaps, text: (row) => row.gaps ? count(row.gaps) : "–" },
		ns("worst gap", "worst"), ns("unknown", "unknown"), ns("blocked", "blocked"),
		{ title: "blocked in", value: (row) => row.why, text: (row) => el("span", { class: "muted" }, row.why) },
	];
	const asleep = data.n_threads - rows.length;

	if (rows.length)
		section("threads", "Threads", asleep ? `${counted(asleep, "more thread")} did nothing, or had less to wait for.` : "",
			new SortedTable("How every thread spent the window", columns, rows, 2).node);
}

function showCulprits(data) {
	const rows = data.culprits.map(([id, threads, ns, victims, top, topNs]) =>
		({ who: data.who[id], threads, ns, victims, top: data.who[top], topNs }));
	const name = (row) => row.threads > 1 ? `${row.who.label} and ${counted(row.threads - 1, "other")} of that name` : row.who.label;
	const columns = [
		{ title: "ran meanwhile", value: name, text: (row) => el("span", { class: "named" }, swatch(row.who.paint), name(row)) },
		{ title: "delay", number: true, value: (row) => row.ns, text: (row) => duration(row.ns) },
		{ title: "share", number: true, value: (row) => row.ns, text: (row) => percent(row.ns, data.gaps_ns) },
		{ title: "victims", number: true, value: (row) => row.victims, text: (row) => count(row.victims) },
		{ title: "most to", value: (row) => row.top.label, text: (row) => row.top.label },
		{ title: "of it", number: true, value: (row) => row.topNs, text: (row) => duration(row.topNs) },
	];

	if (rows.length)
		section("culprits", "Who had the CPU while others were ready",
			"The time counts once for every thread that waited.", new SortedTable("Culprits", columns, rows, 1).node);
}

/* One row per rule that found something. */
function showRules(data) {
	const rules = new Map();

	for (const finding of data.findings || []) {
		const row = rules.get(finding.rule) || { rule: finding.rule, summary: finding.summary, worst: 0, total: 0, n: 0,
			count: 0, severity: 0 };

		row.n++;
		row.count += finding.count;
		row.total += finding.total;
		row.worst = Math.max(row.worst, finding.worst);
		row.severity = Math.max(row.severity, SEVERITIES.indexOf(finding.severity));
		rules.set(finding.rule, row);
	}
	const columns = [
		{ title: "rule", value: (row) => row.rule, text: (row) => row.rule },
		{ title: "severity", number: true, value: (row) => row.severity, text: (row) => badge(SEVERITIES[row.severity]) },
		{ title: "findings", number: true, value: (row) => row.n, text: (row) => count(row.n) },
		{ title: "times", number: true, value: (row) => row.count, text: (row) => count(row.count) },
		{ title: "worst", number: true, value: (row) => row.worst, text: (row) => some(row.worst) },
		{ title: "in all", number: true, value: (row) => row.total, text: (row) => some(row.total) },
		{ title: "looks for", value: (row) => row.summary, text: (row) => el("span", { class: "muted" }, row.summary) },
	];

	if (rules.size)
		section("rules", "Rules", "", new SortedTable("Findings by rule", columns, [...rules.values()]
			.sort((a, b) => b.severity - a.severity || b.total - a.total), 1).node);
}
