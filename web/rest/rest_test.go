package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/web/rest"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// server has one route for each access rule; the header "Who" picks the
// principal.
func server(t *testing.T, log *slog.Logger) *echo.Echo {
	t.Helper()
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) { rest.WriteProblem(c, log, err) }
	r := rest.NewRouter(e, func(c echo.Context) (*rest.Principal, error) {
		switch c.Request().Header.Get("Who") {
		case "":
			return nil, nil
		case "user":
			return &rest.Principal{UserID: 3, Role: rest.RoleUser}, nil
		case "moderator":
			return &rest.Principal{UserID: 2, Role: rest.RoleModerator}, nil
		case "admin":
			return &rest.Principal{UserID: 1, Role: rest.RoleAdmin}, nil
		}
		return nil, &rest.Problem{Status: 401, Code: "invalid_token", Detail: "Token is invalid"}
	})
	ok := func(c echo.Context) error {
		id := int64(0)
		if p := rest.Current(c.Request().Context()); p != nil {
			id = p.UserID
		}
		return c.String(http.StatusOK, fmt.Sprint(id))
	}
	r.API.GET("/anyone", rest.Anyone, ok)
	r.API.GET("/user", rest.SignedIn, ok)
	r.API.GET("/owner", rest.Owner, ok)
	r.API.GET("/moderator", rest.Moderator, ok)
	r.API.GET("/admin", rest.Admin, ok)
	r.API.POST("/boom", rest.Anyone, func(echo.Context) error { return errors.New("password is hunter2 at /srv/x") })
	r.API.GET("/unable", rest.Anyone, func(echo.Context) error {
		return fmt.Errorf("video: %w", &rest.Problem{Status: http.StatusNotImplemented, Detail: "Only JSON"})
	})
	r.API.GET("/unknown", rest.Anyone, func(echo.Context) error { return echo.NewHTTPError(http.StatusBadGateway, "nobody there") })
	r.API.GET("/invalid", rest.Anyone, func(c echo.Context) error {
		_, err := rest.ParsePage(c, "-createdAt", "createdAt", "name")
		return err
	})
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return e
}

func do(e *echo.Echo, method, path, who string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	req := httptest.NewRequest(method, path, http.NoBody)
	req.Header.Set("Who", who)
	e.ServeHTTP(w, req)
	return w
}

func TestAccessRules(t *testing.T) {
	e := server(t, quiet())
	want := map[string]map[string]int{
		"anyone":    {"": 200, "user": 200, "moderator": 200, "admin": 200, "forged": 401},
		"user":      {"": 401, "user": 200, "moderator": 200, "admin": 200, "forged": 401},
		"owner":     {"": 401, "user": 200, "moderator": 200, "admin": 200, "forged": 401},
		"moderator": {"": 401, "user": 403, "moderator": 200, "admin": 200, "forged": 401},
		"admin":     {"": 401, "user": 403, "moderator": 403, "admin": 200, "forged": 401},
	}
	for path, rules := range want {
		for who, status := range rules {
			if got := do(e, "GET", "/api/v1/"+path, who).Code; got != status {
				t.Errorf("GET %s as %q = %d, want %d", path, who, got, status)
			}
			if got := do(e, "HEAD", "/api/v1/"+path, who).Code; got != status {
				t.Errorf("HEAD %s as %q = %d, want %d", path, who, got, status)
			}
		}
	}
	if got := do(e, "GET", "/api/v1/user", "moderator").Body.String(); got != "2" {
		t.Errorf("the handler saw user %s, want 2", got)
	}
}

func TestRoutesWithoutRuleOrTwiceDoNotStart(t *testing.T) {
	h := func(echo.Context) error { return nil }
	r := rest.NewRouter(echo.New(), nil)
	r.API.GET("/open", 0, h)
	r.API.GET("/twice", rest.Anyone, h)
	r.API.GET("/twice", rest.Admin, h)
	err := r.Err()
	for _, want := range []string{"GET /api/v1/open has no access rule", "GET /api/v1/twice is registered twice"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Err() = %v, want %q in it", err, want)
		}
	}
	if got := r.Routes(); len(got) != 1 || got[0] != (rest.Route{Method: "GET", Path: "/api/v1/twice", Access: rest.Anyone}) {
		t.Errorf("Routes() = %v", got)
	}
}

func TestProblemShape(t *testing.T) {
	e := server(t, quiet())
	w := do(e, "GET", "/api/v1/invalid?sort=password&count=-1", "")
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if w.Code != 400 || w.Header().Get("Content-Type") != "application/problem+json; charset=utf-8" {
		t.Errorf("%d %s", w.Code, w.Header().Get("Content-Type"))
	}
	params, _ := got["invalid-params"].(map[string]any)
	if len(params) != 2 || got["status"] != 400.0 || got["title"] != "Bad Request" || got["type"] != "about:blank" ||
		got["instance"] != "/api/v1/invalid?sort=password&count=-1" || got["error"] != got["detail"] {
		t.Errorf("problem = %v", got)
	}
	sort, _ := params["sort"].(map[string]any)
	want := map[string]any{
		"location": "query", "path": "sort", "type": "field", "value": "password",
		"msg": "Should be one of createdAt, name, with - before it for descending",
	}
	if d := cmp.Diff(want, sort); d != "" {
		t.Error(d)
	}
	w = do(e, "GET", "/api/v1/user", "")
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 401 || got["code"] != "unauthorized_request" {
		t.Errorf("without a token: %d %v, %v", w.Code, got, err)
	}
	w = do(e, "GET", "/api/v1/user", "forged")
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got["code"] != "invalid_token" || !strings.HasSuffix(got["type"].(string), "/invalid_token") {
		t.Errorf("problem with a code = %v", got)
	}
}

