package actor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/markup"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/text"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/activitypub/webfinger"
	"github.com/kinemesh/kinemesh/config/db"
)

// freshFor is how long a remote actor is believed without asking again, when
// the settings do not say (PT federation 6).
const freshFor = 48 * time.Hour

// Limits of an actor's texts (PT federation 1).
const (
	maxName    = 120
	minSummary = 3
	maxSummary = 1000
	maxSupport = 1000
	maxAliases = 10 // SEC-36
)

// Widths of pictures that pages show, on screens with fine pixels too.
const (
	iconWidth   = 600
	bannerWidth = 1920
)

// Fetch gives the actor with an identifier: from the database when it is known
// there, else from its server. One that is known and stale is handed to Stale,
// which has it fetched again later; without Stale it is fetched now, and what is
// known is given when its server cannot be reached. ErrGone means that it
// answered 404 or 410.
func (s *Service) Fetch(ctx context.Context, id string) (*Actor, error) {
	a, err := s.ByIRI(ctx, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	if s.IsLocal(id) {
		return a, err
	}
	switch {
	case a != nil && a.GoneAt != nil && s.now().Sub(*a.GoneAt) < goneFor:
		return nil, fmt.Errorf("%w: %s", ErrGone, id)
	case a != nil && a.GoneAt == nil && a.FetchedAt != nil && s.now().Sub(*a.FetchedAt) < s.freshFor:
		return a, nil
	}
	if a != nil && a.GoneAt == nil && s.Stale != nil {
		return a, s.Stale(ctx, a)
	}
	fresh, err := s.Refresh(ctx, id)
	if err == nil {
		return fresh, nil
	}
	if a == nil || a.GoneAt != nil || errors.Is(err, ErrGone) || errors.Is(err, transport.ErrBudget) {
		return nil, err
	}
	s.log.WarnContext(ctx, "actor not refreshed", "actor", id, "error", err)
	return a, s.touch(ctx, a.ID)
}

// Seen says that somebody looks at an actor, so that one which is stale is
// fetched again later.
func (s *Service) Seen(ctx context.Context, a *Actor) error {
	if a.Local() || a.GoneAt != nil || s.Stale == nil || a.FetchedAt != nil && s.now().Sub(*a.FetchedAt) < s.freshFor {
		return nil
	}
	return s.Stale(ctx, a)
}

// touch puts the next refresh off although this one failed.
func (s *Service) touch(ctx context.Context, id int64) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		return tx.Model(&Actor{}).Where("id = ?", id).Update("fetched_at", db.Now()).Error
	})
}

// Refresh asks the actor's server now. Calls for the same actor at the same
// time share one fetch; failures are remembered for a while.
func (s *Service) Refresh(ctx context.Context, id string) (*Actor, error) {
	if err := s.misses.check(id); err != nil {
		return nil, err
	}
	v, err, _ := s.flight.Do("actor "+id, func() (any, error) {
		a, err := s.fetchActor(context.WithoutCancel(ctx), id)
		s.misses.note(id, err)
		return a, err
	})
	if err != nil {
		if transport.Gone(err) {
			return nil, fmt.Errorf("%w: %w", ErrGone, err)
		}
		return nil, fmt.Errorf("fetch actor %s: %w", id, err)
	}
	return v.(*Actor), nil
}

