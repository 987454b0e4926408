package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub/text"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Place is where a session is used.
type Place struct{ Device, IP string }

// PlaceOf is where a request comes from.
func PlaceOf(c echo.Context) Place { return Place{Device(c.Request().UserAgent()), c.RealIP()} }

// words of User-Agent headers, the more particular first.
var (
	browsers = [...][2]string{
		{"Edg/", "Edge"},
		{"EdgA/", "Edge"},
		{"OPR/", "Opera"},
		{"Vivaldi/", "Vivaldi"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
	}
	systems = [...][2]string{
		{"Android", "Android"},
		{"iPhone", "iOS"},
		{"iPad", "iPadOS"},
		{"Windows", "Windows"},
		{"Mac OS", "macOS"},
		{"CrOS", "ChromeOS"},
		{"Linux", "Linux"},
	}
)

// maxDevice is how much of an unknown program's name is kept.
const maxDevice = 60

// Device names the program and system of a User-Agent header for people:
// "Firefox on Linux"; a program that is no browser, by its own name.
func Device(agent string) string {
	agent = text.Line(agent)
	find := func(words [][2]string) string {
		for _, w := range words {
			if strings.Contains(agent, w[0]) {
				return w[1]
			}
		}
		return ""
	}
	system := find(systems[:])
	if browser := find(browsers[:]); browser != "" {
		if system != "" {
			return browser + " on " + system
		}
		return browser
	}
	name, _, _ := strings.Cut(agent, " ")
	name, _, _ = strings.Cut(name, "/")
	return text.Cut(name, maxDevice)
}

// activeEvery is how exactly the last use of a session is known.
const activeEvery = 5 * time.Minute

// noteActive keeps when and where a session was used last. That it fails is no
// reason to refuse a request.
func (s *Service) noteActive(ctx context.Context, table any, h *holder, from Place) {
	now := db.Now()
	if now.Sub(h.ActiveAt) < activeEvery {
		return
	}
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		return tx.Model(table).Where("id = ?", h.RowID).
			Updates(map[string]any{"active_at": now, "active_device": from.Device, "active_ip": from.IP}).Error
	})
	if err != nil && ctx.Err() == nil {
		s.o.Logger.WarnContext(ctx, "last use of a session not kept", "user", h.UserID, "error", err)
	}
}

// apiSession is a session in the API.
type apiSession struct {
	ID                 int64        `json:"id"`
	CurrentSession     bool         `json:"currentSession"`
	LoginDevice        string       `json:"loginDevice"`
	LoginIP            string       `json:"loginIP"`
	LoginDate          channel.Time `json:"loginDate"`
	LastActivityDevice string       `json:"lastActivityDevice"`
	LastActivityIP     string       `json:"lastActivityIP"`
	LastActivityDate   channel.Time `json:"lastActivityDate"`
	CreatedAt          channel.Time `json:"createdAt"`
}

// Ids of sessions in the API: tokens have even ones, browser sessions odd ones.
func tokenID(id int64) int64   { return 2 * id }
func browserID(id int64) int64 { return 2*id + 1 }

// sessionDates are the sort fields of sessions.
var sessionDates = map[string]struct {
	token, browser string // columns
	of             func(apiSession) time.Time
}{
	"createdAt":        {"created_at", "created_at", func(a apiSession) time.Time { return a.CreatedAt.Time() }},
	"loginDate":        {"login_at", "created_at", func(a apiSession) time.Time { return a.LoginDate.Time() }},
	"lastActivityDate": {"active_at", "active_at", func(a apiSession) time.Time { return a.LastActivityDate.Time() }},
}

// sessions lists the live sessions of a user: one for each family of tokens and
// each browser.
func (s *Service) sessions(ctx context.Context, userID int64, p *rest.Principal, page rest.Page) ([]apiSession, int64, error) {
	now, dates := db.Now(), sessionDates[page.Sort]
	upTo := page.Start + page.Count // of each kind, since all of them may be of one
	var tokens []token
	var browsers []session
	var nTokens, nBrowsers int64
	q := s.o.DB.Read(ctx).Model(&token{}).Where("user_id = ? AND rotated_at IS NULL AND refresh_expires_at > ?", userID, now)
	b := s.o.DB.Read(ctx).Model(&session{}).Where("user_id = ? AND expires_at > ?", userID, now)
	err := errors.Join(
		q.Count(&nTokens).Error, q.Order(page.Order(dates.token, "id")).Limit(upTo).Find(&tokens).Error,
		b.Count(&nBrowsers).Error, b.Order(page.Order(dates.browser, "id")).Limit(upTo).Find(&browsers).Error,
	)
	if err != nil {
		return nil, 0, fmt.Errorf("sessions of user %d: %w", userID, err)
	}
	all := make([]apiSession, 0, len(tokens)+len(browsers))
	for _, t := range tokens {
		all = append(all, apiSession{
			tokenID(t.ID), t.ID == p.TokenID, t.LoginDevice, t.LoginIP, channel.Time(t.LoginAt),
			t.ActiveDevice, t.ActiveIP, channel.Time(t.ActiveAt), channel.Time(t.CreatedAt),
		})
	}
	for _, b := range browsers {
		all = append(all, apiSession{
			browserID(b.ID), b.ID == p.SessionID, b.Device, b.IP, channel.Time(b.CreatedAt),
			b.ActiveDevice, b.ActiveIP, channel.Time(b.ActiveAt), channel.Time(b.CreatedAt),
		})
	}
	slices.SortFunc(all, func(a, b apiSession) int {
		order := cmp.Or(dates.of(a).Compare(dates.of(b)), cmp.Compare(a.ID, b.ID))
		if page.Desc {
			return -order
		}
		return order
	})
	return all[min(page.Start, len(all)):min(upTo, len(all))], nTokens + nBrowsers, nil
}

func (s *Service) listSessions(c echo.Context) error {
	u, _, err := s.o.Users.OwnTarget(c)
	if err != nil {
		return err
	}
	page, err := rest.ParsePage(c, "-createdAt", "createdAt", "loginDate", "lastActivityDate")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	list, total, err := s.sessions(ctx, u.ID, rest.Current(ctx), page)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(total, list))
}

// revokeSession ends one session of a user.
func (s *Service) revokeSession(c echo.Context) error {
	u, _, err := s.o.Users.OwnTarget(c)
	if err != nil {
		return err
	}
	const notFound = "Token session not found"
	id, err := rest.ParamID(c, "tokenSessionId", notFound)
	if err != nil {
		return err
	}
	query := "DELETE FROM oauth_tokens WHERE family = (SELECT family FROM oauth_tokens WHERE id = ? AND user_id = ?)"
	if id%2 == 1 {
		query = "DELETE FROM web_sessions WHERE id = ? AND user_id = ?"
	}
	var ended int64
	err = s.o.DB.Tx(c.Request().Context(), func(tx *db.Tx) error {
		r := tx.Exec(query, id/2, u.ID)
		ended = r.RowsAffected
		return r.Error
	})
	if err != nil {
		return fmt.Errorf("revoke session: %w", err)
	}
	if ended == 0 {
		return rest.NotFound(notFound)
	}
	return rest.NoContent(c)
}
