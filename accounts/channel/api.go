package channel

import (
	"slices"
	"time"

	"github.com/kinemesh/kinemesh/accounts/picture"
	"github.com/kinemesh/kinemesh/activitypub/actor"
)

// Time prints like PeerTube's API: UTC with milliseconds.
type Time time.Time

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z"), nil
}

// Time is t as the standard library has it.
func (t Time) Time() time.Time { return time.Time(t) }

// TimePtr is nil for nil.
func TimePtr(t *time.Time) *Time {
	if t == nil {
		return nil
	}
	v := Time(*t)
	return &v
}

// Image is one size of an avatar or banner in the API.
type Image struct {
	Width     int    `json:"width"`
	Height    int    `json:"height"`
	Path      string `json:"path"`
	CreatedAt Time   `json:"createdAt"`
	UpdatedAt Time   `json:"updatedAt"`
}

// Images are the sizes of a picture, smallest first; none for nil.
func Images(p *picture.Picture) []Image {
	out := []Image{}
	if p == nil {
		return out
	}
	for _, size := range slices.Backward(p.Sizes) {
		out = append(out, Image{Width: size.Width, Height: size.Height, Path: p.Path(size), CreatedAt: Time(p.CreatedAt), UpdatedAt: Time(p.UpdatedAt)})
	}
	return out
}

// apiActor holds the fields that accounts and channels have in common.
type apiActor struct {
	URL                   string  `json:"url"`
	Name                  string  `json:"name"`
	Host                  string  `json:"host"`
	Avatars               []Image `json:"avatars"`
	ID                    int64   `json:"id"`
	HostRedundancyAllowed bool    `json:"hostRedundancyAllowed"`
	FollowingCount        int64   `json:"followingCount"`
	FollowersCount        int64   `json:"followersCount"`
	CreatedAt             Time    `json:"createdAt"`
	DisplayName           string  `json:"displayName"`
	Description           *string `json:"description"`
	UpdatedAt             Time    `json:"updatedAt"`
}

// AccountJSON is an account in the API.
type AccountJSON struct {
	apiActor
	UserID *int64 `json:"userId,omitempty"`
}

// ChannelJSON is a channel in the API. OwnerAccount is left out where the
// account stands beside it.
type ChannelJSON struct { //nolint:revive // named like AccountJSON beside it
	apiActor
	Banners      []Image      `json:"banners"`
	Support      *string      `json:"support"`
	IsLocal      bool         `json:"isLocal"`
	OwnerAccount *AccountJSON `json:"ownerAccount,omitempty"`

	// Where its owner asks for them.
	ViewsPerDay []DayViews `json:"viewsPerDay,omitempty"`
	TotalViews  *int64     `json:"totalViews,omitempty"`
}

// Summary is an account or channel within another object, such as a video.
type Summary struct {
	ID          int64   `json:"id"`
	Name        string  `json:"name"`
	DisplayName string  `json:"displayName"`
	URL         string  `json:"url"`
	Host        string  `json:"host"`
	Avatars     []Image `json:"avatars"`
}

// APIAccount is the full form of an account, whose Actor must be filled.
func (s *Service) APIAccount(a *Account) AccountJSON {
	return AccountJSON{apiActor: s.apiActor(a.ID, a.Actor, a.Pictures, a.CreatedAt, a.UpdatedAt), UserID: a.UserID}
}

// APIChannel is the full form of a channel, whose Actor and Account must be
// filled.
func (s *Service) APIChannel(c *Channel) ChannelJSON {
	out := s.APIChannelOnly(c)
	owner := s.APIAccount(c.Account)
	out.OwnerAccount = &owner
	return out
}

// APIChannelOnly is a channel without its owner, as within a user.
func (s *Service) APIChannelOnly(c *Channel) ChannelJSON {
	support := c.Support
	if !c.Local {
		support = c.Actor.Support // what its server says
	}
	return ChannelJSON{
		apiActor: s.apiActor(c.ID, c.Actor, c.Pictures, c.CreatedAt, c.UpdatedAt),
		Banners:  Images(c.Pictures.Banner),
		Support:  orNull(support),
		IsLocal:  c.Local,
	}
}

// APIAccountSummary is the short form of an account.
func (s *Service) APIAccountSummary(a *Account) Summary { return s.summary(a.ID, a.Actor, a.Pictures) }

// APIChannelSummary is the short form of a channel.
func (s *Service) APIChannelSummary(c *Channel) Summary { return s.summary(c.ID, c.Actor, c.Pictures) }

func (s *Service) apiActor(id int64, a *actor.Actor, pictures picture.Set, created, updated time.Time) apiActor {
	if a.PublishedAt != nil {
		created = *a.PublishedAt
	}
	if a.UpdatedAt.After(updated) {
		updated = a.UpdatedAt
	}
	return apiActor{
		URL: a.IRI, Name: a.Username, Host: s.host(a), Avatars: Images(pictures.Avatar), ID: id,
		FollowingCount: a.FollowingCount, FollowersCount: a.FollowersCount,
		CreatedAt: Time(created), DisplayName: displayName(a), Description: orNull(a.Summary), UpdatedAt: Time(updated),
	}
}

func (s *Service) summary(id int64, a *actor.Actor, pictures picture.Set) Summary {
	return Summary{
		ID: id, Name: a.Username, DisplayName: displayName(a), URL: a.IRI, Host: s.host(a), Avatars: Images(pictures.Avatar),
	}
}

func (s *Service) host(a *actor.Actor) string {
	if a.Local() {
		return s.o.Actors.Host()
	}
	return a.Host
}

func displayName(a *actor.Actor) string {
	if a.Name == "" {
		return a.Username
	}
	return a.Name
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
