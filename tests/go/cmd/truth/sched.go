// SPDX-License-Identifier: BSD-2-Clause

package main

// What the scheduler did, worked out from ftrace's events alone, by rules of its own: shares nothing with kflight.

import "sort"

// stretch is a part of a gap that was spent on the queue of one CPU; it lasts until the next one or the gap's end.
type stretch struct {
	from uint64
	cpu  int16
}

// gap is a time in which a thread was ready but not running.
type gap struct {
	tid        int32
	start, end uint64
	stretches  []stretch
}

func (g gap) length() uint64 { return g.end - g.start }

// Shorter gaps are not kept: nothing is compared below 100 us, and the tolerance is 60 us.
const keepGapNs = 40_000

type threadState uint8

const (
	unknown threadState = iota
	blocked
	runnable
	running
)

type thread struct {
	state     threadState
	since     uint64
	wokenAt   uint64 // while it still ran: the wake-up may precede the switch-out that it ends
	stretches []stretch
}

// run is a thread that came to a CPU at start, 0 being the idle task.
type run struct {
	start uint64
	tid   int32
}

type schedule struct {
	gaps map[int32][]gap // by tid, in time order
	runs map[int16][]run // by CPU
	of   map[int32][]int // events that a thread takes part in, for explanations
	all  []event
}

// Reported for a thread that is preempted; the kernel's TASK_REPORT_MAX.
const preemptedState = 0x100

func simulate(c *capture) *schedule {
	s := &schedule{gaps: map[int32][]gap{}, runs: map[int16][]run{}, all: c.events}
	threads := map[int32]*thread{}
	of := func(tid int32) *thread {
		t := threads[tid]
		if t == nil {
			t = &thread{}
			threads[tid] = t
		}
		return t
	}
	ready := func(t *thread, ts uint64, cpu int16) {
		t.state, t.since, t.wokenAt = runnable, ts, 0
		t.stretches = append(t.stretches[:0:0], stretch{ts, cpu})
	}
	for _, e := range c.events {
		switch e.kind {
		case evSwitch:
			s.runs[e.cpu] = append(s.runs[e.cpu], run{e.ts, e.next})
			if e.tid != 0 {
				t := of(e.tid)
				if e.state == 0 || e.state&preemptedState != 0 {
					ready(t, e.ts, e.cpu)
				} else {
					t.state, t.since = blocked, e.ts
					t.stretches = append(t.stretches[:0:0], stretch{e.ts, e.cpu})
				}
			}
			if e.next != 0 {
				s.switchIn(e.next, of(e.next), e)
			}
		case evWaking:
			t := of(e.tid)
			switch t.state {
			case running:
				t.wokenAt = e.ts
			case blocked, unknown:
				ready(t, e.ts, e.to)
			}
		case evWakeupNew:
			ready(of(e.tid), e.ts, e.to)
		case evMigrate:
			if t := of(e.tid); t.state == runnable {
				t.stretches = append(t.stretches, stretch{e.ts, e.to})
			}
		}
	}
	for tid, t := range threads {
		if t.state == runnable {
			s.add(gap{tid, t.since, ^uint64(0), t.stretches})
		}
	}
	return s
}

// switchIn ends the gap. A thread that blocked and comes back without a wake-up was woken before it was switched out:
// it was ready from then on.
func (s *schedule) switchIn(tid int32, t *thread, e event) {
	if t.state == runnable || t.state == blocked {
		s.add(gap{tid, t.since, e.ts, t.stretches})
	}
	*t = thread{state: running, since: e.ts}
}

func (s *schedule) add(g gap) {
	if g.length() >= keepGapNs {
		s.gaps[g.tid] = append(s.gaps[g.tid], g)
	}
}

// share of each thread in a gap, in ns; idle has tid 0, what is not known -1.
func (s *schedule) shares(g gap) map[int32]uint64 {
	sum := map[int32]uint64{}
	for i, part := range g.stretches {
		end := g.end
		if i+1 < len(g.stretches) {
			end = g.stretches[i+1].from
		}
		runs := s.runs[part.cpu]
		at := part.from
		n := sort.Search(len(runs), func(i int) bool { return runs[i].start > at }) - 1
		for at < end {
			who, until := int32(-1), end
			if n >= 0 {
				who = runs[n].tid
			}
			if n+1 < len(runs) && runs[n+1].start < end {
				until = runs[n+1].start
			}
			sum[who] += until - at
			at = until
			n++
		}
	}
	return sum
}

// around lists events of a thread near a time, at most limit of them.
func (s *schedule) around(tid int32, ts uint64, limit int) []event {
	const near = 300_000
	var found []event
	first := sort.Search(len(s.all), func(i int) bool { return s.all[i].ts+near >= ts })
	for _, e := range s.all[first:] {
		if e.ts > ts+near || len(found) == limit {
			break
		}
		if e.tid == tid || e.kind == evSwitch && e.next == tid {
			found = append(found, e)
		}
	}
	return found
}