// SEC-53: what went wrong inside is for the log, not for the client.
func TestUnknownErrorsTellNothing(t *testing.T) {
	var log strings.Builder
	e := server(t, slog.New(slog.NewTextHandler(&log, nil)))
	w := do(e, "POST", "/api/v1/boom", "")
	if body := w.Body.String(); w.Code != 500 || strings.Contains(body, "hunter2") || strings.Contains(body, "/srv") {
		t.Errorf("%d %s", w.Code, body)
	}
	if !strings.Contains(log.String(), "hunter2") {
		t.Errorf("the log lacks the cause: %s", log.String())
	}
	log.Reset()
	ctx, leave := context.WithCancel(t.Context())
	leave()
	e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "POST", "/api/v1/boom", http.NoBody))
	if log.Len() > 0 {
		t.Errorf("a client that went is logged as an error: %s", log.String())
	}
	if w := do(e, "GET", "/api/v1/unable", ""); w.Code != 501 || log.Len() > 0 {
		t.Errorf("an answer on purpose: %d, logged %q", w.Code, log.String())
	}
	if w := do(e, "GET", "/api/v1/unknown", ""); w.Code != 502 || log.Len() == 0 {
		t.Errorf("another failure: %d, logged %q", w.Code, log.String())
	}
	if w := do(e, "GET", "/api/v1/nowhere", ""); w.Code != 404 || !strings.Contains(w.Body.String(), `"status":404`) {
		t.Errorf("unknown route: %d %s", w.Code, w.Body.String())
	}
}

func TestParsePage(t *testing.T) {
	for _, c := range []struct {
		query string
		want  rest.Page
		bad   string
	}{
		{"", rest.Page{Count: 15, Sort: "createdAt", Desc: true}, ""},
		{"start=30&count=100&sort=name", rest.Page{Start: 30, Count: 100, Sort: "name"}, ""},
		{"count=0&sort=-name", rest.Page{Sort: "name", Desc: true}, ""},
		{"count=101", rest.Page{}, "count"},
		{"count=x", rest.Page{}, "count"},
		{"start=-1", rest.Page{}, "start"},
		{"start=99999999999", rest.Page{}, "start"},
		{"sort=id%3BDROP+TABLE+users", rest.Page{}, "sort"},
		{"sort=--name", rest.Page{}, "sort"},
	} {
		ctx := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/?"+c.query, nil), httptest.NewRecorder())
		got, err := rest.ParsePage(ctx, "-createdAt", "createdAt", "name")
		if c.bad == "" {
			if err != nil || got != c.want {
				t.Errorf("ParsePage(%q) = %+v, %v, want %+v", c.query, got, err, c.want)
			}
			continue
		}
		p, ok := errors.AsType[*rest.Problem](err)
		if !ok || p.Status != 400 || p.Invalid[c.bad].Msg == "" {
			t.Errorf("ParsePage(%q) = %v, want a 400 about %s", c.query, err, c.bad)
		}
	}
}

func TestOrderHasATieBreaker(t *testing.T) {
	for _, c := range []struct {
		page        rest.Page
		column, row string
		want        string
	}{
		{rest.Page{Desc: true}, "created_at", "id", "created_at DESC, id DESC"},
		{rest.Page{}, "v.name", "v.id", "v.name ASC, v.id ASC"},
		{rest.Page{Desc: true}, "id", "id", "id DESC"},
	} {
		if got := c.page.Order(c.column, c.row); got != c.want {
			t.Errorf("Order = %q, want %q", got, c.want)
		}
	}
}

func TestQueryForms(t *testing.T) {
	c := echo.New().NewContext(httptest.NewRequest("GET", "/?tag=a&tag=b&tag[]=c&yes=true&no=false&odd=maybe", nil), httptest.NewRecorder())
	if d := cmp.Diff([]string{"a", "b", "c"}, rest.QueryValues(c, "tag")); d != "" {
		t.Error(d)
	}
	var check rest.Checker
	if v := rest.QueryBool(c, &check, "yes"); v == nil || !*v {
		t.Error("yes is not true")
	}
	if v := rest.QueryBool(c, &check, "no"); v == nil || *v {
		t.Error("no is not false")
	}
	if v := rest.QueryBool(c, &check, "absent"); v != nil || check.Err() != nil {
		t.Error("absent is not nil")
	}
	rest.QueryBool(c, &check, "odd")
	if check.Err() == nil {
		t.Error("odd was accepted")
	}
}

func TestListIsNeverNull(t *testing.T) {
	b, err := json.Marshal(rest.NewList[int](0, nil))
	if err != nil || string(b) != `{"total":0,"data":[]}` {
		t.Errorf("%s, %v", b, err)
	}
}

func TestBodyTooLarge(t *testing.T) {
	_, err := io.ReadAll(http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(strings.NewReader("long")), 1))
	if p := rest.AsProblem(fmt.Errorf("read: %w", err)); p.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("AsProblem = %v, want 413", p)
	}
}
