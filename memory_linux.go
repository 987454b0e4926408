package main

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
)

// forgetStart gives back the memory that only the start needed: free pages of
// the heap, and the pages of the binary, of which the start reads half. What is
// needed again comes from the page cache or the file, unnoticed.
func forgetStart() {
	debug.FreeOSMemory()
	self, err := os.Executable()
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	var from, to uint64 // of the mapping whose lines are read; 0, 0: not of the binary
	for line := range strings.Lines(string(maps)) {
		field := strings.Fields(line)
		switch {
		case len(field) >= 5 && strings.Contains(field[0], "-"): // 00400000-02537000 r-xp 00000000 fe:00 9994487 /usr/bin/kinemesh
			from, to = 0, 0
			if len(field) >= 6 && field[5] == self && !strings.Contains(field[1], "w") {
				from, to = addresses(field[0])
			}
		// What has been written, as addresses are in a binary that may lie anywhere, is nowhere else.
		case len(field) >= 2 && field[0] == "Anonymous:" && field[1] == "0" && from < to:
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, uintptr(from), uintptr(to-from), syscall.MADV_DONTNEED)
		}
	}
}

// addresses reads FROM-TO, in hexadecimal; zeros when it is something else.
func addresses(s string) (from, to uint64) {
	first, last, _ := strings.Cut(s, "-")
	from, err := strconv.ParseUint(first, 16, 64)
	if err != nil {
		return 0, 0
	}
	if to, err = strconv.ParseUint(last, 16, 64); err != nil {
		return 0, 0
	}
	return from, to
}
