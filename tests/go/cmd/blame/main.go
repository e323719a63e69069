// SPDX-License-Identifier: BSD-2-Clause

// Blame holds what kflight says against what a workload knows it did (its journal: tests/workloads/workload.h).
//
//	blame gaps [-of WHO] [-min DURATION] [-bursts JOURNAL] -kind KIND,... -cause CAUSE,... JOURNAL GAPS
//	blame group -of PROCESS [-min DURATION] -kind KIND,... -cause CAUSE,... GAPS
//	blame moved [-of WHO] JOURNAL GAPS
//	blame blocked [-of WHO] -as KIND,... [-aside KIND,...] JOURNAL REPORT
//	blame finding -rule RULE [-culprit X] [-says REGEXP] REPORT
//	blame sums GAPS
//
// GAPS is the output of `export -f ndjson`, REPORT that of `report --json`. WHO is a name in the journal, or the beginning
// of several with a * behind it; all by default. A CAUSE is throttled, idle, irq, steal, unknown, softirq, softirq:VECTOR, or
// thread:X, where X is a tid, a name in the journal, or else the name of a thread.
//
// gaps: of all gaps of WHO that began in the measured phase and lasted at least DURATION (100us), which share of the time is
// both of these kinds and charged to these causes. What the workload itself knows it waited is the whole if it is more: a gap
// that kflight does not know counts as wrong. With -bursts, the journal of the culprits, which nobody but an interrupt can take
// the CPU from, only the time of the gaps in which they ran, by that, is judged; what is charged to them beyond it counts as
// wrong: so other load on the host does no harm. group: the same of all threads of a process, without a journal.
//
// moved: the gaps that the journal tells, each with the moment of the move: the share of their time that is charged to hog-a
// before and to hog-b after it, on a CPU each.
//
// blocked: of the time WHO waited, by its journal, the share that kflight says it was blocked with these kinds. Time in
// other kinds counts as wrong, except for those that are set aside.
//
// finding: there is one of that rule, whose culprit has this tid or name, and whose message matches.
//
// sums: every gap of the file: its parts add up to it to the nanosecond, none is negative, start and end fit.
//
// Exit status 0 if the share is at least 95 % (finding: it is there; sums: all fit), 1 if not, 2 if something cannot be read.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

const threshold = 95.0

type part struct {
	Kind   string
	Tid    *int
	Comm   *string
	CPU    *int
	Vector *string
	Ns     int64
}

type gap struct {
	Tid, Tgid int
	Comm      string
	CPU       *int
	StartNs   int64 `json:"start_ns"`
	EndNs     int64 `json:"end_ns"`
	WaitNs    int64 `json:"wait_ns"`
	Kind      string
	Parts     []part
}

func (g *gap) id() string {
	return fmt.Sprintf("gap of %s/%d at %d", g.Comm, g.Tid, g.StartNs)
}

func fatal(args ...any) {
	fmt.Fprintln(os.Stderr, append([]any{"blame:"}, args...)...)
	os.Exit(2)
}

