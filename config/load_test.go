package config

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var comparePrefixes = cmp.Options{cmpopts.EquateComparable(netip.Prefix{}), cmpopts.IgnoreUnexported(Config{})}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kinemesh.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadNothing(t *testing.T) {
	c, warnings, err := Load("", nil)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("Load of nothing: %v, warnings %q", err, warnings)
	}
	if c.Origin() != "http://localhost:9000" || c.DatabaseURL() != "sqlite:data/kinemesh.db" || c.RedisURL() != "" {
		t.Errorf("got %s on %s with %q, want SQLite and embedded queue on port 9000", c.Origin(), c.DatabaseURL(), c.RedisURL())
	}
	if c.Storage.WebVideos != "data/web-videos" {
		t.Errorf("storage.web_videos = %q, want it below data_dir", c.Storage.WebVideos)
	}
}

func TestLoadPeerTubeFile(t *testing.T) {
	c, warnings, err := Load("testdata/production.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Webserver = Webserver{HTTPS: true, Hostname: "videos.example.org", Port: 443}
	want.RatesLimit.API.Max = 60
	want.TrustProxy = []string{"loopback", "10.1.0.0/16"}
	want.Secrets.PeerTube = "0123456789abcdef0123456789abcdef"
	want.Database = Database{Hostname: "localhost", Port: 5432, Suffix: "_prod", Username: "peertube", Password: "p@ss/word", Pool: Pool{5}}
	want.Redis = Redis{Hostname: "localhost", Port: 6379, DB: 2}
	want.Storage = Storage{
		Tmp: "/srv/storage/tmp/", TmpPersistent: "data/tmp-persistent", Avatars: "/srv/storage/avatars/",
		WebVideos: "/srv/storage/web-videos/", StreamingPlaylists: "/srv/storage/streaming-playlists/",
		OriginalVideoFiles: "data/original-video-files", Previews: "/srv/storage/previews/",
		Thumbnails: "/srv/storage/thumbnails/", Torrents: "/srv/storage/torrents/",
		Captions: "data/captions", Storyboards: "data/storyboards", Redundancy: "data/redundancy", Cache: "data/cache",
	}
	want.Admin.Email = "admin@videos.example.org"
	want.SMTP.FromAddress = "admin@videos.example.org"
	want.Signup.Filters.CIDR.Whitelist = []netip.Prefix{}
	want.Signup.Filters.CIDR.Blacklist = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	want.User.VideoQuota = 10 * GiB
	want.Transcoding.Threads = 2
	want.Transcoding.Resolutions = Resolutions{R240: true, R480: true, R720: true, R1080: true}
	want.Transcoding.WebVideos.Enabled = false
	want.Instance.Name = "Example"
	want.Instance.Languages = []string{"en", "fr"}
	want.Instance.Categories = []int{1, 4}
	want.Search.RemoteURI.Anonymous = true
	if diff := cmp.Diff(want, c, comparePrefixes); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	wantWarnings := []string{
		"no effect in this version: live.enabled",
		"no effect in this version: log.rotation.enabled, log.rotation.max_file_size",
		"no effect in this version: storage.bin",
		"no effect in this version: transcoding.allow_audio_files, transcoding.profile",
	}
	if diff := cmp.Diff(wantWarnings, warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if got, want := c.DatabaseURL(), "postgres://peertube:p%40ss%2Fword@localhost:5432/peertube_prod?sslmode=disable"; got != want {
		t.Errorf("DatabaseURL() = %q, want %q", got, want)
	}
	if got, want := c.RedisURL(), "redis://localhost:6379/2"; got != want {
		t.Errorf("RedisURL() = %q, want %q", got, want)
	}
}

func TestLoadJSON(t *testing.T) {
	c, _, err := Load(write(t, "{\n\t\"listen\": {\"port\": 9001},\n\t\"user\": {\"video_quota\": 12345678901},\n\t\"admin\": {\"email\": \"a@b.org\"}\n}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen.Port != 9001 || c.User.VideoQuota != 12345678901 || c.Admin.Email != "a@b.org" {
		t.Errorf("got port %d, quota %d, mail %s", c.Listen.Port, c.User.VideoQuota, c.Admin.Email)
	}
	if c.Origin() != "http://localhost:9001" {
		t.Errorf("Origin() = %s, want the listening port in it", c.Origin())
	}
}

func TestLoadUnknownKeys(t *testing.T) {
	for name, tc := range map[string]struct{ yaml, want string }{
		"spelling":     {"listen: {prot: 9000}", "listen.prot is not a setting and has no effect; did you mean listen.port?"},
		"plural":       {"transcoding: {thread: 2}", "transcoding.thread is not a setting and has no effect; did you mean transcoding.threads?"},
		"strange":      {"zzz: 1", "zzz is not a setting and has no effect"},
		"old name":     {"storage: {videos: /srv}", "storage.videos is now called storage.web_videos"},
		"test mode":    {"federation: {allow_http: true}", "federation.allow_http is set: servers without TLS are spoken to, for tests only"},
		"test network": {"federation: {allow_networks: [127.0.0.0/8]}", "federation.allow_networks is set: private networks are connected to, for tests only"},
		"test keys":    {"federation: {min_rsa_bits: 1024}", "federation.min_rsa_bits is set: weak keys are accepted, for tests only"},
	} {
		t.Run(name, func(t *testing.T) {
			_, warnings, err := Load(write(t, tc.yaml), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{tc.want}, warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// Each wrong value has a right one of the same key beside it.
func TestLoadWrongValues(t *testing.T) {
	for _, tc := range []struct{ key, wrong, right, shown, allowed string }{
		{"listen.port", "70000", "9000", "70000", "a whole number from 1 to 65535"},
		{"listen.port", "http", `"9000"`, "http", "a whole number from 1 to 65535"},
		{"listen.port", "0", "1", "0", "from 1 to 65535"},
		{"webserver.https", "maybe", "true", "maybe", "true or false"},
		{"webserver.hostname", "https://example.org", "example.org", "https://example.org", "without scheme and port"},
		{"webserver.hostname", "example.org:9000", "münchen.example", "example.org:9000", "without scheme and port"},
		{"trust_proxy", "[everybody]", "[loopback, 192.0.2.1, 10.0.0.0/8]", "everybody", "loopback"},
		{"database.url", "mysql://root:hunter2@localhost", "sqlite:/tmp/k.db", "[redacted]", "sqlite:PATH or postgres://"},
		{"database.url", "'sqlite::memory:'", "postgres://k@localhost/k", "[redacted]", "sqlite:PATH"},
		{"database.password", "12345", "'12345'", "[redacted]", "in quotes when it looks like a number"},
		{"redis.url", "localhost:6379", "redis://localhost:6379/1", "[redacted]", "redis://"},
		{"oauth2.token_lifetime.access_token", "5 lightyears", "5 hours", "5 lightyears", "a duration such as 10 seconds"},
		{"oauth2.token_lifetime.access_token", "5m", "5 min", "5m", "a duration such as"},
		{"oauth2.token_lifetime.access_token", "0", "1000", "0", "a duration such as"},
		{"rates_limit.api.max", "many", "10", "many", "a whole number from 1 to"},
		{"user.video_quota", "10 apples", "10 GB", "10 apples", "a size such as 500MB"},
		{"user.video_quota", "-2", "-1", "-2", "a size such as 500MB"},
		{"client.videos.resumable_upload.max_chunk_size", "1KB", "256KB", "1KB", "at least 256KB"},
		{"log.level", "loud", "debug", "loud", "one of debug, info, warn, warning, error"},
		{"federation.allow_networks", "[127.0.0.1]", "[127.0.0.0/8]", "[127.0.0.1]", "a list, each entry a network such as 10.0.0.0/8"},
		{"federation.min_rsa_bits", "128", "1024", "128", "from 512 to 8192"},
		{"instance.categories", "[films]", "[1, 2]", "[films]", "a list, each entry a whole number"},
		{"instance.languages", "{a: b}", "[en]", "", ""},
		{"instance.default_nsfw_policy", "hide", "blur", "hide", "do_not_list"},
		{"actor_images.avatar_sizes", "[]", "[120x120]", "[]", "at least one size"},
		{"thumbnails.sizes", "[280x157]", "[280x157, 850x480]", "[280x157]", "at least two sizes"},
		{"thumbnails.sizes", "[{width: 1}, 850x480]", "[{width: 100, height: 50}, 850x480]", "[map[width:1] 850x480]", "a width and height"},
		{"admin.email", "nobody", "root@example.org", "nobody", "a mail address"},
		{"transcoding", "5", "{threads: 3}", "5", "a section with keys below it"},
	} {
		t.Run(tc.key+"="+tc.wrong, func(t *testing.T) {
			if _, _, err := Load(write(t, nest(tc.key, tc.right)), nil); err != nil {
				t.Fatalf("right value: %v", err)
			}
			if tc.allowed == "" {
				return
			}
			_, _, err := Load(write(t, nest(tc.key, tc.wrong)), nil)
			var wrong *ValueError
			if !errors.As(err, &wrong) {
				t.Fatalf("error is %v, want a ValueError", err)
			}
			if wrong.Key != tc.key || wrong.Value != tc.shown || !strings.Contains(wrong.Allowed, tc.allowed) {
				t.Errorf("error %q, want key %s, value %s, allowed %q", err, tc.key, tc.shown, tc.allowed)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the error shows the password")
			}
		})
	}
}

// nest writes "a.b" and "v" as "a: {b: v}".
func nest(key, value string) string {
	parts := strings.Split(key, ".")
	last := len(parts) - 1
	text := parts[last] + ": " + value
	for i := last - 1; i >= 0; i-- {
		text = parts[i] + ": {" + text + "}"
	}
	return text
}

func TestLoadReportsAllErrors(t *testing.T) {
	_, _, err := Load(write(t, "listen: {port: x}\nlog: {level: y}"), nil)
	if err == nil || !strings.Contains(err.Error(), "listen.port") || !strings.Contains(err.Error(), "log.level") {
		t.Errorf("error is %v, want both keys named", err)
	}
}

func TestLoadUnreadable(t *testing.T) {
	for name, path := range map[string]string{
		"absent":     filepath.Join(t.TempDir(), "absent.yaml"),
		"no YAML":    write(t, "listen: [9000"),
		"no JSON":    write(t, "{\"listen\": }"),
		"no section": write(t, "- a\n- b\n"),
		"twice":      write(t, "listen: {port: 1}\nlisten: {port: 2}\n"),
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := Load(path, nil); err == nil || !strings.Contains(err.Error(), filepath.Base(path)) {
				t.Errorf("error is %v, want one that names the file", err)
			}
		})
	}
	if _, _, err := Load(write(t, "# nothing but a comment\n"), nil); err != nil {
		t.Errorf("empty file: %v", err)
	}
}

func TestLoadEnvironment(t *testing.T) {
	path := write(t, "listen: {port: 9001}\ninstance: {name: File}")
	c, warnings, err := Load(path, []string{
		"PATH=/bin",
		"KINEMESH_LISTEN_PORT=9002",
		"KINEMESH_DATABASE_URL=postgres://k:p=w@localhost/k",
		"KINEMESH_FEDERATION_ALLOW_NETWORKS=127.0.0.0/8, ::1/128",
		"KINEMESH_TRANSCODING_RESOLUTIONS_1080P=true",
		"KINEMESH_OAUTH2_TOKEN_LIFETIME_ACCESS_TOKEN=2 days",
		"KINEMESH_USER_VIDEO_QUOTA=1GB",
		"KINEMESH_THUMBNAILS_SIZES=100x50,400x200",
		"KINEMESH_INSTANCE_NAME=",
		"KINEMESH_INITIAL_ROOT_PASSWORD=correct horse",
		"KINEMESH_LISTEN_PROT=1",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Listen.Port = 9002
	want.Database.URL = "postgres://k:p=w@localhost/k"
	want.Federation.AllowNetworks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	want.Transcoding.Resolutions.R1080 = true
	want.OAuth2.TokenLifetime.AccessToken = 48 * time.Hour
	want.User.VideoQuota = GiB
	want.Thumbnails.Sizes = []ImageSize{{100, 50}, {400, 200}}
	want.Instance.Name = "File"
	want.InitialRootPassword = "correct horse"
	if err := want.Complete(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, c, comparePrefixes); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	wantWarnings := []string{
		"KINEMESH_LISTEN_PROT is not a setting and has no effect; did you mean KINEMESH_LISTEN_PORT?",
		"federation.allow_networks is set: private networks are connected to, for tests only",
	}
	if diff := cmp.Diff(wantWarnings, warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if _, _, err := Load("", []string{"KINEMESH_LISTEN_PORT=x"}); err == nil || !strings.Contains(err.Error(), "environment: listen.port") {
		t.Errorf("wrong variable: %v, want an error naming environment and key", err)
	}
}

func TestEnvNames(t *testing.T) {
	seen := map[string]string{}
	for _, s := range Default().settings() {
		name := EnvName(s.key)
		if other, twice := seen[name]; twice {
			t.Errorf("%s and %s share the variable %s", s.key, other, name)
		}
		seen[name] = s.key
	}
	if got := EnvName("database.url"); got != "KINEMESH_DATABASE_URL" {
		t.Errorf("EnvName = %s", got)
	}
	if _, taken := seen[initialRootPassword]; taken {
		t.Errorf("%s is the variable of a key too", initialRootPassword)
	}
}

// Every kind of field has a rule for values, and every default obeys it.
func TestEveryDefaultIsAllowed(t *testing.T) {
	for _, s := range Default().settings() {
		if s.field.Tag.Get("key") == "" {
			t.Errorf("%s has no key", s.field.Name)
		}
		if s.value.IsZero() {
			continue // not set
		}
		before := reflect.New(s.value.Type()).Elem()
		before.Set(s.value)
		if err := s.set(plain(s.value)); err != nil {
			t.Errorf("default: %v", err)
		}
		if !reflect.DeepEqual(before.Interface(), s.value.Interface()) {
			t.Errorf("%s: %v became %v", s.key, before, s.value)
		}
	}
}

func FuzzLoad(f *testing.F) {
	production, err := os.ReadFile("testdata/production.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(production))
	f.Add(`{"listen": {"port": 1}}`)
	f.Add("redis: [1, {a: b}]\nsecrets: null\ntrust_proxy: x\nthumbnails: {sizes: 3}")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := parse([]byte(text))
		if err != nil {
			return
		}
		c := Default()
		if _, err := apply(c.byKey(), values); err != nil || c.Complete() != nil {
			return
		}
		if c.Origin() == "" || c.DatabaseURL() == "" {
			t.Errorf("loaded without origin or database: %q", text)
		}
	})
}
