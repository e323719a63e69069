// SPDX-License-Identifier: BSD-2-Clause

package main

// Reads the gaps back from the Go trace, with Go's own reader.

import (
	"errors"
	"io"
	"os"

	"golang.org/x/exp/trace"
)

type goTrace struct {
	gaps     map[int32][]gap
	from, to uint64 // the window
	events   int
}

// tidOf undoes what the writer does to ids that would clash: tid + k * 2^32.
func tidOf(g trace.GoID) int32 { return int32(uint32(g)) }

func readGoTrace(path string) (*goTrace, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := trace.NewReader(f)
	if err != nil {
		return nil, err
	}
	t := &goTrace{gaps: map[int32][]gap{}}
	since := map[trace.GoID]uint64{}
	for {
		e, err := r.ReadEvent()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if e.Kind() == trace.EventSync {
			continue
		}
		ts := uint64(e.Time())
		if t.events == 0 {
			t.from = ts
		}
		t.events++
		t.to = ts
		if e.Kind() != trace.EventStateTransition {
			continue
		}
		st := e.StateTransition()
		if st.Resource.Kind != trace.ResourceGoroutine {
			continue
		}
		id := st.Resource.Goroutine()
		from, to := st.Goroutine()
		if to == trace.GoRunnable && from != trace.GoRunnable {
			since[id] = ts
		} else if start, ok := since[id]; ok && to != trace.GoRunnable {
			t.add(id, start, ts)
			delete(since, id)
		}
	}
	for id, start := range since {
		t.add(id, start, t.to)
	}
	return t, nil
}

func (t *goTrace) add(id trace.GoID, start, end uint64) {
	tid := tidOf(id)
	if end-start >= keepGapNs {
		t.gaps[tid] = append(t.gaps[tid], gap{tid: tid, start: start, end: end})
	}
}
