package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Sizes in bytes. As in PeerTube, KB, MB, GB and TB are powers of 1024.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
	TiB Size = 1 << 40
)

// Unlimited is the size that stands for no limit.
const Unlimited Size = -1

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// Secret is a value that must not be seen: whatever prints it prints
// [redacted]. Convert it to a string where it is used.
type Secret string

const redacted = "[redacted]"

// String returns "[redacted]", or nothing when there is no secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString keeps %#v from showing the secret.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// MarshalText keeps encoders from showing the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Size is a number of bytes, or [Unlimited].
type Size int64

// Allows reports whether n bytes are within the size.
func (s Size) Allows(n int64) bool { return s < 0 || n <= int64(s) }

// String returns the size with the largest unit that divides it: 10GB.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s > 0 && s%u.bytes == 0 {
			return fmt.Sprintf("%d%s", int64(s/u.bytes), u.name)
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

var sizeUnits = []struct {
	name  string
	bytes Size
}{{"TB", TiB}, {"GB", GiB}, {"MB", MiB}, {"KB", KiB}, {"B", 1}}

var errSyntax = errors.New("unreadable")

// ParseSize reads "10GB", "1.5 TB", "500 MiB", a plain number of bytes, or -1
// for no limit.
func ParseSize(text string) (Size, error) {
	t := strings.TrimSpace(text)
	if t == "-1" {
		return Unlimited, nil
	}
	number, unit := splitUnit(t)
	unit = strings.ToUpper(strings.Replace(strings.ToLower(unit), "ib", "b", 1))
	if unit == "" {
		unit = "B"
	}
	for _, u := range sizeUnits {
		if u.name == unit || u.name == unit+"B" {
			n, err := scale(number, int64(u.bytes))
			return Size(n), err
		}
	}
	return 0, errSyntax
}

var durationUnits = map[string]time.Duration{
	"":   time.Millisecond,
	"ms": time.Millisecond, "millisecond": time.Millisecond,
	"s": time.Second, "sec": time.Second, "second": time.Second,
	"min": time.Minute, "minute": time.Minute,
	"h": time.Hour, "hour": time.Hour,
	"d": day, "day": day,
	"w": week, "week": week,
	"month": 30 * day,
}

// Forever is -1 where a setting allows no end.
const Forever = -time.Millisecond

// ParseDuration reads "10 seconds", "2 days", "1.5 hours", a plain number of
// milliseconds, or -1 for [Forever]. The unit m is refused: PeerTube reads it as milliseconds, most
// people as minutes.
func ParseDuration(text string) (time.Duration, error) {
	if strings.TrimSpace(text) == "-1" {
		return Forever, nil
	}
	number, unit := splitUnit(strings.TrimSpace(text))
	unit = strings.ToLower(unit)
	d, ok := durationUnits[unit]
	if !ok {
		d, ok = durationUnits[strings.TrimSuffix(unit, "s")]
	}
	if !ok {
		return 0, errSyntax
	}
	n, err := scale(number, int64(d))
	return time.Duration(n), err
}

// FormatDuration writes d so that [ParseDuration] reads it: "2 weeks".
func FormatDuration(d time.Duration) string {
	for _, u := range []struct {
		name string
		d    time.Duration
	}{
		{"week", week},
		{"day", day},
		{"hour", time.Hour},
		{"minute", time.Minute},
		{"second", time.Second},
	} {
		if n := d / u.d; n > 0 && d%u.d == 0 {
			if n == 1 {
				return "1 " + u.name
			}
			return fmt.Sprintf("%d %ss", n, u.name)
		}
	}
	return strconv.FormatInt(d.Milliseconds(), 10)
}

// splitUnit parts "10 GB" into "10" and "GB".
func splitUnit(text string) (number, unit string) {
	i := 0
	for i < len(text) && (text[i] >= '0' && text[i] <= '9' || text[i] == '.') {
		i++
	}
	return text[:i], strings.TrimSpace(text[i:])
}

// scale returns number times unit, refusing what does not fit.
func scale(number string, unit int64) (int64, error) {
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		if n > (1<<63-1)/unit {
			return 0, errSyntax
		}
		return n * unit, nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || f*float64(unit) >= 1<<62 {
		return 0, errSyntax
	}
	return int64(f * float64(unit)), nil
}

// ImageSize is the width and height of a picture in pixels.
type ImageSize struct{ Width, Height int }

// String returns "280x157".
func (s ImageSize) String() string { return fmt.Sprintf("%dx%d", s.Width, s.Height) }

// maxImageSide keeps a picture of our own making within reason.
const maxImageSide = 4096

// parseImageSize reads "280x157".
func parseImageSize(text string) (ImageSize, error) {
	w, h, ok := strings.Cut(strings.TrimSpace(text), "x")
	width, errW := strconv.Atoi(w)
	height, errH := strconv.Atoi(h)
	if !ok || errW != nil || errH != nil || width < 1 || height < 1 || width > maxImageSide || height > maxImageSide {
		return ImageSize{}, errSyntax
	}
	return ImageSize{width, height}, nil
}
