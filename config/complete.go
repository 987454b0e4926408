package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// secureRSABits is the least size of RSA keys outside tests. SEC-05
const secureRSABits = 2048

// Complete fills what follows from other settings (folders, the public
// address) and checks the rest. [Load] has called it; whoever changes a
// [Default] calls it before use.
func (c *Config) Complete() error {
	if c.DataDir == "" {
		c.DataDir = "."
	}
	c.completeStorage()
	if c.Webserver.Hostname == "" {
		c.Webserver.Hostname = "localhost"
	}
	if c.Webserver.Port == 0 {
		c.Webserver.Port = c.Listen.Port
		if c.Webserver.HTTPS {
			c.Webserver.Port = 443
		}
	}
	if c.Admin.Email == "" {
		c.Admin.Email = "admin@" + c.Webserver.Hostname
	}
	if c.live == nil {
		c.live = &live{base: c}
	}
	if c.SMTP.FromAddress == "" {
		c.SMTP.FromAddress = c.Admin.Email
	}
	return c.check()
}

func (c *Config) completeStorage() {
	s := &c.Storage
	for _, f := range []struct {
		path *string
		name string
	}{
		{&s.Tmp, "tmp"},
		{&s.TmpPersistent, "tmp-persistent"},
		{&s.Avatars, "avatars"},
		{&s.WebVideos, "web-videos"},
		{&s.StreamingPlaylists, "streaming-playlists"},
		{&s.OriginalVideoFiles, "original-video-files"},
		{&s.Previews, "previews"},
		{&s.Thumbnails, "thumbnails"},
		{&s.Torrents, "torrents"},
		{&s.Captions, "captions"},
		{&s.Storyboards, "storyboards"},
		{&s.Redundancy, "redundancy"},
		{&s.Cache, "cache"},
	} {
		if *f.path == "" {
			*f.path = filepath.Join(c.DataDir, f.name)
		}
	}
}

func (c *Config) check() error {
	return errors.Join(
		c.checkWebserver(),
		c.checkProxies(),
		c.checkDatabase(),
		c.checkRedis(),
		c.checkMail(),
		c.checkThumbnails(),
		c.checkTranscoding(),
	)
}

func (c *Config) checkWebserver() error {
	host := strings.ToLower(c.Webserver.Hostname)
	ascii, err := idna.Lookup.ToASCII(host)
	if ip := net.ParseIP(strings.Trim(host, "[]")); ip != nil {
		ascii, err = host, nil
		if ip.To4() == nil {
			ascii = "[" + ip.String() + "]"
		}
	}
	if err != nil || ascii == "" || strings.ContainsAny(ascii, ":/@ ") && !strings.HasPrefix(ascii, "[") {
		return &ValueError{"webserver.hostname", c.Webserver.Hostname, "a host name without scheme and port, such as videos.example.org"}
	}
	c.Webserver.Hostname = ascii
	return nil
}

// proxyWords are the networks that PeerTube's words stand for.
var proxyWords = map[string][]string{
	"loopback":    {"127.0.0.0/8", "::1/128"},
	"linklocal":   {"169.254.0.0/16", "fe80::/10"},
	"uniquelocal": {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"},
}

// TrustedProxies are the networks whose X-Forwarded-For is believed. SEC-50
func (c *Config) TrustedProxies() []netip.Prefix {
	list, err := c.parseProxies()
	if err != nil {
		return nil // Complete refused it
	}
	return list
}

func (c *Config) parseProxies() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, entry := range c.TrustProxy {
		texts, ok := proxyWords[entry]
		if !ok {
			texts = []string{entry}
		}
		for _, text := range texts {
			if addr, err := netip.ParseAddr(text); err == nil {
				list = append(list, netip.PrefixFrom(addr, addr.BitLen()))
				continue
			}
			network, err := netip.ParsePrefix(text)
			if err != nil {
				return nil, &ValueError{"trust_proxy", entry, "an address, a network such as 10.0.0.0/8, or loopback, linklocal, uniquelocal"}
			}
			list = append(list, network.Masked())
		}
	}
	return list, nil
}

func (c *Config) checkProxies() error {
	_, err := c.parseProxies()
	return err
}

func (c *Config) checkDatabase() error {
	scheme, rest, ok := strings.Cut(string(c.Database.URL), ":")
	switch {
	case c.Database.URL == "":
		return nil
	case ok && scheme == "sqlite" && rest != "" && rest != ":memory:":
		return nil
	case ok && (scheme == "postgres" || scheme == "postgresql"):
		if _, err := url.Parse(string(c.Database.URL)); err == nil {
			return nil
		}
	}
	return &ValueError{"database.url", redacted, "sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME"}
}

func (c *Config) checkRedis() error {
	if c.Redis.URL == "" {
		return nil
	}
	u, err := url.Parse(string(c.Redis.URL))
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" && u.Scheme != "unix" || u.Host == "" && u.Path == "" {
		return &ValueError{"redis.url", redacted, "redis://:PASSWORD@HOST:PORT/DB, rediss://… or unix://PATH"}
	}
	return nil
}

func (c *Config) checkMail() error {
	for _, f := range []struct{ key, address string }{{"admin.email", c.Admin.Email}, {"smtp.from_address", c.SMTP.FromAddress}} {
		name, host, ok := strings.Cut(f.address, "@")
		if !ok || name == "" || host == "" || strings.ContainsAny(f.address, " <>\r\n") {
			return &ValueError{f.key, f.address, "a mail address such as admin@example.org"}
		}
	}
	if c.Signup.Enabled && c.Signup.RequiresEmailVerification && !c.SMTP.Enabled() {
		return &ValueError{"signup.requires_email_verification", "true", "false, or a mail server in the smtp section"}
	}
	return nil
}

