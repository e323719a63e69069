// SPDX-License-Identifier: BSD-2-Clause

// A server that is slow when asked for /slow, with the middleware of ./kflight.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"example.com/slow/kflight"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "`ADDRESS:PORT`")
	var o kflight.Options
	flag.StringVar(&o.Socket, "socket", "", "of the recorder")
	flag.DurationVar(&o.Limit, "limit", 100*time.Millisecond, "what takes longer is slow")
	flag.DurationVar(&o.Every, "every", 30*time.Second, "at most one snapshot in this time")
	flag.Parse()

	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) {
		fmt.Fprintln(w, "fast")
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, q *http.Request) {
		time.Sleep(150 * time.Millisecond)
		fmt.Fprintln(w, "slow")
	})
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening at %v", listener.Addr())
	log.Fatal(http.Serve(listener, kflight.Middleware(o, mux)))
}
