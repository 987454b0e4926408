package channel

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxSearch bounds what is searched for, maxHandles how many channels are named.
const (
	maxSearch  = 2000
	maxHandles = 50
)

// mayAsk tells whether somebody's look-ups may make us ask other servers.
func (s *Service) mayAsk(p *rest.Principal) bool { return s.o.MayAsk != nil && s.o.MayAsk(p) }

// Open finds the channel at an address or handle: one that is known, or where p
// may, one that its server is asked for. db.ErrNotFound when there is none that p
// is shown.
func (s *Service) Open(ctx context.Context, p *rest.Principal, name string) (*Channel, error) {
	c, err := s.open(ctx, p, name)
	if err == nil && !s.shows(ctx, p, c.Actor) {
		return nil, fmt.Errorf("channel %q: %w", name, db.ErrNotFound)
	}
	return c, err
}

func (s *Service) open(ctx context.Context, p *rest.Principal, name string) (*Channel, error) {
	name = s.handleAt(name)
	if !strings.Contains(name, "://") {
		c, err := s.ChannelByHandle(ctx, name)
		if err == nil {
			return c, s.seen(ctx, c.Actor)
		}
		if !errors.Is(err, db.ErrNotFound) {
			return nil, err
		}
	}
	a, err := s.find(ctx, p, name)
	if err != nil {
		return nil, err
	}
	if a.Local() {
		return s.ChannelByActor(ctx, a.ID)
	}
	c, err := s.ResolveRemote(ctx, a.IRI)
	if errors.Is(err, ErrNotChannel) || errors.Is(err, ErrForeign) {
		return nil, fmt.Errorf("channel %q: %w: %w", name, db.ErrNotFound, err)
	}
	return c, err
}

// OpenAccount is [Service.Open] for accounts.
func (s *Service) OpenAccount(ctx context.Context, p *rest.Principal, name string) (*Account, error) {
	a, err := s.openAccount(ctx, p, name)
	if err == nil && !s.shows(ctx, p, a.Actor) {
		return nil, fmt.Errorf("account %q: %w", name, db.ErrNotFound)
	}
	return a, err
}

func (s *Service) openAccount(ctx context.Context, p *rest.Principal, name string) (*Account, error) {
	name = s.handleAt(name)
	if !strings.Contains(name, "://") {
		a, err := s.AccountByHandle(ctx, name)
		if err == nil {
			return a, s.seen(ctx, a.Actor)
		}
		if !errors.Is(err, db.ErrNotFound) {
			return nil, err
		}
	}
	a, err := s.find(ctx, p, name)
	if err != nil {
		return nil, err
	}
	if a.Type == actor.Group {
		return nil, fmt.Errorf("account %q: %w", name, db.ErrNotFound)
	}
	return s.EnsureAccount(ctx, a)
}

// tabs are the pages below that of an actor.
var tabs = []string{"", "videos", "video-playlists", "video-channels", "about"}

// handleAt is the handle of the actor whose page of this server is at an address;
// anything else it gives back as it is.
func (s *Service) handleAt(name string) string {
	u, err := url.Parse(name)
	if err != nil || u.Host == "" || !s.o.Actors.IsLocal(name) {
		return name
	}
	path := strings.TrimPrefix(u.Path, "/")
	kind, rest, _ := strings.Cut(path, "/")
	switch {
	case strings.HasPrefix(path, "@"):
		rest = path
	case kind != "c" && kind != "video-channels" && kind != "a" && kind != "accounts":
		return name
	}
	handle, tab, _ := strings.Cut(rest, "/")
	if handle == "" || !slices.Contains(tabs, strings.TrimSuffix(tab, "/")) {
		return name
	}
	return handle
}

// seen has a remote actor that is stale fetched again.
func (s *Service) seen(ctx context.Context, a *actor.Actor) error {
	if a == nil || a.Local() {
		return nil
	}
	return s.o.Actors.Seen(ctx, a)
}

