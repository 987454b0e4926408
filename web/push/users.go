package push

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/kinemesh/kinemesh/accounts/notification"
	"github.com/kinemesh/kinemesh/accounts/oauth"
	"github.com/kinemesh/kinemesh/web/rest"
	"github.com/kinemesh/kinemesh/web/socketio"
)

var errUnauthorized = errors.New("Unauthorized") // PeerTube's clients read it

// listener is who is behind a socket.
type listener struct {
	*rest.Principal
	family string // of its tokens
	since  int64  // the newest notification when it came
}

// users are the sockets that hear of notifications.
type users struct {
	o Options

	mu    sync.Mutex
	conns map[int64]map[*socketio.Conn]listener // by user

	// The rest is for tell alone.
	seen seen
}

func newUsers(o Options) *users { return &users{o: o, conns: map[int64]map[*socketio.Conn]listener{}} }

// accessToken is what a client brought: in the address, or with its connect.
func accessToken(c *socketio.Conn) string {
	if t := c.Request.URL.Query().Get("accessToken"); t != "" {
		return t
	}
	var auth struct {
		AccessToken string `json:"accessToken"`
	}
	if json.Unmarshal(c.Auth, &auth) != nil {
		return ""
	}
	return auth.AccessToken
}

// place is where a client is.
func (o *Options) place(c *socketio.Conn) oauth.Place {
	return oauth.Place{Device: oauth.Device(c.Request.UserAgent()), IP: o.ClientIP(c.Request)}
}

func (u *users) admit(c *socketio.Conn) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), askTime)
	defer cancel()
	p, family, err := u.o.OAuth.Connect(ctx, accessToken(c), u.o.place(c))
	if err != nil {
		if rest.AsProblem(err).Code == "" {
			u.o.Logger.WarnContext(ctx, "socket not admitted", "error", err)
		}
		return errUnauthorized
	}
	newest, err := u.o.Notifications.Newest(ctx)
	if err != nil {
		u.o.Logger.WarnContext(ctx, "socket not admitted", "error", err)
		return errUnauthorized
	}
	c.Value = listener{p, family, newest}
	return nil
}

func (u *users) open(c *socketio.Conn) {
	l, ok := c.Value.(listener)
	if !ok {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.conns[l.UserID] == nil {
		u.conns[l.UserID] = map[*socketio.Conn]listener{}
	}
	u.conns[l.UserID][c] = l
}

func (u *users) close(c *socketio.Conn) {
	l, ok := c.Value.(listener)
	if !ok {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.conns[l.UserID], c)
	if len(u.conns[l.UserID]) == 0 {
		delete(u.conns, l.UserID)
	}
}

// now is who listens at this moment.
func (u *users) now() map[int64]map[*socketio.Conn]listener {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := make(map[int64]map[*socketio.Conn]listener, len(u.conns))
	for id, conns := range u.conns {
		out[id] = maps.Clone(conns)
	}
	return out
}

// chunk is how many users or sessions one query names.
const chunk = 1000

// tell closes the sockets whose sessions are over and sends the others what is
// new.
func (u *users) tell(ctx context.Context) error {
	listening := u.now()
	if len(listening) == 0 {
		newest, err := u.o.Notifications.Newest(ctx)
		u.seen.reset(newest)
		return err
	}
	if err := u.closeDead(ctx, listening); err != nil {
		return err
	}
	from := u.seen.from(time.Now())
	for ids := range slices.Chunk(slices.Collect(maps.Keys(listening)), chunk) {
		for after := from; ; {
			rows, err := u.o.Notifications.After(ctx, ids, after)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				break
			}
			after = rows[len(rows)-1].ID
			if err := u.send(ctx, listening, rows); err != nil {
				return err
			}
		}
	}
	return nil
}

// closeDead takes those out of listening whose sessions are over.
func (u *users) closeDead(ctx context.Context, listening map[int64]map[*socketio.Conn]listener) error {
	families := map[string]bool{}
	for _, conns := range listening {
		for _, l := range conns {
			families[l.family] = true
		}
	}
	alive := map[string]bool{}
	for part := range slices.Chunk(slices.Collect(maps.Keys(families)), chunk) {
		found, err := u.o.OAuth.Living(ctx, part)
		if err != nil {
			return err
		}
		maps.Copy(alive, found)
	}
	for id, conns := range listening {
		for c, l := range conns {
			if !alive[l.family] {
				c.Close()
				delete(conns, c)
			}
		}
		if len(conns) == 0 {
			delete(listening, id)
		}
	}
	return nil
}

// send emits rows that were not emitted yet, each to the sockets of its user.
func (u *users) send(ctx context.Context, listening map[int64]map[*socketio.Conn]listener, rows []notification.Row) error {
	of := map[int64][]notification.Row{}
	for _, r := range rows {
		if u.seen.add(r.ID) {
			of[r.UserID] = append(of[r.UserID], r)
		}
	}
	for id, news := range of {
		var to *rest.Principal
		for _, l := range listening[id] {
			to = l.Principal
		}
		if to == nil {
			continue // its session ended a moment ago
		}
		said, err := u.o.Notifications.Describe(ctx, to, news)
		if err != nil {
			return err
		}
		for c, l := range listening[id] {
			for i := range said {
				if said[i].ID <= l.since {
					continue
				}
				if err := c.Emit("new-notification", said[i]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// late is for how long a row may come after one with a higher id: ids are given
// out before transactions are committed.
const late = 10 * time.Second

// seen remembers which rows were taken. Rows with ids up to low are old news;
// above it those in ids were taken.
type seen struct {
	low  int64
	high int64     // the highest taken
	mark int64     // what high was at since
	at   time.Time // since
	ids  map[int64]bool
}

// reset makes all rows up to id old news.
func (s *seen) reset(id int64) { *s = seen{low: id, high: id, mark: id} }

// from is the id after which to look, again and again for some time.
func (s *seen) from(now time.Time) int64 {
	if now.Sub(s.at) >= late {
		s.low, s.mark, s.at = s.mark, s.high, now
		maps.DeleteFunc(s.ids, func(id int64, _ bool) bool { return id <= s.low })
	}
	return s.low
}

// add notes a row and tells whether it is new.
func (s *seen) add(id int64) bool {
	if id <= s.low || s.ids[id] {
		return false
	}
	if s.ids == nil {
		s.ids = map[int64]bool{}
	}
	s.ids[id] = true
	s.high = max(s.high, id)
	return true
}
