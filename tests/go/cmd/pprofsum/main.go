// SPDX-License-Identifier: BSD-2-Clause

// pprofsum [-within PERCENT] [-pid PID] -gaps GAPS.ndjson -report REPORT.json TRACE: do the profiles that `go tool trace`
// makes of a trace add up to what kflight's own model says?
//
// The release of Go is the one that GOTOOLCHAIN names. The sched profile has to be the sum of the gaps (kflight export
// -f ndjson), of the whole host. The sync, net and syscall profiles have to be the waits of the process PID (kflight report
// --json) by kind. A profile leaves out what has not ended when the trace ends, what began without a stack (the end of a
// blocked syscall), and a goroutine before it first runs: these are added from the trace itself and printed apart. Exit
// status 1 if a sum is off by more than PERCENT (default 2), 2 if something cannot be read.
//
// The tools before Go 1.26 get sched and syscall wrong: they do not see states end that end without a stack.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/exp/trace"

	"kflight/tests/go/events"
)

// Which kinds of wait (kflight's words) a profile has. Polls are in sync or net, depending on who ended them, so both
// are judged together.
var kinds = map[string][]string{
	"sync+net": {"futex", "futex_cond", "lock", "pipe_read", "pipe_write", "child", "network", "poll"},
	"syscall":  {"disk"},
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "pprofsum:", err)
	os.Exit(2)
}

func run(env []string, name string, args ...string) []byte {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		fatal(fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, stderr.String()))
	}
	return out
}

var (
	sampleLine   = regexp.MustCompile(`^\s*\d+\s+(\d+):((?: \d+)+)`)
	locationLine = regexp.MustCompile(`^\s*(\d+): 0x\S+ .*:(\d+):\d+ s=\d+`)
)

// profile sums a profile: all of it, and by line of the root frame, which is the process id.
func profile(kind, path string) (all float64, byPid map[string]float64) {
	file, err := os.CreateTemp("", "pprofsum")
	if err != nil {
		fatal(err)
	}
	defer os.Remove(file.Name())
	if _, err := file.Write(run(nil, "go", "tool", "trace", "-pprof="+kind, path)); err != nil {
		fatal(err)
	}
	file.Close()
	raw := run([]string{"GOTOOLCHAIN=local"}, "go", "tool", "pprof", "-raw", file.Name())
	byRoot := map[string]float64{}
	byPid = map[string]float64{}
	pids := map[string]string{}
	for _, line := range strings.Split(string(raw), "\n") {
		if m := sampleLine.FindStringSubmatch(line); m != nil {
			ns, _ := strconv.ParseFloat(m[1], 64)
			locations := strings.Fields(m[2])
			byRoot[locations[len(locations)-1]] += ns
			all += ns
		} else if m := locationLine.FindStringSubmatch(line); m != nil {
			pids[m[1]] = m[2]
		}
	}
	for location, ns := range byRoot {
		byPid[pids[location]] += ns
	}
	return all, byPid
}

func kindOf(s *events.Stretch) string {
	switch {
	case s.State == trace.GoRunnable:
		return "sched"
	case s.State == trace.GoSyscall:
		return "syscall"
	case s.State != trace.GoWaiting:
		return ""
	case strings.Contains(s.Reason, "network"):
		return "net"
	case strings.Contains(s.Reason, "sync"), strings.Contains(s.Reason, "chan"), strings.Contains(s.Reason, "select"):
		return "sync"
	}
	return ""
}

// A wait that no profile has.
type omitted struct {
	kind string
	g    trace.GoID
}

// omissions sums, by kind and goroutine, what is in the trace but in no profile.
func omissions(path string) map[omitted]float64 {
	sums := map[omitted]float64{}
	_, err := events.Stretches(path, func(s *events.Stretch) {
		kind := kindOf(s)
		if kind == "" || s.Before == trace.GoUndetermined { // the replay of the start states
			return
		}
		if s.After == trace.GoUndetermined || s.Stack == trace.NoStack || s.Before == trace.GoNotExist {
			sums[omitted{kind, s.G}] += float64(s.End - s.Start)
		}
	})
	if err != nil {
		fatal(err)
	}
	return sums
}

type report struct {
	Window  struct{ Floor, End float64 } `json:"-"`
	Raw     json.RawMessage              `json:"window"`
	Threads []struct {
		Tid, Tgid int64
		Blocked   map[string]float64 `json:"blocked_by_ns"`
	}
}

func readReport(path string) report {
	var r report
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	var w map[string]any
	if err == nil {
		err = json.Unmarshal(r.Raw, &w)
	}
	if err != nil {
		fatal(err)
	}
	r.Window.Floor, _ = w["floor_ns"].(float64)
	r.Window.End, _ = w["end_ns"].(float64)
	return r
}

// gapSum adds up the gaps within the window.
func gapSum(path string, floor float64) (sum float64) {
	file, err := os.Open(path)
	if err != nil {
		fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var g struct {
			Start float64 `json:"start_ns"`
			End   float64 `json:"end_ns"`
		}
		if err := json.Unmarshal(lines.Bytes(), &g); err != nil {
			fatal(err)
		}
		sum += g.End - math.Max(g.Start, floor)
	}
	if err := lines.Err(); err != nil {
		fatal(err)
	}
	return sum
}

func main() {
	within := flag.Float64("within", 2, "per cent")
	pid := flag.Int64("pid", 0, "the process whose waits are compared")
	gaps := flag.String("gaps", "", "of kflight export -f ndjson")
	reportPath := flag.String("report", "", "of kflight report --json")
	flag.Parse()
	if flag.NArg() != 1 || *gaps == "" || *reportPath == "" {
		fmt.Fprintln(os.Stderr, "usage: pprofsum [-within PERCENT] [-pid PID] -gaps GAPS.ndjson -report REPORT.json TRACE")
		os.Exit(2)
	}
	path := flag.Arg(0)
	r := readReport(*reportPath)
	missing := omissions(path)
	status := 0
	compare := func(kind string, got, apart, want float64) {
		off := 100 * (got + apart - want) / want
		verdict := "fine"
		if math.Abs(off) > *within || (want > 0 && got == 0) {
			verdict = "WRONG"
			status = 1
		}
		fmt.Printf("%-9s profile %12.6f s + %12.6f s apart = %12.6f s, model %12.6f s: %+.2f %% %s\n", kind, got/1e9,
			apart/1e9, (got+apart)/1e9, want/1e9, off, verdict)
	}

	sched, _ := profile("sched", path)
	apart := 0.0
	for o, ns := range missing {
		if o.kind == "sched" {
			apart += ns
		}
	}
	compare("sched", sched, apart, gapSum(*gaps, r.Window.Floor))
	if *pid == 0 {
		os.Exit(status)
	}
	for _, class := range []string{"sync+net", "syscall"} {
		var got, want float64
		apart = 0
		for _, kind := range strings.Split(class, "+") {
			_, byPid := profile(kind, path)
			got += byPid[strconv.FormatInt(*pid, 10)]
		}
		for _, th := range r.Threads {
			if th.Tgid != *pid {
				continue
			}
			for _, kind := range kinds[class] {
				want += th.Blocked[kind]
			}
			for o, ns := range missing {
				if int64(o.g) == th.Tid && strings.Contains(class, o.kind) {
					apart += ns
				}
			}
		}
		if want == 0 { // syscalls recorded while they ran are in the profile, but no waits
			fmt.Printf("%-9s nothing in the model, %.6f s in the profile\n", class, got/1e9)
			continue
		}
		compare(class, got, apart, want)
	}
	os.Exit(status)
}
