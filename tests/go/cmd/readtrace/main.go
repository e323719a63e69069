// SPDX-License-Identifier: BSD-2-Clause

// readtrace FILE...: reads traces to their end with Go's reader; exit status 1 if one is broken.
package main

import (
	"fmt"
	"os"

	"golang.org/x/exp/trace"

	"kflight/tests/go/events"
)

type counts struct {
	events, transitions, tasks, ends, logs int
	goroutines                             map[trace.GoID]bool
	procs                                  map[trace.ProcID]bool
	first, last                            trace.Time
}

func (c *counts) add(ev *trace.Event) {
	if c.events == 0 {
		c.first = ev.Time()
	}
	c.events++
	c.last = ev.Time()
	switch ev.Kind() {
	case trace.EventStateTransition:
		c.transitions++
		switch r := ev.StateTransition().Resource; r.Kind {
		case trace.ResourceGoroutine:
			c.goroutines[r.Goroutine()] = true
		case trace.ResourceProc:
			c.procs[r.Proc()] = true
		}
	case trace.EventTaskBegin:
		c.tasks++
	case trace.EventTaskEnd:
		c.ends++
	case trace.EventLog:
		c.logs++
	case trace.EventSync:
		_ = ev.Sync() // viewers call it, and it can fail by itself
	}
}

func main() {
	status := 0
	for _, path := range os.Args[1:] {
		c := counts{goroutines: map[trace.GoID]bool{}, procs: map[trace.ProcID]bool{}}
		if err := events.Each(path, c.add); err != nil {
			fmt.Fprintln(os.Stderr, "readtrace:", err)
			status = 1
			continue
		}
		fmt.Printf("%s: %d events, %d transitions, %d goroutines, %d procs, %d tasks (%d ended), %d logs, %.6f s\n",
			path, c.events, c.transitions, len(c.goroutines), len(c.procs), c.tasks, c.ends, c.logs,
			float64(c.last-c.first)/1e9)
	}
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: readtrace FILE...")
		status = 2
	}
	os.Exit(status)
}
