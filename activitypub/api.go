package activitypub

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/activitypub/webfinger"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/web/rest"
)

// followScore is the health of a follow whose other side answers; one that
// does not has 0. Failed deliveries do not end a follow here.
const followScore = 10000

// maxFollowed bounds how many hosts and handles one request may name.
const maxFollowed = 100

type apiFollowActor struct {
	ID                    int64  `json:"id"`
	URL                   string `json:"url"`
	Name                  string `json:"name"`
	Host                  string `json:"host"`
	HostRedundancyAllowed bool   `json:"hostRedundancyAllowed"`
	FollowingCount        int64  `json:"followingCount"`
	FollowersCount        int64  `json:"followersCount"`
	CreatedAt             string `json:"createdAt"`
	Pictures
}

// Pictures are those of an actor in the API: arrays of ActorImage.
type Pictures struct {
	Avatars any `json:"avatars"`
	Banners any `json:"banners"`
}

type apiFollow struct {
	ID        int64          `json:"id"`
	Follower  apiFollowActor `json:"follower"`
	Following apiFollowActor `json:"following"`
	Score     int            `json:"score"`
	State     string         `json:"state"`
	CreatedAt string         `json:"createdAt"`
	UpdatedAt string         `json:"updatedAt"`
	// Backfill is how far the outbox of what we follow has been read; PeerTube
	// knows no such member.
	Backfill *apiBackfill `json:"backfill,omitempty"`
	// UnreachableSince tells since when the other host is only probed.
	UnreachableSince *string `json:"unreachableSince,omitempty"`
}

type apiBackfill struct {
	State   string `json:"state"` // running, done, failed
	Percent int    `json:"percent"`
	Items   int    `json:"items"`
	Refused int    `json:"refused"`
	Total   int    `json:"total"`
	Error   string `json:"error,omitempty"`
}

func (e *Engine) followRoutes(r *rest.Router) {
	r.API.GET("/server/following", rest.Anyone, e.listFollowing)
	r.API.POST("/server/following", rest.Admin, e.addFollowing)
	r.API.DELETE("/server/following/:hostOrHandle", rest.Admin, e.removeFollowing)
	r.API.GET("/server/followers", rest.Anyone, e.listFollowers)
	r.API.DELETE("/server/followers/:handle", rest.Admin, e.removeFollower)
	r.API.POST("/server/followers/:handle/accept", rest.Admin, e.setFollower(actor.Accepted))
	r.API.POST("/server/followers/:handle/reject", rest.Admin, e.setFollower(actor.Rejected))
}

func (e *Engine) listFollowing(c echo.Context) error { return e.listFollows(c, actor.FollowedBy) }

func (e *Engine) listFollowers(c echo.Context) error { return e.listFollows(c, actor.FollowersOf) }

// listFollows lists the follows of the instance.
func (e *Engine) listFollows(c echo.Context, side actor.Side) error {
	page, err := rest.ParsePage(c, "-createdAt", "id", "createdAt", "state", "score", "redundancyAllowed", "instanceHost")
	if err != nil {
		return err
	}
	filter := actor.FollowFilter{State: c.QueryParam("state"), Search: c.QueryParam("search")}
	var check rest.Checker
	if states := []string{"", actor.Pending, actor.Accepted, actor.Rejected}; !slices.Contains(states, filter.State) {
		check.Refuse("query", "state", "Should be pending, accepted or rejected", filter.State)
	}
	if t := c.QueryParam("actorType"); t != "" {
		filter.Types = []string{t}
		if _, ok := kinds[t]; !ok {
			check.Refuse("query", "actorType", "Should be Person, Application, Group, Service or Organization", t)
		}
	}
	if len(filter.Search) > 255 {
		check.Refuse("query", "search", "Should have at most 255 characters", filter.Search)
	}
	if err := check.Err(); err != nil {
		return err
	}
	columns := map[string]string{"id": "f.id", "createdAt": "f.created_at", "state": "f.state", "instanceHost": "a.host"}
	column := columns[page.Sort]
	if column == "" {
		column = "f.id"
	}
	ctx := c.Request().Context()
	instance, err := e.Actors.Instance(ctx)
	if err != nil {
		return err
	}
	rows, total, err := e.Actors.Follows(ctx, side, instance.ID, filter, page.Order(column, "f.id"), page.Start, page.Count)
	if err != nil {
		return err
	}
	out, err := e.toAPIFollows(c, rows)
	if err == nil {
		err = e.addReach(c, rows, out)
	}
	if err == nil && side == actor.FollowedBy {
		err = e.addBackfills(c, rows, out)
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(total, out))
}

