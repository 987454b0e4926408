package instance_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinemesh/kinemesh/accounts/mail"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/web/instance"
	"github.com/kinemesh/kinemesh/web/rest"
)

// server answers with the settings that change makes of the defaults.
func server(t *testing.T, who *rest.Principal, ready error, change func(*config.Config)) *echo.Echo {
	t.Helper()
	return serve(t, dbtest.SQLite(t), who, ready, change)
}

// serve answers on d.
func serve(t *testing.T, d *db.DB, who *rest.Principal, ready error, change func(*config.Config)) *echo.Echo {
	t.Helper()
	cfg := config.Default()
	if change != nil {
		change(cfg)
	}
	if err := cfg.Complete(); err != nil {
		t.Fatal(err)
	}
	mails := mail.New(mail.Options{DB: d, Config: cfg})
	if mails.Enabled() {
		jobstest.Run(t, d, mails.Jobs()...)
	}
	e := echo.New()
	e.IPExtractor = echo.ExtractIPDirect()
	e.HTTPErrorHandler = func(err error, c echo.Context) { rest.WriteProblem(c, slog.New(slog.DiscardHandler), err) }
	r := rest.NewRouter(e, func(echo.Context) (*rest.Principal, error) { return who, nil })
	instance.New(instance.Options{
		Config: cfg, Version: "v1", Metrics: metrics(), VideoExtensions: func() []string { return []string{".mp4"} },
		DB: d, Mail: mails,
		Commands:   map[string]func(context.Context) error{"process-video-viewers": func(context.Context) error { ran.Add(1); return nil }},
		Ready:      func(context.Context) error { return ready },
		SignupOpen: func(echo.Context) (bool, error) { return cfg.Signup.Enabled, nil },
		ClientIP:   func(*http.Request) string { return "203.0.113.7" },
		Waiting:    func(context.Context) (int64, error) { return 3, nil },
	}).Routes(r)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return e
}

// ran counts the debug commands.
var ran atomic.Int64

// metrics has one counter that stands at 2, and those of the inbox.
func metrics() prometheus.Gatherer {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "kinemesh_test_total", Help: "A test."})
	c.Add(2)
	inbox := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kinemesh_activitypub_activities_total", Help: "Activities."}, []string{"activity", "result"})
	inbox.WithLabelValues("Create", "done").Add(5)
	inbox.WithLabelValues("Create", "retried").Add(9)
	inbox.WithLabelValues("Like", "dropped").Add(2)
	r := prometheus.NewRegistry()
	r.MustRegister(c, inbox)
	return r
}

func get(e *echo.Echo, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func body(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body.String(), err)
	}
	return m
}

// shape lists the paths of an object with the kind of each leaf.
func shape(prefix string, v any, out *[]string) {
	kind := "string"
	switch x := v.(type) {
	case map[string]any:
		for k, y := range x {
			shape(prefix+"."+k, y, out)
		}
		return
	case []any:
		kind = "list"
	case bool:
		kind = "bool"
	case float64:
		kind = "number"
	case nil:
		kind = "null"
	}
	*out = append(*out, prefix+" "+kind)
}

// Clients read these documents field by field: ours have those of the recorded
// answers, of the same kinds.
func TestSameShapeAsRecorded(t *testing.T) {
	e := server(t, nil, nil, nil)
	for path, file := range map[string]string{
		"/api/v1/config": "config.json", "/api/v1/config/about": "config-about.json", "/api/v1/server/stats": "server-stats.json",
	} {
		raw, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var recorded struct{ Response struct{ Body map[string]any } }
		if err := json.Unmarshal(raw, &recorded); err != nil {
			t.Fatal(err)
		}
		var want, got []string
		shape("", recorded.Response.Body, &want)
		shape("", body(t, get(e, path)), &got)
		sort.Strings(want)
		sort.Strings(got)
		got = slices.DeleteFunc(got, func(p string) bool { return newer[p] })
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s differs, recorded (-) and ours (+):\n%s", path, d)
		}
	}
}

