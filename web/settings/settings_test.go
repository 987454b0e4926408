package settings_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/migrations"
	"github.com/kinemesh/kinemesh/web/rest"
	"github.com/kinemesh/kinemesh/web/settings"
)

const path = "/api/v1/config/custom"

// process is one process of a server.
type process struct {
	*settings.Store
	cfg  *config.Config
	echo *echo.Echo
	log  *bytes.Buffer
}

func each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			return tx.Exec(`INSERT INTO users (id, username, email, password_hash, role, created_at, updated_at)
				VALUES (1, 'root', 'root@example.org', '', 0, ?, ?)`, db.Now(), db.Now()).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		test(t, d)
	}, migrations.Jobs, migrations.Activitypub, migrations.Accounts)
}

// start begins a process as main does.
func start(t *testing.T, d *db.DB, change func(*config.Config)) *process {
	t.Helper()
	p := &process{cfg: config.Default(), echo: echo.New(), log: &bytes.Buffer{}}
	if change != nil {
		change(p.cfg)
	}
	if err := p.cfg.Complete(); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(p.log, nil))
	p.Store = settings.New(settings.Options{DB: d, Config: p.cfg, Logger: log})
	if err := p.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.echo.HTTPErrorHandler = func(err error, c echo.Context) { rest.WriteProblem(c, log, err) }
	r := rest.NewRouter(p.echo, func(c echo.Context) (*rest.Principal, error) {
		switch c.Request().Header.Get("Authorization") {
		case "admin":
			return &rest.Principal{UserID: 1, Username: "root", Role: rest.RoleAdmin}, nil
		case "moderator":
			return &rest.Principal{UserID: 2, Username: "mo", Role: rest.RoleModerator}, nil
		}
		return nil, nil
	})
	p.Routes(r)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) do(t *testing.T, who, method string, body any) (int, map[string]any) {
	t.Helper()
	text, ok := body.(string)
	if body != nil && !ok {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		text = string(raw)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(text))
	r.Header.Set("Authorization", who)
	w := httptest.NewRecorder()
	p.echo.ServeHTTP(w, r)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("%s %s: %d %q", method, path, w.Code, w.Body)
	}
	return w.Code, out
}

func changes(t *testing.T, d *db.DB) (out []settings.Change) {
	t.Helper()
	if err := d.Read(t.Context()).Order("id").Find(&out).Error; err != nil {
		t.Fatal(err)
	}
	return out
}

// TestChangesHoldAtOnceAndAfterARestart: in the process that was asked at once,
// in others when they look, in new ones from the start, until they are dropped.
func TestChangesHoldAtOnceAndAfterARestart(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		a, b := start(t, d, nil), start(t, d, nil)
		told := 0
		a.Adopted = func() { told++ }
		status, doc := a.do(t, "admin", "PUT", map[string]any{
			"instance": map[string]any{"name": "Films", "isNSFW": true, "defaultNSFWPolicy": "blur", "categories": []int{2, 5}, "unheardOf": 1},
			"signup":   map[string]any{"enabled": true, "limit": -1},
			"user":     map[string]any{"videoQuota": 10_737_418_240},
			"search":   map[string]any{"remoteUri": map[string]any{"anonymous": true}},
			"transcoding": map[string]any{
				"resolutions": map[string]any{"1080p": true}, "concurrency": 3, "webVideos": map[string]any{"enabled": false},
			},
			"broadcastMessage": map[string]any{"enabled": true, "message": "**Maintenance** at noon", "level": "warning"},
			"defaults":         map[string]any{"publish": map[string]any{"licence": 2}},
		})
		if status != 200 || told != 1 {
			t.Fatalf("PUT: %d %v, told %d times", status, doc, told)
		}
		holds := func(who string, c *config.Config) {
			t.Helper()
			now := c.Current()
			if now.Instance.Name != "Films" || !now.Instance.IsNSFW || now.Instance.DefaultNSFWPolicy != "blur" || len(now.Instance.Categories) != 2 ||
				!now.Signup.Enabled || now.Signup.Limit != -1 || now.User.VideoQuota != 10*config.GiB || !now.Search.RemoteURI.Anonymous ||
				!now.Transcoding.Resolutions.R1080 || now.Transcoding.Concurrency != 3 || now.Transcoding.WebVideos.Enabled ||
				now.BroadcastMessage.Level != "warning" || now.Defaults.Publish.Licence != 2 || now.Signup.MinimumAge != 16 {
				t.Errorf("%s has %+v", who, now)
			}
		}
		holds("the process that was asked", a.cfg)
		if b.cfg.Current().Instance.Name != "Kinemesh" {
			t.Error("another process has it before it looked")
		}
		if _, there := b.do(t, "admin", "GET", nil); !cmp.Equal(doc, there) {
			t.Error(cmp.Diff(doc, there))
		}
		holds("another process", b.cfg)
		holds("a new process", start(t, d, nil).cfg)

		// The licence goes away by null; what is not named stays.
		if _, doc = b.do(t, "admin", "PUT", map[string]any{"defaults": map[string]any{"publish": map[string]any{"licence": nil}}}); b.cfg.Current().Defaults.Publish.Licence != 0 {
			t.Errorf("licence %v", doc["defaults"])
		}
		if b.cfg.Current().Instance.Name != "Films" {
			t.Error("what was not named went back")
		}
		if status, _ := b.do(t, "admin", "DELETE", nil); status != 200 || b.cfg.Current().Instance.Name != "Kinemesh" || b.cfg.Current().Signup.Limit != 10 {
			t.Errorf("DELETE: %d, name %q", status, b.cfg.Current().Instance.Name)
		}
		if err := a.Load(t.Context()); err != nil || a.cfg.Current().Instance.Name != "Kinemesh" {
			t.Errorf("the first process: %q, %v", a.cfg.Current().Instance.Name, err)
		}
		rows := changes(t, d)
		if len(rows) != 3 || rows[0].Username != "root" || *rows[0].UserID != 1 || rows[0].CreatedAt.IsZero() || rows[2].Settings != "{}" {
			t.Errorf("rows %+v", rows)
		}
		if !strings.Contains(a.log.String(), "audit=true user=root") {
			t.Errorf("log %q", a.log)
		}
	})
}

