package rig

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
)

func TestProxy(t *testing.T) {
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host+r.URL.Path)
	}))
	defer behind.Close()
	u, err := url.Parse(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewProxy(t.Context(), port)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	public := "localhost:" + strconv.Itoa(p.Port)
	get := func(path string) (int, string) {
		res, err := http.Get("http://" + public + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	if status, body := get("/static/x.mp4"); status != 200 || body != public+"/static/x.mp4" {
		t.Errorf("%d %q", status, body)
	}
	p.NoMedia.Store(true)
	if status, _ := get("/static/x.mp4"); status != 503 || p.Refused.Load() != 1 {
		t.Errorf("without media: %d, %d refused", status, p.Refused.Load())
	}
	if status, _ := get("/w/x"); status != 200 {
		t.Errorf("a page, without media: %d", status)
	}
}
