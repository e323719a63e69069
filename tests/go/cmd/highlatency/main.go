// SPDX-License-Identifier: BSD-2-Clause

// highlatency [-over DURATION] FILE: flags every goroutine that was runnable for longer than that before it ran, or is
// still waiting at the end, as a checker of Go traces would (gotracer's rule HighSchedulingLatency). One finding per
// line, worst first:
//
//	{"rule", "severity", "message", "timestamp_ns": start, "goroutine", "name", "wait_ns", "open"}
//
// ERROR from ten times the threshold, WARN below. Exit status 1 if there are any, 2 if the trace cannot be read.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
	"time"

	"golang.org/x/exp/trace"

	"kflight/tests/go/events"
)

type finding struct {
	Rule      string `json:"rule"`
	Severity  string `json:"severity"`
	Message   string `json:"message"`
	Timestamp int64  `json:"timestamp_ns"`
	Goroutine int64  `json:"goroutine"`
	Name      string `json:"name"`
	Wait      int64  `json:"wait_ns"`
	Open      bool   `json:"open"`
}

// find returns the stretches that were too long; their names are known when the whole trace was read.
func find(path string, over time.Duration) ([]finding, error) {
	var late []finding
	names, err := events.Stretches(path, func(s *events.Stretch) {
		if wait := s.End.Sub(s.Start); s.State == trace.GoRunnable && wait > over {
			late = append(late, finding{Goroutine: int64(s.G), Timestamp: int64(s.Start), Wait: int64(wait),
				Open: s.After == trace.GoUndetermined})
		}
	})
	for i := range late {
		late[i].describe(names, over)
	}
	sort.SliceStable(late, func(i, k int) bool { return late[i].Wait > late[k].Wait })
	return late, err
}

func (f *finding) describe(names map[trace.GoID]string, over time.Duration) {
	f.Rule, f.Severity = "HighSchedulingLatency", "WARN"
	if f.Wait >= 10*int64(over) {
		f.Severity = "ERROR"
	}
	f.Name = names[trace.GoID(f.Goroutine)]
	open := ""
	if f.Open {
		open = " and still does"
	}
	f.Message = fmt.Sprintf("goroutine %d (%s) waited %v to run%s", f.Goroutine, f.Name, time.Duration(f.Wait), open)
}

func main() {
	over := flag.Duration("over", 10*time.Millisecond, "flag waits longer than this")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: highlatency [-over DURATION] FILE")
		os.Exit(2)
	}
	late, err := find(flag.Arg(0), *over)
	if err != nil {
		fmt.Fprintln(os.Stderr, "highlatency:", err)
		os.Exit(2)
	}
	out := json.NewEncoder(os.Stdout)
	for _, f := range late {
		if err := out.Encode(f); err != nil {
			fmt.Fprintln(os.Stderr, "highlatency:", err)
			os.Exit(2)
		}
	}
	if len(late) > 0 {
		os.Exit(1)
	}
}
