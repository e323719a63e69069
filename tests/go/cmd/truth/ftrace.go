// SPDX-License-Identifier: BSD-2-Clause

package main

// Reads what ftrace recorded: the raw pages of an instance's ring buffers, without the kernel's text formatting, so that
// times are nanoseconds and names cannot confuse anything. Layout: Documentation/trace/ring-buffer-design.rst and
// events/header_page, events/header_event in tracefs.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"syscall"
)

type eventKind uint8

const (
	evSwitch eventKind = iota
	evWaking
	evWakeupNew
	evMigrate
)

var eventNames = []string{"sched_switch", "sched_waking", "sched_wakeup_new", "sched_migrate_task"}

// event is one scheduler event; tid is the thread it is about (for a switch: who leaves).
type event struct {
	ts    uint64
	kind  eventKind
	cpu   int16 // where it was written
	to    int16 // waking, wakeup_new: target_cpu; migrate: dest_cpu
	tid   int32
	next  int32 // switch: who comes; else: current
	state uint32
}

func (e event) String() string {
	switch e.kind {
	case evSwitch:
		return fmt.Sprintf("%d cpu %d switch %d (state %#x) -> %d", e.ts, e.cpu, e.tid, e.state, e.next)
	case evMigrate:
		return fmt.Sprintf("%d cpu %d migrate %d to cpu %d (by %d)", e.ts, e.cpu, e.tid, e.to, e.next)
	default:
		return fmt.Sprintf("%d cpu %d %s %d, target cpu %d (by %d)", e.ts, e.cpu, eventNames[e.kind], e.tid, e.to, e.next)
	}
}

// drain copies the raw pages and the formats of an instance into a folder.
func drain(instance, into string) error {
	for _, name := range eventNames {
		text, err := os.ReadFile(filepath.Join(instance, "events/sched", name, "format"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(into, name+".format"), text, 0o644); err != nil {
			return err
		}
	}
	pipes, err := filepath.Glob(filepath.Join(instance, "per_cpu/cpu*/trace_pipe_raw"))
	if err != nil || len(pipes) == 0 {
		return fmt.Errorf("no trace_pipe_raw in %q: %v", instance, err)
	}
	for _, pipe := range pipes {
		cpu := filepath.Base(filepath.Dir(pipe))
		if err := drainPipe(pipe, filepath.Join(into, cpu+".raw")); err != nil {
			return err
		}
	}
	return nil
}

// drainPipe works on the file descriptor: os.File would wait for data that never comes.
func drainPipe(pipe, into string) error {
	fd, err := syscall.Open(pipe, syscall.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", pipe, err)
	}
	defer syscall.Close(fd)
	out, err := os.Create(into)
	if err != nil {
		return err
	}
	defer out.Close()
	page := make([]byte, os.Getpagesize())
	for {
		n, err := syscall.Read(fd, page)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if n == 0 || errors.Is(err, syscall.EAGAIN) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", pipe, err)
		}
		clear(page[n:])
		if _, err := out.Write(page); err != nil {
			return err
		}
	}
}

// format says where the fields of one kind of event are.
type format struct {
	kind   eventKind
	fields map[string]field
}

type field struct{ offset, size int }

var (
	idLine    = regexp.MustCompile(`(?m)^ID: (\d+)$`)
	fieldLine = regexp.MustCompile(`field:[^;]*?(\w+)(?:\[\d+\])?;\s*offset:(\d+);\s*size:(\d+);`)
)

func readFormats(dir string) (map[uint16]format, error) {
	formats := map[uint16]format{}
	for kind, name := range eventNames {
		text, err := os.ReadFile(filepath.Join(dir, name+".format"))
		if err != nil {
			return nil, err
		}
		id := idLine.FindSubmatch(text)
		if id == nil {
			return nil, fmt.Errorf("no ID in the format of %s", name)
		}
		number, _ := strconv.ParseUint(string(id[1]), 10, 16)
		f := format{kind: eventKind(kind), fields: map[string]field{}}
		for _, m := range fieldLine.FindAllSubmatch(text, -1) {
			offset, _ := strconv.Atoi(string(m[2]))
			size, _ := strconv.Atoi(string(m[3]))
			f.fields[string(m[1])] = field{offset, size}
		}
		formats[uint16(number)] = f
	}
	return formats, nil
}