func (e *Engine) toAPIFollows(c echo.Context, rows []actor.Follow) ([]apiFollow, error) {
	var local, all []int64
	for _, r := range rows {
		for _, a := range []*actor.Actor{r.Follower, r.Target} {
			if all = append(all, a.ID); a.Local() {
				local = append(local, a.ID)
			}
		}
	}
	ctx := c.Request().Context()
	followers, err := e.Actors.FollowerCounts(ctx, local)
	if err != nil {
		return nil, err
	}
	following, err := e.Actors.FollowingCounts(ctx, local)
	if err != nil {
		return nil, err
	}
	var pictures map[int64]Pictures
	if e.Pictures != nil {
		if pictures, err = e.Pictures(ctx, all...); err != nil {
			return nil, err
		}
	}
	toAPI := func(a *actor.Actor) apiFollowActor {
		out := apiFollowActor{
			ID: a.ID, URL: a.IRI, Name: a.Username, Host: a.Host, FollowersCount: a.FollowersCount, FollowingCount: a.FollowingCount,
			CreatedAt: vocab.Time(a.CreatedAt), Pictures: Pictures{[]struct{}{}, []struct{}{}},
		}
		if p, has := pictures[a.ID]; has {
			out.Pictures = p
		}
		if a.Local() {
			out.Host, out.FollowersCount, out.FollowingCount = e.Actors.Host(), followers[a.ID], following[a.ID]
		}
		return out
	}
	out := make([]apiFollow, len(rows))
	for i, r := range rows {
		out[i] = apiFollow{
			ID: r.ID, Follower: toAPI(r.Follower), Following: toAPI(r.Target), Score: followScore, State: r.State,
			CreatedAt: vocab.Time(r.CreatedAt), UpdatedAt: vocab.Time(r.UpdatedAt),
		}
	}
	return out, nil
}

// addReach marks the follows of hosts that do not answer. They are kept, and
// go on when the host is back.
func (e *Engine) addReach(c echo.Context, rows []actor.Follow, out []apiFollow) error {
	var hosts []string
	for _, r := range rows {
		hosts = append(hosts, r.Follower.Host, r.Target.Host)
	}
	down, err := e.Outbox.Down(c.Request().Context(), hosts)
	if err != nil {
		return err
	}
	for i, r := range rows {
		for _, host := range []string{r.Follower.Host, r.Target.Host} {
			if since, ok := down[host]; ok {
				at := vocab.Time(since)
				out[i].Score, out[i].UnreachableSince = 0, &at
			}
		}
	}
	return nil
}

// addBackfills says how far the outboxes of those that we follow have been read.
func (e *Engine) addBackfills(c echo.Context, rows []actor.Follow, out []apiFollow) error {
	owners := make([]string, len(rows))
	for i, r := range rows {
		owners[i] = r.Target.IRI
	}
	crawls, err := e.crawler.Of(c.Request().Context(), outboxKind, owners...)
	if err != nil {
		return err
	}
	for i, r := range rows {
		if w, ok := crawls[r.Target.IRI]; ok {
			out[i].Backfill = &apiBackfill{
				State: w.State, Percent: w.Percent(), Items: w.Items, Refused: w.Refused, Total: w.Total, Error: w.LastError,
			}
		}
	}
	return nil
}

// addFollowing schedules one job for each host and handle.
func (e *Engine) addFollowing(c echo.Context) error {
	var body struct {
		Hosts   []string `json:"hosts"`
		Handles []string `json:"handles"`
	}
	if err := c.Bind(&body); err != nil {
		return rest.BadRequest("The body should be JSON with hosts or handles")
	}
	if err := e.AskToFollow(c.Request().Context(), body.Hosts, body.Handles); err != nil {
		return err
	}
	return rest.NoContent(c)
}

