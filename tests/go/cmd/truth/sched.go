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
	waker      int32 // whose wake-up began it, 0 none
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
	waker     int32
	wokenAt   uint64 // while it still ran: the wake-up may precede the switch-out that it ends
	stretches []stretch
}

// run is a thread that came to a CPU at start, 0 being the idle task.
type run struct {
	start uint64
	tid   int32
}

// hole is a switch that the kernel told nobody about: on one CPU a thread came and another one left. What ran in
// between is not known, nor when these two threads came and went.
type hole struct{ from, to uint64 }

// A host can exempt processes of its own from tracing: its threads come to a CPU, but never leave it, and a BPF program
// does not see whom they wake.
type exempt map[int32]bool

type schedule struct {
	gaps  map[int32][]gap // by tid, in time order
	runs  map[int16][]run // by CPU
	holes map[int32][]hole
	nHole int
	mute  exempt
	all   []event
}

// Reported for a thread that is preempted; the kernel's TASK_REPORT_MAX.
const preemptedState = 0x100

func simulate(c *capture) *schedule {
	s := &schedule{gaps: map[int32][]gap{}, runs: map[int16][]run{}, holes: map[int32][]hole{},
		all: c.events}
	threads := map[int32]*thread{}
	of := func(tid int32) *thread {
		t := threads[tid]
		if t == nil {
			t = &thread{}
			threads[tid] = t
		}
		return t
	}
	ready := func(t *thread, ts uint64, cpu int16, waker int32) {
		t.state, t.since, t.wokenAt, t.waker = runnable, ts, 0, waker
		t.stretches = append(t.stretches[:0:0], stretch{ts, cpu})
	}
	for _, e := range c.events {
		switch e.kind {
		case evSwitch:
			if last, ok := s.checkPrev(e); ok {
				*of(last), *of(e.tid) = thread{}, thread{}
			}
			s.runs[e.cpu] = append(s.runs[e.cpu], run{e.ts, e.next})
			if e.tid != 0 {
				t := of(e.tid)
				if e.state == 0 || e.state&preemptedState != 0 {
					ready(t, e.ts, e.cpu, 0)
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
				ready(t, e.ts, e.to, e.next)
			}
		case evWakeupNew:
			ready(of(e.tid), e.ts, e.to, e.next)
		case evMigrate:
			// A blocked one may turn out to have been woken already, see switchIn.
			if t := of(e.tid); t.state == runnable || t.state == blocked {
				t.stretches = append(t.stretches, stretch{e.ts, e.to})
			}
		}
	}
	s.mute = findExempt(c.events)
	for tid, t := range threads {
		if t.state == runnable {
			s.add(gap{tid, t.waker, t.since, ^uint64(0), t.stretches})
		}
	}
	return s
}

// checkPrev notes a hole, and returns who had come to the CPU before it.
func (s *schedule) checkPrev(e event) (int32, bool) {
	runs := s.runs[e.cpu]
	if len(runs) == 0 || runs[len(runs)-1].tid == e.tid {
		return 0, false
	}
	last := &runs[len(runs)-1]
	came := last.tid
	h := hole{last.start, e.ts}
	s.holes[came] = append(s.holes[came], h)
	s.holes[e.tid] = append(s.holes[e.tid], h)
	s.nHole++
	last.tid = -1
	return came, true
}

func findExempt(events []event) exempt {
	came, left := map[int32]int{}, map[int32]bool{}
	for _, e := range events {
		if e.kind == evSwitch {
			came[e.next]++
			left[e.tid] = true
		}
	}
	mute := exempt{}
	for tid, n := range came {
		if n > 1 && !left[tid] {
			mute[tid] = true
		}
	}
	return mute
}

// excused tells whether the begin or end of a thread's gap may lie in a hole, or came from an exempt thread.
func (s *schedule) excused(g gap) bool {
	if s.mute[g.waker] || s.mute[g.tid] {
		return true
	}
	for _, h := range s.holes[g.tid] {
		if h.from <= g.end+toleranceNs && g.start <= h.to+toleranceNs {
			return true
		}
	}
	return false
}

// readyAt tells whether a gap is the rest of one that had begun before the window.
func (s *schedule) readyAt(g gap, from uint64) bool {
	for _, o := range s.gaps[g.tid] {
		if o.start < from && apart(min(o.end, g.end+toleranceNs), g.end) <= toleranceNs && o.end >= g.start {
			return true
		}
	}
	return false
}

// switchIn ends the gap. A thread that blocked and comes back without a wake-up was woken before it was switched out:
// it was ready from then on.
func (s *schedule) switchIn(tid int32, t *thread, e event) {
	if t.state == runnable || t.state == blocked {
		s.add(gap{tid, t.waker, t.since, e.ts, t.stretches})
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

// around lists the last events of a thread before a time and the first ones after it.
func (s *schedule) around(tid int32, ts uint64) []event {
	const near, each = 300_000, 3
	var before, after []event
	first := sort.Search(len(s.all), func(i int) bool { return s.all[i].ts+near >= ts })
	for _, e := range s.all[first:] {
		if e.ts > ts+near || len(after) == each {
			break
		}
		if e.tid != tid && (e.kind != evSwitch || e.next != tid) {
			continue
		}
		if e.ts < ts {
			before = append(before, e)
		} else {
			after = append(after, e)
		}
	}
	return append(before[max(0, len(before)-each):], after...)
}
