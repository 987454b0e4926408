package subscription

import (
	"errors"
	"net/http"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Limits of what is asked for: URIs of one request, channels of one name on
// different servers, characters of a search.
const (
	maxURIs   = 100
	maxTwins  = 100
	maxSearch = 255
)

const handleRule = "Should be name@host of a channel"

// Routes registers the routes of a user's subscriptions.
func (s *Service) Routes(r *rest.Router) {
	r.API.GET("/users/me/subscriptions", rest.SignedIn, s.list)
	r.API.POST("/users/me/subscriptions", rest.SignedIn, s.subscribe)
	r.API.GET("/users/me/subscriptions/exist", rest.SignedIn, s.exist)
	r.API.GET("/users/me/subscriptions/:handle", rest.SignedIn, s.get)
	r.API.DELETE("/users/me/subscriptions/:handle", rest.SignedIn, s.remove)
}

func me(c echo.Context) int64 { return rest.Current(c.Request().Context()).ActorID }

func (s *Service) list(c echo.Context) error {
	page, err := rest.ParsePage(c, "-createdAt", Sorts()...)
	if err != nil {
		return err
	}
	search := c.QueryParam("search")
	if utf8.RuneCountInString(search) > maxSearch {
		return rest.Invalid("query", "search", "Should be text of at most 255 characters", nil)
	}
	rows, total, err := s.List(c.Request().Context(), me(c), search, page)
	if err != nil {
		return err
	}
	data := make([]channel.ChannelJSON, len(rows))
	for i, ch := range rows {
		data[i] = s.o.Channels.APIChannel(ch)
	}
	return c.JSON(http.StatusOK, rest.NewList(total, data))
}

// subscribe answers 204 before a channel of another server is found: that is
// seen in the list.
func (s *Service) subscribe(c echo.Context) error {
	var in struct {
		URI string `json:"uri"`
	}
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	h, ok := s.ParseHandle(in.URI)
	if !ok {
		return rest.Invalid("body", "uri", handleRule, in.URI)
	}
	err := s.Add(c.Request().Context(), me(c), h)
	if errors.Is(err, db.ErrNotFound) {
		return rest.NotFound("Video channel not found")
	}
	if errors.Is(err, activitypub.ErrBlocked) {
		return rest.Forbidden("This channel cannot be followed")
	}
	if err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (s *Service) exist(c echo.Context) error {
	uris := rest.QueryValues(c, "uris")
	if len(uris) == 0 || len(uris) > maxURIs {
		return rest.Invalid("query", "uris", "Should be 1 to 100 of name@host", len(uris))
	}
	handles := make([]Handle, len(uris))
	for i, uri := range uris {
		var ok bool
		if handles[i], ok = s.ParseHandle(uri); !ok {
			return rest.Invalid("query", "uris", handleRule, uri)
		}
	}
	has, err := s.Has(c.Request().Context(), me(c), handles)
	if err != nil {
		return err
	}
	out := make(map[string]bool, len(uris))
	for i, uri := range uris {
		out[uri] = has[handles[i]]
	}
	return c.JSON(http.StatusOK, out)
}

func (s *Service) handle(c echo.Context) (Handle, error) {
	h, ok := s.ParseHandle(c.Param("handle"))
	if !ok {
		return h, rest.Invalid("params", "uri", handleRule, c.Param("handle"))
	}
	return h, nil
}

func (s *Service) get(c echo.Context) error {
	h, err := s.handle(c)
	if err != nil {
		return err
	}
	ch, err := s.Find(c.Request().Context(), me(c), h)
	if err != nil {
		return orNotFound(err)
	}
	return c.JSON(http.StatusOK, s.o.Channels.APIChannel(ch))
}

func (s *Service) remove(c echo.Context) error {
	h, err := s.handle(c)
	if err != nil {
		return err
	}
	if err := s.Remove(c.Request().Context(), me(c), h); err != nil {
		return orNotFound(err)
	}
	return rest.NoContent(c)
}

func orNotFound(err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return rest.NotFound("Subscription not found")
	}
	return err
}