// NodeInfo tells of the settings what PeerTube's does, in the same shape.
func TestNodeConfigAsRecorded(t *testing.T) {
	raw, err := os.ReadFile("testdata/nodeinfo-2.0.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Response struct {
			Body struct {
				Metadata struct{ NodeConfig map[string]any }
			}
		}
	}
	if err := json.Unmarshal(raw, &recorded); err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	i := instance.New(instance.Options{Config: cfg, VideoExtensions: func() []string { return []string{".mp4"} }})
	text, err := json.Marshal(i.NodeConfig(cfg))
	if err != nil {
		t.Fatal(err)
	}
	var ours map[string]any
	if err := json.Unmarshal(text, &ours); err != nil {
		t.Fatal(err)
	}
	var want, got []string
	shape("", recorded.Response.Body.Metadata.NodeConfig, &want)
	shape("", ours, &got)
	sort.Strings(want)
	sort.Strings(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("recorded (-) and ours (+):\n%s", d)
	}
}

// newer is what later versions of PeerTube than the recorded one have.
var newer = map[string]bool{
	".instance.serverCountry string": true, ".instance.support.text string": true, ".instance.social.externalLink string": true,
	".instance.social.mastodonLink string": true, ".instance.social.blueskyLink string": true, ".instance.social.xLink string": true,
	".defaults.player.autoPlay bool": true,
}

func TestConfigTellsTheSettings(t *testing.T) {
	e := server(t, nil, nil, func(c *config.Config) {
		c.Instance.Name = "Tide"
		c.Signup.Enabled = true
		c.Transcoding.Resolutions = config.Resolutions{R240: true, R1080: true}
		c.Defaults.Publish.Licence = 2
		c.User.VideoQuota = 1000
	})
	got := body(t, get(e, "/api/v1/config"))
	pick := func(path string) any {
		var v any = got
		for k := range strings.SplitSeq(path, ".") {
			v = v.(map[string]any)[k]
		}
		return v
	}
	for path, want := range map[string]any{
		"instance.name": "Tide", "signup.allowed": true, "signup.allowedForCurrentIP": true,
		"transcoding.enabledResolutions": []any{240.0, 1080.0}, "defaults.publish.licence": 2.0, "user.videoQuota": 1000.0,
		"video.file.extensions": []any{".mp4"}, "live.enabled": false, "serverCommit": "v1",
	} {
		if d := cmp.Diff(want, pick(path)); d != "" {
			t.Errorf("%s: %s", path, d)
		}
	}
}

func TestPingHealthReadyRobots(t *testing.T) {
	e := server(t, nil, nil, nil)
	for path, want := range map[string]string{
		"/api/v1/ping": "pong", "/healthz": "ok", "/readyz": "ready", "/robots.txt": "User-agent: *\nDisallow:\n",
	} {
		if w := get(e, path); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %q, want %q", path, w.Code, w.Body.String(), want)
		}
	}
	e = server(t, nil, errors.New("database at 10.0.0.5 is away"), nil)
	w := get(e, "/readyz")
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "10.0.0.5") {
		t.Errorf("not ready: %d %s", w.Code, w.Body.String())
	}
	if w := get(e, "/healthz"); w.Code != 200 {
		t.Errorf("alive but not ready: %d, want 200", w.Code)
	}
}

func TestMetricsAreForAdministrators(t *testing.T) {
	for _, c := range []struct {
		who  *rest.Principal
		want int
	}{{nil, 401}, {&rest.Principal{Role: rest.RoleUser}, 403}, {&rest.Principal{Role: rest.RoleAdmin}, 200}} {
		w := get(server(t, c.who, nil, nil), "/metrics")
		if shown := strings.Contains(w.Body.String(), "kinemesh_test_total 2"); w.Code != c.want || shown != (c.want == 200) {
			t.Errorf("as %+v: %d %s, want %d", c.who, w.Code, w.Body.String(), c.want)
		}
	}
}

func TestDebugIsForAdministrators(t *testing.T) {
	for _, c := range []struct {
		who  *rest.Principal
		want int
	}{{nil, 401}, {&rest.Principal{Role: rest.RoleModerator}, 403}, {&rest.Principal{Role: rest.RoleAdmin}, 200}} {
		w := get(server(t, c.who, nil, nil), "/api/v1/server/debug")
		if w.Code != c.want {
			t.Errorf("as %+v: %d, want %d", c.who, w.Code, c.want)
		}
		if c.want == 200 {
			if d := cmp.Diff(map[string]any{"ip": "203.0.113.7", "activityPubMessagesWaiting": 3.0}, body(t, w)); d != "" {
				t.Error(d)
			}
		}
	}
}
