// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// wait is a time in which a thread, by its own clock, did not run.
type wait struct {
	Tid     int
	StartNs int64 `json:"start_ns"`
	EndNs   int64 `json:"end_ns"`
	MovedNs int64 `json:"moved_ns"`
	RanNs   int64 `json:"ran_ns"` // but for so long
}

// journal is what a workload wrote down.
type journal struct {
	begin map[int]int64  // by tid: since when it is measured
	names map[int]string // by tid
	waits []wait
	group bool // there is none: a whole process is judged
}

func readJournal(path string) *journal {
	j := &journal{begin: map[int]int64{}, names: map[int]string{}}
	lines(path, func(line []byte) error {
		var l struct {
			wait
			Name    string
			BeginNs int64 `json:"begin_ns"`
			DueNs   int64 `json:"due_ns"`
			WokeNs  int64 `json:"woke_ns"`
		}
		if err := json.Unmarshal(line, &l); err != nil {
			return err
		}
		switch {
		case l.BeginNs > 0:
			j.begin[l.Tid] = l.BeginNs
			j.names[l.Tid] = l.Name
		case l.DueNs > 0:
			j.waits = append(j.waits, wait{Tid: l.Tid, StartNs: l.DueNs, EndNs: l.WokeNs})
		default:
			j.waits = append(j.waits, l.wait)
		}
		return nil
	})
	return j
}

// is tells whether tid is one of WHO.
func (j *journal) is(tid int, who string) bool {
	prefix, glob := strings.CutSuffix(who, "*")
	name, ok := j.names[tid]
	return ok && (name == who || glob && strings.HasPrefix(name, prefix))
}

// known is how long WHO waited by its own account; only while one of the bursts went on, if there are any.
func (j *journal) known(o *options, bursts []wait) int64 {
	sum := int64(0)
	for _, w := range j.waits {
		if d := w.EndNs - w.StartNs - w.RanNs; j.is(w.Tid, o.of) && d >= int64(o.min) {
			if bursts != nil {
				d = overlap(bursts, w.StartNs, w.EndNs)
			}
			sum += d
		}
	}
	return sum
}

// burstsOf gives when those ran that a cause names by tid or name.
func (j *journal) burstsOf(culprits *journal, causes []string) []wait {
	bursts := []wait{}
	for _, w := range culprits.waits {
		if slices.Contains(causes, "thread:"+strconv.Itoa(w.Tid)) || slices.Contains(causes, "thread:"+j.names[w.Tid]) {
			bursts = append(bursts, w)
		}
	}
	return bursts
}

// overlap is how much of the time from start to end lies in one of these.
func overlap(waits []wait, start, end int64) int64 {
	sum := int64(0)
	for _, w := range waits {
		sum += max(0, min(end, w.EndNs)-max(start, w.StartNs))
	}
	return sum
}
