package actor

import (
	"database/sql/driver"
	"encoding/json"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/iri"
)

// The kinds of actors (AP 4.1, AS2 actor types).
const (
	Person       = "Person"
	Group        = "Group"
	Application  = "Application"
	ServiceKind  = "Service"
	Organization = "Organization"
)

// InstanceName is the username of the instance actor; PeerTube looks for it
// (PT federation 1).
const InstanceName = "peertube"

// Actor is a row of the table actors.
type Actor struct {
	ID             int64 `gorm:"primaryKey"`
	IRI            string
	Type           string
	Username       string
	Host           string
	Name           string
	Summary        string
	Inbox          string
	SharedInbox    string
	Outbox         string
	Followers      string
	Following      string
	URL            string
	IconURL        string
	BannerURL      string
	AttributedTo   string
	PublicKeyID    string
	PublicKeyPEM   string
	Ed25519Key     string `gorm:"column:ed25519_key"` // publicKeyMultibase, of our own actors
	Playlists      string // the collection
	Support        string // of a remote channel
	AlsoKnownAs    IRIs   // other names of the same actor, as it says
	MovedTo        string // the actor that took its place
	Indexable      bool   // may be found by a full-text search (FEP-5feb)
	Discoverable   bool   // may be recommended
	MovedAt        *time.Time
	FollowersCount int64
	FollowingCount int64
	PublishedAt    *time.Time
	FetchedAt      *time.Time
	GoneAt         *time.Time
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// TableName names the table.
func (Actor) TableName() string { return "actors" }

// IRIs is a list of identifiers in one column, as JSON.
type IRIs []string

// Value gives "" for an empty list.
func (l IRIs) Value() (driver.Value, error) {
	if len(l) == 0 {
		return "", nil
	}
	raw, err := json.Marshal([]string(l))
	return string(raw), err
}

// Scan reads what Value gave.
func (l *IRIs) Scan(v any) error {
	var raw []byte
	switch x := v.(type) {
	case string:
		raw = []byte(x)
	case []byte:
		raw = x
	}
	*l = nil
	if len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(l))
}

// Local tells whether the actor is one of ours.
func (a *Actor) Local() bool { return a.Host == "" }

// Handle gives "name" for our actors and "name@host" for others.
func (a *Actor) Handle() string {
	if a.Local() {
		return a.Username
	}
	return a.Username + "@" + a.Host
}

// SharedOrOwnInbox gives where a delivery for many of a host goes: the shared inbox
// when there is one.
func (a *Actor) SharedOrOwnInbox() string {
	if a.SharedInbox != "" {
		return a.SharedInbox
	}
	return a.Inbox
}

// OnHost tells whether id lies on the actor's own host.
func (a *Actor) OnHost(id string) bool { return iri.SameHost(a.IRI, id) }