// AskToFollow has the instance follow other servers by host, and accounts and
// channels by handle or address, each in a job of its own. A *rest.Problem says
// which of them cannot be followed.
func (e *Engine) AskToFollow(ctx context.Context, hosts, handles []string) error {
	var check rest.Checker
	var todo []FollowArgs
	for _, h := range hosts {
		host, err := iri.NormalHost(e.Actors.Scheme(), h)
		if err != nil || e.Actors.ServesHost(host) {
			check.Refuse("body", "hosts", "Should be hosts of other servers", h)
			continue
		}
		todo = append(todo, FollowArgs{Host: host})
	}
	for _, h := range handles {
		if iri.Valid(h) && !e.Actors.IsLocal(h) { // the address of a channel or account
			todo = append(todo, FollowArgs{Address: h})
			continue
		}
		handle, err := webfinger.ParseHandle(e.Actors.Scheme(), h)
		if err != nil || e.Actors.ServesHost(handle.Host) {
			check.Refuse("body", "handles", "Should be name@host of another server, or the address of an actor there", h)
			continue
		}
		todo = append(todo, FollowArgs{Handle: handle.String()})
	}
	if len(todo) > maxFollowed {
		check.Refuse("body", "hosts", fmt.Sprintf("Should be at most %d", maxFollowed), len(todo))
	}
	if err := check.Err(); err != nil {
		return err
	}
	if len(todo) == 0 {
		return rest.Invalid("body", "hosts", "Should name a host or a handle", nil)
	}
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		for _, a := range todo {
			if err := jobs.Insert(tx, a, jobs.Unique(a.Host+a.Handle+a.Address)); err != nil {
				return err
			}
		}
		return nil
	})
}

// removeFollowing ends the follow of a handle, or of all that is followed as
// a host's instance actor.
func (e *Engine) removeFollowing(c echo.Context) error {
	ctx := c.Request().Context()
	name, err := url.PathUnescape(c.Param("hostOrHandle"))
	if err != nil {
		return rest.NotFound("Follow not found")
	}
	if err := e.StopFollowing(ctx, name); err != nil {
		return notFound(err, "Follow not found")
	}
	return rest.NoContent(c)
}

// StopFollowing ends the instance's follow of a handle, or of what is followed as
// a host's instance actor. ErrNotFound when there is none.
func (e *Engine) StopFollowing(ctx context.Context, hostOrHandle string) error {
	instance, err := e.Actors.Instance(ctx)
	if err != nil {
		return err
	}
	var target *actor.Actor
	if strings.Contains(hostOrHandle, "@") {
		target, err = e.Actors.ByHandle(ctx, hostOrHandle)
	} else {
		target, err = e.Actors.FollowedServer(ctx, instance.ID, hostOrHandle)
	}
	if err != nil {
		return err
	}
	if _, err := actor.FollowBetween(e.db.Read(ctx), instance.ID, target.ID); err != nil {
		return err
	}
	return e.Unfollow(ctx, instance, target)
}

// follower finds the follower of the instance that the path names.
func (e *Engine) follower(c echo.Context) (follower, instance *actor.Actor, err error) {
	ctx := c.Request().Context()
	handle, err := url.PathUnescape(c.Param("handle"))
	if err != nil {
		return nil, nil, rest.NotFound("Follower not found")
	}
	if follower, err = e.Actors.ByHandle(ctx, handle); err != nil {
		return nil, nil, notFound(err, "Follower not found")
	}
	if instance, err = e.Actors.Instance(ctx); err != nil {
		return nil, nil, err
	}
	if _, err := actor.FollowBetween(e.db.Read(ctx), follower.ID, instance.ID); err != nil {
		return nil, nil, notFound(err, "Follower not found")
	}
	return follower, instance, nil
}

func (e *Engine) setFollower(state string) echo.HandlerFunc {
	return func(c echo.Context) error {
		follower, instance, err := e.follower(c)
		if err != nil {
			return err
		}
		if err := e.SetFollower(c.Request().Context(), follower, instance, state); err != nil {
			return err
		}
		return rest.NoContent(c)
	}
}

func (e *Engine) removeFollower(c echo.Context) error {
	follower, instance, err := e.follower(c)
	if err != nil {
		return err
	}
	if err := e.RemoveFollower(c.Request().Context(), follower, instance); err != nil {
		return err
	}
	return rest.NoContent(c)
}
