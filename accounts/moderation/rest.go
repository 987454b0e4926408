package moderation

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxSearch bounds the text of a search.
const maxSearch = 255

// Routes registers the REST endpoints.
func (s *Service) Routes(r *rest.Router) {
	mine := func(c echo.Context) int64 { return rest.Current(c.Request().Context()).AccountID }
	all := func(echo.Context) int64 { return Instance }
	r.API.GET("/users/me/blocklist/accounts", rest.SignedIn, s.listAccounts(mine))
	r.API.POST("/users/me/blocklist/accounts", rest.SignedIn, s.addAccount(mine))
	r.API.DELETE("/users/me/blocklist/accounts/:accountName", rest.SignedIn, s.removeAccount(mine))
	r.API.GET("/users/me/blocklist/servers", rest.SignedIn, s.listHosts)
	r.API.POST("/users/me/blocklist/servers", rest.SignedIn, s.addHost)
	r.API.DELETE("/users/me/blocklist/servers/:host", rest.SignedIn, s.removeHost)
	r.API.GET("/server/blocklist/accounts", rest.Moderator, s.listAccounts(all))
	r.API.POST("/server/blocklist/accounts", rest.Moderator, s.addAccount(all))
	r.API.DELETE("/server/blocklist/accounts/:accountName", rest.Moderator, s.removeAccount(all))
	r.API.GET("/blocklist/status", rest.Anyone, s.status)
}

// apiAccount is a muted account (OpenAPI AccountBlock).
type apiAccount struct {
	ByAccount      channel.AccountJSON `json:"byAccount"`
	BlockedAccount channel.AccountJSON `json:"blockedAccount"`
	CreatedAt      channel.Time        `json:"createdAt"`
}

// apiHost is a muted server (OpenAPI ServerBlock).
type apiHost struct {
	ByAccount     channel.AccountJSON `json:"byAccount"`
	BlockedServer struct {
		Host string `json:"host"`
	} `json:"blockedServer"`
	CreatedAt channel.Time `json:"createdAt"`
}

func problem(err error, what string) error {
	switch {
	case errors.Is(err, db.ErrNotFound):
		return rest.NotFound(what + " not found")
	case errors.Is(err, ErrHost):
		return rest.Invalid("body", "host", "Should be the host of a server", nil)
	case errors.Is(err, ErrSelf):
		return rest.Conflict("You cannot block your own server.")
	}
	return err
}

func page(c echo.Context) (Page, error) {
	p, err := rest.ParsePage(c, "-createdAt", "createdAt")
	if err != nil {
		return Page{}, err
	}
	search := strings.TrimSpace(c.QueryParam("search"))
	if len(search) > maxSearch || !input.Plain(search) {
		return Page{}, rest.Invalid("query", "search", "Should be a text of at most 255 characters", search)
	}
	return Page{p, search}, nil
}

// muter is whose list it is, as accounts are answered with.
func (s *Service) muter(ctx context.Context, accountID int64) (channel.AccountJSON, error) {
	if accountID != Instance {
		a, err := s.o.Channels.AccountByID(ctx, accountID)
		if err != nil {
			return channel.AccountJSON{}, err
		}
		return s.o.Channels.APIAccount(a), nil
	}
	a, err := s.o.Actors.Instance(ctx)
	if err != nil {
		return channel.AccountJSON{}, err
	}
	return s.o.Channels.APIAccount(&channel.Account{ActorID: a.ID, Actor: a, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt}), nil
}

func (s *Service) listAccounts(whose func(echo.Context) int64) echo.HandlerFunc {
	return func(c echo.Context) error {
		p, err := page(c)
		if err != nil {
			return err
		}
		ctx := c.Request().Context()
		rows, total, err := s.Accounts(ctx, whose(c), p)
		if err != nil {
			return err
		}
		by, err := s.muter(ctx, whose(c))
		if err != nil {
			return err
		}
		ids := make([]int64, len(rows))
		for i := range rows {
			ids[i] = rows[i].ActorID
		}
		accounts, err := s.o.Channels.AccountsByActors(ctx, ids)
		if err != nil {
			return err
		}
		out := make([]apiAccount, 0, len(rows))
		for _, row := range rows {
			if a := accounts[row.ActorID]; a != nil {
				out = append(out, apiAccount{by, s.o.Channels.APIAccount(a), channel.Time(row.CreatedAt)})
			}
		}
		return c.JSON(http.StatusOK, rest.NewList(total, out))
	}
}

// account finds the account that a request names.
func (s *Service) account(c echo.Context, location, handle string) (*channel.Account, error) {
	handle = strings.TrimSpace(handle)
	if handle == "" || len(handle) > 512 || !input.Plain(handle) || strings.Count(strings.TrimPrefix(handle, "@"), "@") > 1 {
		return nil, rest.Invalid(location, "accountName", "Should be name or name@host", handle)
	}
	a, err := s.o.Channels.AccountByHandle(c.Request().Context(), handle)
	if err != nil {
		return nil, problem(err, "Account")
	}
	return a, nil
}

func (s *Service) addAccount(whose func(echo.Context) int64) echo.HandlerFunc {
	return func(c echo.Context) error {
		var body struct {
			AccountName string `json:"accountName"`
		}
		if err := input.JSON(c, &body); err != nil {
			return err
		}
		a, err := s.account(c, "body", body.AccountName)
		if err != nil {
			return err
		}
		ctx := c.Request().Context()
		if a.ID == rest.Current(ctx).AccountID {
			return rest.Conflict("You cannot block yourself.")
		}
		if err := s.MuteAccount(ctx, whose(c), a); err != nil {
			return err
		}
		return rest.NoContent(c)
	}
}

func (s *Service) removeAccount(whose func(echo.Context) int64) echo.HandlerFunc {
	return func(c echo.Context) error {
		handle, err := url.PathUnescape(c.Param("accountName"))
		if err != nil {
			return rest.NotFound("Account not found")
		}
		a, err := s.account(c, "params", handle)
		if err != nil {
			return err
		}
		if err := s.UnmuteAccount(c.Request().Context(), whose(c), a); err != nil {
			return problem(err, "Account block")
		}
		return rest.NoContent(c)
	}
}

func (s *Service) listHosts(c echo.Context) error {
	p, err := page(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	me := rest.Current(ctx).AccountID
	rows, total, err := s.Hosts(ctx, me, p)
	if err != nil {
		return err
	}
	by, err := s.muter(ctx, me)
	if err != nil {
		return err
	}
	out := make([]apiHost, len(rows))
	for i, row := range rows {
		out[i].ByAccount, out[i].CreatedAt = by, channel.Time(row.CreatedAt)
		out[i].BlockedServer.Host = row.Host
	}
	return c.JSON(http.StatusOK, rest.NewList(total, out))
}

func (s *Service) addHost(c echo.Context) error {
	var body struct {
		Host string `json:"host"`
	}
	if err := input.JSON(c, &body); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := s.MuteHost(ctx, rest.Current(ctx).AccountID, body.Host); err != nil {
		return problem(err, "Server")
	}
	return rest.NoContent(c)
}

func (s *Service) removeHost(c echo.Context) error {
	host, err := url.PathUnescape(c.Param("host"))
	if err != nil {
		return rest.NotFound("Server block not found")
	}
	ctx := c.Request().Context()
	if err := s.UnmuteHost(ctx, rest.Current(ctx).AccountID, host); err != nil {
		return problem(err, "Server block")
	}
	return rest.NoContent(c)
}
