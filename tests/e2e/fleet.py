# SPDX-License-Identifier: BSD-2-Clause
"""fleet.py DOCUMENT FOLDER: runs every query of docs/fleet.md in DuckDB on FOLDER/gaps/*.csv, FOLDER/reports/*.json and FOLDER/pods.csv, and
compares each answer with one computed here from the same files, without a database. FOLDER/gaps/*.ndjson are the same gaps in the other format.

A query of the document that is not checked here is an error, and so is a check without a query.
"""
import collections
import csv
import datetime
import glob
import json
import os
import re
import sys

import duckdb

DAY = datetime.timedelta(days=1)


def queries(document):
    """{heading: SQL}"""
    with open(document, encoding="utf-8") as file:
        found = re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", file.read(), re.M | re.S)
    return {head: block[0] for head, text in found if (block := re.findall(r"^```sql\n(.*?)^```", text, re.M | re.S))}


def number(row, key):
    return int(row[key]) if row[key] else 0


class Files:
    """What the files hold, read by the csv and json modules."""

    def __init__(self):
        self.rows = []
        for name in sorted(glob.glob("gaps/*.csv")):
            with open(name, encoding="utf-8", newline="") as file:
                self.rows += [dict(row, file=name) for row in csv.DictReader(file)]
        self.gaps = [row for row in self.rows if row["part"] in ("0", "")]
        self.threads = [row for row in self.rows if row["part_kind"] == "thread"]
        self.reports = []
        for name in sorted(glob.glob("reports/*.json")):
            with open(name, encoding="utf-8") as file:
                self.reports.append(json.load(file))

        with open("pods.csv", encoding="utf-8", newline="") as file:
            self.pods = {row["pod"]: row["name"] for row in csv.DictReader(file)}

    def lines(self):
        for name in sorted(glob.glob("gaps/*.ndjson")):
            with open(name, encoding="utf-8") as file:
                yield from map(json.loads, file)


def grouped(rows, *keys):
    groups = collections.defaultdict(list)
    for row in rows:
        groups[tuple(row[key] for key in keys)].append(row)
    return groups


def hosts(rows):
    return len({row["host"] for row in rows})


def delay(rows):
    return sum(number(row, "part_ns") for row in rows) / 1e6


