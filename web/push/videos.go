package push

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
	"github.com/kinemesh/kinemesh/web/socketio"
)

// maxVideos is how many videos one socket may hear of.
const maxVideos = 50

// videos are the sockets that hear of videos.
type videos struct {
	o Options

	mu    sync.Mutex
	conns map[int64]map[*socketio.Conn]bool // by video
	known map[int64]status                  // what they were told last
}

// status is what sockets are told of a video.
type status struct {
	state   catalog.State
	viewers int64
}

func newVideos(o Options) *videos {
	return &videos{o: o, conns: map[int64]map[*socketio.Conn]bool{}, known: map[int64]status{}}
}

// viewer is who is behind a socket, nil for a stranger, and what it hears of.
type viewer struct {
	*rest.Principal
	videos map[int64]bool // guarded by videos.mu
}

// admit lets everybody in. Who brings a token may hear of more.
func (v *videos) admit(c *socketio.Conn) error {
	who := &viewer{videos: map[int64]bool{}}
	if token := accessToken(c); token != "" {
		ctx, cancel := context.WithTimeout(c.Request.Context(), askTime)
		defer cancel()
		p, _, err := v.o.OAuth.Connect(ctx, token, v.o.place(c))
		if err != nil {
			return errUnauthorized
		}
		who.Principal = p
	}
	c.Value = who
	return nil
}

// event takes subscribe and unsubscribe with {videoId}. What cannot be subscribed
// to is ignored, as it always was.
func (v *videos) event(c *socketio.Conn, name string, args []json.RawMessage) {
	who, ok := c.Value.(*viewer)
	if !ok || len(args) == 0 {
		return
	}
	var in struct {
		VideoID json.RawMessage `json:"videoId"`
	}
	if json.Unmarshal(args[0], &in) != nil {
		return
	}
	id, err := strconv.ParseInt(strings.Trim(string(in.VideoID), `"`), 10, 64)
	if err != nil {
		return
	}
	switch name {
	case "subscribe":
		v.subscribe(c, who, id)
	case "unsubscribe":
		v.mu.Lock()
		defer v.mu.Unlock()
		v.leave(c, who, id)
	}
}

func (v *videos) subscribe(c *socketio.Conn, who *viewer, id int64) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), askTime)
	defer cancel()
	video, err := v.o.Catalog.ByID(ctx, id)
	if err != nil || !v.o.Catalog.CanSee(ctx, who.Principal, video) {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(who.videos) >= maxVideos {
		return
	}
	if v.conns[id] == nil {
		v.conns[id] = map[*socketio.Conn]bool{}
		v.known[id] = v.statusOf(video)
	}
	v.conns[id][c], who.videos[id] = true, true
}

func (v *videos) statusOf(video *catalog.Video) status {
	out := status{state: video.State}
	if v.o.Catalog.Viewers != nil {
		out.viewers = v.o.Catalog.Viewers(video.ID)
	}
	return out
}

// leave forgets a subscription; v.mu is held.
func (v *videos) leave(c *socketio.Conn, who *viewer, id int64) {
	delete(who.videos, id)
	delete(v.conns[id], c)
	if len(v.conns[id]) == 0 {
		delete(v.conns, id)
		delete(v.known, id)
	}
}

func (v *videos) close(c *socketio.Conn) {
	who, ok := c.Value.(*viewer)
	if !ok {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for id := range who.videos {
		v.leave(c, who, id)
	}
}

// tell emits what changed since the last turn.
func (v *videos) tell(ctx context.Context) error {
	v.mu.Lock()
	ids := slices.Collect(maps.Keys(v.conns))
	v.mu.Unlock()
	for part := range slices.Chunk(ids, chunk) {
		found, err := v.o.Catalog.ByIDs(ctx, part)
		if err != nil {
			return err
		}
		for _, id := range part {
			v.tellOne(ctx, id, found[id])
		}
	}
	return nil
}

// tellOne emits what is new about a video; nil: it is gone.
func (v *videos) tellOne(ctx context.Context, id int64, video *catalog.Video) {
	v.mu.Lock()
	conns, before := maps.Clone(v.conns[id]), v.known[id]
	v.mu.Unlock()
	now := before
	if video != nil {
		now = v.statusOf(video)
	}
	for c := range conns {
		who, ok := c.Value.(*viewer)
		if !ok {
			continue
		}
		if video == nil || !v.o.Catalog.CanSee(ctx, who.Principal, video) {
			v.mu.Lock()
			v.leave(c, who, id)
			v.mu.Unlock()
			continue
		}
		if now.state != before.state {
			_ = c.Emit("state-change", map[string]int{"state": int(now.state)}) // numbers have a JSON form
		}
		if now.viewers != before.viewers {
			_ = c.Emit("views-change", map[string]int64{"viewers": now.viewers}) // as above
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, there := v.known[id]; there {
		v.known[id] = now
	}
}