// TestTheFileStillCounts: what nobody changed follows the file, what does not
// fit it any more is left out.
func TestTheFileStillCounts(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		p := start(t, d, nil)
		_, doc := p.do(t, "admin", "GET", nil)
		doc["instance"].(map[string]any)["name"] = "Changed" // everything else is sent as it was, as forms do
		if status, _ := p.do(t, "admin", "PUT", doc); status != 200 {
			t.Fatal(status)
		}
		if got := changes(t, d)[0].Settings; got != `{"instance.name":"Changed"}` {
			t.Errorf("row %s", got)
		}
		later := start(t, d, func(c *config.Config) { c.Instance.Name, c.Signup.Limit = "File", 77 })
		if now := later.cfg.Current(); now.Instance.Name != "Changed" || now.Signup.Limit != 77 {
			t.Errorf("name %q, limit %d", now.Instance.Name, now.Signup.Limit)
		}
		if status, _ := later.do(t, "admin", "PUT", `{"transcoding":{"webVideos":{"enabled":false}}}`); status != 200 {
			t.Fatal(status)
		}
		misfit := start(t, d, func(c *config.Config) { c.Transcoding.HLS.Enabled = false })
		if misfit.cfg.Current().Instance.Name != "Kinemesh" || !strings.Contains(misfit.log.String(), "no file would be made") {
			t.Errorf("name %q, log %q", misfit.cfg.Current().Instance.Name, misfit.log)
		}
	})
}

