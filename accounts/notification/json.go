package notification

import (
	"context"
	"fmt"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/web/rest"
)

// JSON is a notification in the API. What a type has no use for is left out, and
// so is what is gone.
type JSON struct {
	ID           int64         `json:"id"`
	Type         Type          `json:"type"`
	Read         bool          `json:"read"`
	Video        *Video        `json:"video,omitempty"`
	Comment      *Comment      `json:"comment,omitempty"`
	Abuse        *Abuse        `json:"abuse,omitempty"`
	VideoBlock   *Block        `json:"videoBlacklist,omitempty"`
	Account      *Actor        `json:"account,omitempty"`
	ActorFollow  *Follow       `json:"actorFollow,omitempty"`
	Registration *Registration `json:"registration,omitempty"`
	CreatedAt    channel.Time  `json:"createdAt"`
	UpdatedAt    channel.Time  `json:"updatedAt"`
}

// Picture is one size of an avatar.
type Picture struct {
	Path  string `json:"path"`
	Width int    `json:"width"`
}

// Actor is an account or a channel.
type Actor struct {
	ID          int64     `json:"id"`
	DisplayName string    `json:"displayName"`
	Name        string    `json:"name"`
	Host        string    `json:"host"`
	Avatar      *Picture  `json:"avatar,omitempty"` // the largest
	Avatars     []Picture `json:"avatars"`          // largest first

	// NoAccount tells that it is neither account nor channel, such as a server: it
	// has no page.
	NoAccount bool `json:"-"`
}

// Video is a video, with its channel where the notification is about it.
type Video struct {
	ID        int64  `json:"id"`
	UUID      string `json:"uuid"`
	ShortUUID string `json:"shortUUID"`
	Name      string `json:"name"`
	State     *State `json:"state,omitempty"`
	Channel   *Actor `json:"channel,omitempty"`
}

// State is the state of a video.
type State struct {
	ID    int    `json:"id"`
	Label string `json:"label"`
}

// Comment is a comment below a video.
type Comment struct {
	ID            int64  `json:"id"`
	ThreadID      int64  `json:"threadId"`
	Account       *Actor `json:"account"`
	Video         *Video `json:"video"`
	HeldForReview bool   `json:"heldForReview"`
}

// Abuse is a report, with what it is about as far as that is there.
type Abuse struct {
	ID      int64         `json:"id"`
	State   int           `json:"state"`
	Video   *Video        `json:"video,omitempty"`
	Comment *AbuseComment `json:"comment,omitempty"`
	Account *Actor        `json:"account,omitempty"`
}

// AbuseComment is the comment that a report is about.
type AbuseComment struct {
	ID       int64  `json:"-"`
	ThreadID int64  `json:"threadId"`
	Video    *Video `json:"video"`
}

// Block is the block of a video.
type Block struct {
	ID    int64  `json:"id"`
	Video *Video `json:"video"`
}

// Follow is a follow.
type Follow struct {
	ID        int64    `json:"id"`
	State     string   `json:"state"`
	Follower  *Actor   `json:"follower"`
	Following Followed `json:"following"`
}

// Followed is whom a follow goes to.
type Followed struct {
	Type        string `json:"type"` // account, channel, instance
	DisplayName string `json:"displayName"`
	Name        string `json:"name"`
	Host        string `json:"host"`
}

// Registration is somebody who asks for an account.
type Registration struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
}

// By is who caused the notification, as far as it tells; nil for nobody.
func (j *JSON) By() *Actor {
	switch {
	case j.Comment != nil:
		return j.Comment.Account
	case j.ActorFollow != nil:
		return j.ActorFollow.Follower
	case j.Account != nil:
		return j.Account
	case j.Video != nil && j.Type == NewVideo:
		return j.Video.Channel
	}
	return nil
}

// ActorOf is the short form of an account or channel.
func ActorOf(a channel.Summary) *Actor {
	out := &Actor{ID: a.ID, DisplayName: a.DisplayName, Name: a.Name, Host: a.Host, Avatars: []Picture{}}
	for _, p := range a.Avatars {
		out.Avatars = append(out.Avatars, Picture{p.Path, p.Width})
		if out.Avatar == nil || p.Width > out.Avatar.Width {
			out.Avatar = &Picture{p.Path, p.Width}
		}
	}
	return out
}

// describe makes items of rows that belong to one user: each source is asked
// once, however many rows there are.
func (s *Service) describe(ctx context.Context, to *rest.Principal, rows []Row) ([]Item, error) {
	items := make([]Item, len(rows))
	of := map[*Source][]*Item{}
	for i, r := range rows {
		items[i] = Item{r, JSON{ID: r.ID, Type: r.Type, Read: r.Read, CreatedAt: channel.Time(r.CreatedAt), UpdatedAt: channel.Time(r.UpdatedAt)}}
		if src := s.sources[r.Type]; src != nil {
			of[src] = append(of[src], &items[i])
		}
	}
	for src, its := range of {
		if err := src.Describe(ctx, to, its); err != nil {
			return nil, fmt.Errorf("describe notifications: %w", err)
		}
	}
	return items, nil
}

// ids lists what a list of items is about.
func ids(items []*Item, id func(*Item) int64) []int64 {
	out := make([]int64, len(items))
	for i, it := range items {
		out[i] = id(it)
	}
	return out
}

// people are accounts by the ids of their actors, also of actors that are not an
// account, such as servers.
func (s *Service) people(ctx context.Context, actorIDs []int64) (map[int64]*Actor, map[int64]*actor.Actor, error) {
	actors, err := s.o.Actors.ByIDs(ctx, actorIDs)
	if err != nil {
		return nil, nil, err
	}
	accounts, err := s.o.Channels.AccountsByActors(ctx, actorIDs)
	if err != nil {
		return nil, nil, err
	}
	out := make(map[int64]*Actor, len(actors))
	for id, a := range actors {
		if acc := accounts[id]; acc != nil {
			out[id] = ActorOf(s.o.Channels.APIAccountSummary(acc))
		} else if a.GoneAt == nil {
			out[id] = &Actor{ID: a.ID, DisplayName: a.Name, Name: a.Username, Host: s.hostOf(a), Avatars: []Picture{}, NoAccount: true}
			if a.Name == "" {
				out[id].DisplayName = a.Username
			}
		}
	}
	return out, actors, nil
}

func (s *Service) hostOf(a *actor.Actor) string {
	if a.Local() {
		return s.o.Actors.Host()
	}
	return a.Host
}
