package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kinemesh/kinemesh/accounts/notification"
)

// functions are what templates may call.
func functions(assets *Assets, now func() time.Time) template.FuncMap {
	return template.FuncMap{
		"assets":   assets.Tags,
		"font":     assets.Font,
		"icon":     func(name string) template.HTML { return icon(name, "ic") },
		"small":    func(name string) template.HTML { return icon(name, "ic s") },
		"count":    count,
		"plural":   plural,
		"unread":   unread,
		"clock":    clock,
		"size":     size,
		"initial":  initial,
		"rfc3339":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"age":      func(t time.Time) string { return age(now().Sub(t)) },
		"iso":      isoDuration,
		"json":     jsonText,
		"jsonld":   jsonLD,
		"dict":     dict,
		"pathbase": func(p string) string { before, _, _ := strings.Cut(p, "?"); return before },
	}
}

func icon(name, class string) template.HTML {
	return template.HTML(`<svg class="` + class + `" viewBox="0 0 24 24" aria-hidden="true"><use href="#i-` + //nolint:gosec // names are constants of our templates and views, escaped
		template.HTMLEscapeString(name) + `"/></svg>`)
}

// count shortens a number: 812, 1.2K, 3M.
func count(n int64) string {
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

// plural writes a number with its noun: "1 view", "1.2K views".
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// unread writes how many notifications are new, as far as they are counted.
func unread(n int64) string {
	if n >= notification.MaxUnread {
		return strconv.Itoa(notification.MaxUnread-1) + "+"
	}
	return strconv.FormatInt(n, 10)
}

// clock writes seconds as 0:07 or 1:02:03.
func clock(seconds int) string {
	s := max(0, seconds)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// size writes bytes with decimal units, as the client does.
func size(n int64) string {
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

// initial is the letter that stands for someone without a picture.
func initial(name string) string {
	r, _ := utf8.DecodeRuneInString(strings.TrimSpace(name))
	if r == utf8.RuneError {
		return "?"
	}
	return string(r)
}

// age tells in words how long ago something was.
func age(d time.Duration) string {
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

// isoDuration writes seconds as ISO 8601: PT1H2M3S.
func isoDuration(seconds int) string {
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

// jsonText is JSON for an attribute, which html/template then escapes.
func jsonText(v any) (string, error) {
	raw, err := json.Marshal(v)
	return string(raw), err
}

// jsonLD is the schema.org description of a video. html/template writes it as
// JSON with <, >, &, U+2028 and U+2029 escaped (SEC-39).
func jsonLD(v *WatchPage) map[string]any {
	m := map[string]any{
		"@context":     "https://schema.org",
		"@type":        "VideoObject",
		"name":         v.Title,
		"description":  v.Summary,
		"thumbnailUrl": absolute(v.Origin, v.Player.Poster),
		"uploadDate":   v.Published.UTC().Format(time.RFC3339),
		"duration":     isoDuration(v.Player.Duration),
		"embedUrl":     absolute(v.Origin, v.EmbedURL),
		"url":          absolute(v.Origin, v.URL),
		"author":       map[string]any{"@type": "Person", "name": v.Channel.Name, "url": absolute(v.Origin, v.Channel.URL)},
		"interactionStatistic": map[string]any{
			"@type": "InteractionCounter", "interactionType": map[string]any{"@type": "WatchAction"}, "userInteractionCount": v.Views,
		},
	}
	if v.FileURL != "" {
		m["contentUrl"] = v.FileURL
	}
	return m
}

// absolute puts the instance's origin before a path.
func absolute(origin, path string) string {
	if strings.HasPrefix(path, "/") {
		return origin + path
	}
	return path
}

func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("dict: a value is missing")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, errors.New("dict: a key is no string")
		}
		m[key] = pairs[i+1] //nolint:gosec // the length is even
	}
	return m, nil
}
