package actor

import (
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
	AttributedTo   string
	PublicKeyID    string
	PublicKeyPEM   string
	Ed25519Key     string `gorm:"column:ed25519_key"` // publicKeyMultibase, of our own actors
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
