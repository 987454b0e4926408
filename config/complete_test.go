package config

import (
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

func TestPublicAddress(t *testing.T) {
	for _, tc := range []struct {
		webserver               Webserver
		host, origin, webSocket string
	}{
		{Webserver{}, "localhost:9000", "http://localhost:9000", "ws://localhost:9000"},
		{Webserver{HTTPS: true, Hostname: "v.example.org"}, "v.example.org", "https://v.example.org", "wss://v.example.org"},
		{Webserver{HTTPS: true, Hostname: "V.Example.org", Port: 8443}, "v.example.org:8443", "https://v.example.org:8443", "wss://v.example.org:8443"},
		{Webserver{Hostname: "v.example.org", Port: 80}, "v.example.org", "http://v.example.org", "ws://v.example.org"},
		{Webserver{Hostname: "127.0.0.1", Port: 9001}, "127.0.0.1:9001", "http://127.0.0.1:9001", "ws://127.0.0.1:9001"},
		{Webserver{Hostname: "::1", Port: 9001}, "[::1]:9001", "http://[::1]:9001", "ws://[::1]:9001"},
		{Webserver{HTTPS: true, Hostname: "vidéo.example"}, "xn--vido-dpa.example", "https://xn--vido-dpa.example", "wss://xn--vido-dpa.example"},
	} {
		c := Default()
		c.Webserver = tc.webserver
		if err := c.Complete(); err != nil {
			t.Errorf("%+v: %v", tc.webserver, err)
			continue
		}
		if c.Host() != tc.host || c.Origin() != tc.origin || c.WebSocketOrigin() != tc.webSocket {
			t.Errorf("%+v: %s, %s, %s, want %s, %s, %s", tc.webserver, c.Host(), c.Origin(), c.WebSocketOrigin(), tc.host, tc.origin, tc.webSocket)
		}
	}
}

func TestCompleteTwice(t *testing.T) {
	c := Default()
	c.Webserver.Hostname = "::1"
	for range 2 {
		if err := c.Complete(); err != nil {
			t.Fatal(err)
		}
	}
	if c.Origin() != "http://[::1]:9000" {
		t.Errorf("Origin() = %s after completing twice", c.Origin())
	}
}

func TestListenAddress(t *testing.T) {
	for host, want := range map[string]string{"127.0.0.1": "127.0.0.1:9000", "::": "[::]:9000", "[::1]": "[::1]:9000", "": ":9000"} {
		c := Default()
		c.Listen.Hostname = host
		if got := c.ListenAddress(); got != want {
			t.Errorf("ListenAddress with %q = %s, want %s", host, got, want)
		}
	}
}

// SEC-50
func TestTrustedProxies(t *testing.T) {
	c := Default()
	c.TrustProxy = []string{"loopback", "192.0.2.7", "10.1.2.3/16", "2001:db8::/32"}
	if err := c.Complete(); err != nil {
		t.Fatal(err)
	}
	trusts := func(addr string) bool {
		return slices.ContainsFunc(c.TrustedProxies(), func(p netip.Prefix) bool { return p.Contains(netip.MustParseAddr(addr)) })
	}
	for addr, want := range map[string]bool{
		"127.0.0.1": true, "::1": true, "192.0.2.7": true, "10.1.200.1": true, "2001:db8::5": true,
		"192.0.2.8": false, "10.2.0.1": false, "203.0.113.1": false,
	} {
		if got := trusts(addr); got != want {
			t.Errorf("%s trusted: %v, want %v", addr, got, want)
		}
	}
	c.TrustProxy = []string{"10.0.0.0/99"}
	if err := c.Complete(); err == nil || c.TrustedProxies() != nil {
		t.Errorf("a wrong network: error %v, trusted %v", err, c.TrustedProxies())
	}
}

func TestDatabaseURL(t *testing.T) {
	for _, tc := range []struct {
		name string
		db   Database
		want string
	}{
		{"default", Database{Port: 5432}, "sqlite:/srv/kinemesh.db"},
		{"url wins", Database{URL: "sqlite:/x.db", Hostname: "db"}, "sqlite:/x.db"},
		{"parts", Database{Hostname: "db", Port: 5433, Name: "k", Username: "u", Password: "p:/@"}, "postgres://u:p%3A%2F%40@db:5433/k?sslmode=disable"},
		{"encrypted", Database{Hostname: "db", Port: 5432, Name: "k", SSL: true}, "postgres://db:5432/k?sslmode=require"},
		{"suffix", Database{Port: 5432, Suffix: "_prod", Username: "u"}, "postgres://u@localhost:5432/peertube_prod?sslmode=disable"},
		{"socket", Database{Hostname: "/run/postgresql", Port: 5432, Name: "k", Username: "u"}, "postgres://u@/k?host=%2Frun%2Fpostgresql&port=5432&sslmode=disable"},
		{"IPv6", Database{Hostname: "::1", Port: 5432, Name: "k"}, "postgres://[::1]:5432/k?sslmode=disable"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := Default()
			c.DataDir = "/srv"
			c.Database = tc.db
			if got := c.DatabaseURL(); got != tc.want {
				t.Errorf("DatabaseURL() = %s, want %s", got, tc.want)
			}
		})
	}
}

func TestRedisURL(t *testing.T) {
	for want, r := range map[string]Redis{
		"":                                  {Port: 6379},
		"redis://h:6379/0":                  {Hostname: "h", Port: 6379},
		"redis://:s%2Fs@h:6380/3":           {Hostname: "h", Port: 6380, DB: 3, Auth: "s/s"},
		"unix:///run/redis.sock?db=1":       {Socket: "/run/redis.sock", DB: 1},
		"unix://:pw@/run/redis.sock?db=0":   {Socket: "/run/redis.sock", Auth: "pw"},
		"rediss://:pw@redis.example:6379/1": {URL: "rediss://:pw@redis.example:6379/1", Hostname: "ignored"},
	} {
		c := Default()
		c.Redis = r
		if got := c.RedisURL(); got != want {
			t.Errorf("RedisURL of %+v = %s, want %s", r, got, want)
		}
	}
}

func TestLogLevel(t *testing.T) {
	for level, want := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "warning": slog.LevelWarn, "error": slog.LevelError,
	} {
		c := Default()
		c.Log.Level = level
		if got := c.LogLevel(); got != want {
			t.Errorf("LogLevel of %s = %v, want %v", level, got, want)
		}
	}
}

func TestHeights(t *testing.T) {
	if got, want := Default().Transcoding.Resolutions.Heights(), []int{480, 720}; !slices.Equal(got, want) {
		t.Errorf("default heights %v, want %v", got, want)
	}
	all := Resolutions{true, true, true, true, true, true, true, true, true}
	if got, want := all.Heights(), []int{0, 144, 240, 360, 480, 720, 1080, 1440, 2160}; !slices.Equal(got, want) {
		t.Errorf("all heights %v, want %v", got, want)
	}
}

func TestTranscodingMakesSomething(t *testing.T) {
	c := Default()
	c.Transcoding.WebVideos.Enabled, c.Transcoding.HLS.Enabled = false, false
	if err := c.Complete(); err == nil || !contains(err.Error(), "transcoding.web_videos.enabled") {
		t.Errorf("transcoding to nothing: %v", err)
	}
	c.Transcoding.Enabled = false
	if err := c.Complete(); err != nil {
		t.Errorf("no transcoding at all: %v", err)
	}
}