func (s *Service) fetchActor(ctx context.Context, id string) (*Actor, error) {
	doc, err := s.FetchDocument(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.save(ctx, doc)
}

// FetchHandle finds "name@host" by WebFinger. The actor counts only when its
// own host answers for the same name with the same actor (SEC-20); its handle
// is always that of its own host.
func (s *Service) FetchHandle(ctx context.Context, handle string) (*Actor, error) {
	h, err := webfinger.ParseHandle(s.scheme, handle)
	if err != nil {
		return nil, err
	}
	if s.ServesHost(h.Host) {
		return s.ByUsername(ctx, h.Name)
	}
	r, err := s.finger.Lookup(ctx, h)
	if err != nil {
		return nil, err
	}
	a, err := s.Fetch(ctx, r.Self)
	if err != nil {
		return nil, err
	}
	own := webfinger.Handle{Name: a.Username, Host: a.Host}
	if own.Equal(r.Subject) && own.Host == h.Host {
		return a, nil
	}
	back, err := s.finger.Lookup(ctx, own)
	if err != nil {
		return nil, err
	}
	if !back.Subject.Equal(own) && !back.Subject.Equal(r.Subject) || back.Self != a.IRI {
		return nil, fmt.Errorf("%w: %s is not known on its own host as %s", ErrInvalid, a.IRI, own)
	}
	return a, nil
}

// FetchAddress finds the actor at an address: its id, or its page, whose server
// must give the actor's document there too. What such a page shows counts only
// as a hint: the actor is asked for under its own id (SEC-10).
func (s *Service) FetchAddress(ctx context.Context, address string) (*Actor, error) {
	a, err := s.ByIRI(ctx, address)
	if err == nil || !errors.Is(err, ErrNotFound) || s.IsLocal(address) {
		return a, err
	}
	doc, err := s.FetchPart(ctx, address)
	if err != nil {
		return nil, err
	}
	if kindOf(doc) == "" {
		return nil, fmt.Errorf("%w: %s has type %q", ErrInvalid, address, doc.Type())
	}
	return s.Fetch(ctx, doc.ID())
}

// FetchServer finds the instance actor of a host.
func (s *Service) FetchServer(ctx context.Context, host string) (*Actor, error) {
	host, err := iri.NormalHost(s.scheme, host)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	id, err := s.finger.ServerActor(ctx, host)
	if err != nil {
		return nil, err
	}
	if iri.Host(id) != host {
		return nil, fmt.Errorf("%w: %s is not on %s", ErrInvalid, id, host)
	}
	return s.Fetch(ctx, id)
}

// parse reads an actor document whose id has been proven by fetching it
// (SEC-10, SEC-12, SEC-30; PT federation 1).
func (s *Service) parse(doc vocab.Object) (*Actor, error) {
	id := doc.ID()
	a := &Actor{
		IRI: id, Type: kindOf(doc), Username: doc.String("preferredUsername"), Host: iri.Host(id),
		Name: text.Cut(text.Line(doc.String("name")), maxName), Summary: summaryOf(doc),
		Inbox: doc.IRI("inbox"), Outbox: onHost(id, doc.IRI("outbox")),
		Followers: onHost(id, doc.IRI("followers")), Following: onHost(id, doc.IRI("following")),
		URL: pageOf(doc), IconURL: imageOf(doc, "icon", iconWidth), BannerURL: imageOf(doc, "image", bannerWidth), AttributedTo: ownerOf(doc),
		Playlists: onHost(id, doc.IRI("playlists")), Support: text.Cut(text.Lines(doc.String("support")), maxSupport),
		AlsoKnownAs: aliasesOf(doc), MovedTo: doc.IRI("movedTo"),
	}
	a.Indexable, _ = doc.Bool("indexable") // FEP-5feb: nothing said is no consent
	a.Discoverable, _ = doc.Bool("discoverable")
	if e, ok := doc.Object("endpoints"); ok {
		a.SharedInbox = onHost(id, e.IRI("sharedInbox"))
	}
	if t, ok := doc.Time("published"); ok {
		a.PublishedAt = &t
	}
	switch {
	case id == "" || s.IsLocal(id): // SEC-13
		return nil, fmt.Errorf("%w: id %q", ErrInvalid, id)
	case a.Type == "":
		return nil, fmt.Errorf("%w: %s has type %q", ErrInvalid, id, doc.Type())
	case !webfinger.ValidName(a.Username):
		return nil, fmt.Errorf("%w: %s has no usable name", ErrInvalid, id)
	case !iri.SameHost(id, a.Inbox): // SEC-15
		return nil, fmt.Errorf("%w: inbox of %s is elsewhere", ErrInvalid, id)
	}
	if text.Blank(a.Name) {
		a.Name = a.Username
	}
	return a, s.parseKey(doc, a)
}

func (s *Service) parseKey(doc vocab.Object, a *Actor) error {
	keys := doc.Objects("publicKey")
	if len(keys) == 0 {
		return fmt.Errorf("%w: %s has no key", ErrInvalid, a.IRI)
	}
	k := keys[0]
	a.PublicKeyID, a.PublicKeyPEM = k.ID(), k.String("publicKeyPem")
	if owner := k.IRI("owner"); owner != a.IRI || !iri.SameHost(a.PublicKeyID, a.IRI) { // SEC-10
		return fmt.Errorf("%w: key of %s belongs to %q", ErrInvalid, a.IRI, owner)
	}
	key, err := signature.ParseKey(a.PublicKeyPEM)
	if err == nil {
		err = signature.CheckKey(key, s.minBits)
	}
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrInvalid, a.IRI, err)
	}
	return nil
}

