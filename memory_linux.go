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
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(maps)) {
		// 00400000-02537000 r-xp 00000000 fe:00 9994487 /usr/bin/kinemesh
		field := strings.Fields(line)
		if len(field) < 6 || field[5] != self || strings.Contains(field[1], "w") {
			continue // what has been written is nowhere else
		}
		first, last, _ := strings.Cut(field[0], "-")
		from, err := strconv.ParseUint(first, 16, 64)
		if err != nil {
			continue
		}
		if to, err := strconv.ParseUint(last, 16, 64); err == nil {
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, uintptr(from), uintptr(to-from), syscall.MADV_DONTNEED)
		}
	}
}
