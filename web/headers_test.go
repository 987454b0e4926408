package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// directive returns one part of a content policy.
func directive(policy, name string) string {
	for part := range strings.SplitSeq(policy, ";") {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(part), name+" "); ok {
			return rest
		}
	}
	return ""
}

func TestSetPolicy(t *testing.T) {
	for _, tt := range []struct {
		name                      string
		policy                    Policy
		https                     bool
		script, style, frame, con string
		frameOptions              string
	}{
		{"answers", PolicyNone, true, "", "", "'none'", "", "DENY"},
		{"pages", PolicyPage, true, "'self'", "'self'", "'none'", "'self'", "DENY"},
		{"player", PolicyPlayer, true, "'self'", "'self' 'unsafe-inline'", "'none'", "'self' https: wss:", "DENY"},
		{"player without TLS", PolicyPlayer, false, "'self'", "'self' 'unsafe-inline'", "'none'", "'self' http: https: ws: wss:", "DENY"},
		{"embed", PolicyEmbed, true, "'self'", "'self' 'unsafe-inline'", "*", "'self' https: wss:", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			SetPolicy(h, PolicyNone, tt.https)
			SetPolicy(h, tt.policy, tt.https)
			csp := h.Get("Content-Security-Policy")
			for name, want := range map[string]string{
				"default-src": "'none'", "script-src": tt.script, "style-src": tt.style,
				"frame-ancestors": tt.frame, "connect-src": tt.con,
			} {
				if got := directive(csp, name); got != want {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
			}
			if h.Get("X-Frame-Options") != tt.frameOptions {
				t.Errorf("X-Frame-Options = %q", h.Get("X-Frame-Options"))
			}
			if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" {
				t.Errorf("headers: %v", h)
			}
		})
	}
}

func TestEveryAnswerCarriesTheHeaders(t *testing.T) {
	h := SecurityHeaders(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/ping", nil))
	if got := w.Header().Get("Content-Security-Policy"); got != "default-src 'none'; frame-ancestors 'none'" {
		t.Errorf("policy = %q", got)
	}
}
