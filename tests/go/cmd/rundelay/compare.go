// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sort"
	"strings"
)

const (
	limitShare = 0.01
	limitNs    = 100_000
	staleNs    = 1_500_000 // see main.go
	perGapNs   = 5_000     // see main.go
	maxStray   = 0.01      // so many threads may differ for no reason that we know
	maxSilent  = 0.1       // ... because kflight says that it does not know
	maxRunsOff = 0.001     // so many waits may be on one side only
	maxPrinted = 20
)

// gap is one line of `export -f ndjson`. The kernel may have counted it shorter by down and longer by up, see main.go.
type gap struct {
	start, end uint64
	open       bool
	woken      bool
	moved      bool // it was on the queues of several CPUs
	early      bool // ready since before the recording: where it begins is not known
	steady     bool // one and the same thread ran meanwhile, or none
	first      int  // CPU on whose queue it began
	cpu        int  // where it ended
	up, down   uint64
}

type line struct {
	Tid   int32  `json:"tid"`
	Start uint64 `json:"start_ns"`
	End   uint64 `json:"end_ns"`
	Open  bool   `json:"open"`
	CPU   *int   `json:"cpu"`
	Kind  string `json:"kind"`
	Parts []struct {
		Kind string `json:"kind"`
		CPU  *int   `json:"cpu"`
		Ns   uint64 `json:"ns"`
	} `json:"parts"`
}

// moved: it went to the queue of another CPU, when is not told.
func (l *line) moved() bool {
	for _, p := range l.Parts {
		if p.CPU == nil || *p.CPU != *l.Parts[0].CPU {
			return true
		}
	}
	return false
}

// steady: one and the same thread had the CPU meanwhile, or none; interrupts and what else takes time from it do not count.
func (l *line) steady() bool {
	occupants := 0
	for _, p := range l.Parts {
		if p.Kind == "thread" || p.Kind == "idle" {
			occupants++
		}
	}
	return occupants <= 1
}

func readGaps(path string) (map[int32][]gap, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	gaps := map[int32][]gap{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("%s: %w in %.200s", path, err, lines.Bytes())
		}
		g := gap{start: l.Start, end: l.End, open: l.Open, woken: strings.HasPrefix(l.Kind, "woken"), cpu: -1,
			first: -1, moved: l.moved(), early: l.Kind == "unknown", steady: l.steady()}
		if len(l.Parts) > 0 && l.Parts[0].CPU != nil {
			g.first = *l.Parts[0].CPU
		}
		if l.CPU != nil {
			g.cpu = *l.CPU
		}
		gaps[l.Tid] = append(gaps[l.Tid], g)
	}
	setSlack(gaps)
	return gaps, lines.Err()
}

// setSlack finds the switches at which the kernel's clock may have stood since the wake-up of the thread that came: its
// own wait was then counted as none, and that of the thread that left began, for the kernel, at that wake-up.
func setSlack(gaps map[int32][]gap) {
	type moment struct {
		cpu int
		at  uint64
	}
	stale := map[moment]uint64{}
	for _, list := range gaps {
		for i := range list {
			g := &list[i]
			if g.woken && g.steady && !g.open {
				g.down = min(g.end-g.start, staleNs)
				stale[moment{g.cpu, g.end}] = g.down
			}
		}
	}
	for _, list := range gaps {
		for i := range list {
			if g := &list[i]; !g.woken {
				g.up = stale[moment{g.first, g.start}]
			}
			list[i].up += perGapNs
			list[i].down += perGapNs
		}
	}
}

