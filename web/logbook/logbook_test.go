package logbook_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/web/logbook"
	"github.com/kinemesh/kinemesh/web/rest"
)

// site is a server that logs into a book.
type site struct {
	t    *testing.T
	echo *echo.Echo
	book *logbook.Book
	log  *slog.Logger
	out  *bytes.Buffer
	cfg  *config.Config
}

func newSite(t *testing.T, change ...func(*config.Config)) *site {
	t.Helper()
	s := &site{t: t, echo: echo.New(), book: &logbook.Book{}, out: &bytes.Buffer{}, cfg: config.Default()}
	for _, f := range change {
		f(s.cfg)
	}
	s.log = slog.New(s.book.Handler(slog.NewTextHandler(s.out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	s.echo.IPExtractor = echo.ExtractIPDirect()
	s.echo.HTTPErrorHandler = func(err error, c echo.Context) { rest.WriteProblem(c, slog.New(slog.DiscardHandler), err) }
	s.echo.Use(s.book.Audit)
	r := rest.NewRouter(s.echo, func(c echo.Context) (*rest.Principal, error) {
		switch c.Request().Header.Get("Authorization") {
		case "admin":
			return &rest.Principal{Username: "root", Role: rest.RoleAdmin}, nil
		case "user":
			return &rest.Principal{Username: "ann", Role: rest.RoleUser}, nil
		}
		return nil, nil
	})
	(&logbook.API{Book: s.book, Config: s.cfg, Logger: s.log}).Routes(r)
	r.API.PUT("/videos/:id", rest.SignedIn, func(c echo.Context) error {
		if c.Param("id") == "bad" {
			return rest.BadRequest("no")
		}
		return rest.NoContent(c)
	})
	r.API.POST("/videos/:id/views", rest.Anyone, rest.NoContent)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) do(who, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", who)
	w := httptest.NewRecorder()
	s.echo.ServeHTTP(w, r)
	return w
}

func (s *site) lines(path string) (out []map[string]any) {
	s.t.Helper()
	w := s.do("admin", "GET", path, "")
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != 200 {
		s.t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return out
}

func since(d time.Duration) string {
	return url.QueryEscape(time.Now().Add(-d).UTC().Format(time.RFC3339))
}

func TestLogsByLevelTimeAndTag(t *testing.T) {
	s := newSite(t)
	s.log.Debug("detail")
	s.log.With("host", "far.example").WithGroup("job").Info("delivered", "id", 7, slog.Group("actor", "name", "ann"))
	s.log.Warn("slow")
	s.log.Error("broken", "error", errors.New("no disk"))
	all := s.lines("/api/v1/server/logs?level=debug&startDate=" + since(time.Hour))
	if len(all) != 4 || all[0]["message"] != "detail" || all[3]["level"] != "error" || all[3]["error"] != "no disk" {
		t.Fatalf("%v", all)
	}
	if all[1]["host"] != "far.example" || all[1]["job.id"] != "7" || all[1]["job.actor.name"] != "ann" {
		t.Errorf("values %v", all[1])
	}
	if _, err := time.Parse(time.RFC3339, all[0]["timestamp"].(string)); err != nil {
		t.Error(err)
	}
	for query, want := range map[string]int{
		"startDate=" + since(time.Hour): 3, "level=warn&startDate=" + since(time.Hour): 2, "level=error&startDate=2020-01-01": 1,
		"startDate=" + since(2*time.Hour) + "&endDate=" + since(time.Hour): 0, "tagsOneOf=far.example&startDate=2020-01-01": 1,
		"tagsOneOf[]=nothing&startDate=2020-01-01": 0,
	} {
		if got := s.lines("/api/v1/server/logs?" + query); len(got) != want {
			t.Errorf("%s: %d lines, want %d", query, len(got), want)
		}
	}
	if !strings.Contains(s.out.String(), "msg=broken") {
		t.Error("the log itself lacks the line")
	}
	for _, bad := range []string{"", "?startDate=yesterday", "?startDate=2020-01-01&level=loud", "?startDate=2020-01-01&endDate=x"} {
		if w := s.do("admin", "GET", "/api/v1/server/logs"+bad, ""); w.Code != 400 {
			t.Errorf("%q: %d", bad, w.Code)
		}
	}
	for who, want := range map[string]int{"": 401, "user": 403} {
		for _, path := range []string{"/api/v1/server/logs", "/api/v1/server/audit-logs"} {
			if w := s.do(who, "GET", path+"?startDate=2020-01-01", ""); w.Code != want {
				t.Errorf("%s as %q: %d", path, who, w.Code)
			}
		}
	}
}

func TestBookIsBounded(t *testing.T) {
	s := newSite(t)
	for i := range 6000 {
		s.log.Info("line", "n", i)
	}
	s.log.Info("long", "stack", strings.Repeat("x", 10_000))
	got := s.lines("/api/v1/server/logs?startDate=2020-01-01")
	if len(got) != 5000 || got[0]["n"] != "1001" || got[4998]["n"] != "5999" || len(got[4999]["stack"].(string)) > 4200 {
		t.Errorf("%d lines from %v to %v", len(got), got[0]["n"], got[4998]["n"])
	}
}

// TestAuditLog holds what signed-in people changed, and nothing else.
func TestAuditLog(t *testing.T) {
	s := newSite(t)
	s.do("user", "PUT", "/api/v1/videos/12", "{}")
	s.do("user", "PUT", "/api/v1/videos/bad", "{}")
	s.do("", "PUT", "/api/v1/videos/12", "{}")
	s.do("user", "POST", "/api/v1/videos/12/views", "{}")
	s.log.Info("settings changed", "audit", true, "user", "root", "domain", "config", "action", "update")
	got := s.lines("/api/v1/server/audit-logs?startDate=2020-01-01")
	if len(got) != 2 || got[0]["user"] != "ann" || got[0]["domain"] != "videos" || got[0]["action"] != "update" || got[0]["path"] != "/api/v1/videos/12" ||
		got[1]["user"] != "root" || got[1]["level"] != "audit" {
		t.Errorf("%v", got)
	}
	if l := s.lines("/api/v1/server/logs?startDate=2020-01-01"); len(l) != 0 {
		t.Errorf("the log has lines of the audit log: %v", l)
	}
}

func TestBrowsersReport(t *testing.T) {
	const path, good = "/api/v1/server/logs/client", `{"message":"boom","url":"https://tube.example/w/1","level":"error","stackTrace":"at f\nat g","userAgent":"Firefox"}`
	s := newSite(t, func(c *config.Config) { c.RatesLimit.ReceiveClientLog.Max = 2 })
	for name, bad := range map[string]string{
		"empty": `{}`, "no message": strings.Replace(good, "boom", "", 1), "no page": strings.Replace(good, "https://tube.example/w/1", "javascript:alert(1)", 1),
		"level": strings.Replace(good, `"error"`, `"debug"`, 1), "type": `{"message":1}`,
		"long": strings.Replace(good, "boom", strings.Repeat("x", 8193), 1), "long stack": strings.Replace(good, "at g", strings.Repeat("x", 15_001), 1),
	} {
		if w := s.do("", "POST", path, bad); w.Code != 400 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	for i, want := range []int{204, 204, http.StatusTooManyRequests} {
		if w := s.do("", "POST", path, good); w.Code != want {
			t.Errorf("report %d: %d %s", i, w.Code, w.Body)
		}
	}
	if got := s.lines("/api/v1/server/logs?level=error&startDate=2020-01-01"); len(got) != 2 || got[0]["report"] != "boom" || got[0]["stack"] != "at f\nat g" {
		t.Errorf("%v", fmt.Sprint(got))
	}
	off := newSite(t, func(c *config.Config) { c.Log.AcceptClientLog = false })
	if w := off.do("", "POST", path, good); w.Code != 403 {
		t.Errorf("switched off: %d", w.Code)
	}
}
