// SPDX-License-Identifier: BSD-2-Clause

// Spin computes on as many goroutines as GOMAXPROCS says.
//
//	spin SECONDS
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

var sink [256]uint32

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: spin SECONDS")
		os.Exit(2)
	}
	seconds, err := strconv.ParseFloat(os.Args[1], 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, "spin:", err)
		os.Exit(2)
	}
	for i := range runtime.GOMAXPROCS(0) {
		go func() {
			x := uint32(i)
			for {
				for range 1_000_000 {
					x = x*1664525 + 1013904223
				}
				sink[i%len(sink)] = x
			}
		}()
	}
	time.Sleep(time.Duration(seconds * float64(time.Second)))
}