type report struct {
	Window struct {
		Floor uint64 `json:"floor_ns"`
		End   uint64 `json:"end_ns"`
	} `json:"window"`
	Threads []struct {
		Tid     int32  `json:"tid"`
		Unknown uint64 `json:"unknown_ns"`
	} `json:"threads"`
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// counted is what the kernel has added to run_delay for this gap by a moment: between low and high.
func (g *gap) counted(at uint64) (low, high uint64) {
	switch {
	case at <= g.start:
		return 0, 0
	case at >= g.end && !g.open:
		return g.end - g.start, g.end - g.start
	case g.moved: // all before the last move
		return 0, at - g.start
	}
	return 0, 0
}

// sum is the growth of run_delay, and of the number of runs, that the gaps say. What a thread waited before it moved to
// another queue, or while it was being read, is in doubt when the gap was open then.
func sum(gaps []gap, w *watched) (s sums) {
	for i := range gaps {
		g := &gaps[i]
		firstLow, _ := g.counted(w.First.Before)
		_, firstHigh := g.counted(w.First.After)
		lastLow, _ := g.counted(w.Last.Before)
		_, lastHigh := g.counted(w.Last.After)
		low, high := float64(lastLow)-float64(firstHigh), float64(lastHigh)-float64(firstLow)
		low = max(low, 0)
		s.ns += (low + high) / 2
		s.doubt += (high - low) / 2
		if g.open || g.end <= w.First.Before || g.end > w.Last.After {
			continue
		}
		s.up += float64(g.up)
		s.down += float64(g.down)
		s.early = s.early || g.early
		s.runs++
		if g.end <= w.First.After || g.end > w.Last.Before {
			s.runsDoubt++
		}
	}
	return s
}

// sums is what the gaps of a thread say for the time between its readings.
type sums struct {
	ns, doubt       float64
	up, down        float64 // how much more, and less, the kernel may have counted
	runs, runsDoubt uint64
	early           bool // one of them began before the recording
}

type verdict struct {
	sums
	w       *watched
	kernels uint64
	unknown uint64
	reason  string // "" agrees
}

// more is what the kernel counted more than kflight.
func (v *verdict) more() float64 { return float64(v.kernels) - v.ns }

func (v *verdict) off() float64 { return math.Abs(v.more()) - v.doubt }

// runsOff is how many waits only one side counted. (A thread that was being read when a wait ended has one in doubt.)
func (v *verdict) runsOff() uint64 {
	if v.kernelRuns() > v.runs {
		return v.kernelRuns() - v.runs
	}
	return max(v.runs-v.kernelRuns(), v.runsDoubt) - v.runsDoubt
}

func (v *verdict) kernelRuns() uint64 { return v.w.Last.Runs - v.w.First.Runs }

const (
	silent = "records missing, says kflight"
	early  = "ready since before the recording"
	stale  = "the kernel's clock stood"
	stray  = "no reason known"
)

func (v *verdict) judge() {
	limit := limitShare*float64(v.kernels) + limitNs
	switch off := v.off(); {
	case off <= limit:
	case -v.down-v.doubt-limit <= v.more() && v.more() <= v.up+v.doubt+limit:
		v.reason = stale
	case v.unknown > 0 && off <= limit+float64(v.unknown)+v.down+v.up:
		v.reason = silent
	case v.early && v.more() > 0:
		v.reason = early
	default:
		v.reason = stray
	}
}

func (v *verdict) String() string {
	return fmt.Sprintf("thread %d (%s): kernel %.3f ms in %d runs, kflight %.3f ms in %d gaps +- %.3f (kernel %+.3f ms, its clock explains %.3f to %+.3f), unknown %.3f ms",
		v.w.Tid, v.w.Comm, float64(v.kernels)/1e6, v.kernelRuns(), v.ns/1e6, v.runs,
		v.doubt/1e6, v.more()/1e6, -v.down/1e6, v.up/1e6, float64(v.unknown)/1e6)
}

func compare(name, readings, ndjson, reportPath string) (bool, error) {
	var all []*watched
	var rep report
	if err := readJSON(readings, &all); err != nil {
		return false, err
	}
	if err := readJSON(reportPath, &rep); err != nil {
		return false, err
	}
	gaps, err := readGaps(ndjson)
	if err != nil {
		return false, err
	}
	unknown := map[int32]uint64{}
	for _, t := range rep.Threads {
		unknown[t.Tid] += t.Unknown
	}
	var verdicts []*verdict
	for _, w := range all {
		if w.First.Before < rep.Window.Floor || w.Last.After > rep.Window.End {
			return false, fmt.Errorf("thread %d was read from %d to %d: the window is only %d to %d", w.Tid, w.First.Before,
				w.Last.After, rep.Window.Floor, rep.Window.End)
		}
		v := &verdict{w: w, kernels: w.Last.Delay - w.First.Delay, unknown: rep.Window.End - rep.Window.Floor}
		if ns, ok := unknown[w.Tid]; ok { // else there is no record of it at all
			v.unknown = ns
		}
		v.sums = sum(gaps[w.Tid], w)
		v.judge()
		verdicts = append(verdicts, v)
	}
	return show(name, verdicts)
}

func show(name string, verdicts []*verdict) (bool, error) {
	var kernels, waited, runs, runsOff uint64
	var ours float64
	reasons := map[string]int{}
	sort.Slice(verdicts, func(i, k int) bool { return verdicts[i].off() > verdicts[k].off() })
	printed := 0
	for _, v := range verdicts {
		kernels += v.kernels
		ours += v.ns
		if v.unknown == 0 {
			runs += v.kernelRuns()
			runsOff += v.runsOff()
			if v.runsOff() > 0 {
				fmt.Printf("%s: COUNT: %v\n", name, v)
			}
		}
		if v.kernels > 0 || v.ns > 0 {
			waited++
		}
		if v.reason != "" {
			reasons[v.reason]++
			if printed++; printed <= maxPrinted || v.reason == stray {
				fmt.Printf("%s: OUTLIER (%s): %v\n", name, v.reason, v)
			}
		}
	}
	if waited == 0 {
		return false, fmt.Errorf("no thread waited: nothing was compared")
	}
	agree := len(verdicts) - printed
	fmt.Printf("figure: %s: %d threads lived through the window (%d of them waited, %.3f s in all, kflight says %.3f s): %d agree within 1 %% + 100 us",
		name, len(verdicts), waited, float64(kernels)/1e9, ours/1e9, agree)
	for _, reason := range []string{stale, silent, early, stray} {
		if n := reasons[reason]; n > 0 {
			fmt.Printf(", %d differ (%s)", n, reason)
		}
	}
	fmt.Printf("; of %d waits of threads with all records %d on one side only\n", runs, runsOff)
	all := float64(len(verdicts))
	return float64(reasons[stray]) <= maxStray*all && float64(reasons[silent]) <= maxSilent*all &&
		float64(runsOff) <= max(2, maxRunsOff*float64(runs)), nil
}
