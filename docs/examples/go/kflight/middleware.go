// SPDX-License-Identifier: BSD-2-Clause

// Package kflight asks the flight recorder of this host for a snapshot when an HTTP request of ours was slow.
//
//	http.ListenAndServe(addr, kflight.Middleware(kflight.Options{Limit: 200 * time.Millisecond}, handler))
//
// The snapshot holds the last seconds of scheduling of the whole host, with the trace and span id of the request, so that it can be found
// from the trace. It is asked for in the background, and at most once per Every: a service that is slow all the time is not made slower.
package kflight

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

type Options struct {
	Limit  time.Duration // slower than this is slow; default 500 ms
	Every  time.Duration // at most one snapshot in this time; default 30 s
	Socket string        // default /run/kflight/control.sock
}

type recorder struct {
	Options
	client http.Client
	start  time.Time
	next   atomic.Int64 // nanoseconds after start
}

// Middleware measures next.
func Middleware(o Options, next http.Handler) http.Handler {
	if o.Limit == 0 {
		o.Limit = 500 * time.Millisecond
	}
	if o.Every == 0 {
		o.Every = 30 * time.Second
	}
	if o.Socket == "" {
		o.Socket = "/run/kflight/control.sock"
	}
	r := &recorder{Options: o, start: time.Now()}
	r.client.Timeout = 30 * time.Second // the answer comes when the file is written
	r.client.Transport = &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", r.Socket)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		begin := time.Now()
		defer func() {
			if took := time.Since(begin); took > r.Limit && r.mayAsk() {
				reason := fmt.Sprintf("%s %s took %v", q.Method, q.URL.Path, took.Round(time.Millisecond))
				go r.ask(reason, q.Header.Get("traceparent"))
			}
		}()
		next.ServeHTTP(w, q)
	})
}

// One of those that find the time has come wins.
func (r *recorder) mayAsk() bool {
	now, next := int64(time.Since(r.start)), r.next.Load()
	return now >= next && r.next.CompareAndSwap(next, now+int64(r.Every))
}

func (r *recorder) ask(reason, traceparent string) {
	body, _ := json.Marshal(map[string]string{"reason": shorten(reason)})
	post, err := http.NewRequest("POST", "http://kflight/snapshot", bytes.NewReader(body))
	if err != nil {
		return
	}
	post.Header.Set("Content-Type", "application/json")
	if traceparent != "" {
		post.Header.Set("traceparent", traceparent) // the recorder takes trace and span id out of it
	}
	answer, err := r.client.Do(post)
	if err != nil {
		log.Printf("no snapshot of %s: %v", reason, err)
		return
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 4096))
	log.Printf("snapshot of %s: %s: %s", reason, answer.Status, bytes.TrimSpace(text))
}

// The recorder takes 256 bytes.
func shorten(reason string) string {
	if len(reason) > 256 {
		reason = reason[:256]
	}
	return strings.ToValidUTF8(reason, "?")
}