// lines calls each with every line of a file.
func lines(path string, each func(line []byte) error) {
	f, err := os.Open(path)
	if err != nil {
		fatal(err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 64<<20)
	for n := 1; in.Scan(); n++ {
		if err := each(in.Bytes()); err != nil {
			fatal(fmt.Sprintf("%s:%d: %v", path, n, err))
		}
	}
	if err := in.Err(); err != nil {
		fatal(path, err)
	}
}

func readGaps(path string, each func(g *gap)) {
	lines(path, func(line []byte) error {
		var g gap
		if err := json.Unmarshal(line, &g); err != nil {
			return err
		}
		each(&g)
		return nil
	})
}

func ms(ns int64) string {
	return fmt.Sprintf("%.4g ms", float64(ns)/1e6)
}

// tally adds up time by name.
type tally map[string]int64

func (t tally) String() string {
	names := make([]string, 0, len(t))
	for name := range t {
		names = append(names, name)
	}
	sort.Slice(names, func(a, b int) bool {
		return t[names[a]] > t[names[b]] || (t[names[a]] == t[names[b]] && names[a] < names[b])
	})
	var text []string
	for _, name := range names {
		if len(text) == 4 {
			text = append(text, "...")
			break
		}
		text = append(text, fmt.Sprintf("%s %s", name, ms(t[name])))
	}
	return strings.Join(text, ", ")
}

// verdict prints the share and returns the exit status.
func verdict(right, whole int64, rest string) int {
	if whole <= 0 {
		fmt.Println("nothing was measured:", rest)
		return 1
	}
	percent := 100 * float64(right) / float64(whole)
	fmt.Printf("%.1f %% of %s %s\n", percent, ms(whole), rest)
	if percent < threshold {
		return 1
	}
	return 0
}

// partNames gives the words by which a part can be a cause.
func (j *journal) partNames(p *part) []string {
	names := []string{p.Kind}
	switch {
	case p.Kind == "softirq" && p.Vector != nil:
		names = append(names, "softirq:"+*p.Vector)
	case p.Kind == "thread" && p.Tid != nil:
		names = []string{"thread:" + strconv.Itoa(*p.Tid)}
		if name, ok := j.names[*p.Tid]; ok {
			names = append(names, "thread:"+name)
		} else if p.Comm != nil {
			names = append(names, "thread:"+*p.Comm)
		}
	}
	return names
}

type judge struct {
	kinds, causes []string
	right, whole  int64
	n             int
	bursts        []wait // nil: not known
	byKind        tally
	byCause       tally
}

func (d *judge) look(j *journal, g *gap) {
	d.n++
	d.byKind[g.Kind] += g.WaitNs
	charged := int64(0)
	for i := range g.Parts {
		p := &g.Parts[i]
		names := j.partNames(p)
		d.byCause[names[len(names)-1]] += p.Ns
		if slices.Contains(d.kinds, g.Kind) &&
			slices.ContainsFunc(names, func(name string) bool { return slices.Contains(d.causes, name) }) {
			charged += p.Ns
		}
	}
	if d.bursts == nil {
		d.right += charged
		d.whole += g.WaitNs
		return
	}
	ran := overlap(d.bursts, g.StartNs, g.EndNs)
	d.right += min(charged, ran)
	d.whole += max(charged, ran)
}

func judgeGaps(o *options, j *journal, path string) int {
	d := judge{kinds: o.kinds, causes: o.causes, byKind: tally{}, byCause: tally{}}
	if o.bursts != "" {
		d.bursts = j.burstsOf(readJournal(o.bursts), o.causes)
	}
	readGaps(path, func(g *gap) {
		if g.WaitNs < int64(o.min) {
			return
		}
		if begin, ok := j.begin[g.Tid]; ok && j.is(g.Tid, o.of) && g.StartNs >= begin {
			d.look(j, g)
		} else if j.group && g.Comm == o.of {
			d.look(j, g)
		}
	})
	known := j.known(o, d.bursts)
	rest := fmt.Sprintf("(%d gaps; causes: %v; kinds: %v", d.n, d.byCause, d.byKind)
	if !j.group {
		rest += "; it knows itself of " + ms(known)
	}
	return verdict(d.right, max(d.whole, known), rest+")")
}

func judgeMoved(o *options, j *journal, path string) int {
	var gaps []*gap
	readGaps(path, func(g *gap) {
		if j.is(g.Tid, o.of) {
			gaps = append(gaps, g)
		}
	})
	var right, whole int64
	byCause := tally{}
	for _, w := range j.waits {
		if !j.is(w.Tid, o.of) || w.MovedNs == 0 {
			continue
		}
		whole += w.EndNs - w.StartNs
		want := map[string]int64{"hog-a": w.MovedNs - w.StartNs, "hog-b": w.EndNs - w.MovedNs}
		for _, g := range gaps {
			if g.Tid != w.Tid || g.StartNs > w.EndNs || g.EndNs < w.StartNs {
				continue
			}
			for i := range g.Parts {
				p := &g.Parts[i]
				names := j.partNames(p)
				byCause[names[len(names)-1]] += p.Ns
				if p.Tid != nil && p.CPU != nil {
					right += min(p.Ns, want[j.names[*p.Tid]])
				}
			}
		}
	}
	return verdict(right, whole, fmt.Sprintf("(%d moves; causes: %v)", len(j.waits), byCause))
}

type report struct {
	Threads []struct {
		Tid     int
		Comm    string
		Blocked map[string]int64 `json:"blocked_by_ns"`
	}
	Findings []struct {
		Rule, Message string
		CulpritTid    int    `json:"culprit_tid"`
		CulpritComm   string `json:"culprit_comm"`
	}
}

func readReport(path string) *report {
	var r report
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		fatal(path, err)
	}
	return &r
}