// usedThumbnails are the small picture and the large one.
const usedThumbnails = 2

func (c *Config) checkThumbnails() error {
	if len(c.ActorImages.AvatarSizes) == 0 {
		return &ValueError{"actor_images.avatar_sizes", "[]", "at least one size"}
	}
	if len(c.ActorImages.BannerSizes) == 0 {
		return &ValueError{"actor_images.banner_sizes", "[]", "at least one size"}
	}
	if len(c.Thumbnails.Sizes) < usedThumbnails {
		return &ValueError{"thumbnails.sizes", fmt.Sprint(c.Thumbnails.Sizes), "at least two sizes, that of the small picture first"}
	}
	return nil
}

func (c *Config) checkTranscoding() error {
	if c.Transcoding.Enabled && !c.Transcoding.WebVideos.Enabled && !c.Transcoding.HLS.Enabled {
		return &ValueError{"transcoding.web_videos.enabled", "false", "true when transcoding.hls.enabled is false too: no file would be made"}
	}
	return nil
}

// testMode warns about the settings that only tests may have.
func (c *Config) testMode() []string {
	var warnings []string
	warn := func(key, effect string) {
		warnings = append(warnings, key+" is set: "+effect+", for tests only")
	}
	if c.Federation.AllowHTTP {
		warn("federation.allow_http", "servers without TLS are spoken to")
	}
	if len(c.Federation.AllowNetworks) > 0 {
		warn("federation.allow_networks", "private networks are connected to")
	}
	if c.Federation.MinRSABits < secureRSABits {
		warn("federation.min_rsa_bits", "weak keys are accepted")
	}
	return warnings
}

// Host is the public host with its port unless that is the scheme's own:
// what follows the @ in handles.
func (c *Config) Host() string {
	w := c.Webserver
	if w.HTTPS && w.Port == 443 || !w.HTTPS && w.Port == 80 {
		return w.Hostname
	}
	return w.Hostname + ":" + strconv.Itoa(w.Port)
}

// Origin is the public address without a slash at the end, the beginning of
// every link and federated id: https://videos.example.org.
func (c *Config) Origin() string {
	if c.Webserver.HTTPS {
		return "https://" + c.Host()
	}
	return "http://" + c.Host()
}

// WebSocketOrigin is [Config.Origin] for WebSockets: wss://videos.example.org.
func (c *Config) WebSocketOrigin() string {
	return "ws" + strings.TrimPrefix(c.Origin(), "http")
}

// ListenAddress is the address for [net.Listen].
func (c *Config) ListenAddress() string {
	return net.JoinHostPort(strings.Trim(c.Listen.Hostname, "[]"), strconv.Itoa(c.Listen.Port))
}

// LogLevel is the level of [Log] for slog.
func (c *Config) LogLevel() slog.Level {
	switch c.Log.Level {
	case "debug":
		return slog.LevelDebug
	case "warn", "warning":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	return slog.LevelInfo
}

// UsesSQLite reports whether the database is a file of this server alone.
func (c *Config) UsesSQLite() bool { return strings.HasPrefix(c.DatabaseURL(), "sqlite:") }

// DatabaseURL is the database as package db opens it. It holds the password.
func (c *Config) DatabaseURL() string {
	d := c.Database
	if d.URL != "" {
		return string(d.URL)
	}
	if d.Hostname == "" && d.Name == "" && d.Username == "" {
		return "sqlite:" + filepath.Join(c.DataDir, "kinemesh.db")
	}
	host, name := d.Hostname, d.Name
	if host == "" {
		host = "localhost"
	}
	if name == "" {
		name = "peertube" + d.Suffix // PT production.yaml
	}
	query := url.Values{"sslmode": {"disable"}}
	if d.SSL {
		query.Set("sslmode", "require")
	}
	u := url.URL{Scheme: "postgres", Host: net.JoinHostPort(host, strconv.Itoa(d.Port)), Path: "/" + name}
	if strings.HasPrefix(host, "/") { // a socket's folder does not fit into the host part
		u.Host = ""
		query.Set("host", host)
		query.Set("port", strconv.Itoa(d.Port))
	}
	if d.Username != "" {
		u.User = url.User(d.Username)
		if d.Password != "" {
			u.User = url.UserPassword(d.Username, string(d.Password))
		}
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// RedisURL is the Redis server as package jobs connects to it, or nothing for
// the embedded one. It holds the password.
func (c *Config) RedisURL() string {
	r := c.Redis
	var u url.URL
	switch {
	case r.URL != "":
		return string(r.URL)
	case r.Socket != "":
		u = url.URL{Scheme: "unix", Path: r.Socket, RawQuery: "db=" + strconv.Itoa(r.DB)}
	case r.Hostname != "":
		u = url.URL{Scheme: "redis", Host: net.JoinHostPort(r.Hostname, strconv.Itoa(r.Port)), Path: "/" + strconv.Itoa(r.DB)}
	default:
		return ""
	}
	if r.Auth != "" {
		u.User = url.UserPassword("", string(r.Auth))
	}
	return u.String()
}

// Heights lists the resolutions that are on, lowest first; 0 is sound alone.
func (r Resolutions) Heights() []int {
	var heights []int
	for _, x := range []struct {
		on     bool
		height int
	}{
		{r.R0, 0},
		{r.R144, 144},
		{r.R240, 240},
		{r.R360, 360},
		{r.R480, 480},
		{r.R720, 720},
		{r.R1080, 1080},
		{r.R1440, 1440},
		{r.R2160, 2160},
	} {
		if x.on {
			heights = append(heights, x.height)
		}
	}
	return heights
}
