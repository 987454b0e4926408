package wording

import (
	"testing"
	"time"
)

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 1: "1", 999: "999", 1000: "1K", 1260: "1.2K", 999_999: "999.9K", 1_000_000: "1M", 2_510_000_000: "2.5B"} {
		if got := Count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	for n, want := range map[int64]string{0: "0 views", 1: "1 view", 2: "2 views", 1500: "1.5K views"} {
		if got := Plural(n, "view", "views"); got != want {
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
		if got := Clock(tt.seconds); got != tt.clock {
			t.Errorf("clock(%d) = %q, want %q", tt.seconds, got, tt.clock)
		}
		if got := ISODuration(tt.seconds); got != tt.iso {
			t.Errorf("isoDuration(%d) = %q, want %q", tt.seconds, got, tt.iso)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1500: "2 kB", 2_340_000: "2.3 MB", 8_000_000_000: "8.00 GB"} {
		if got := Size(n); got != want {
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
		if got := Age(d); got != want {
			t.Errorf("age(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestInitial(t *testing.T) {
	for name, want := range map[string]string{"mara": "m", " Éva": "É", "": "?", "\xff": "?"} {
		if got := Initial(name); got != want {
			t.Errorf("initial(%q) = %q, want %q", name, got, want)
		}
	}
}
