# SPDX-License-Identifier: BSD-2-Clause
"""read_perfetto.py TRACE REPORT NDJSON: reads a Perfetto trace with Perfetto's own message definitions (PyPI: perfetto), by the rules of
its reader (sorted by time, an end ends the youngest slice of its track), and compares with what kflight says in other formats.

read_perfetto.py --cut TRACE FROM TO: it is whole, and nothing lies outside.
"""
import collections
import datetime
import json
import sys

from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

CLEARED, NEEDS_STATE = 1, 2
REALTIME, MONOTONIC, BOOTTIME = 1, 3, 6
LONG_NS = 100000


def die(text):
    sys.exit(text)


def expect(what, wanted, got):
    if wanted != got:
        die(f"{what}: wanted {wanted}, got {got}")


Slice = collections.namedtuple("Slice", "start end name notes flows last_flows instant")


class Reader:
    def __init__(self, name):
        trace = Trace()
        with open(name, "rb") as file:
            trace.ParseFromString(file.read())
        self.tracks, self.clocks, self.slices = {}, {}, collections.defaultdict(list)
        self.names, self.keys, self.events = {}, {}, []
        for number, packet in enumerate(trace.packet):
            self.read(number, packet)
        for packet in sorted(self.events, key=lambda event: event[0]):  # stable, as Perfetto's own
            self.play(*packet)
        for track, open_slices in self.open.items():
            if open_slices:
                die(f"never ended on {self.tracks[track].name or track}: {open_slices}")

    def read(self, number, packet):
        expect("sequence", 1, packet.trusted_packet_sequence_id)
        expect(f"state of packet {number}", CLEARED if number == 0 else 0, packet.sequence_flags & CLEARED)
        if number == 0:
            expect("clock", MONOTONIC, packet.trace_packet_defaults.timestamp_clock_id)
            expect("first packet", True, packet.first_packet_on_sequence)
        for entry in packet.interned_data.event_names:
            self.learn(self.names, entry)
        for entry in packet.interned_data.debug_annotation_names:
            self.learn(self.keys, entry)
        if packet.HasField("clock_snapshot"):
            expect("the trace's clock", MONOTONIC, packet.clock_snapshot.primary_trace_clock)
            self.clocks = {clock.clock_id: clock.timestamp for clock in packet.clock_snapshot.clocks}
        if packet.HasField("track_descriptor"):
            self.declare(packet.track_descriptor)
        if packet.HasField("track_event"):
            expect("needs interned names", NEEDS_STATE, packet.sequence_flags & NEEDS_STATE)
            self.events.append((packet.timestamp, packet.track_event))

    open = collections.defaultdict(list)

    def learn(self, table, entry):
        if not entry.iid or entry.iid in table:
            die(f"iid {entry.iid} twice")
        table[entry.iid] = entry.name

    def declare(self, track):
        if not track.uuid or track.uuid in self.tracks:
            die(f"track {track.uuid} twice")
        if track.parent_uuid and track.parent_uuid not in self.tracks:
            die(f"track {track.uuid} has no parent {track.parent_uuid}")
        self.tracks[track.uuid] = track

    def play(self, ts, event):
        if event.track_uuid not in self.tracks:
            die(f"track {event.track_uuid} is not declared")
        stack, done = self.open[event.track_uuid], self.slices[event.track_uuid]
        if event.type == TrackEvent.TYPE_SLICE_END:
            if not stack:
                die(f"at {ts} ends what never began on {self.tracks[event.track_uuid]}")
            start, rest = stack.pop()
            done.append(Slice(start, ts, *rest, False))
            return
        notes = {
            self.keys[note.name_iid]: note.string_value if note.HasField("string_value") else note.uint_value
            for note in event.debug_annotations
        }
        rest = (self.names[event.name_iid], notes, list(event.flow_ids), list(event.terminating_flow_ids))
        if event.type == TrackEvent.TYPE_INSTANT:
            done.append(Slice(ts, ts, *rest, True))
        else:
            expect("type", TrackEvent.TYPE_SLICE_BEGIN, event.type)
            stack.append((ts, rest))

    def of_threads(self):
        return {uuid: track for uuid, track in self.tracks.items() if track.HasField("thread")}

    def of_cpus(self):
        cpus = next(uuid for uuid, track in self.tracks.items() if track.name == "CPUs")
        return {uuid: track for uuid, track in self.tracks.items() if track.parent_uuid == cpus}


