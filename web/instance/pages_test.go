package instance_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/mail/mailtest"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

var (
	admin     = &rest.Principal{UserID: 1, Role: rest.RoleAdmin}
	moderator = &rest.Principal{UserID: 2, Role: rest.RoleModerator}
)

func send(e *echo.Echo, method, path, text string, from ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	for _, ip := range from {
		r.RemoteAddr = ip + ":1234"
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

func TestHomepage(t *testing.T) {
	const path = "/api/v1/custom-pages/homepage/instance"
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := serve(t, d, admin, nil, nil)
		shown := func() any { return body(t, get(e, "/api/v1/config"))["homepage"].(map[string]any)["enabled"] }
		if w := get(e, path); w.Code != 404 || shown() != false {
			t.Errorf("none yet: %d, enabled %v", w.Code, shown())
		}
		for name, bad := range map[string]string{
			"absent": `{}`, "null": `{"content":null}`, "number": `{"content":1}`, "too long": `{"content":"` + strings.Repeat("x", 90_001) + `"}`, "list": `[]`,
		} {
			if w := send(e, "PUT", path, bad); w.Code != 400 {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
		for _, who := range []*rest.Principal{nil, moderator} {
			if w := send(serve(t, d, who, nil, nil), "PUT", path, `{"content":"theirs"}`); w.Code != 401 && w.Code != 403 {
				t.Errorf("as %+v: %d", who, w.Code)
			}
		}
		for _, text := range []string{"# Hello", "# Hello again"} {
			if w := send(e, "PUT", path, `{"content":"`+text+`"}`); w.Code != 204 {
				t.Fatalf("PUT: %d %s", w.Code, w.Body)
			}
			if got := body(t, get(serve(t, d, nil, nil, nil), path))["content"]; got != text || shown() != true {
				t.Errorf("content %v, enabled %v", got, shown())
			}
		}
		if w := send(e, "PUT", path, `{"content":""}`); w.Code != 204 || shown() != false {
			t.Errorf("emptied: %d, enabled %v", w.Code, shown())
		}
	})
}

func TestContactFormIsMailed(t *testing.T) {
	const path, good = "/api/v1/server/contact", `{"fromName":"Ann","fromEmail":"ann@example.org","subject":"Hello","body":"Two lines\n<b>of text</b>"}`
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		post := mailtest.New(t, mailtest.Options{})
		e := serve(t, d, nil, nil, func(c *config.Config) {
			post.Use(c)
			c.Admin.Email = "boss@example.org"
		})
		if got := body(t, get(e, "/api/v1/config")); got["contactForm"].(map[string]any)["enabled"] != true || got["email"].(map[string]any)["enabled"] != true {
			t.Errorf("config %v %v", got["contactForm"], got["email"])
		}
		for name, bad := range map[string]string{
			"empty": `{}`, "no name": strings.Replace(good, "Ann", "", 1), "no address": strings.Replace(good, "ann@example.org", "ann", 1),
			"long name": strings.Replace(good, "Ann", strings.Repeat("a", 121), 1), "short body": `{"fromName":"Ann","fromEmail":"ann@example.org","body":"ab"}`,
			"long body": `{"fromName":"Ann","fromEmail":"ann@example.org","body":"` + strings.Repeat("x", 5001) + `"}`,
			"header":    strings.Replace(good, "ann@example.org", `a@b.example\r\nBcc: x@y.example`, 1), "type": `{"fromName":5}`,
			"long subject": strings.Replace(good, "Hello", strings.Repeat("s", 121), 1),
		} {
			if w := send(e, "POST", path, bad); w.Code != 400 {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
		if w := send(e, "POST", path, good); w.Code != 204 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if w := send(e, "POST", path, good); w.Code != 403 {
			t.Errorf("again within the hour: %d", w.Code)
		}
		if w := send(e, "POST", path, good, "203.0.113.50"); w.Code != 204 {
			t.Errorf("from elsewhere: %d %s", w.Code, w.Body)
		}
		for deadline := time.Now().Add(30 * time.Second); len(post.Mails()) < 2 && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
		mails := post.Mails()
		if len(mails) != 2 {
			t.Fatalf("%d mails", len(mails))
		}
		m := mails[0]
		if m.To != "boss@example.org" || !strings.Contains(m.Header.Get("Reply-To"), "ann@example.org") || !strings.Contains(m.Subject(), "Hello") ||
			!strings.Contains(m.Text, "<b>of text</b>") || strings.Contains(m.HTML, "<b>") {
			t.Errorf("mail %+v", m)
		}
	})
}

func TestContactFormThatIsOff(t *testing.T) {
	for name, change := range map[string]func(*config.Config){
		"no mail server": func(*config.Config) {},
		"switched off":   func(c *config.Config) { c.ContactForm.Enabled, c.SMTP.Hostname = false, "localhost" },
	} {
		e := server(t, nil, nil, change)
		w := send(e, "POST", "/api/v1/server/contact", `{"fromName":"Ann","fromEmail":"ann@example.org","subject":"Hello","body":"A text"}`)
		if told := body(t, get(e, "/api/v1/config"))["contactForm"].(map[string]any)["enabled"]; w.Code != 409 || told != false {
			t.Errorf("%s: %d, config tells %v", name, w.Code, told)
		}
	}
}

func TestRunCommand(t *testing.T) {
	const path = "/api/v1/server/debug/run-command"
	e := server(t, admin, nil, nil)
	before := ran.Load()
	if w := send(e, "POST", path, `{"command":"process-video-viewers"}`); w.Code != 204 || ran.Load() != before+1 {
		t.Errorf("%d %s, ran %d", w.Code, w.Body, ran.Load()-before)
	}
	for _, bad := range []string{`{}`, `{"command":"rm"}`, `{"command":5}`} {
		if w := send(e, "POST", path, bad); w.Code != 400 {
			t.Errorf("%s: %d", bad, w.Code)
		}
	}
	if w := send(server(t, moderator, nil, nil), "POST", path, `{"command":"process-video-viewers"}`); w.Code != 403 || ran.Load() != before+1 {
		t.Errorf("moderator: %d", w.Code)
	}
}

func TestWellKnownDocuments(t *testing.T) {
	e := server(t, nil, nil, func(c *config.Config) {
		c.Webserver = config.Webserver{HTTPS: true, Hostname: "tube.example"}
		c.Admin.Email, c.Instance.Name = "boss@tube.example", "Tide"
	})
	for path, want := range map[string]string{
		"/.well-known/security.txt":   "Contact: mailto:boss@tube.example\nExpires: ",
		"/.well-known/dnt-policy.txt": "does not track",
		"/.well-known/dnt/":           `{"tracking":"N"}`,
		"/manifest.webmanifest":       `"name":"Tide"`,
		"/favicon.svg":                "<svg xmlns='http://www.w3.org/2000/svg' viewBox",
	} {
		if w := get(e, path); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for path, want := range map[string]struct {
		status int
		to     string
	}{
		"/security.txt": {301, "/.well-known/security.txt"}, "/.well-known/change-password": {302, "/reset-password"},
		"/favicon.ico": {302, "/favicon.svg"},
	} {
		if w := get(e, path); w.Code != want.status || w.Header().Get("Location") != want.to {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Location"))
		}
	}
	if h := get(e, "/favicon.svg").Header(); h.Get("Content-Type") != "image/svg+xml" || h.Get("Cache-Control") != "public, max-age=86400" {
		t.Errorf("icon: %v", h)
	}
	own := server(t, nil, nil, func(c *config.Config) { c.Instance.SecurityTxt = "Contact: https://tube.example/report" })
	if w := get(own, "/.well-known/security.txt"); w.Body.String() != "Contact: https://tube.example/report\n" {
		t.Errorf("own text: %q", w.Body)
	}
}

func TestLanguageCookie(t *testing.T) {
	e := server(t, nil, nil, nil)
	for _, path := range []string{"/api/v1/client-config/update-language", "/api/v1/client-config/update-interface-language"} {
		w := send(e, "POST", path, `{"language":"fr-FR"}`)
		cookies := w.Result().Cookies()
		if w.Code != http.StatusNoContent || len(cookies) != 1 || cookies[0].Value != "fr-FR" || !cookies[0].HttpOnly {
			t.Errorf("%s: %d %v", path, w.Code, cookies)
		}
	}
	for _, bad := range []string{`{}`, `{"language":"fr; Path=/x"}`, `{"language":"frfrfrfrfrfrfrfr"}`, `{"language":3}`} {
		if w := send(e, "POST", "/api/v1/client-config/update-language", bad); w.Code != 400 || len(w.Result().Cookies()) > 0 {
			t.Errorf("%s: %d", bad, w.Code)
		}
	}
}

func TestPluginsAreNone(t *testing.T) {
	if w := get(server(t, admin, nil, nil), "/api/v1/plugins?pluginType=1"); w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"total":0,"data":[]}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := get(server(t, nil, nil, nil), "/api/v1/plugins"); w.Code != 401 {
		t.Errorf("nobody: %d", w.Code)
	}
}
