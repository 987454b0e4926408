package hostrule

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/web/rest"
)

// maxReason is the longest reason, in bytes.
const maxReason = 3000

// apiRule is PeerTube's ServerBlock, with what a rule says here beside it.
type apiRule struct {
	ByAccount     apiAccount `json:"byAccount"`
	BlockedServer apiServer  `json:"blockedServer"`
	Action        string     `json:"action"`
	Reason        string     `json:"reason"`
	CreatedAt     time.Time  `json:"createdAt"`
}

// apiAccount is the instance, in whose name rules are made (OpenAPI Account).
type apiAccount struct {
	ID                    int64      `json:"id"`
	Name                  string     `json:"name"`
	DisplayName           string     `json:"displayName"`
	Host                  string     `json:"host"`
	URL                   string     `json:"url"`
	Description           *string    `json:"description"`
	Avatars               []struct{} `json:"avatars"`
	HostRedundancyAllowed bool       `json:"hostRedundancyAllowed"`
	FollowingCount        int64      `json:"followingCount"`
	FollowersCount        int64      `json:"followersCount"`
	CreatedAt             time.Time  `json:"createdAt"`
	UpdatedAt             time.Time  `json:"updatedAt"`
}

type apiServer struct {
	Host string `json:"host"`
}

// API serves the rules over REST, in PeerTube's shapes.
type API struct {
	Rules *Rules
	// Name and Host are the instance actor's.
	Name, Host, URL string
	// Since tells when that one was made; nil: nobody knows.
	Since func(context.Context) (time.Time, error)
}

// Routes registers the endpoints.
func (a API) Routes(r *rest.Router) {
	r.API.GET("/server/blocklist/servers", rest.Moderator, a.list)
	r.API.POST("/server/blocklist/servers", rest.Moderator, a.add)
	r.API.DELETE("/server/blocklist/servers/:host", rest.Moderator, a.remove)
}

// list shows blocks; with action= other rules, or all.
func (a API) list(c echo.Context) error {
	page, err := rest.ParsePage(c, "-createdAt", "createdAt", "host")
	if err != nil {
		return err
	}
	f := Filter{Action: c.QueryParam("action"), Search: c.QueryParam("search")}
	switch f.Action {
	case "":
		f.Action = Block
	case "all":
		f.Action = ""
	case Block, Limit, Allow:
	default:
		return rest.Invalid("query", "action", "Should be block, limit, allow or all", f.Action)
	}
	if len(f.Search) > 255 {
		return rest.Invalid("query", "search", "Should have at most 255 characters", f.Search)
	}
	column := map[string]string{"createdAt": "created_at", "host": "host"}[page.Sort]
	rows, total, err := a.Rules.List(c.Request().Context(), f, page.Order(column, "id"), page.Start, page.Count)
	if err != nil {
		return err
	}
	by := apiAccount{Name: a.Name, DisplayName: a.Name, Host: a.Host, URL: a.URL, Avatars: []struct{}{}}
	if a.Since != nil {
		if by.CreatedAt, err = a.Since(c.Request().Context()); err != nil {
			return err
		}
		by.UpdatedAt = by.CreatedAt
	}
	out := make([]apiRule, len(rows))
	for i, row := range rows {
		out[i] = apiRule{by, apiServer{row.Host}, row.Action, row.Reason, row.CreatedAt.UTC()}
	}
	return c.JSON(http.StatusOK, rest.NewList(total, out))
}

func (a API) add(c echo.Context) error {
	var body struct {
		Host   string `json:"host"`
		Action string `json:"action"`
		Reason string `json:"reason"`
	}
	if err := c.Bind(&body); err != nil {
		return rest.BadRequest("The body should be JSON with a host")
	}
	if body.Action == "" {
		body.Action = Block
	}
	var check rest.Checker
	if !slices.Contains([]string{Block, Limit, Allow}, body.Action) {
		check.Refuse("body", "action", "Should be block, limit or allow", body.Action)
	}
	if len(body.Reason) > maxReason {
		check.Refuse("body", "reason", "Should have at most 3000 characters", len(body.Reason))
	}
	if err := check.Err(); err != nil {
		return err
	}
	err := a.Rules.Set(c.Request().Context(), body.Host, body.Action, body.Reason)
	switch {
	case errors.Is(err, ErrHost):
		return rest.Invalid("body", "host", "Should be the host of another server", body.Host)
	case errors.Is(err, ErrOwnHost):
		return &rest.Problem{Status: http.StatusConflict, Detail: "You cannot block your own server."}
	case err != nil:
		return err
	}
	return rest.NoContent(c)
}

func (a API) remove(c echo.Context) error {
	host, err := url.PathUnescape(c.Param("host"))
	if err != nil {
		return rest.NotFound("No rule for this server")
	}
	err = a.Rules.Remove(c.Request().Context(), host, c.QueryParam("action"))
	if errors.Is(err, ErrNotFound) {
		return rest.NotFound("No rule for this server")
	}
	if err != nil {
		return err
	}
	return rest.NoContent(c)
}
