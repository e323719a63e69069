// SPDX-License-Identifier: BSD-2-Clause

// gaps [-min DURATION] FILE: every gap of a trace (runnable until running) as one JSON object per line:
// {"g": goroutine, "name": ..., "start": ns, "end": ns, "p": processor it then ran on, "from": state before}.
// The replay of the start states is left out: its gaps come from no known state.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	"golang.org/x/exp/trace"

	"kflight/tests/go/events"
)

type gap struct {
	G     int64  `json:"g"`
	Name  string `json:"name"`
	Start int64  `json:"start"`
	End   int64  `json:"end"`
	P     int64  `json:"p"`
	From  string `json:"from"`
}

func main() {
	shortest := flag.Duration("min", 0, "only gaps this long")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: gaps [-min DURATION] FILE")
		os.Exit(2)
	}
	var found []gap
	names, err := events.Stretches(flag.Arg(0), func(s *events.Stretch) {
		if s.State != trace.GoRunnable || s.After != trace.GoRunning || s.Before == trace.GoUndetermined ||
			s.End.Sub(s.Start) < *shortest {
			return
		}
		found = append(found, gap{G: int64(s.G), Start: int64(s.Start), End: int64(s.End), P: int64(s.Proc),
			From: strings.ToLower(s.Before.String())})
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "gaps:", err)
		os.Exit(1)
	}
	out := bufio.NewWriter(os.Stdout)
	enc := json.NewEncoder(out)
	for _, g := range found {
		g.Name = names[trace.GoID(g.G)]
		if err := enc.Encode(g); err != nil {
			fmt.Fprintln(os.Stderr, "gaps:", err)
			os.Exit(1)
		}
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "gaps:", err)
		os.Exit(1)
	}
}
