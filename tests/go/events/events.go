// SPDX-License-Identifier: BSD-2-Clause

// Package events reads execution traces with Go's own reader and follows what the tests look at:
// the state of every goroutine, since when, and its name.
package events

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/exp/trace"
)

// Each calls f for every event of the trace in path. Anything but the regular end of the trace is an error.
func Each(path string, f func(*trace.Event)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	r, err := trace.NewReader(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for n := 0; ; n++ {
		ev, err := r.ReadEvent()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: behind event %d: %w", path, n, err)
		}
		f(&ev)
	}
}

// A Stretch is the time a goroutine was in one state.
type Stretch struct {
	G          trace.GoID
	Before     trace.GoState // the state it came from
	State      trace.GoState
	After      trace.GoState // the state it went to; GoUndetermined: the trace ended first
	Start, End trace.Time
	Reason     string
	Stack      trace.Stack  // of the event that began it
	Proc       trace.ProcID // of the event that ended it
}

// Stretches follows all goroutines; f gets every stretch when it ends, the open ones at last.
// names has the name that viewers show: the root frame of the first stack of the goroutine itself.
func Stretches(path string, f func(*Stretch)) (names map[trace.GoID]string, err error) {
	open := map[trace.GoID]*Stretch{}
	names = map[trace.GoID]string{}
	var last trace.Time
	err = Each(path, func(ev *trace.Event) {
		last = ev.Time()
		if ev.Kind() != trace.EventStateTransition {
			return
		}
		t := ev.StateTransition()
		if t.Resource.Kind != trace.ResourceGoroutine {
			return
		}
		g := t.Resource.Goroutine()
		from, to := t.Goroutine()
		if _, named := names[g]; !named && t.Stack != trace.NoStack {
			names[g] = root(t.Stack)
		}
		if from == to { // a repeated status
			return
		}
		if s := open[g]; s != nil {
			s.After, s.End, s.Proc = to, ev.Time(), ev.Proc()
			f(s)
		}
		open[g] = &Stretch{G: g, Before: from, State: to, Start: ev.Time(), Reason: t.Reason, Stack: ev.Stack()}
		if to == trace.GoNotExist {
			delete(open, g)
		}
	})
	for _, s := range open {
		s.After, s.End = trace.GoUndetermined, last
		f(s)
	}
	return names, err
}

func root(s trace.Stack) string {
	name := ""
	for f := range s.Frames() {
		name = f.Func
	}
	return name
}
