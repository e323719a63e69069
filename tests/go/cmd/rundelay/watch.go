// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// reading is one look at a thread's schedstat, somewhere between before and after (CLOCK_MONOTONIC ns).
type reading struct {
	Before uint64 `json:"before"`
	After  uint64 `json:"after"`
	Delay  uint64 `json:"delay"` // waited for a CPU so far, ns
	Runs   uint64 `json:"runs"`  // got one, so many times
}

type watched struct {
	Tid   int32   `json:"tid"`
	Tgid  int32   `json:"tgid"`
	Comm  string  `json:"comm"`
	First reading `json:"first"`
	Last  reading `json:"last"`

	file *os.File
}

func monotonicNs() uint64 {
	const clockMonotonic = 1
	var ts syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&ts)), 0)
	return uint64(ts.Nano())
}

// read fails when the thread is gone: an open file stays that of its thread, whoever gets the tid then.
func (w *watched) read(r *reading) error {
	var buf [128]byte
	r.Before = monotonicNs()
	n, err := w.file.ReadAt(buf[:], 0)
	r.After = monotonicNs()
	if n == 0 {
		return fmt.Errorf("thread %d is gone: %v", w.Tid, err)
	}
	var onCPU uint64
	_, err = fmt.Sscan(string(buf[:n]), &onCPU, &r.Delay, &r.Runs)
	return err
}

func openAll() ([]*watched, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*")
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("no threads in /proc: %v", err)
	}
	var all []*watched
	for _, path := range paths {
		parts := strings.Split(path, "/")
		tid, _ := strconv.Atoi(parts[4])
		tgid, _ := strconv.Atoi(parts[2])
		comm, _ := os.ReadFile(path + "/comm")
		file, err := os.Open(path + "/schedstat")
		if err != nil {
			continue // gone already
		}
		all = append(all, &watched{Tid: int32(tid), Tgid: int32(tgid), Comm: strings.TrimSpace(string(comm)), file: file})
	}
	return all, nil
}

func watch(seconds float64, out string) error {
	all, err := openAll()
	if err != nil {
		return err
	}
	for _, w := range all {
		if w.read(&w.First) != nil {
			w.file.Close()
			w.file = nil
		}
	}
	time.Sleep(time.Duration(seconds * float64(time.Second)))
	var lived []*watched
	for _, w := range all {
		if w.file != nil && w.read(&w.Last) == nil {
			lived = append(lived, w)
		}
	}
	text, err := json.Marshal(lived)
	if err != nil {
		return err
	}
	return os.WriteFile(out, text, 0o600)
}
