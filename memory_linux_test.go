package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestForgetStart: pages of the binary are given back, and the program goes on.
func TestForgetStart(t *testing.T) {
	resident := func() (kB int) {
		t.Helper()
		text, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(text), "RssFile:")
		if _, err := fmt.Sscan(after, &kB); err != nil {
			t.Fatal(err)
		}
		return kB
	}
	before := resident()
	forgetStart()
	if after := resident(); after >= before {
		t.Errorf("%d kB of files in memory, %d before", after, before)
	}
}