def percentile(values, share):
    """The smallest of the values that at least this share does not exceed."""
    values = sorted(values)
    return values[max(0, -int(-share * len(values) // 1) - 1)]


def worst_culprits(files):
    since = (datetime.datetime.now(datetime.timezone.utc) - 7 * DAY).strftime("%Y-%m-%dT%H:%M:%S")
    recent = [row for row in files.threads if row["start_time"] > since]
    answer = [
        (name, delay(rows), hosts(rows), len({(row["host"], row["tgid"]) for row in rows}))
        for (name,), rows in grouped(recent, "part_process").items()
    ]
    return sorted(answer, key=lambda row: (-row[1], row[0]))[:20]


def rule_growth(files):
    deploy = re.search(r"TIMESTAMP '([^']*)'", files.sql).group(1).replace(" ", "T")
    count = collections.Counter(report["trigger"]["time"] >= deploy for report in files.reports)
    found, worst = collections.Counter(), {}
    for report in files.reports:
        after = report["trigger"]["time"] >= deploy
        for finding in report["findings"]:
            found[finding["rule"], after] += finding["count"]
            if after:
                worst[finding["rule"]] = max(worst.get(finding["rule"], 0), finding["worst_ns"])

    def each(rule, after):
        return found[rule, after] / count[after] if count[after] else None

    answer = [
        (rule, each(rule, False), each(rule, True), worst[rule] / 1e6 if rule in worst else None)
        for rule in {rule for rule, _ in found}
    ]
    return sorted(answer, key=lambda row: (-((row[2] or 0) - (row[1] or 0)), row[0]))


def worst_processes(files):
    answer = []
    for (host, process), rows in grouped(files.gaps, "host", "process").items():
        waits = [number(row, "wait_ns") for row in rows]
        if len(waits) >= 10:
            answer.append((host, process, len(waits), percentile(waits, 0.99) / 1e6, max(waits) / 1e6))
    return sorted(answer, key=lambda row: (-row[3], row[0], row[1]))[:20]


def pods(files):
    rows = [row for row in files.threads if row["part_pod"] != row["pod"]]
    for row in rows:
        row["victim"] = files.pods.get(row["pod"]) or row["pod"] or row["unit"] or "host"
        row["culprit"] = files.pods.get(row["part_pod"]) or row["part_pod"] or row["part_unit"] or "host"
    answer = [
        (victim, culprit, hosts(group), delay(group)) for (victim, culprit), group in grouped(rows, "victim", "culprit").items()
    ]
    return sorted(answer, key=lambda row: (-row[3], row[0], row[1]))[:20]


def throttled(files):
    rows = [row for row in files.gaps if row["kind"] == "throttled" or number(row, "throttled_ns")]
    for row in rows:
        row["quota_of"] = row["quota_cgroup"] or row["cgroup"] or "not known"
    answer = [
        (name, hosts(group), len(group), sum(ns) / 1e6, max(ns) / 1e6)
        for (name,), group in grouped(rows, "quota_of").items()
        if (ns := [number(row, "throttled_ns") for row in group])
    ]
    return sorted(answer, key=lambda row: (-row[3], row[0]))


def causes(files):
    parts = [row for row in files.rows if row["part_kind"]]
    whole = {host: delay(rows) for (host,), rows in grouped(parts, "host").items()}
    answer = [
        (host, kind, delay(rows), 100 * delay(rows) / whole[host])
        for (host, kind), rows in grouped(parts, "host", "part_kind").items()
    ]
    return sorted(answer, key=lambda row: (row[0], -row[2], row[1]))


def interrupts(files):
    parts = [row for row in files.rows if row["part_kind"] in ("irq", "softirq")]
    answer = [
        (kind, vector, hosts(rows), delay(rows), max(number(row, "part_ns") for row in rows) / 1e6)
        for (kind, vector), rows in grouped(parts, "part_kind", "part_vector").items()
    ]
    return sorted(answer, key=lambda row: (-row[3], row[0], row[1]))


def realtime(files):
    parts = [row for row in files.threads if re.match("SCHED_(FIFO|RR|DEADLINE)", row["part_prio"])]
    answer = [
        (name, prio, hosts(rows), delay(rows)) for (name, prio), rows in grouped(parts, "part_process", "part_prio").items()
    ]
    return sorted(answer, key=lambda row: (-row[3], row[0]))


def placement(files):
    rows = [row for row in files.gaps if number(row, "idle_elsewhere_ns")]
    answer = [
        (host, process, len(group), sum(number(row, "wait_ns") for row in group) / 1e6, idle_ns / 1e6)
        for (host, process), group in grouped(rows, "host", "process").items()
        if (idle_ns := sum(number(row, "idle_elsewhere_ns") for row in group))
    ]
    return sorted(answer, key=lambda row: (-row[4], row[0], row[1]))[:20]


def kernels(files):
    answer = []
    for (kernel,), rows in grouped(files.gaps, "kernel").items():
        waits = [number(row, "wait_ns") for row in rows]
        idle = sum(row["kind"] == "woken_idle" for row in rows)
        answer.append(
            (kernel, hosts(rows), len(rows), percentile(waits, 0.5) / 1e3, percentile(waits, 0.99) / 1e3, 100 * idle / len(rows))
        )
    return sorted(answer)


def incident(files):
    for row in files.gaps:
        row["minute"] = datetime.datetime.fromisoformat(row["start_time"][:16])
    answer = []
    for (minute, host), rows in grouped(files.gaps, "minute", "host").items():
        worst = max(number(row, "wait_ns") for row in rows)
        names = {row["process"] for row in rows if number(row, "wait_ns") == worst}
        answer.append((minute, host, worst / 1e6, names))
    return sorted(answer, key=lambda row: row[:2])


CHECKS = {
    "The worst culprits of the fleet this week": worst_culprits,
    "Which rule grew since the deploy": rule_growth,
    "The worst processes by their 99th percentile": worst_processes,
    "Which pods take the CPU from which": pods,
    "Throttled time by cgroup": throttled,
    "Why threads wait, host by host": causes,
    "Interrupts that delay threads": interrupts,
    "Real-time threads that delay others": realtime,
    "Threads that waited while another CPU was idle": placement,
    "Does a new kernel do better?": kernels,
    "What happened on all hosts around one incident": incident,
}


def equal(got, wanted):
    if isinstance(wanted, set):  # any of these
        return got in wanted
    if isinstance(wanted, float) or isinstance(got, float):
        return got is not None and wanted is not None and abs(got - wanted) <= 0.01 + 1e-9 * abs(wanted)
    return got == wanted


def compare(head, got, wanted):
    if len(got) != len(wanted):
        sys.exit(f"{head}: {len(got)} rows instead of {len(wanted)}: {got[:3]} instead of {wanted[:3]}")
    for one, other in zip(got, wanted):
        if len(one) != len(other) or not all(map(equal, one, other)):
            sys.exit(f"{head}: {one} instead of {other}")


def check_load(database, files):
    """The table holds what the files hold, and what the other format says."""
    lines = list(files.lines())
    waited = sum(line["wait_ns"] for line in lines)
    gaps, wait_ns = database.execute("SELECT count(*), sum(wait_ns) FROM waits").fetchone()
    rows, part_ns = database.execute("SELECT count(*), sum(part_ns) FROM gaps").fetchone()
    compare("Load", [(gaps, wait_ns, part_ns)], [(len(lines), waited, waited)])
    compare("Load", [(rows,)], [(len(files.rows),)])
    found = database.execute("SELECT count(*) FROM findings").fetchone()[0]
    compare("Load", [(found,)], [(sum(len(report["findings"]) for report in files.reports),)])
    names = database.execute("SELECT DISTINCT coalesce(comm, '') AS comm FROM gaps ORDER BY comm").fetchall()
    compare("names", names, sorted({(row["comm"],) for row in files.rows}))
    print(f"{rows} rows of {gaps} gaps, {found} findings of {len(files.reports)} snapshots")


def main():
    sql = queries(sys.argv[1])
    os.chdir(sys.argv[2])
    files = Files()
    database = duckdb.connect()
    database.execute(sql.pop("Load"))
    check_load(database, files)
    if sql.keys() != CHECKS.keys():
        sys.exit(f"not both in the document and checked: {sorted(sql.keys() ^ CHECKS.keys())}")
    for head, query in sql.items():
        files.sql = query
        got = database.execute(query).fetchall()
        compare(head, got, CHECKS[head](files))
        print(f"{len(got)} rows as computed: {head}")


main()
