package transport

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"
)

func TestGetRange(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 100)
	mux := http.NewServeMux()
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
	mux.HandleFunc("/whole", func(w http.ResponseWriter, _ *http.Request) { w.Write(content) }) //nolint:errcheck // a test
	mux.HandleFunc("/other", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-9/1000")
		w.WriteHeader(http.StatusPartialContent)
		w.Write(content[:10]) //nolint:errcheck // a test
	})
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", "bytes 5-14/1000")
		w.WriteHeader(http.StatusPartialContent)
		w.Write(content) //nolint:errcheck // a test
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	c := New(Config{AllowHTTP: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	defer c.Close()
	got, err := c.GetRange(t.Context(), s.URL+"/file", 5, 10)
	if err != nil || string(got) != "5678901234" {
		t.Errorf("%q, %v", got, err)
	}
	for path, want := range map[string]error{"/whole": ErrRange, "/other": ErrRange, "/long": ErrTooLarge} {
		if _, err := c.GetRange(t.Context(), s.URL+path, 5, 10); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	if _, err := c.GetRange(t.Context(), s.URL+"/file", 995, 10); err == nil {
		t.Error("more than there is")
	}
}
