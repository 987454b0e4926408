package serve

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// tokenLife is how long a file token opens its video (SEC-55).
const tokenLife = 8 * time.Hour

// tokens signs and checks file tokens: who asked, until when, for which video.
// They open the files of that video and nothing else. What its user may see is
// asked anew at each use, so a change of privacy or a block takes effect at
// once.
type tokens struct{ key []byte }

func newTokens(secret string) tokens {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("kinemesh video file token")) // a key of its own for this purpose
	return tokens{m.Sum(nil)}
}

const tokenHead = 16 // user id, expiry

func (t tokens) sign(userID int64, videoUUID string, expires time.Time) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(userID))            //nolint:gosec // ids are positive
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
func (t tokens) check(token, videoUUID string, now time.Time) (userID int64, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != tokenHead+sha256.Size || !hmac.Equal(b[tokenHead:], t.mac(b[:tokenHead], videoUUID)) {
		return 0, false
	}
	expires := int64(binary.BigEndian.Uint64(b[8:tokenHead]))      //nolint:gosec // signed by us
	return int64(binary.BigEndian.Uint64(b)), now.Unix() < expires //nolint:gosec // signed by us
}

// apiToken answers with a file token (OpenAPI VideoTokenResponse).
type apiToken struct {
	Files struct {
		Token   string       `json:"token"`
		Expires channel.Time `json:"expires"`
	} `json:"files"`
}

// newToken hands a file token to a user who may see the video.
func (s *Serve) newToken(c echo.Context) error {
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	v, err := s.o.Catalog.Find(ctx, p, c.Param("id"))
	if err != nil {
		return err
	}
	expires := time.Now().UTC().Truncate(time.Second).Add(tokenLife)
	var a apiToken
	a.Files.Token, a.Files.Expires = s.tokens.sign(p.UserID, v.UUID, expires), channel.Time(expires)
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, a)
}

// viewer is who wants a file of v: the signed-in user, or the one to whom the
// token in the address was given. nil is anybody.
func (s *Serve) viewer(c echo.Context, v *catalog.Video) (*rest.Principal, error) {
	ctx := c.Request().Context()
	if p := rest.Current(ctx); p != nil && s.o.Catalog.CanSee(ctx, p, v) {
		return p, nil
	}
	token := c.QueryParam(tokenParam)
	if token == "" {
		return rest.Current(ctx), nil
	}
	userID, ok := s.tokens.check(token, v.UUID, time.Now())
	if !ok {
		return rest.Current(ctx), nil
	}
	var rows []struct {
		ID      int64
		Role    rest.Role
		Blocked bool
	}
	err := s.o.DB.Read(ctx).Table("users").Select("id, role, blocked").Where("id = ?", userID).Limit(1).Find(&rows).Error
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || rows[0].Blocked {
		return nil, nil
	}
	return &rest.Principal{UserID: rows[0].ID, Role: rows[0].Role}, nil
}

// permit is nil when the request may have bytes of v. It is the one place that
// decides (SEC-54).
func (s *Serve) permit(c echo.Context, v *catalog.Video) (*rest.Principal, error) {
	p, err := s.viewer(c, v)
	if err != nil {
		return nil, err
	}
	if !s.o.Catalog.CanSee(c.Request().Context(), p, v) {
		if !s.o.Catalog.Shows(c.Request().Context(), p, v) { // SEC-19
			return nil, notFound()
		}
		return nil, rest.Forbidden("Cannot get this file")
	}
	return p, nil
}