// save writes what a proven document says. The first row of an IRI fixes its
// kind (SEC-15).
func (s *Service) save(ctx context.Context, doc vocab.Object) (*Actor, error) {
	a, err := s.parse(doc)
	if err != nil {
		return nil, err
	}
	now, keys := db.Now(), s.multikeys(doc)
	a.FetchedAt, a.CreatedAt, a.UpdatedAt = &now, now, now
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		res := tx.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "iri"}},
			Where:   clause.Where{Exprs: []clause.Expression{clause.Eq{Column: "actors.type", Value: a.Type}}},
			DoUpdates: clause.AssignmentColumns([]string{
				"username", "name", "summary", "inbox", "shared_inbox", "outbox", "followers", "following", "url",
				"icon_url", "banner_url", "attributed_to", "playlists", "support", "also_known_as", "moved_to", "indexable", "discoverable", "public_key_id", "public_key_pem", "published_at", "fetched_at", "gone_at", "updated_at",
			}),
		}).Create(a)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return fmt.Errorf("%w: %s changed its kind to %s", ErrInvalid, a.IRI, a.Type)
		}
		if a, err = one(tx.Where("iri = ?", a.IRI)); err != nil {
			return err
		}
		if err := saveMultikeys(tx, a.ID, keys); err != nil || s.Saved == nil {
			return err
		}
		return s.Saved(tx, a)
	})
	if errors.Is(err, ErrInvalid) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: save actor: %w", ErrStore, err)
	}
	return a, nil
}

func kindOf(doc vocab.Object) string {
	for _, kind := range []string{Person, Group, Application, ServiceKind, Organization} {
		if doc.Is(kind) {
			return kind
		}
	}
	return ""
}

// onHost gives address when it lies on the host of id, else "".
func onHost(id, address string) string {
	if iri.SameHost(id, address) {
		return address
	}
	return ""
}

// ownerOf gives the Person behind a Group, on the same host (PT federation 1):
// an object {type: Person, id} up to 7.x, a plain URL since.
func ownerOf(doc vocab.Object) string {
	for _, o := range doc.Objects("attributedTo") {
		if o.Is(Person) && iri.SameHost(doc.ID(), o.ID()) {
			return o.ID()
		}
	}
	for _, id := range doc.Strings("attributedTo") {
		if iri.SameHost(doc.ID(), id) {
			return id
		}
	}
	return ""
}

func pageOf(doc vocab.Object) string {
	for _, l := range doc.Objects("url") {
		if href := l.String("href"); l.String("mediaType") == "text/html" && iri.Valid(href) {
			return href
		}
	}
	if u := doc.IRI("url"); u != "" {
		return u
	}
	return doc.ID() // PT wire 6.3: url defaults to the id
}

// imageOf gives the smallest picture of at least a width, else the largest one
// that says how wide it is, else the first (PT wire 6.3: icon and image are
// lists since 3.x, one object before).
func imageOf(doc vocab.Object, key string, least int64) string {
	best, width := "", int64(-1)
	for _, i := range doc.Objects(key) {
		u := i.IRI("url")
		if u == "" {
			continue
		}
		w, _ := i.Int("width")
		if best == "" || w >= least && (width < least || w < width) || width < least && w > width {
			best, width = u, w
		}
	}
	return best
}

// summaryOf gives the description: sanitised (SEC-37), cut to its length, and
// left out when it is too short to say anything (PT federation 1).
func summaryOf(doc vocab.Object) string {
	s := markup.Markdown(text.Cut(text.Lines(doc.String("summary")), maxSummary))
	if len([]rune(s)) < minSummary || text.Blank(s) {
		return ""
	}
	return s
}

// aliasesOf gives the other names that an actor says it has. They prove
// nothing until the other side says the same (FEP-7628).
func aliasesOf(doc vocab.Object) []string {
	var out []string
	for _, id := range doc.IRIs("alsoKnownAs") {
		if id != doc.ID() && !slices.Contains(out, id) && len(out) < maxAliases {
			out = append(out, id)
		}
	}
	return out
}
