package actor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/webfinger"
	"github.com/kinemesh/kinemesh/config/db"
)

// Errors of look-ups.
var (
	ErrNotFound = db.ErrNotFound
	// ErrInvalid says that a document describes no actor that can be believed.
	ErrInvalid = errors.New("invalid actor")
	// ErrGone says that the actor's server answers 404 or 410.
	ErrGone = errors.New("actor is gone")
	// ErrLimited says that the actor was asked for too often; later it may work.
	ErrLimited = errors.New("too many look-ups")
	// ErrStore says that the database did not answer; it proves nothing about
	// the actor.
	ErrStore = errors.New("database")
	// ErrOrigin says that the public address changed since the first start.
	ErrOrigin = errors.New("the public address of this server has changed")
)

// Options are what a Service needs.
type Options struct {
	DB        *db.DB
	Transport *transport.Client
	// Origin is the public address without a slash at the end.
	Origin string
	// MinRSABits is federation.min_rsa_bits; 0 means 2048.
	MinRSABits int
	// Unsigned fetches without a signature (federation.sign_federated_fetches
	// is false).
	Unsigned bool
	// FreshFor is how long a remote actor is believed (federation.refresh_after);
	// 0 means two days.
	FreshFor time.Duration
	Logger   *slog.Logger
	// Now is the clock of limits and freshness; nil means time.Now.
	Now func() time.Time
	// NewKey makes the keys of our actors; nil: [GenerateKey].
	NewKey func() (*Key, error)
}

// Service finds, makes and refreshes actors. It is safe for concurrent use.
type Service struct {
	// FollowChanged hears of every follow that is made, answered or ended, in
	// the transaction that does it. The engine sets it; nil hears nothing.
	FollowChanged func(tx *db.Tx, c FollowChange) error
	// Saved hears of every remote actor that is stored, in the transaction that
	// does it. The engine sets it; nil hears nothing.
	Saved func(tx *db.Tx, a *Actor) error
	// Stale hears of an actor that was looked at and not fetched for long. The
	// engine sets it and has a job fetch the actor; nil fetches at once.
	Stale func(ctx context.Context, a *Actor) error

	db        *db.DB
	transport *transport.Client
	finger    *webfinger.Client
	origin    string
	scheme    string
	host      string // ours, in iri's spelling
	minBits   int
	unsigned  bool
	freshFor  time.Duration
	log       *slog.Logger
	now       func() time.Time
	newKey    func() (*Key, error)

	flight  singleflight.Group
	misses  *misses
	limits  *limiter
	private *privateKeys
}

// New makes a Service.
func New(o Options) (*Service, error) {
	u, err := iri.Parse(o.Origin)
	if err != nil || strings.HasSuffix(o.Origin, "/") {
		return nil, fmt.Errorf("origin %q: want scheme://host without a path", o.Origin)
	}
	s := &Service{
		db: o.DB, transport: o.Transport, origin: o.Origin, scheme: u.Scheme, host: u.Host,
		minBits: o.MinRSABits, unsigned: o.Unsigned, freshFor: o.FreshFor, log: o.Logger, now: o.Now, newKey: o.NewKey,
		finger: &webfinger.Client{Fetch: o.Transport, Scheme: u.Scheme},
	}
	if s.minBits == 0 {
		s.minBits = signature.MinRSABits
	}
	if s.freshFor == 0 {
		s.freshFor = freshFor
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.newKey == nil {
		s.newKey = GenerateKey
	}
	s.misses, s.limits, s.private = newMisses(s.now), newLimiter(s.now), &privateKeys{}
	return s, nil
}

// Origin gives the public address of this server.
func (s *Service) Origin() string { return s.origin }

// Host gives our host as it stands in handles.
func (s *Service) Host() string { return s.host }

// Scheme gives https, or http in test mode.
func (s *Service) Scheme() string { return s.scheme }

// HTTPS tells whether our origin is https.
func (s *Service) HTTPS() bool { return s.scheme == "https" }

// ServesHost tells whether a host is ours in any spelling (SEC-13): default
// ports of either scheme count as no port.
func (s *Service) ServesHost(host string) bool { return host != "" && bare(host) == bare(s.host) }

func bare(host string) string {
	return strings.TrimSuffix(strings.TrimSuffix(host, ":443"), ":80")
}

// IsLocal tells whether an identifier lies on our host.
func (s *Service) IsLocal(id string) bool { return s.ServesHost(iri.Host(id)) }

// one runs a query for a single actor.
func one(q *gorm.DB) (*Actor, error) {
	var a Actor
	err := q.Take(&a).Error
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("actor: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: actor: %w", ErrStore, err)
	}
	return &a, nil
}

// ByID reads one row.
func (s *Service) ByID(ctx context.Context, id int64) (*Actor, error) {
	return one(s.db.Read(ctx).Where("id = ?", id))
}

// ByIDs reads rows; unknown ids are left out.
func (s *Service) ByIDs(ctx context.Context, ids []int64) (map[int64]*Actor, error) {
	out := make(map[int64]*Actor, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	var rows []*Actor
	if err := s.db.Read(ctx).Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("actors: %w", err)
	}
	for _, a := range rows {
		out[a.ID] = a
	}
	return out, nil
}

// ByIRI reads the row of an identifier, ErrNotFound when there is none.
func (s *Service) ByIRI(ctx context.Context, id string) (*Actor, error) {
	return one(s.db.Read(ctx).Where("iri = ?", id))
}

