// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bytes"
	"fmt"
	"strconv"
)

// number reads the integer behind a key and returns what follows. There are millions of gaps: a JSON reader would take as
// long as the recording. Quotes inside of names are escaped, so that a key is never part of one.
func number(line []byte, key string) (int64, []byte, bool) {
	_, rest, found := bytes.Cut(line, []byte(key))
	if !found {
		return 0, nil, false
	}
	n := 0
	for n < len(rest) && (rest[n] == '-' || rest[n] >= '0' && rest[n] <= '9') {
		n++
	}
	v, err := strconv.ParseInt(string(rest[:n]), 10, 64)
	return v, rest[n:], err == nil
}

// complaints are the things that do not fit in one gap.
func complaints(line []byte, waited, unknown *int64) []string {
	var found []string
	start, rest, ok1 := number(line, `"start_ns":`)
	end, rest, ok2 := number(rest, `"end_ns":`)
	wait, rest, ok3 := number(rest, `"wait_ns":`)
	_, parts, ok4 := bytes.Cut(rest, []byte(`"parts":[`))
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return []string{"it is not a gap"}
	}
	*waited += wait
	if wait < 0 || end-start != wait {
		found = append(found, fmt.Sprintf("waited %d ns, but from %d to %d", wait, start, end))
	}
	sum := int64(0)
	for {
		before := parts
		ns, rest, ok := number(parts, `"ns":`)
		if !ok {
			break
		}
		parts = rest
		if ns < 0 {
			found = append(found, fmt.Sprintf("a part of %d ns", ns))
		}
		if bytes.Contains(before[:len(before)-len(rest)], []byte(`"kind":"unknown"`)) {
			*unknown += ns
		}
		sum += ns
	}
	if sum != wait {
		found = append(found, fmt.Sprintf("waited %d ns, its parts add up to %d", wait, sum))
	}
	return found
}

func judgeSums(path string) int {
	var n, bad int
	var waited, unknown int64
	lines(path, func(line []byte) error {
		n++
		found := complaints(line, &waited, &unknown)
		for _, what := range found {
			fmt.Printf("%s: %.100s\n", what, line)
		}
		bad += min(len(found), 1)
		return nil
	})
	fmt.Printf("%d gaps, %s, unknown %s, wrong %d\n", n, ms(waited), ms(unknown), bad)
	if n == 0 || bad > 0 {
		return 1
	}
	return 0
}
