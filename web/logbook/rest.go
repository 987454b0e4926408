package logbook

import (
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/web/rest"
)

// API serves a book.
type API struct {
	Book   *Book
	Config *config.Config
	Logger *slog.Logger // gets what browsers report

	reports *user.Limiter
}

// Routes registers the logs for administrators, and what browsers report.
func (a *API) Routes(r *rest.Router) {
	limit := a.Config.RatesLimit.ReceiveClientLog
	a.reports = user.NewLimiter(limit.Window, limit.Max)
	r.API.GET("/server/logs", rest.Admin, a.logs)
	r.API.GET("/server/audit-logs", rest.Admin, a.audits)
	r.API.POST("/server/logs/client", rest.Anyone, a.report)
}

// apiEntry has the fields of PeerTube's lines; values stand beside them.
func apiEntry(e Entry) map[string]any {
	out := map[string]any{}
	for k, v := range e.Values {
		out[k] = v
	}
	out["timestamp"], out["level"], out["message"] = e.Time.UTC().Format("2006-01-02T15:04:05.000Z"), e.Level, e.Message
	return out
}

// period reads startDate, which must be there, and endDate.
func period(c echo.Context, check *rest.Checker) (from, to time.Time) {
	to = time.Now().Add(time.Hour)
	for name, into := range map[string]*time.Time{"startDate": &from, "endDate": &to} {
		text := c.QueryParam(name)
		if text == "" && name == "endDate" {
			continue
		}
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			if t, err = time.Parse(time.DateOnly, text); err != nil {
				check.Refuse("query", name, "Should be a date such as 2026-01-31T12:00:00Z", text)
			}
		}
		*into = t
	}
	return from, to
}

func (a *API) logs(c echo.Context) error {
	var check rest.Checker
	from, to := period(c, &check)
	level := c.QueryParam("level")
	if level == "" {
		level = "info"
	}
	least := slices.Index(levels(), level)
	if least < 0 {
		check.Refuse("query", "level", "Should be one of "+strings.Join(levels(), ", "), level)
	}
	if err := check.Err(); err != nil {
		return err
	}
	tags := rest.QueryValues(c, "tagsOneOf")
	return answer(c, a.Book, false, from, to, func(e Entry) bool {
		return slices.Index(levels(), e.Level) >= least && (len(tags) == 0 || tagged(e, tags))
	})
}

// tagged tells whether one of tags is a value of the entry: a host, a uuid, a
// kind of job.
func tagged(e Entry, tags []string) bool {
	for v := range maps.Values(e.Values) {
		if slices.Contains(tags, v) {
			return true
		}
	}
	return false
}

func (a *API) audits(c echo.Context) error {
	var check rest.Checker
	from, to := period(c, &check)
	if err := check.Err(); err != nil {
		return err
	}
	return answer(c, a.Book, true, from, to, func(Entry) bool { return true })
}

func answer(c echo.Context, b *Book, audit bool, from, to time.Time, keep func(Entry) bool) error {
	b.mu.Lock()
	kept := &b.log
	if audit {
		kept = &b.audit
	}
	entries := kept.between(from, to, keep)
	b.mu.Unlock()
	out := make([]map[string]any, len(entries))
	for i, e := range entries {
		out[i] = apiEntry(e)
	}
	return c.JSON(http.StatusOK, out)
}

// Lengths of what a browser reports, in letters.
const (
	maxMessage = 8192
	maxStack   = 15_000
	maxShort   = 2000
)

// report takes the error of a browser into the log.
func (a *API) report(c echo.Context) error {
	if !a.Config.Current().Log.AcceptClientLog {
		return rest.Forbidden("The server does not take reports of browsers")
	}
	var in struct{ Message, URL, Level, StackTrace, UserAgent, Meta string }
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	var check rest.Checker
	for name, f := range map[string]struct {
		text     string
		low, top int
	}{
		"message": {in.Message, 1, maxMessage}, "url": {in.URL, 1, maxShort}, "stackTrace": {in.StackTrace, 0, maxStack},
		"userAgent": {in.UserAgent, 0, maxShort}, "meta": {in.Meta, 0, maxMessage},
	} {
		if n := utf8.RuneCountInString(f.text); n < f.low || n > f.top {
			check.Refuse("body", name, "Should be a text that is not too long", f.text)
		}
	}
	if u, err := url.Parse(in.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" {
		check.Refuse("body", "url", "Should be the address of a page", in.URL)
	}
	if in.Level != "error" && in.Level != "warn" {
		check.Refuse("body", "level", "Should be error or warn", in.Level)
	}
	if err := check.Err(); err != nil {
		return err
	}
	if many := a.reports.Allow(user.AddressKey(c.RealIP())); many != nil {
		return many.Problem()
	}
	level := slog.LevelWarn
	if in.Level == "error" {
		level = slog.LevelError
	}
	a.Logger.Log(c.Request().Context(), level, "a browser reports", "report", input.Text(in.Message), "url", input.Line(in.URL),
		"stack", input.Text(in.StackTrace), "browser", input.Line(in.UserAgent), "meta", input.Text(in.Meta))
	return rest.NoContent(c)
}

// Audit notes every change that signed-in people make by the API and that was
// done.
func (b *Book) Audit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		r := c.Request()
		path, api := strings.CutPrefix(r.URL.Path, "/api/v1/")
		who := rest.Current(r.Context())
		if err != nil || !api || who == nil || c.Response().Status >= http.StatusMultipleChoices {
			return err
		}
		action := map[string]string{http.MethodPost: "create", http.MethodPut: "update", http.MethodDelete: "delete"}[r.Method]
		domain, _, _ := strings.Cut(path, "/")
		if action == "" || strings.HasSuffix(path, "/views") || strings.HasSuffix(path, "/watching") || domain == "metrics" {
			return nil
		}
		b.Note(who.Username, domain, action, map[string]string{"path": r.URL.Path, "method": r.Method})
		return nil
	}
}
