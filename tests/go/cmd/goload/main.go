// SPDX-License-Identifier: BSD-2-Clause

// Goload keeps a Go runtime busy for some seconds: more computing goroutines than CPUs, channels, locks, sleeps, TCP on
// loopback and enough garbage for its collector.
//
//	goload SECONDS
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

const clients = 4

var sink []byte

func compute(until time.Time) {
	x := uint32(1)
	for time.Now().Before(until) {
		for range 200_000 {
			x = x*1664525 + 1013904223
		}
		sink = make([]byte, 64<<10+int(x&0xfff))
	}
}

func pass(in <-chan int, out chan<- int) {
	for v := range in {
		out <- v + 1
	}
	close(out)
}

func relay(until time.Time) {
	first := make(chan int)
	last := first
	for range 20 {
		next := make(chan int)
		go pass(last, next)
		last = next
	}
	for time.Now().Before(until) {
		first <- 0
		<-last
	}
	close(first)
}

func contend(until time.Time, mu *sync.Mutex) {
	for time.Now().Before(until) {
		mu.Lock()
		time.Sleep(200 * time.Microsecond)
		mu.Unlock()
	}
}

func echo(listener net.Listener) {
	for {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		go io.Copy(c, c)
	}
}

func ask(until time.Time, address string) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	message := make([]byte, 512)
	for time.Now().Before(until) {
		if _, err := c.Write(message); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, message); err != nil {
			return err
		}
	}
	return nil
}

func run(seconds float64) error {
	until := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go echo(listener)
	var all sync.WaitGroup
	var mu sync.Mutex
	errs := make(chan error, clients)
	start := func(f func()) {
		all.Add(1)
		go func() {
			defer all.Done()
			f()
		}()
	}
	for range runtime.NumCPU() {
		start(func() { compute(until) })
	}
	for range clients {
		start(func() { relay(until) })
		start(func() { contend(until, &mu) })
		start(func() { errs <- ask(until, listener.Addr().String()) })
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func main() {
	seconds := 5.0
	if len(os.Args) > 1 {
		v, err := strconv.ParseFloat(os.Args[1], 64)
		if err != nil {
			fmt.Fprintln(os.Stderr, "usage: goload SECONDS")
			os.Exit(2)
		}
		seconds = v
	}
	if err := run(seconds); err != nil {
		fmt.Fprintln(os.Stderr, "goload:", err)
		os.Exit(1)
	}
}
