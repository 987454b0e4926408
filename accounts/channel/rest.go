package channel

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

const (
	accountNotFound = "Account not found"
	channelNotFound = "Video channel not found"
)

// Routes registers the routes of accounts and channels. Their videos are
// registered by the module that has them.
func (s *Service) Routes(r *rest.Router) {
	r.API.GET("/accounts", rest.Anyone, s.listAccounts)
	r.API.GET("/accounts/:name", rest.Anyone, s.getAccount)
	r.API.GET("/accounts/:name/video-channels", rest.Anyone, s.listOfAccount)
	r.API.GET("/accounts/:name/followers", rest.Owner, s.followersOfAccount)
	r.API.GET("/video-channels/:handle/followers", rest.Owner, s.followersOfChannel)
	r.API.GET("/video-channels", rest.Anyone, s.listLocal)
	r.API.GET("/search/video-channels", rest.Anyone, s.search)
	r.API.POST("/video-channels", rest.SignedIn, s.create)
	r.API.GET("/video-channels/:handle", rest.Anyone, s.get)
	r.API.PUT("/video-channels/:handle", rest.Owner, s.update)
	r.API.DELETE("/video-channels/:handle", rest.Owner, s.remove)
	s.pictureRoutes(r)
}

func (s *Service) listAccounts(c echo.Context) error {
	page, err := rest.ParsePage(c, "-createdAt", "createdAt")
	if err != nil {
		return err
	}
	rows, total, err := s.Accounts(c.Request().Context(), page)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(total, mapAll(rows, s.APIAccount)))
}

func (s *Service) getAccount(c echo.Context) error {
	a, err := s.OpenAccount(c.Request().Context(), rest.Current(c.Request().Context()), c.Param("name"))
	if err != nil {
		return orNotFound(err, accountNotFound)
	}
	return c.JSON(http.StatusOK, s.APIAccount(a))
}

func (s *Service) listOfAccount(c echo.Context) error {
	page, err := rest.ParsePage(c, "-createdAt", Sorts()...)
	if err != nil {
		return err
	}
	var check rest.Checker
	withStats := rest.QueryBool(c, &check, "withStats")
	if err := check.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	a, err := s.ShownAccount(ctx, p, c.Param("name"))
	if err != nil {
		return orNotFound(err, accountNotFound)
	}
	rows, total, err := s.ChannelsOfAccount(ctx, a.ID, c.QueryParam("search"), page)
	if err != nil {
		return err
	}
	out := mapAll(rows, s.APIChannel)
	if withStats != nil && *withStats && p != nil && (a.OwnedBy(p.UserID) || p.IsModerator()) {
		if err := s.addStats(ctx, out); err != nil {
			return err
		}
	}
	return c.JSON(http.StatusOK, rest.NewList(total, out))
}

func (s *Service) listLocal(c echo.Context) error {
	page, err := rest.ParsePage(c, "-createdAt", Sorts()...)
	if err != nil {
		return err
	}
	rows, total, err := s.LocalChannels(c.Request().Context(), page)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(total, mapAll(rows, s.APIChannel)))
}

func (s *Service) get(c echo.Context) error {
	ch, err := s.Open(c.Request().Context(), rest.Current(c.Request().Context()), c.Param("handle"))
	if err != nil {
		return orNotFound(err, channelNotFound)
	}
	return c.JSON(http.StatusOK, s.APIChannel(ch))
}

// create reads what may be set and nothing else (SEC-45).
func (s *Service) create(c echo.Context) error {
	var in struct {
		Name        string                 `json:"name"`
		DisplayName string                 `json:"displayName"`
		Description input.Optional[string] `json:"description"`
		Support     input.Optional[string] `json:"support"`
	}
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	var check rest.Checker
	n := NewChannel{
		Name:        input.Name(&check, "name", in.Name),
		DisplayName: input.DisplayName(&check, "displayName", in.DisplayName),
		Description: input.LongText(&check, "description", in.Description),
		Support:     input.LongText(&check, "support", in.Support),
	}
	if err := check.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	var err error
	if n.Account, err = s.AccountOfUser(ctx, rest.Current(ctx).UserID); err != nil {
		return err
	}
	ch, err := s.Create(ctx, n)
	switch {
	case errors.Is(err, ErrTooMany):
		return rest.BadRequest(fmt.Sprintf("You cannot create more than %d channels", s.o.MaxPerUser()))
	case errors.Is(err, ErrNameTaken):
		return rest.Conflict("Another actor (account or channel) with this name on this instance already exists or has already existed.")
	case err != nil:
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"videoChannel": map[string]any{"id": ch.ID}})
}

func (s *Service) update(c echo.Context) error {
	ch, err := s.editable(c)
	if err != nil {
		return err
	}
	var in struct {
		DisplayName input.Optional[string] `json:"displayName"`
		Description input.Optional[string] `json:"description"`
		Support     input.Optional[string] `json:"support"`
		BulkSupport bool                   `json:"bulkVideosSupportUpdate"`
	}
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	var check rest.Checker
	change := Change{BulkSupport: in.BulkSupport}
	if in.DisplayName.Set {
		change.DisplayName = new(input.DisplayName(&check, "displayName", in.DisplayName.Value))
	}
	if in.Description.Set {
		change.Description = new(input.LongText(&check, "description", in.Description))
	}
	if in.Support.Set {
		change.Support = new(input.LongText(&check, "support", in.Support))
	}
	if err := check.Err(); err != nil {
		return err
	}
	if err := s.Update(c.Request().Context(), ch, change); err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (s *Service) remove(c echo.Context) error {
	ch, err := s.editable(c)
	if err != nil {
		return err
	}
	err = s.Delete(c.Request().Context(), ch)
	if errors.Is(err, ErrLastChannel) {
		return rest.Conflict("Cannot remove the last channel of this user")
	}
	if err != nil {
		return err
	}
	return rest.NoContent(c)
}

// editable finds the channel that a request wants to change: a local one of
// the user, or any local one for moderators (SEC-44).
func (s *Service) editable(c echo.Context) (*Channel, error) {
	ctx := c.Request().Context()
	ch, err := s.ShownChannel(ctx, rest.Current(ctx), c.Param("handle"))
	if err != nil {
		return nil, orNotFound(err, channelNotFound)
	}
	if !ch.Local {
		return nil, rest.Forbidden("This channel is on another instance")
	}
	if p := rest.Current(ctx); !ch.OwnedBy(p.UserID) && !p.IsModerator() {
		return nil, rest.Forbidden("Only the owner of the channel may change it")
	}
	return ch, nil
}

// orNotFound makes a 404 of a missing row.
func orNotFound(err error, detail string) error {
	if errors.Is(err, db.ErrNotFound) {
		return rest.NotFound(detail)
	}
	return err
}

func mapAll[A, B any](in []A, f func(A) B) []B {
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = f(a)
	}
	return out
}
