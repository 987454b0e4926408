package config

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for _, tc := range []struct {
		text string
		want time.Duration // 0: refused
	}{
		{"10 seconds", 10 * time.Second},
		{"1 second", time.Second},
		{"10s", 10 * time.Second},
		{"5 minutes", 5 * time.Minute},
		{"5min", 5 * time.Minute},
		{"1 hour", time.Hour},
		{"1.5 hours", 90 * time.Minute},
		{"2 days", 48 * time.Hour},
		{"4 Weeks", 28 * 24 * time.Hour},
		{"1 month", 30 * 24 * time.Hour},
		{"250 ms", 250 * time.Millisecond},
		{"300000", 5 * time.Minute},
		{" 7 days ", 7 * 24 * time.Hour},
		{"5m", 0},
		{"", 0},
		{"-1 day", 0},
		{"ten seconds", 0},
		{"10 seconds 5", 0},
		{"1.2.3 days", 0},
		{"99999999999 weeks", 0},
	} {
		got, err := ParseDuration(tc.text)
		if (err == nil) != (tc.want != 0) || got != tc.want && err == nil {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", tc.text, got, err, tc.want)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"1 day":      24 * time.Hour,
		"2 weeks":    14 * 24 * time.Hour,
		"10 seconds": 10 * time.Second,
		"90 minutes": 90 * time.Minute,
		"1500":       1500 * time.Millisecond,
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%v) = %q, want %q", d, got, want)
		}
		if back, err := ParseDuration(want); err != nil || back != d {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", want, back, err, d)
		}
	}
}

func TestParseSize(t *testing.T) {
	const refused = Size(-99)
	for _, tc := range []struct {
		text string
		want Size
	}{
		{"10GB", 10 * GiB},
		{"10 gb", 10 * GiB},
		{"10 GiB", 10 * GiB},
		{"1.5TB", 1536 * GiB},
		{"500M", 500 * MiB},
		{"3KB", 3 * KiB},
		{"12 B", 12},
		{"12345", 12345},
		{"-1", Unlimited},
		{"0", 0},
		{"-5", refused},
		{"", refused},
		{"GB", refused},
		{"10 apples", refused},
		{"9999999999TB", refused},
	} {
		got, err := ParseSize(tc.text)
		if (err == nil) != (tc.want != refused) || err == nil && got != tc.want {
			t.Errorf("ParseSize(%q) = %d, %v, want %d", tc.text, got, err, tc.want)
		}
		if err != nil {
			continue
		}
		if back, err := ParseSize(got.String()); err != nil || back != got {
			t.Errorf("ParseSize(%q) = %d, %v, want %d again", got.String(), back, err, got)
		}
	}
}

func TestSizeAllows(t *testing.T) {
	for _, tc := range []struct {
		size Size
		n    int64
		want bool
	}{{10, 10, true}, {10, 11, false}, {0, 1, false}, {Unlimited, 1 << 60, true}} {
		if got := tc.size.Allows(tc.n); got != tc.want {
			t.Errorf("Size(%d).Allows(%d) = %v, want %v", tc.size, tc.n, got, tc.want)
		}
	}
}

// SEC-53
func TestSecretIsNotPrinted(t *testing.T) {
	c := Default()
	c.Database.Password = "hunter2"
	inJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		string(inJSON), fmt.Sprint(c.Database), fmt.Sprintf("%+v", *c), fmt.Sprintf("%#v", c.Database), fmt.Sprintf("%s %q", c.Database.Password, c.Database.Password),
	} {
		if contains(text, "hunter2") {
			t.Errorf("the password is in %s", text)
		}
		if !contains(text, redacted) {
			t.Errorf("%q does not say that something is hidden", text)
		}
	}
	if got := Secret("").String(); got != "" {
		t.Errorf("an empty secret prints %q", got)
	}
	if string(c.Database.Password) != "hunter2" {
		t.Error("the password cannot be used")
	}
}
