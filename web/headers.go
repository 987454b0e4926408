package web

import (
	"net/http"
	"strings"
)

// Policy is the kind of a page, as far as its content policy goes.
type Policy int

// The policies. Documents that are no page of ours (API answers, files) get
// PolicyNone, which lets nothing run.
const (
	PolicyNone Policy = iota
	PolicyPage
	PolicyPlayer
	PolicyEmbed
)

// SecurityHeaders sets the headers that every answer carries (SEC-40). Handlers
// of pages set their own policy later with [SetPolicy].
func SecurityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		SetPolicy(w.Header(), PolicyNone, false)
		next.ServeHTTP(w, r)
	})
}

// SetPolicy writes the headers of one kind of document. With https unset the
// instance runs without TLS, and so may its peers: their media and trackers
// are then reached by http and ws.
func SetPolicy(h http.Header, p Policy, https bool) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	h.Set("Content-Security-Policy", contentPolicy(p, https))
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if p == PolicyEmbed {
		h.Del("X-Frame-Options")
		h.Del("Cross-Origin-Opener-Policy")
	} else {
		h.Set("X-Frame-Options", "DENY")
	}
}

func contentPolicy(p Policy, https bool) string {
	if p == PolicyNone {
		return "default-src 'none'; frame-ancestors 'none'"
	}
	parts := []string{
		"default-src 'none'",
		"script-src 'self'",
		"img-src 'self' data:",
		"font-src 'self'",
		"form-action 'self'",
		"base-uri 'none'",
		"manifest-src 'self'",
	}
	if p == PolicyPage {
		return strings.Join(append(parts, "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"), "; ")
	}
	away := "https: wss:"
	media := "https:"
	if !https {
		away, media = "http: https: ws: wss:", "http: https:"
	}
	parts = append(parts,
		// The controls keep their style sheets in shadow trees, inline.
		"style-src 'self' 'unsafe-inline'",
		"connect-src 'self' "+away,
		"media-src 'self' blob: "+media,
		"worker-src 'self' blob:",
	)
	if p == PolicyEmbed {
		return strings.Join(append(parts, "frame-ancestors *"), "; ")
	}
	return strings.Join(append(parts, "frame-ancestors 'none'"), "; ")
}