func judgeFinding(o *options, path string) int {
	says, err := regexp.Compile(o.says)
	if err != nil {
		fatal(err)
	}
	var others []string
	for _, f := range readReport(path).Findings {
		if f.Rule != o.rule {
			continue
		}
		if o.culprit != "" && o.culprit != f.CulpritComm && o.culprit != strconv.Itoa(f.CulpritTid) {
			others = append(others, fmt.Sprintf("about %s/%d", f.CulpritComm, f.CulpritTid))
		} else if !says.MatchString(f.Message) {
			others = append(others, f.Message)
		} else {
			fmt.Printf("%s: %s\n", o.rule, f.Message)
			return 0
		}
	}
	fmt.Printf("no finding %s about culprit '%s' that says '%s', but %q\n", o.rule, o.culprit, o.says, others)
	return 1
}

func judgeBlocked(o *options, j *journal, path string) int {
	r := readReport(path)
	var right, wrong int64
	by := tally{}
	for _, t := range r.Threads {
		if _, ok := j.begin[t.Tid]; !ok || !j.is(t.Tid, o.of) {
			continue
		}
		for kind, ns := range t.Blocked {
			by[kind] += ns
			if slices.Contains(o.as, kind) {
				right += ns
			} else if !slices.Contains(o.aside, kind) {
				wrong += ns
			}
		}
	}
	known := j.known(o, nil)
	return verdict(min(right, known), max(right+wrong, known),
		fmt.Sprintf("(blocked: %v; it knows itself of %s)", by, ms(known)))
}

type options struct {
	of, kind, cause          string
	rule, culprit, says      string
	bursts                   string
	kinds, causes, as, aside []string
	min                      time.Duration
}

func main() {
	if len(os.Args) < 2 {
		fatal("usage: blame gaps|group|moved|blocked|finding|sums ...")
	}
	var o options
	var as, aside string
	fs := flag.NewFlagSet("blame", flag.ExitOnError)
	fs.StringVar(&o.of, "of", "*", "whose gaps")
	fs.StringVar(&o.kind, "kind", "", "right kinds of gap")
	fs.StringVar(&o.cause, "cause", "", "right causes")
	fs.StringVar(&as, "as", "", "right kinds of wait")
	fs.StringVar(&aside, "aside", "", "kinds of wait that do not count")
	fs.StringVar(&o.bursts, "bursts", "", "when the culprits ran")
	fs.StringVar(&o.rule, "rule", "", "rule of a finding")
	fs.StringVar(&o.culprit, "culprit", "", "tid or name of its culprit")
	fs.StringVar(&o.says, "says", "", "regular expression for its message")
	fs.DurationVar(&o.min, "min", 100*time.Microsecond, "shortest gap")
	fs.Parse(os.Args[2:])
	o.kinds, o.causes = strings.Split(o.kind, ","), strings.Split(o.cause, ",")
	o.as, o.aside = strings.Split(as, ","), strings.Split(aside, ",")
	files := fs.Args()
	wanted := map[string]int{"gaps": 2, "group": 1, "moved": 2, "blocked": 2, "finding": 1, "sums": 1}
	if n, ok := wanted[os.Args[1]]; !ok || n != len(files) {
		fatal("usage: see the top of its source")
	}
	switch os.Args[1] {
	case "gaps":
		os.Exit(judgeGaps(&o, readJournal(files[0]), files[1]))
	case "group":
		os.Exit(judgeGaps(&o, &journal{group: true}, files[0]))
	case "moved":
		os.Exit(judgeMoved(&o, readJournal(files[0]), files[1]))
	case "blocked":
		os.Exit(judgeBlocked(&o, readJournal(files[0]), files[1]))
	case "finding":
		os.Exit(judgeFinding(&o, files[0]))
	case "sums":
		os.Exit(judgeSums(files[0]))
	}
}
