package web

import (
	"testing"
	"time"
)

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 1: "1", 999: "999", 1000: "1K", 1260: "1.2K", 999_999: "999.9K", 1_000_000: "1M", 2_510_000_000: "2.5B"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	for n, want := range map[int64]string{0: "0 views", 1: "1 view", 2: "2 views", 1500: "1.5K views"} {
		if got := plural(n, "view", "views"); got != want {
			t.Errorf("plural(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestClockAndISO(t *testing.T) {
	for _, tt := range []struct {
		seconds    int
		clock, iso string
	}{
		{-1, "0:00", "PT0S"},
		{0, "0:00", "PT0S"},
		{7, "0:07", "PT7S"},
		{60, "1:00", "PT1M"},
		{754, "12:34", "PT12M34S"},
		{3723, "1:02:03", "PT1H2M3S"},
		{360000, "100:00:00", "PT100H"},
	} {
		if got := clock(tt.seconds); got != tt.clock {
			t.Errorf("clock(%d) = %q, want %q", tt.seconds, got, tt.clock)
		}
		if got := isoDuration(tt.seconds); got != tt.iso {
			t.Errorf("isoDuration(%d) = %q, want %q", tt.seconds, got, tt.iso)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1500: "2 kB", 2_340_000: "2.3 MB", 8_000_000_000: "8.00 GB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestAge(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		-time.Hour: "just now", 59 * time.Second: "just now", time.Minute: "1 minute ago", 3 * time.Hour: "3 hours ago",
		day: "1 day ago", 8 * day: "1 week ago", 45 * day: "1 month ago", 800 * day: "2 years ago",
	} {
		if got := age(d); got != want {
			t.Errorf("age(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestInitial(t *testing.T) {
	for name, want := range map[string]string{"mara": "m", " Éva": "É", "": "?", "\xff": "?"} {
		if got := initial(name); got != want {
			t.Errorf("initial(%q) = %q, want %q", name, got, want)
		}
	}
}

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
