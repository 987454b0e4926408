package web_test

import "testing"

func TestHandlesLeadToPages(t *testing.T) {
	x := newTube(t)
	for path, want := range map[string]struct {
		status int
		to     string
	}{
		"accounts/mara":                      {302, "/a/mara"},
		"accounts/mara@kinemesh.test":        {302, "/a/mara"},
		"actors/mara":                        {302, "/a/mara"},
		"actors/mara_channel":                {302, "/c/mara_channel"},
		"accounts/mara_channel":              {404, ""},
		"actors/nobody":                      {404, ""},
		"actors/nobody@evil.example":         {404, ""},
		"actors/%2f%2fevil.example":          {404, ""},
		"actors/https:%2f%2fevil.example%2f": {404, ""},
	} {
		if w := x.get("/services/redirect/"+path, ""); w.Code != want.status || w.Header().Get("Location") != want.to {
			t.Errorf("%s: %d %q, want %d %q", path, w.Code, w.Header().Get("Location"), want.status, want.to)
		}
	}
}