// ByUsername reads one of our actors.
func (s *Service) ByUsername(ctx context.Context, username string) (*Actor, error) {
	return one(s.db.Read(ctx).Where("lower(username) = ? AND host = ''", strings.ToLower(username)))
}

// ByHandle reads "name" or "name@host" from the database alone.
func (s *Service) ByHandle(ctx context.Context, handle string) (*Actor, error) {
	handle = strings.TrimPrefix(handle, "@")
	if !strings.Contains(handle, "@") {
		return s.ByUsername(ctx, handle)
	}
	h, err := webfinger.ParseHandle(s.scheme, handle)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	if s.ServesHost(h.Host) {
		return s.ByUsername(ctx, h.Name)
	}
	return one(s.db.Read(ctx).Where("lower(username) = ? AND host = ?", strings.ToLower(h.Name), h.Host).Order("id"))
}

// NewLocal describes an actor that is to be made.
type NewLocal struct {
	Type         string // Person, Group or Application
	Username     string // lower case, unique among all our actors
	Name         string
	Summary      string
	AttributedTo string // of a Group: IRI of its Person
	Key          *Key   // from NewKey, made before the transaction
}

// LocalIRI gives the identifier of one of our actors (PT federation 2).
func (s *Service) LocalIRI(kind, username string) string {
	if kind == Group {
		return s.origin + "/video-channels/" + username
	}
	return s.origin + "/accounts/" + username
}

// CreateLocal makes one of our actors with its key in tx. A name that is taken
// gives an error that db.IsDuplicate knows.
func (s *Service) CreateLocal(tx *db.Tx, n NewLocal) (*Actor, error) {
	if !webfinger.ValidName(n.Username) || n.Username != strings.ToLower(n.Username) {
		return nil, fmt.Errorf("%w: username %q", ErrInvalid, n.Username)
	}
	if n.Key == nil {
		return nil, fmt.Errorf("%w: %s has no key", ErrInvalid, n.Username)
	}
	public, private, err := n.Key.pems()
	if err != nil {
		return nil, err
	}
	multibase, second, err := newEd25519()
	if err != nil {
		return nil, err
	}
	id, now := s.LocalIRI(n.Type, n.Username), db.Now()
	a := &Actor{
		IRI: id, Type: n.Type, Username: n.Username, Name: n.Name, Summary: n.Summary,
		Inbox: id + "/inbox", SharedInbox: s.origin + "/inbox", Outbox: id + "/outbox",
		Followers: id + "/followers", Following: id + "/following", URL: id, AttributedTo: n.AttributedTo,
		PublicKeyID: id + "#main-key", PublicKeyPEM: public, Ed25519Key: multibase, PublishedAt: &now, CreatedAt: now, UpdatedAt: now,
		Playlists: id + "/playlists", Indexable: true, Discoverable: true,
	}
	if err := tx.Create(a).Error; err != nil {
		return nil, fmt.Errorf("create actor %s: %w", n.Username, err)
	}
	if err := tx.Create(&keyRow{ActorID: a.ID, PrivatePEM: private, Ed25519PEM: second}).Error; err != nil {
		return nil, fmt.Errorf("create key of %s: %w", n.Username, err)
	}
	return a, nil
}

// NewKey makes a key for an actor of ours. It takes some tenths of a second:
// call it before a transaction, not inside.
func (s *Service) NewKey() (*Key, error) { return s.newKey() }

// Instance gives our Application actor and makes it on the first call.
func (s *Service) Instance(ctx context.Context) (*Actor, error) {
	a, err := s.ByUsername(ctx, InstanceName)
	if !errors.Is(err, ErrNotFound) {
		return a, err
	}
	key, err := s.NewKey()
	if err != nil {
		return nil, err
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := s.CreateLocal(tx, NewLocal{Type: Application, Username: InstanceName, Name: InstanceName, Key: key})
		return err
	})
	if err != nil && !db.IsDuplicate(err) { // another process was first
		return nil, err
	}
	return s.ByUsername(ctx, InstanceName)
}

// fact is a row of instance_facts.
type fact struct {
	Name  string `gorm:"primaryKey"`
	Value string
}

func (fact) TableName() string { return "instance_facts" }

// CheckOrigin remembers the public address at the first start and gives
// ErrOrigin when it is another one later: every identifier given out since
// would break.
func (s *Service) CheckOrigin(ctx context.Context) error {
	f := fact{Name: "origin", Value: s.origin}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&f).Error; err != nil {
			return err
		}
		var have fact
		if err := tx.Where("name = ?", "origin").Take(&have).Error; err != nil {
			return err
		}
		if have.Value != s.origin {
			return fmt.Errorf("%w: it was %s and is now %s", ErrOrigin, have.Value, s.origin)
		}
		return nil
	})
}

// MarkGone notes that an actor is deleted: its documents answer 410, its
// follows are removed. What modules hold of it is theirs to drop.
func (s *Service) MarkGone(tx *db.Tx, id int64) error {
	a, err := one(tx.Where("id = ?", id))
	if err != nil {
		return err
	}
	if err := s.endFollows(tx, a); err != nil {
		return err
	}
	now := db.Now()
	err = tx.Model(&Actor{}).Where("id = ? AND gone_at IS NULL", id).Updates(map[string]any{"gone_at": now, "updated_at": now}).Error
	if err != nil {
		return fmt.Errorf("mark actor gone: %w", err)
	}
	return nil
}
