// SPDX-License-Identifier: BSD-2-Clause

// Truth compares what kflight says with what ftrace saw at the same time.
//
//	truth drain INSTANCE DIR                     copy the ring buffers of a tracefs instance
//	truth compare NAME DIR TRACE NDJSON FROM TO  compare gaps and culprits in that window (CLOCK_MONOTONIC ns)
//	truth events DIR TID                         what ftrace saw of one thread; of all if TID is negative
//
// Every gap of at least 100 us that ftrace shows inside kflight's window has to be in the Go trace with the same thread,
// start and end (within 60 us), and the other way round, in 99.9 % of the cases; every miss is printed with what ftrace
// saw around it. Left out are gaps that begin or end in a hole: where one thread came to a CPU and another one left,
// without a switch between them, or that were begun by a thread that the host exempts from tracing. For gaps of at least 1 ms the share of every thread has to agree within 2 % of the gap.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sort"
	"strconv"
)

const (
	minGapNs    = 100_000
	toleranceNs = 60_000
	minHit      = 0.999
	minShareNs  = 1_000_000
	maxShareOff = 0.02
	scanNs      = 2_000_000
	maxPrinted  = 10
)

func main() {
	var err error
	ok := true
	switch args := os.Args[1:]; {
	case len(args) == 3 && args[0] == "drain":
		err = drain(args[1], args[2])
	case len(args) == 7 && args[0] == "compare":
		var w window
		if w, err = parseWindow(args[5], args[6]); err == nil {
			ok, err = compare(args[1], args[2], args[3], args[4], w)
		}
	case len(args) == 3 && args[0] == "events":
		err = printEvents(args[1], args[2])
	default:
		err = fmt.Errorf("usage: truth drain INSTANCE DIR | compare NAME DIR TRACE NDJSON FROM TO | events DIR TID")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "truth:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

func printEvents(dir, text string) error {
	tid, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return err
	}
	c, err := readCapture(dir)
	if err != nil {
		return err
	}
	for _, e := range c.events {
		if tid < 0 || e.tid == int32(tid) || e.kind == evSwitch && e.next == int32(tid) {
			fmt.Println(e)
		}
	}
	return nil
}

// window is the one kflight vouches for. (A trace begins a little earlier, with the states it starts from.)
type window struct{ from, to uint64 }

func parseWindow(from, to string) (w window, err error) {
	if w.from, err = strconv.ParseUint(from, 10, 64); err == nil {
		w.to, err = strconv.ParseUint(to, 10, 64)
	}
	return w, err
}

func compare(name, dir, tracePath, ndjson string, w window) (bool, error) {
	c, err := readCapture(dir)
	if err != nil {
		return false, err
	}
	if c.lost > 0 {
		return false, fmt.Errorf("ftrace lost events in %d places: its buffers are too small", c.lost)
	}
	t, err := readGoTrace(tracePath)
	if err != nil {
		return false, fmt.Errorf("%s: %w", tracePath, err)
	}
	from, to := max(c.from, w.from), min(c.to, w.to)
	if from >= to || t.from > from || t.to < to {
		return false, fmt.Errorf("ftrace (%d to %d), the trace (%d to %d) and the window (%d to %d) do not overlap", c.from,
			c.to, t.from, t.to, w.from, w.to)
	}
	s := simulate(c)
	fmt.Printf("%s: ftrace %d events, trace %d events, common window %.3f s\n", name, len(c.events), t.events,
		float64(to-from)/1e9)
	ours := clip(t.gaps, from, to)
	theirs := clip(s.gaps, from, to)
	there := matchAll("ftrace's gap is not in the trace", theirs, ours, s, from)
	// A thread that was ready when recording started is found by the recorder's first scan, a little after the floor.
	for tid, list := range ours {
		ours[tid] = slices.DeleteFunc(list, func(g gap) bool { return g.start < from+scanNs && s.readyAt(g, from) })
	}
	back := matchAll("the trace's gap is not in ftrace", ours, theirs, s, from)
	ok := there.rate() >= minHit && back.rate() >= minHit
	fmt.Printf("figure: %s: %.1f s; gaps >= 100 us: %d of %d (%.3f %%) of ftrace in the trace, %d of %d (%.3f %%) the other way\n",
		name, float64(to-from)/1e9, there.hit, there.all, 100*there.rate(), back.hit, back.all, 100*back.rate())
	if s.nHole > 0 {
		fmt.Printf("figure: %s: %d holes in ftrace, %d threads exempt from tracing; %d and %d gaps of that left out\n",
			name, s.nHole, len(s.mute), there.excused, back.excused)
	}
	if there.all == 0 {
		return false, fmt.Errorf("no gaps: nothing was compared")
	}
	good, err := compareShares(name, ndjson, s, from, to)
	return ok && good, err
}

// clip keeps the gaps that begin in the window, and cuts those that are open at its end.
func clip(gaps map[int32][]gap, from, to uint64) map[int32][]gap {
	cut := map[int32][]gap{}
	for tid, list := range gaps {
		for _, g := range list {
			g.end = min(g.end, to)
			if g.start >= from && g.start < g.end {
				cut[tid] = append(cut[tid], g)
			}
		}
		sort.Slice(cut[tid], func(i, j int) bool { return cut[tid][i].start < cut[tid][j].start })
	}
	return cut
}

// score: excused ones are in neither of the other two.
type score struct{ hit, all, excused int }

func (s score) rate() float64 {
	if s.all == 0 {
		return 1
	}
	return float64(s.hit) / float64(s.all)
}

func apart(a, b uint64) uint64 { return max(a, b) - min(a, b) }

func same(a, b gap) bool {
	return apart(a.start, b.start) <= toleranceNs && apart(a.end, b.end) <= toleranceNs
}

func hasSame(g gap, list []gap) bool {
	first := sort.Search(len(list), func(i int) bool { return list[i].start+toleranceNs >= g.start })
	for ; first < len(list) && list[first].start <= g.start+toleranceNs; first++ {
		if same(g, list[first]) {
			return true
		}
	}
	return false
}

func matchAll(what string, wanted, in map[int32][]gap, s *schedule, from uint64) score {
	var sc score
	for tid, list := range wanted {
		for _, g := range list {
			if g.length() < minGapNs {
				continue
			}
			sc.all++
			if g.start < from+toleranceNs {
				sc.all-- // the other side may see it begin before the window
			} else if hasSame(g, in[tid]) {
				sc.hit++
			} else if s.excused(g) {
				sc.all--
				sc.excused++
			} else if sc.all-sc.hit <= maxPrinted {
				explain(what, g, in[tid], s, from)
			}
		}
	}
	return sc
}

func explain(what string, g gap, others []gap, s *schedule, from uint64) {
	fmt.Printf("MISS: %s: thread %d, %d to %d (%.1f us, %.3f s into the window)\n", what, g.tid, g.start, g.end,
		float64(g.length())/1e3, float64(g.start-from)/1e9)
	for _, o := range others {
		if o.end+1_000_000 >= g.start && o.start <= g.end+1_000_000 {
			fmt.Printf("    the other has %d to %d (start %+d ns, end %+d ns)\n", o.start, o.end,
				int64(o.start)-int64(g.start), int64(o.end)-int64(g.end))
		}
	}
	for _, ts := range []uint64{g.start, g.end} {
		for _, e := range s.around(g.tid, ts) {
			fmt.Println("    ftrace:", e)
		}
	}
}

// A line of `kflight export -f ndjson`.
type line struct {
	Tid   int32  `json:"tid"`
	Start uint64 `json:"start_ns"`
	End   uint64 `json:"end_ns"`
	Wait  uint64 `json:"wait_ns"`
	Parts []struct {
		Kind string `json:"kind"`
		Tid  int32  `json:"tid"`
		Ns   uint64 `json:"ns"`
	} `json:"parts"`
}

func (l line) throttled() bool {
	for _, p := range l.Parts {
		if p.Kind == "throttled" {
			return true
		}
	}
	return false
}

// Time that interrupts and the hypervisor took, which ftrace's switches count for whoever was on the CPU.
const taken = -2

func (l line) shares() (map[int32]uint64, uint64) {
	sum, total := map[int32]uint64{}, uint64(0)
	for _, p := range l.Parts {
		tid := p.Tid
		switch p.Kind {
		case "idle":
			tid = 0
		case "unknown":
			tid = -1
		case "irq", "softirq", "steal":
			tid = taken
		}
		sum[tid] += p.Ns
		total += p.Ns
	}
	return sum, total
}

func compareShares(name, path string, s *schedule, from, to uint64) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	var compared, agreed, unclear, wrongSums int
	var worst float64
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return false, fmt.Errorf("%s: %w in %.200s", path, err, lines.Bytes())
		}
		ours, total := l.shares()
		if total != l.Wait || l.End-l.Start != l.Wait {
			wrongSums++
			fmt.Printf("MISS: parts of thread %d's gap at %d add up to %d, not to %d\n", l.Tid, l.Start, total, l.Wait)
		}
		if l.Wait < minShareNs || l.Start < from || l.End > to {
			continue
		}
		theirs, ok := findGap(s, l)
		if !ok {
			continue // counted by the comparison of gaps
		}
		if s.shares(theirs)[-1] > l.Wait/50 || l.throttled() {
			unclear++
			continue // ftrace itself does not know who ran, or that the thread was in no queue
		}
		compared++
		off, who := worstShare(ours, s.shares(theirs), l.Wait)
		worst = max(worst, off)
		if off <= maxShareOff {
			agreed++
		} else if compared-agreed <= maxPrinted {
			fmt.Printf("MISS: share of thread %d in the gap of %d from %d to %d is off by %.1f %%:\n    kflight %v\n    ftrace  %v\n",
				who, l.Tid, l.Start, l.End, 100*off, ours, s.shares(theirs))
			for _, e := range s.around(l.Tid, l.Start) {
				fmt.Println("    ftrace:", e)
			}
			fmt.Println("    ftrace: queued on (since, CPU)", theirs.stretches)
		}
	}
	fmt.Printf("figure: %s: culprits of %d gaps >= 1 ms: %d agree within 2 %%, worst %.2f %% (%d with a hole in ftrace, or throttled, left out)\n",
		name, compared, agreed, 100*worst, unclear)
	sc := score{hit: agreed, all: compared}
	return wrongSums == 0 && sc.rate() >= minHit, lines.Err()
}

func findGap(s *schedule, l line) (gap, bool) {
	for _, g := range s.gaps[l.Tid] {
		if same(g, gap{start: l.Start, end: l.End}) {
			return g, true
		}
	}
	return gap{}, false
}

// worstShare is the greatest difference between our account of a gap and ftrace's, as a part of the gap. What was taken is
// missing from somebody in ours: from whom, ftrace does not know, so as much may be missing, but nobody has more.
func worstShare(ours, theirs map[int32]uint64, wait uint64) (float64, int32) {
	var worst uint64
	var who int32
	for _, m := range []map[int32]uint64{ours, theirs} {
		for tid := range m {
			d := apart(ours[tid], theirs[tid])
			if tid == taken || ours[tid] < theirs[tid] && d <= ours[taken] {
				continue
			}
			if ours[tid] < theirs[tid] {
				d -= ours[taken]
			}
			if d > worst {
				worst, who = d, tid
			}
		}
	}
	return float64(worst) / float64(wait), who
}
