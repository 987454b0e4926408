package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// TestOurOwnLinks: what this server points others to is there.
func TestOurOwnLinks(t *testing.T) {
	s, _ := assembleWhole(t, dbtest.SQLite(t))
	links := []string{"/.well-known/change-password", "/favicon.ico", "/about"}
	body := func(path string) string {
		t.Helper()
		a := s.must("GET", path, "", nil)
		return a.Body.String()
	}
	for path, pattern := range map[string]string{
		"/feeds/videos.xml":  "<url>([^<]*)</url>|terms specified at ([^ ]*)",
		"/feeds/videos.atom": "<logo>([^<]*)</logo>|terms specified at ([^ ]*)",
		"/.well-known/webfinger?resource=acct:root@kinemesh.test": `"template":"([^"]*)"`,
	} {
		found := regexp.MustCompile(pattern).FindAllStringSubmatch(body(path), -1)
		if len(found) == 0 {
			t.Errorf("%s has no link", path)
		}
		for _, f := range found {
			link := strings.Replace(strings.Join(f[1:], ""), "{uri}", "acct:root@kinemesh.test", 1)
			links = append(links, strings.TrimPrefix(link, wholeOrigin))
		}
	}
	for _, link := range links {
		path := link
		for range 3 { // redirects
			a := s.do("GET", path, "", nil)
			if a.Code < http.StatusMultipleChoices || a.Code >= http.StatusBadRequest {
				if a.Code != http.StatusOK {
					t.Errorf("%s leads to %s: %d", link, path, a.Code)
				}
				break
			}
			path = a.Header().Get("Location")
		}
	}
}
