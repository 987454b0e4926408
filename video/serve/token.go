package serve

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/password"
	"github.com/kinemesh/kinemesh/web/rest"
)

// tokenLife is how long a file token opens its video (SEC-55).
const tokenLife = 8 * time.Hour

// tokens signs and checks file tokens: who asked, until when, for which video.
// They open the files of that video and nothing else. What its user may see, or
// whether the password is still one of the video's, is asked anew at each use,
// so a change of privacy or a block takes effect at once.
type tokens struct{ key []byte }

// holder is to whom a token was given: a user, or whoever had a password.
type holder struct{ userID, passwordID int64 }

func newTokens(secret string) tokens {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("kinemesh video file token")) // a key of its own for this purpose
	return tokens{m.Sum(nil)}
}

const tokenHead = 24 // user id, password id, expiry

func (t tokens) sign(h holder, videoUUID string, expires time.Time) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(h.userID))          //nolint:gosec // ids are positive
	b = binary.BigEndian.AppendUint64(b, uint64(h.passwordID))         //nolint:gosec // ids are positive
	b = binary.BigEndian.AppendUint64(b, uint64(expires.UTC().Unix())) //nolint:gosec // after 1970
	return base64.RawURLEncoding.EncodeToString(append(b, t.mac(b, videoUUID)...))
}

func (t tokens) mac(head []byte, videoUUID string) []byte {
	m := hmac.New(sha256.New, t.key)
	m.Write(head)
	m.Write([]byte(videoUUID))
	return m.Sum(nil)
}

// check tells whose token it is, when it is one for the video and now.
func (t tokens) check(token, videoUUID string, now time.Time) (h holder, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != tokenHead+sha256.Size || !hmac.Equal(b[tokenHead:], t.mac(b[:tokenHead], videoUUID)) {
		return h, false
	}
	h.userID, h.passwordID = int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:])) //nolint:gosec // signed by us
	expires := int64(binary.BigEndian.Uint64(b[16:]))                                                 //nolint:gosec // signed by us
	return h, now.Unix() < expires
}

// apiToken answers with a file token (OpenAPI VideoTokenResponse).
type apiToken struct {
	Files struct {
		Token   string       `json:"token"`
		Expires channel.Time `json:"expires"`
	} `json:"files"`
}

// newToken hands a file token to a user who may see the video, or to whoever has
// its password.
func (s *Serve) newToken(c echo.Context) error {
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	v, err := s.o.Catalog.Find(ctx, p, c.Param("id"))
	if err != nil {
		return err
	}
	token, expires, err := s.FileToken(ctx, p, v)
	if err != nil {
		return err
	}
	var a apiToken
	a.Files.Token, a.Files.Expires = token, channel.Time(expires)
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, a)
}

// FileToken makes a token for p, or for whoever brought a password of v with the
// request. Who it is must be allowed to see v.
func (s *Serve) FileToken(ctx context.Context, p *rest.Principal, v *catalog.Video) (token string, expires time.Time, err error) {
	var h holder
	if p != nil {
		h.userID = p.UserID
	}
	if s.Passwords != nil {
		if h.passwordID, err = s.Passwords.Which(ctx, v); err != nil {
			return "", expires, err
		}
	}
	if h == (holder{}) {
		return "", expires, &rest.Problem{Status: http.StatusUnauthorized, Detail: "Not authenticated"}
	}
	expires = time.Now().UTC().Truncate(time.Second).Add(tokenLife)
	return s.tokens.sign(h, v.UUID, expires), expires, nil
}

// permit is nil when the request may have bytes of v: of the signed-in user, with
// the password of the video, or by the token in the address. It is the one place
// that decides (SEC-54). The principal is who it is, nil for anybody.
func (s *Serve) permit(c echo.Context, v *catalog.Video) (*rest.Principal, error) {
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	refused := s.o.Catalog.Permit(ctx, p, v)
	if refused == nil {
		return p, nil
	}
	holder, ok, err := s.holder(ctx, c.QueryParam(tokenParam), v)
	if err != nil || ok {
		return holder, err
	}
	if !s.o.Catalog.Shows(ctx, p, v) { // SEC-19
		return nil, notFound()
	}
	if refused.Code != "" || refused.Status == http.StatusTooManyRequests { // about the password
		return nil, refused
	}
	return nil, rest.Forbidden("Cannot get this file")
}

// holder tells whether a token opens v now, and whose it is.
func (s *Serve) holder(ctx context.Context, token string, v *catalog.Video) (*rest.Principal, bool, error) {
	if token == "" {
		return nil, false, nil
	}
	h, ok := s.tokens.check(token, v.UUID, time.Now())
	if !ok {
		return nil, false, nil
	}
	if h.passwordID != 0 && s.o.Catalog.Permit(password.WithProof(ctx, h.passwordID), nil, v) == nil {
		return nil, true, nil
	}
	var rows []struct {
		ID      int64
		Role    rest.Role
		Blocked bool
	}
	err := s.o.DB.Read(ctx).Table("users").Select("id, role, blocked").Where("id = ?", h.userID).Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 || rows[0].Blocked {
		return nil, false, err
	}
	p := &rest.Principal{UserID: rows[0].ID, Role: rows[0].Role}
	return p, s.o.Catalog.CanSee(ctx, p, v), nil
}