func (f format) number(data []byte, name string) uint64 {
	at, ok := f.fields[name]
	if !ok || at.offset+at.size > len(data) {
		return 0
	}
	if at.size == 8 {
		return binary.LittleEndian.Uint64(data[at.offset:])
	}
	return uint64(binary.LittleEndian.Uint32(data[at.offset:]))
}

func (f format) event(ts uint64, cpu int, data []byte) event {
	e := event{ts: ts, kind: f.kind, cpu: int16(cpu)}
	switch f.kind {
	case evSwitch:
		e.tid = int32(f.number(data, "prev_pid"))
		e.next = int32(f.number(data, "next_pid"))
		e.state = uint32(f.number(data, "prev_state"))
	case evMigrate:
		e.tid = int32(f.number(data, "pid"))
		e.next = int32(f.number(data, "common_pid"))
		e.to = int16(f.number(data, "dest_cpu"))
	default:
		e.tid = int32(f.number(data, "pid"))
		e.next = int32(f.number(data, "common_pid"))
		e.to = int16(f.number(data, "target_cpu"))
	}
	return e
}

// capture is everything ftrace saw, in time order. Before from it lost events of some CPU.
type capture struct {
	events   []event
	from, to uint64
	cpus     int
	lost     int // pages before which the kernel says that events are missing
}

func readCapture(dir string) (*capture, error) {
	formats, err := readFormats(dir)
	if err != nil {
		return nil, err
	}
	files, _ := filepath.Glob(filepath.Join(dir, "cpu*.raw"))
	if len(files) == 0 {
		return nil, fmt.Errorf("no cpu*.raw in %q", dir)
	}
	c := &capture{cpus: len(files), to: ^uint64(0)}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "cpu"), ".raw")
		cpu, err := strconv.Atoi(name)
		if err != nil {
			return nil, err
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		first := len(c.events)
		if err := c.readPages(raw, cpu, formats); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if len(c.events) == first {
			continue // a CPU that is not online
		}
		c.from = max(c.from, c.events[first].ts)
		c.to = min(c.to, c.events[len(c.events)-1].ts)
	}
	sort.SliceStable(c.events, func(i, j int) bool { return c.events[i].ts < c.events[j].ts })
	return c, nil
}

const (
	pageHeaderBytes = 16
	commitMask      = 1<<27 - 1
	missedEvents    = 1 << 31
	typePadding     = 29
	typeTimeExtend  = 30
	typeTimeStamp   = 31
	deltaBits       = 27
)

func (c *capture) readPages(raw []byte, cpu int, formats map[uint16]format) error {
	size := os.Getpagesize()
	for page := 0; page+size <= len(raw); page += size {
		p := raw[page : page+size]
		ts := binary.LittleEndian.Uint64(p)
		commit := binary.LittleEndian.Uint64(p[8:])
		if commit&missedEvents != 0 && page > 0 {
			c.lost++
		}
		end := pageHeaderBytes + int(commit&commitMask)
		if end > size {
			return fmt.Errorf("page at %d claims %d bytes", page, end)
		}
		if err := c.readEvents(p[pageHeaderBytes:end], ts, cpu, formats); err != nil {
			return fmt.Errorf("page at %d: %w", page, err)
		}
	}
	return nil
}

func (c *capture) readEvents(p []byte, ts uint64, cpu int, formats map[uint16]format) error {
	for len(p) >= 4 {
		header := binary.LittleEndian.Uint32(p)
		kind, delta := header&31, uint64(header>>5)
		size := int(kind) * 4
		skip := 4
		if kind == 0 || kind >= typePadding {
			if len(p) < 8 {
				return io.ErrUnexpectedEOF
			}
			array0 := binary.LittleEndian.Uint32(p[4:])
			switch kind {
			case typePadding:
				if delta == 0 {
					return nil // the rest of the page is empty
				}
				size = int(array0)
			case typeTimeExtend:
				delta |= uint64(array0) << deltaBits
				size = 4
			case typeTimeStamp:
				delta |= uint64(array0) << deltaBits
				ts, delta, size = ts&^(1<<59-1)|delta, 0, 4
			default:
				size, skip = int(array0)-4, 8
			}
		}
		ts += delta
		if size < 0 || skip+size > len(p) {
			return io.ErrUnexpectedEOF
		}
		if kind < typePadding && size >= 8 {
			data := p[skip : skip+size]
			if f, ok := formats[binary.LittleEndian.Uint16(data)]; ok {
				c.events = append(c.events, f.event(ts, cpu, data))
			}
		}
		p = p[skip+(size+3)&^3:]
	}
	return nil
}
