package web

import (
	"encoding/json"
	"errors"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/accounts/notification"
	"github.com/kinemesh/kinemesh/web/wording"
)

// functions are what templates may call.
func functions(assets *Assets, now func() time.Time) template.FuncMap {
	return template.FuncMap{
		"assets":   assets.Tags,
		"font":     assets.Font,
		"icon":     func(name string) template.HTML { return icon(name, "ic") },
		"small":    func(name string) template.HTML { return icon(name, "ic s") },
		"count":    wording.Count,
		"plural":   wording.Plural,
		"unread":   unread,
		"clock":    wording.Clock,
		"size":     wording.Size,
		"initial":  wording.Initial,
		"rfc3339":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"age":      func(t time.Time) string { return wording.Age(now().Sub(t)) },
		"iso":      wording.ISODuration,
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

// unread writes how many notifications are new, as far as they are counted.
func unread(n int64) string {
	if n >= notification.MaxUnread {
		return strconv.Itoa(notification.MaxUnread-1) + "+"
	}
	return strconv.FormatInt(n, 10)
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
		"duration":     wording.ISODuration(v.Player.Duration),
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
