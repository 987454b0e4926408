package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Names of the session cookies. The second goes to the administration only and
// never comes along from another site, not even by a link.
const (
	CookieName       = "kinemesh_session"
	StrictCookieName = "kinemesh_admin"
	strictPath       = "/admin"
)

// Authenticate finds who makes a request: by the bearer token in the
// Authorization header, else by the session cookie. It returns nil for nobody,
// and a *rest.Problem for a token that does not hold. It is a rest.Authenticate.
func (s *Service) Authenticate(c echo.Context) (*rest.Principal, error) {
	switch c.Path() {
	case clientPath, tokenPath: // clients send along the token they want to replace
		return nil, nil
	}
	r := c.Request()
	if plain, ok := bearer(r); ok {
		return s.byToken(r.Context(), plain, PlaceOf(c))
	}
	return s.byCookie(c, CookieName)
}

// AuthenticateStrict finds the signed-in user of the administration's pages: by
// a cookie that browsers send from our own pages only, and for requests that
// change anything from our own origin only (SEC-48).
func (s *Service) AuthenticateStrict(c echo.Context) (*rest.Principal, error) {
	return s.byCookie(c, StrictCookieName)
}

// byCookie finds the user of a session cookie. For a request that changes
// anything it counts only when a page of ours made it (SEC-48).
func (s *Service) byCookie(c echo.Context, name string) (*rest.Principal, error) {
	r := c.Request()
	if !safe(r.Method) && !s.sameOrigin(r) {
		return nil, nil
	}
	for _, cookie := range r.CookiesNamed(name) {
		if cookie.Value != "" {
			return s.bySession(r.Context(), cookie.Value, PlaceOf(c))
		}
	}
	return nil, nil
}

// bearer reads the Authorization header (RFC 6750 2.1). Other schemes, such as
// HTTP signatures, are not ours.
func bearer(r *http.Request) (string, bool) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(r.Header.Get(echo.HeaderAuthorization)), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return "", false
	}
	return strings.TrimSpace(rest), true
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// sameOrigin tells whether a browser made the request from one of our pages.
// Browsers send Sec-Fetch-Site on every request to an https or loopback
// address; elsewhere Origin is there on all that change anything.
func (s *Service) sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	origin, err := url.Parse(r.Header.Get(echo.HeaderOrigin))
	if err != nil || origin.Host == "" {
		return false
	}
	return strings.EqualFold(origin.Scheme+"://"+origin.Host, s.o.Origin)
}

func invalidToken(detail string) *rest.Problem {
	return &rest.Problem{
		Status: http.StatusUnauthorized, Code: "invalid_token", Detail: "Invalid token: " + detail,
		Header: map[string]string{echo.HeaderWWWAuthenticate: `Bearer error="invalid_token"`},
	}
}

// holder is a user with what a principal says of it.
type holder struct {
	RowID     int64
	UserID    int64
	ExpiresAt time.Time
	ActiveAt  time.Time
	RotatedAt *time.Time
	Username  string
	Role      rest.Role
	Blocked   bool
	AccountID int64
	ActorID   int64
}

const holderColumns = `u.id AS user_id, u.username, u.role, u.blocked, a.id AS account_id, a.actor_id
	FROM %s t JOIN users u ON u.id = t.user_id JOIN accounts a ON a.user_id = u.id WHERE `

func (s *Service) byToken(ctx context.Context, plain string, from Place) (*rest.Principal, error) {
	if plain == "" || len(plain) > maxToken {
		return nil, invalidToken("access token is invalid")
	}
	var h holder
	err := s.o.DB.Read(ctx).Raw("SELECT t.id AS row_id, t.access_expires_at AS expires_at, t.active_at, t.rotated_at, "+
		fmt.Sprintf(holderColumns, "oauth_tokens")+"t.access_hash = ?", hashToken(plain)).Take(&h).Error
	switch {
	case errors.Is(err, db.ErrNotFound), err == nil && (h.RotatedAt != nil || h.Blocked):
		return nil, invalidToken("access token is invalid")
	case err != nil:
		return nil, fmt.Errorf("access token: %w", err)
	case !time.Now().Before(h.ExpiresAt):
		return nil, invalidToken("access token has expired")
	}
	p := h.principal()
	p.TokenID = h.RowID
	s.noteActive(ctx, &token{}, &h, from)
	return p, nil
}

// bySession is nil for a cookie that is over: browsers keep sending it.
func (s *Service) bySession(ctx context.Context, plain string, from Place) (*rest.Principal, error) {
	if len(plain) > maxToken {
		return nil, nil
	}
	var h holder
	err := s.o.DB.Read(ctx).Raw("SELECT t.id AS row_id, t.expires_at, t.active_at, "+
		fmt.Sprintf(holderColumns, "web_sessions")+"t.token_hash = ?", hashToken(plain)).Take(&h).Error
	switch {
	case errors.Is(err, db.ErrNotFound), err == nil && (h.Blocked || !time.Now().Before(h.ExpiresAt)):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("session: %w", err)
	}
	p := h.principal()
	p.SessionID = h.RowID
	s.noteActive(ctx, &session{}, &h, from)
	return p, nil
}

func (h *holder) principal() *rest.Principal {
	return &rest.Principal{UserID: h.UserID, AccountID: h.AccountID, ActorID: h.ActorID, Username: h.Username, Role: h.Role}
}

// NewSession begins a browser session of a user who logged in; it lives as
// long as a refresh token.
func (s *Service) NewSession(ctx context.Context, userID int64, from Place) (plain string, expires time.Time, err error) {
	plain, hash, err := newToken()
	if err != nil {
		return "", time.Time{}, err
	}
	now := db.Now()
	expires = now.Add(s.o.RefreshLifetime)
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := s.o.Users.NoteLogin(tx, userID); err != nil {
			return err
		}
		return tx.Create(&session{
			UserID: userID, TokenHash: hash, ExpiresAt: expires, CreatedAt: now,
			Device: from.Device, IP: from.IP, ActiveDevice: from.Device, ActiveIP: from.IP, ActiveAt: now,
		}).Error
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("session: %w", err)
	}
	return plain, expires, nil
}

// EndSession ends the browser session of a cookie; an unknown one is no error.
func (s *Service) EndSession(ctx context.Context, plain string) error {
	return s.endSession(ctx, "token_hash = ?", hashToken(plain))
}

func (s *Service) endSession(ctx context.Context, where string, arg any) error {
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error { return tx.Where(where, arg).Delete(&session{}).Error })
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// Cookies are what a browser keeps of a session. With an empty token they
// remove what it has.
func (s *Service) Cookies(plain string, expires time.Time) []*http.Cookie {
	one := func(name, path string, site http.SameSite) *http.Cookie {
		c := &http.Cookie{ //nolint:gosec // Secure follows the scheme of our origin, SameSite the cookie
			Name: name, Value: plain, Path: path, Expires: expires, HttpOnly: true, SameSite: site,
			Secure: strings.HasPrefix(s.o.Origin, "https:"),
		}
		if plain == "" {
			c.Expires, c.MaxAge = time.Unix(1, 0), -1
		}
		return c
	}
	return []*http.Cookie{
		one(CookieName, "/", http.SameSiteLaxMode),
		one(StrictCookieName, strictPath, http.SameSiteStrictMode),
	}
}
