package oauth

import (
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Paths that take no credentials but those in their body.
const (
	clientPath = "/api/v1/oauth-clients/local"
	tokenPath  = "/api/v1/users/token" //nolint:gosec // a path, no credential
)

// otpHeader carries the code of the second factor.
const otpHeader = "x-peertube-otp"

// maxForm is far above what the token endpoint needs.
const maxForm = 16 << 10

// Routes registers the routes of sessions.
func (s *Service) Routes(r *rest.Router) {
	r.API.GET(strings.TrimPrefix(clientPath, "/api/v1"), rest.Anyone, s.localClient)
	r.API.POST(strings.TrimPrefix(tokenPath, "/api/v1"), rest.Anyone, s.token)
	r.API.POST("/users/revoke-token", rest.SignedIn, s.revoke)
	r.API.GET("/users/:id/token-sessions", rest.Owner, s.listSessions)
	r.API.POST("/users/:id/token-sessions/:tokenSessionId/revoke", rest.Owner, s.revokeSession)
}

func (s *Service) localClient(c echo.Context) error {
	if host := c.Request().Host; !s.o.AnyHost && !s.ourHost(host) {
		return rest.Forbidden("Getting client tokens for host " + host + " is forbidden")
	}
	id, secret, err := s.Client(c.Request().Context())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]string{"client_id": id, "client_secret": secret})
}

// ourHost compares with the public host; the scheme's own port may be named.
func (s *Service) ourHost(host string) bool {
	port := ":80"
	if strings.HasPrefix(s.o.Origin, "https:") {
		port = ":443"
	}
	return strings.EqualFold(strings.TrimSuffix(host, port), s.o.Host)
}

func refused(code, detail string) *rest.Problem {
	return &rest.Problem{Status: http.StatusBadRequest, Code: code, Detail: detail}
}

// token is the token endpoint (RFC 6749 4.3.2 and 6). Errors carry PeerTube's
// codes.
func (s *Service) token(c echo.Context) error {
	r := c.Request()
	kind, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if err != nil || kind != echo.MIMEApplicationForm {
		return refused("invalid_request", "Invalid request: content must be application/x-www-form-urlencoded")
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return err
		}
		return refused("invalid_request", "Invalid request: the form is not readable")
	}
	form := r.PostForm // never the query: it ends up in logs
	if form.Get("client_id") == "" || form.Get("client_secret") == "" {
		return refused("invalid_client", "Invalid client: cannot retrieve client credentials")
	}
	cl, err := s.findClient(r.Context(), form.Get("client_id"), form.Get("client_secret"))
	if errors.Is(err, db.ErrNotFound) {
		return refused("invalid_client", "Invalid client: client is invalid")
	}
	if err != nil {
		return err
	}
	switch form.Get("grant_type") {
	case "password":
		return s.passwordGrant(c, cl)
	case "refresh_token":
		return s.refreshGrant(c, cl)
	case "":
		return refused("invalid_request", "Missing parameter: `grant_type`")
	default:
		return refused("unsupported_grant_type", "Unsupported grant type: `grant_type` is invalid")
	}
}

func (s *Service) passwordGrant(c echo.Context, cl *client) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	login, password := form.Get("username"), form.Get("password")
	switch {
	case login == "":
		return refused("invalid_request", "Missing parameter: `username`")
	case password == "":
		return refused("invalid_request", "Missing parameter: `password`")
	}
	u, err := s.o.Users.Login(ctx, user.Attempt{
		Login: login, Password: password, OTP: c.Request().Header.Get(otpHeader), IP: c.RealIP(),
	})
	if err != nil {
		return LoginProblem(err)
	}
	p, err := s.Issue(ctx, u.ID, cl.ID, PlaceOf(c))
	if err != nil {
		return err
	}
	return answer(c, p)
}

func (s *Service) refreshGrant(c echo.Context, cl *client) error {
	refresh := c.Request().PostForm.Get("refresh_token")
	if refresh == "" {
		return refused("invalid_request", "Missing parameter: `refresh_token`")
	}
	p, err := s.Refresh(c.Request().Context(), refresh, cl.ID, PlaceOf(c))
	if errors.Is(err, ErrRefresh) {
		return refused("invalid_grant", "Invalid grant: refresh token is invalid")
	}
	if err != nil {
		return err
	}
	return answer(c, p)
}

// LoginProblem is the answer to a refused login, for the API and the login
// page. Errors that do not come from a refusal are returned as they are.
func LoginProblem(err error) error {
	if many, ok := errors.AsType[*user.TooManyError](err); ok {
		return many.Problem()
	}
	switch {
	case errors.Is(err, user.ErrCredentials):
		return refused("invalid_grant", "Invalid grant: user credentials are invalid")
	case errors.Is(err, user.ErrBlocked):
		return refused("account_blocked", "User is blocked.")
	case errors.Is(err, user.ErrUnverified):
		return refused("email_not_verified", "User email is not verified.")
	case errors.Is(err, user.ErrTooLong):
		return refused("too_long_password", "Password is too long.")
	case errors.Is(err, user.ErrNoCode):
		return &rest.Problem{
			Status: http.StatusUnauthorized, Code: "missing_two_factor", Detail: "Missing two factor header",
			Header: map[string]string{otpHeader: "required; app"},
		}
	case errors.Is(err, user.ErrCode):
		return refused("invalid_two_factor", "Invalid two factor header")
	case errors.Is(err, user.ErrPending):
		return refused("account_waiting_for_approval", "Registration for this account is awaiting approval.")
	case errors.Is(err, user.ErrRejected):
		return refused("account_approval_rejected", "Registration approval for this account has been rejected.")
	}
	return err
}

func answer(c echo.Context, p *Pair) error {
	now := time.Now()
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store") // RFC 6749 5.1
	c.Response().Header().Set("Pragma", "no-cache")
	return c.JSON(http.StatusOK, struct {
		TokenType        string `json:"token_type"`
		AccessToken      string `json:"access_token"`
		RefreshToken     string `json:"refresh_token"`
		ExpiresIn        int64  `json:"expires_in"`
		RefreshExpiresIn int64  `json:"refresh_token_expires_in"`
	}{
		"Bearer", p.Access, p.Refresh,
		int64(p.AccessExpiresAt.Sub(now).Seconds()), int64(p.RefreshExpiresAt.Sub(now).Seconds()),
	})
}

// revoke ends the session that the request was made with.
func (s *Service) revoke(c echo.Context) error {
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	var err error
	if p.TokenID != 0 {
		err = s.Revoke(ctx, p.TokenID)
	} else {
		err = s.endSession(ctx, "id = ?", p.SessionID)
		for _, cookie := range s.Cookies("", time.Time{}) {
			c.SetCookie(cookie)
		}
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]bool{"success": true})
}
