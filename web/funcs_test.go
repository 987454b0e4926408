package web

import (
	"testing"
)

func TestDict(t *testing.T) {
	if m, err := dict("a", 1); err != nil || m["a"] != 1 {
		t.Errorf("dict: %v, %v", m, err)
	}
	if _, err := dict("a"); err == nil {
		t.Error("a missing value gives no error")
	}
	if _, err := dict(1, 2); err == nil {
		t.Error("a key that is no string gives no error")
	}
}

func TestAbsolute(t *testing.T) {
	for in, want := range map[string]string{"/w/1": "https://a.example/w/1", "https://b.example/x": "https://b.example/x", "": ""} {
		if got := absolute("https://a.example", in); got != want {
			t.Errorf("absolute(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAccepts(t *testing.T) {
	for _, tt := range []struct {
		header, coding string
		want           bool
	}{
		{"gzip, deflate, br, zstd", "br", true},
		{"GZIP", "gzip", true},
		{"br;q=0.8", "br", true},
		{"br;q=0", "br", false},
		{"br;q=x", "br", false},
		{"brotli", "br", false},
		{"", "gzip", false},
	} {
		if got := accepts(tt.header, tt.coding); got != tt.want {
			t.Errorf("accepts(%q, %q) = %v", tt.header, tt.coding, got)
		}
	}
}
