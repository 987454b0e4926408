package peertube

import (
	"net/url"
	"regexp"
	"time"
)

func strlen(v any) int {
	s, ok := v.(string)
	if !ok {
		return -1
	}
	return len([]rune(s))
}

func num(v any) float64 {
	f, ok := v.(float64)
	if !ok {
		return -2
	}
	return f
}

func whole(v any) bool {
	f, ok := v.(float64)
	return ok && f == float64(int64(f))
}

func match(v any, pattern string) bool {
	s, ok := v.(string)
	return ok && regexp.MustCompile(pattern).MatchString(s)
}

func isURL(v any) bool {
	s, ok := v.(string)
	u, err := url.Parse(s)
	return ok && err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && len(s) <= 2000
}

func host(v any) string {
	s, _ := v.(string)
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	return u.Host
}

func isDate(v any) bool {
	s, ok := v.(string)
	_, err := time.Parse("2006-01-02T15:04:05.000Z", s)
	return ok && err == nil
}

func isUUID(v any) bool {
	return match(v, `^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
}