// TestRefusedSettings: nothing of a refused document holds.
func TestRefusedSettings(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		p := start(t, d, nil)
		for name, tc := range map[string]struct {
			who, body string
			status    int
			param     string
		}{
			"nobody":                {"", `{"instance":{"name":"x"}}`, 401, ""},
			"moderator":             {"moderator", `{"instance":{"name":"x"}}`, 403, ""},
			"no JSON":               {"admin", `name=x`, 400, ""},
			"a list":                {"admin", `[]`, 400, ""},
			"null":                  {"admin", `null`, 400, ""},
			"too long":              {"admin", `{"instance":{"terms":"` + strings.Repeat("x", 100_001) + `"}}`, 400, "instance.terms"},
			"body too long":         {"admin", `{"instance":{"terms":"` + strings.Repeat("x", 3<<20) + `"}}`, 413, ""},
			"number for text":       {"admin", `{"instance":{"name":5}}`, 400, "instance.name"},
			"text for section":      {"admin", `{"instance":"x"}`, 400, "instance.name"},
			"object for text":       {"admin", `{"instance":{"name":{"a":1}}}`, 400, "instance.name"},
			"text for number":       {"admin", `{"instance":{"name":"x"},"signup":{"limit":"many"}}`, 400, "signup.limit"},
			"fraction":              {"admin", `{"transcoding":{"threads":1.5}}`, 400, "transcoding.threads"},
			"below the bound":       {"admin", `{"signup":{"limit":-2}}`, 400, "signup.limit"},
			"above the bound":       {"admin", `{"transcoding":{"concurrency":1000}}`, 400, "transcoding.concurrency"},
			"word not in the list":  {"admin", `{"broadcastMessage":{"level":"loud"}}`, 400, "broadcastMessage.level"},
			"list of other things":  {"admin", `{"instance":{"categories":["a"]}}`, 400, "instance.categories"},
			"no mail address":       {"admin", `{"admin":{"email":"root"}}`, 400, "admin.email"},
			"no file would be made": {"admin", `{"instance":{"name":"x"},"transcoding":{"webVideos":{"enabled":false},"hls":{"enabled":false}}}`, 400, "transcoding.webVideos.enabled"},
			"absent feature":        {"admin", `{"instance":{"name":"x"},"live":{"enabled":true}}`, 400, "live.enabled"},
			"absent text":           {"admin", `{"instance":{"customizations":{"javascript":"alert(1)"}}}`, 400, "instance.customizations.javascript"},
		} {
			status, answer := p.do(t, tc.who, "PUT", tc.body)
			invalid, _ := answer["invalid-params"].(map[string]any)
			if status != tc.status || tc.param != "" && invalid[tc.param] == nil {
				t.Errorf("%s: %d %v, want %d naming %s", name, status, answer, tc.status, tc.param)
			}
		}
		for _, who := range []string{"", "moderator"} {
			for _, method := range []string{"GET", "DELETE"} {
				if status, _ := p.do(t, who, method, nil); status < 401 || status > 403 {
					t.Errorf("%s by %q: %d", method, who, status)
				}
			}
		}
		if rows := changes(t, d); len(rows) != 0 || p.cfg.Current().Instance.Name != "Kinemesh" {
			t.Errorf("something changed: %+v", rows)
		}
	})
}

func TestEditionMayBeForbidden(t *testing.T) {
	d := dbtest.SQLite(t, migrations.Jobs, migrations.Activitypub, migrations.Accounts)
	p := start(t, d, func(c *config.Config) { c.Webadmin.Configuration.Edition.Allowed = false })
	if status, _ := p.do(t, "admin", "PUT", `{"instance":{"name":"x"}}`); status != http.StatusMethodNotAllowed || len(changes(t, d)) != 0 {
		t.Errorf("PUT: %d", status)
	}
}

// TestDocumentAsRecorded: every value that PeerTube has is there, of the same kind.
func TestDocumentAsRecorded(t *testing.T) {
	raw, err := os.ReadFile("testdata/config-custom.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct{ Response struct{ Body map[string]any } }
	if err := json.Unmarshal(raw, &recorded); err != nil {
		t.Fatal(err)
	}
	p := start(t, dbtest.SQLite(t, migrations.Jobs, migrations.Activitypub, migrations.Accounts), nil)
	_, ours := p.do(t, "admin", "GET", nil)
	var compare func(at string, want, got any)
	compare = func(at string, want, got any) {
		section, ok := want.(map[string]any)
		if !ok {
			if kind(want) != kind(got) {
				t.Errorf("%s is %T here, %T in PeerTube", at, got, want)
			}
			return
		}
		below, _ := got.(map[string]any)
		for k, v := range section {
			compare(at+"."+k, v, below[k])
		}
	}
	compare("", recorded.Response.Body, ours)
}

func kind(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case bool:
		return "bool"
	case float64:
		return "number"
	case []any:
		return "list"
	}
	return "none"
}

// TestSEC53NoSecretInTheDocument: a secret of the file is not in the answer.
func TestSEC53NoSecretInTheDocument(t *testing.T) {
	cfg := config.Default()
	cfg.Secrets.PeerTube, cfg.Database.Password, cfg.Redis.Auth = "marker-secret", "marker-secret", "marker-secret"
	text, err := json.Marshal(settings.Document(cfg))
	if err != nil || bytes.Contains(text, []byte("marker")) {
		t.Errorf("%s, %v", text, err)
	}
}
