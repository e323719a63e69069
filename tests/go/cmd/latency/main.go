// SPDX-License-Identifier: BSD-2-Clause

// latency [-over DURATION] FILE: what a checker of Go traces would flag: goroutines that were runnable for longer than
// that, ended or not. Exit status 1 if there are any, 2 if the trace cannot be read.
package main

import (
	"flag"
	"fmt"
	"os"
	"sort"
	"time"

	"golang.org/x/exp/trace"

	"kflight/tests/go/events"
)

func main() {
	over := flag.Duration("over", 10*time.Millisecond, "flag gaps longer than this")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: latency [-over DURATION] FILE")
		os.Exit(2)
	}
	var late []events.Stretch
	names, err := events.Stretches(flag.Arg(0), func(s *events.Stretch) {
		if s.State == trace.GoRunnable && s.End.Sub(s.Start) > *over {
			late = append(late, *s)
		}
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "latency:", err)
		os.Exit(2)
	}
	sort.Slice(late, func(i, k int) bool { return late[i].End.Sub(late[i].Start) > late[k].End.Sub(late[k].Start) })
	for _, s := range late {
		open := ""
		if s.After == trace.GoUndetermined {
			open = " and still does"
		}
		fmt.Printf("goroutine %d (%s) waited %v to run%s, at %d ns\n", s.G, names[s.G], s.End.Sub(s.Start), open, s.Start)
	}
	if len(late) > 0 {
		os.Exit(1)
	}
}
