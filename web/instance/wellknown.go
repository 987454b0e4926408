package instance

import (
	_ "embed"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/web/rest"
)

// fileAge is how long small documents are kept by browsers.
const fileAge = "max-age=7200"

// policy says what the server does about viewers who do not want to be tracked.
//
//go:embed dnt-policy.txt
var policy string

// wellKnown registers the documents that are found without a link.
func (i *Instance) wellKnown(r *rest.Group) {
	r.GET("/.well-known/security.txt", rest.Anyone, i.securityTxt)
	r.GET("/security.txt", rest.Anyone, redirect(http.StatusMovedPermanently, "/.well-known/security.txt"))
	r.GET("/.well-known/change-password", rest.Anyone, redirect(http.StatusFound, "/reset-password"))
	r.GET("/.well-known/dnt-policy.txt", rest.Anyone, func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderCacheControl, "max-age=604800")
		return c.String(http.StatusOK, policy)
	})
	tracking := func(c echo.Context) error { return c.JSON(http.StatusOK, object{"tracking": "N"}) }
	r.GET("/.well-known/dnt", rest.Anyone, tracking)
	r.GET("/.well-known/dnt/", rest.Anyone, tracking)
	r.GET("/manifest.webmanifest", rest.Anyone, i.manifest)
	r.GET("/favicon.svg", rest.Anyone, favicon)
	r.GET("/favicon.ico", rest.Anyone, redirect(http.StatusFound, "/favicon.svg"))
}

func redirect(status int, to string) echo.HandlerFunc {
	return func(c echo.Context) error { return c.Redirect(status, to) }
}

// securityTxt tells whom to write to about a hole (RFC 9116).
func (i *Instance) securityTxt(c echo.Context) error {
	cfg := i.o.Config.Current()
	text := strings.TrimSpace(cfg.Instance.SecurityTxt)
	if text == "" {
		text = fmt.Sprintf("Contact: mailto:%s\nExpires: %s\nCanonical: %s/.well-known/security.txt",
			cfg.Admin.Email, time.Now().UTC().AddDate(0, 6, 0).Truncate(24*time.Hour).Format(time.RFC3339), cfg.Origin())
	}
	c.Response().Header().Set(echo.HeaderCacheControl, fileAge)
	return c.String(http.StatusOK, text+"\n")
}

// icon is the mark of the pages.
const icon = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Crect x='1' y='1' width='22' height='22' rx='7' fill='%230b6e66'/%3E%3Cpath d='M8.500 7v10l8.500-5z' fill='none' stroke='%23fff' stroke-width='1.600' stroke-linejoin='round'/%3E%3Cg fill='%23fff'%3E%3Ccircle cx='8.500' cy='7' r='2'/%3E%3Ccircle cx='8.500' cy='17' r='2'/%3E%3Ccircle cx='17' cy='12' r='2'/%3E%3C/g%3E%3C/svg%3E"

// favicon is the icon as a file, for those who look for one without a page.
func favicon(c echo.Context) error {
	svg, err := url.PathUnescape(strings.TrimPrefix(icon, "data:image/svg+xml,"))
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "public, max-age=86400")
	return c.Blob(http.StatusOK, "image/svg+xml", []byte(svg))
}

// manifest lets browsers install the pages as an application.
func (i *Instance) manifest(c echo.Context) error {
	cfg := i.o.Config.Current()
	c.Response().Header().Set(echo.HeaderCacheControl, fileAge)
	c.Response().Header().Set(echo.HeaderContentType, "application/manifest+json; charset=utf-8")
	return c.JSON(http.StatusOK, object{
		"name": cfg.Instance.Name, "short_name": cfg.Instance.Name, "description": cfg.Instance.ShortDescription,
		"start_url": "/", "id": "/", "scope": "/", "display": "standalone", "lang": cfg.Instance.DefaultLanguage,
		"background_color": "#ffffff", "theme_color": "#ffffff",
		"icons": []object{{"src": icon, "sizes": "any", "type": "image/svg+xml", "purpose": "any"}},
	})
}

// languageTag is a language as browsers name it.
var languageTag = regexp.MustCompile(`^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,2}$`)

// language remembers in a cookie which language a visitor wants.
func (i *Instance) language(c echo.Context) error {
	var in struct{ Language string }
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	if !languageTag.MatchString(in.Language) {
		return rest.Invalid("body", "language", "Should be a language such as en or fr-FR", in.Language)
	}
	c.SetCookie(&http.Cookie{ //nolint:gosec // no secret; without https there is no other
		Name: "clientLanguage", Value: in.Language, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true,
		Secure: i.o.Config.Webserver.HTTPS, SameSite: http.SameSiteLaxMode,
	})
	return rest.NoContent(c)
}
