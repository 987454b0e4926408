// Package wording writes what people read on pages: numbers, sizes and times in
// words, and safe HTML of Markdown.
//
// Imported by: web. Imports no sibling.
package wording

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Count shortens a number: 812, 1.2K, 3M.
func Count(n int64) string {
	short := func(div float64, unit string) string {
		s := strconv.FormatFloat(math.Floor(float64(n)/div*10)/10, 'f', 1, 64)
		return strings.TrimSuffix(s, ".0") + unit
	}
	switch {
	case n >= 1e9:
		return short(1e9, "B")
	case n >= 1e6:
		return short(1e6, "M")
	case n >= 1e3:
		return short(1e3, "K")
	}
	return strconv.FormatInt(n, 10)
}

// Plural writes a number with its noun: "1 view", "1.2K views".
func Plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

// Clock writes seconds as 0:07 or 1:02:03.
func Clock(seconds int) string {
	s := max(0, seconds)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// Size writes bytes with decimal units, as the client does.
func Size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}

// Initial is the letter that stands for someone without a picture.
func Initial(name string) string {
	r, _ := utf8.DecodeRuneInString(strings.TrimSpace(name))
	if r == utf8.RuneError {
		return "?"
	}
	return string(r)
}

// Age tells in words how long ago something was.
func Age(d time.Duration) string {
	ago := func(n int, unit string) string {
		if n != 1 {
			unit += "s"
		}
		return fmt.Sprintf("%d %s ago", n, unit)
	}
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return ago(int(d/time.Minute), "minute")
	case d < day:
		return ago(int(d/time.Hour), "hour")
	case d < 7*day:
		return ago(int(d/day), "day")
	case d < 30*day:
		return ago(int(d/(7*day)), "week")
	case d < 365*day:
		return ago(int(d/(30*day)), "month")
	}
	return ago(int(d/(365*day)), "year")
}

// ISODuration writes seconds as ISO 8601: PT1H2M3S.
func ISODuration(seconds int) string {
	s := max(0, seconds)
	var b strings.Builder
	b.WriteString("PT")
	if h := s / 3600; h > 0 {
		fmt.Fprintf(&b, "%dH", h)
	}
	if m := s / 60 % 60; m > 0 {
		fmt.Fprintf(&b, "%dM", m)
	}
	if s%60 > 0 || s == 0 {
		fmt.Fprintf(&b, "%dS", s%60)
	}
	return b.String()
}