// find finds an actor by address or handle. Whatever is wrong with another
// server's answer, there is no such actor for the reader.
func (s *Service) find(ctx context.Context, p *rest.Principal, name string) (a *actor.Actor, err error) {
	_, host, _ := s.splitHandle(name)
	switch {
	case iri.Valid(name):
		if a, err = s.o.Actors.ByIRI(ctx, name); err == nil || !errors.Is(err, db.ErrNotFound) || s.o.Actors.IsLocal(name) || !s.mayAsk(p) {
			break
		}
		a, err = s.o.Actors.FetchAddress(transport.WithBudget(ctx, transport.ActivityBudget), name)
	case host != "" && s.mayAsk(p):
		a, err = s.o.Actors.FetchHandle(transport.WithBudget(ctx, transport.ActivityBudget), strings.TrimPrefix(name, "@"))
	default:
		return nil, fmt.Errorf("actor %q: %w", name, db.ErrNotFound)
	}
	switch {
	case errors.Is(err, actor.ErrStore), ctx.Err() != nil:
		return nil, errors.Join(err, ctx.Err())
	case err != nil:
		s.o.Logger.InfoContext(ctx, "actor not found elsewhere", "name", name, "error", err)
		return nil, fmt.Errorf("actor %q: %w", name, db.ErrNotFound)
	case a.GoneAt != nil:
		return nil, fmt.Errorf("actor %q: %w", name, db.ErrNotFound)
	}
	return a, nil
}

// SearchFilter narrows a search for channels.
type SearchFilter struct {
	Text string
	Host *string // "" is this server
	IDs  []int64
}

// search answers GET /search/video-channels: by words, or by the address or
// handle of one channel, which may be fetched from its server.
func (s *Service) search(c echo.Context) error {
	page, err := rest.ParsePage(c, "-match", "match", "displayName", "createdAt")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	f := SearchFilter{Text: strings.TrimSpace(c.QueryParam("search"))}
	handles := append(c.QueryParams()["handles"], c.QueryParams()["handles[]"]...)
	var check rest.Checker
	rest.QuerySearchTarget(c, &check)
	if len(f.Text) > maxSearch || !input.Plain(f.Text) {
		check.Refuse("query", "search", fmt.Sprintf("Should be text of at most %d characters", maxSearch), nil)
	}
	if len(handles) > maxHandles {
		check.Refuse("query", "handles", fmt.Sprintf("Should be at most %d", maxHandles), len(handles))
	}
	if h := c.QueryParam("host"); h != "" {
		host, err := iri.NormalHost(s.o.Actors.Scheme(), h)
		if err != nil {
			check.Refuse("query", "host", "Should be a host", h)
		}
		if s.o.Actors.ServesHost(host) {
			host = ""
		}
		f.Host = &host
	}
	if err := check.Err(); err != nil {
		return err
	}
	if len(handles) > 0 {
		f.IDs = []int64{}
		for _, h := range handles {
			if ch, err := s.ChannelByHandle(ctx, h); err == nil {
				f.IDs = append(f.IDs, ch.ID)
			} else if !errors.Is(err, db.ErrNotFound) {
				return err
			}
		}
	}
	if address(f.Text) {
		ch, err := s.Open(ctx, rest.Current(ctx), f.Text)
		if err != nil && !errors.Is(err, db.ErrNotFound) {
			return err
		}
		if f = (SearchFilter{IDs: []int64{}}); err == nil {
			f.IDs = append(f.IDs, ch.ID)
		}
	}
	rows, total, err := s.Search(ctx, f, page)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(total, mapAll(rows, s.APIChannel)))
}

// address tells whether a search is the address or the whole handle of one
// actor.
func address(text string) bool {
	return strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://") ||
		!strings.ContainsAny(text, " /") && strings.Contains(strings.TrimPrefix(text, "@"), "@")
}
