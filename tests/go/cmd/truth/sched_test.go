// SPDX-License-Identifier: BSD-2-Clause

package main

import "testing"

const ms = 1_000_000

// Two CPUs. 10 blocks on CPU 0; 20 runs there; 10 is woken to CPU 0, moves to CPU 1 where 30 runs, and runs at last.
func scripted() *capture {
	return &capture{events: []event{
		{ts: 1 * ms, kind: evSwitch, cpu: 0, tid: 0, next: 10},
		{ts: 1 * ms, kind: evSwitch, cpu: 1, tid: 0, next: 30},
		{ts: 2 * ms, kind: evSwitch, cpu: 0, tid: 10, state: 1, next: 20},
		{ts: 3 * ms, kind: evWaking, cpu: 1, tid: 10, to: 0, next: 30},
		{ts: 5 * ms, kind: evMigrate, cpu: 1, tid: 10, to: 1, next: 30},
		{ts: 6 * ms, kind: evSwitch, cpu: 1, tid: 30, state: preemptedState, next: 10},
		{ts: 8 * ms, kind: evWaking, cpu: 0, tid: 10, to: 1, next: 20},
		{ts: 8*ms + 100, kind: evSwitch, cpu: 1, tid: 10, state: 1, next: 30},
		{ts: 9 * ms, kind: evSwitch, cpu: 1, tid: 30, state: 1, next: 10},
	}}
}

func TestGaps(t *testing.T) {
	s := simulate(scripted())
	want := []gap{
		{tid: 10, start: 3 * ms, end: 6 * ms},     // woken
		{tid: 10, start: 8*ms + 100, end: 9 * ms}, // woken just before it was switched out
		{tid: 30, start: 6 * ms, end: 8*ms + 100}, // preempted
	}
	got := append(append([]gap{}, s.gaps[10]...), s.gaps[30]...)
	if len(got) != len(want) {
		t.Fatalf("gaps: got %v, want %v", got, want)
	}
	for i, w := range want {
		if g := got[i]; g.tid != w.tid || g.start != w.start || g.end != w.end {
			t.Errorf("gap %d: got %v, want %v", i, g, w)
		}
	}
}

func TestShares(t *testing.T) {
	s := simulate(scripted())
	got := s.shares(s.gaps[10][0])
	if got[20] != 2*ms || got[30] != 1*ms || len(got) != 2 {
		t.Errorf("shares: got %v, want 20: %d, 30: %d", got, 2*ms, 1*ms)
	}
}

// What interrupts took is missing from the threads they hit; nobody else may have too much or too little.
func TestWorstShare(t *testing.T) {
	for _, c := range []struct {
		name         string
		ours, theirs map[int32]uint64
		want         float64
	}{
		{"equal", map[int32]uint64{1: 600, 2: 400}, map[int32]uint64{1: 600, 2: 400}, 0},
		{"taken from one", map[int32]uint64{1: 500, taken: 100, 2: 400}, map[int32]uint64{1: 600, 2: 400}, 0},
		{"more missing than was taken", map[int32]uint64{1: 450, taken: 100, 2: 450}, map[int32]uint64{1: 600, 2: 400}, 0.05},
		{"nobody else", map[int32]uint64{1: 1000}, map[int32]uint64{1: 900, 3: 100}, 0.1},
	} {
		if got, _ := worstShare(c.ours, c.theirs, 1000); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