def check_threads(reader, report):
    sums = collections.defaultdict(collections.Counter)
    for uuid, track in reader.of_threads().items():
        process = reader.tracks[track.parent_uuid].process
        expect(f"process of {track.thread.tid}", track.thread.pid, process.pid)
        at = None
        for one in reader.slices[uuid]:
            if one.instant:
                continue
            if at is not None and one.start < at:
                die(f"states of {track.thread.tid} overlap at {one.start}")
            at = one.end
            sums[track.thread.tid][one.name] += one.end - one.start
    wanted = collections.defaultdict(collections.Counter)
    for thread in report["threads"]:
        if not (thread["running_ns"] or thread["runnable_ns"] or thread["gaps"]):
            continue
        counter = wanted[thread["tid"]]
        counter["running"] += thread["running_ns"]
        counter["runnable"] += thread["runnable_ns"]
        counter["unknown"] += thread["unknown_ns"]
        for kind, ns in thread["blocked_by_ns"].items():
            counter[f"blocked: {kind}"] += ns
    expect("threads", sorted(wanted), sorted(sums))
    for tid, counter in wanted.items():
        expect(f"times of thread {tid}", +counter, +sums[tid])
    return len(wanted)


def check_cpus(reader, report):
    ran, taken = collections.Counter(), 0
    for uuid, track in reader.of_cpus().items():
        at = 0
        if track.name.count(" ") > 1:
            taken += len(reader.slices[uuid])
            continue
        for one in reader.slices[uuid]:
            if one.instant:
                continue
            if one.start < at:
                die(f"{track.name} runs two at {one.start}")
            at = one.end
            ran["unknown" if one.name == "unknown" else "known"] += one.end - one.start
    expect("time on CPUs", sum(thread["running_ns"] for thread in report["threads"]), ran["known"])
    return taken


def check_flows(reader):
    begins, ends = {}, {}
    for uuid, slices in reader.slices.items():
        for one in slices:
            for flow in one.flows:
                begins.setdefault(flow, []).append((one, uuid))
            for flow in one.last_flows:
                ends.setdefault(flow, []).append((one, uuid))
    expect("flows that end", sorted(begins), sorted(ends))
    for flow in begins:
        expect(f"ends of flow {flow}", (1, 1), (len(begins[flow]), len(ends[flow])))
        (waker, _), (gap, track) = begins[flow][0], ends[flow][0]
        expect(f"moment of flow {flow}", waker.start, gap.start)
        expect("end of an arrow", "runnable", gap.name)
        thread = reader.tracks[track].thread
        if f"wakes {thread.thread_name or '?'}" not in waker.name:
            die(f"'{waker.name}' leads to {thread}")
    return len(begins)


def check_sentences(reader, report, gaps):
    told = [one for uuid in reader.of_threads() for one in reader.slices[uuid] if "why" in one.notes]
    expect("gaps with a sentence", sum(gap["wait_ns"] >= LONG_NS for gap in gaps), len(told))
    sentences = {one.notes["why"] for one in told}
    for gap in report["gaps"]["worst"]:
        if gap["wait_ns"] >= LONG_NS and gap["sentence"] not in sentences:
            die(f"nobody says: {gap['sentence']}")


def check_about(reader, report):
    about = next(uuid for uuid, track in reader.tracks.items() if track.name == "kflight")
    window, trigger = sorted(reader.slices[about], key=lambda one: one.instant)
    expect("window", (report["window"]["floor_ns"], report["window"]["end_ns"]), (window.start, window.end))
    expect("host", report["host"], window.notes["host"])
    expect("trigger", report["trigger"]["sentence"], trigger.notes["why"])
    expect("moment of the trigger", report["trigger"]["ts_ns"], trigger.start)
    real_us = (reader.clocks[REALTIME] + trigger.start - reader.clocks[MONOTONIC]) // 1000
    time = datetime.datetime.fromtimestamp(real_us // 10**6, datetime.timezone.utc).replace(microsecond=real_us % 10**6)
    expect("wall clock", report["trigger"]["time"], time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def check_all(trace, report_name, gaps_name):
    with open(report_name, encoding="utf-8") as file:
        report = json.load(file)
    with open(gaps_name, encoding="utf-8") as file:
        gaps = [json.loads(line) for line in file]
    reader = Reader(trace)
    check_about(reader, report)
    threads = check_threads(reader, report)
    taken = check_cpus(reader, report)
    check_sentences(reader, report, gaps)
    print(f"{threads} threads, {len(gaps)} gaps, {check_flows(reader)} arrows, {taken} interrupts, {len(reader.events)} events")


def check_cut(trace, from_ns, to_ns):
    reader = Reader(trace)
    check_flows(reader)
    times = [ts for ts, _ in reader.events]
    expect("first and last event", (from_ns, to_ns), (min(times), max(times)))
    print(len(times))


if sys.argv[1] == "--cut":
    check_cut(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
    check_all(*sys.argv[1:])
