// SPDX-License-Identifier: BSD-2-Clause

// Rundelay holds kflight's gaps against the kernel's own count of them.
//
//	rundelay watch SECONDS OUT                read every thread's schedstat, wait, read it again
//	rundelay compare NAME OUT NDJSON REPORT   for every thread that lived through both reads: gap time against run_delay
//
// The kernel adds a wait to run_delay when it ends: when the thread gets its CPU, and before that whenever it is moved to
// another CPU's queue. So does this program with the gaps of `export -f ndjson`. Each thread is read at moments of its own.
//
// They have to agree within 1 % + 100 us, and the number of waits exactly. What may differ is told apart from errors:
//
//   - The kernel's clock stands from a wake-up that preempts until the switch (rq_clock_skip_update()). The wait of the
//     thread that comes is none then, for the kernel, and that of the thread that leaves began at the wake-up: a hog that
//     wakes on an idle CPU has a run_delay of 0 after 87 waits of 12 us. So a wait that began with a wake-up, and in which
//     no other switch happened, may be missing in run_delay, up to staleNs; and so much may be added to the wait that
//     began at the same switch. Besides, the kernel stamps a wake-up when the thread is queued, kflight when the waker
//     begins, and a switch at the begin of schedule(), kflight near its end: perGapNs for each wait.
//   - A thread that is preempted after it has said that it will sleep, and before it does, waits for a CPU; the kernel
//     counts that as sleep. It is rare: one of 100,000.
//   - A wait that began before the recording did: nobody told kflight when, and the kernel counts all of it.
//   - Records that the kernel did not let kflight write, which it says itself (unknown_ns in the report): some hosts run no
//     BPF program while threads of certain processes are current.
package main

import (
	"fmt"
	"os"
	"strconv"
)

func main() {
	var err error
	ok := true
	switch args := os.Args[1:]; {
	case len(args) == 3 && args[0] == "watch":
		var seconds float64
		if seconds, err = strconv.ParseFloat(args[1], 64); err == nil {
			err = watch(seconds, args[2])
		}
	case len(args) == 5 && args[0] == "compare":
		ok, err = compare(args[1], args[2], args[3], args[4])
	default:
		err = fmt.Errorf("usage: rundelay watch SECONDS OUT | compare NAME OUT NDJSON REPORT")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "rundelay:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}
