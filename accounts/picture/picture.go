package picture

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// Kind tells avatars from banners.
type Kind int

// The kinds, by PeerTube's numbers.
const (
	Avatar Kind = 1
	Banner Kind = 2
)

// Size is what a picture measures.
type Size struct{ Width, Height int }

// Sizes are those that are made of a new picture unless [Options] say others,
// largest first.
func (k Kind) Sizes() []Size {
	if k == Banner {
		return []Size{{1920, 317}, {600, 100}}
	}
	return []Size{{1500, 1500}, {600, 600}, {120, 120}, {48, 48}}
}

// largestRemote is the width up to which avatars of other servers are kept: what
// pages show.
const largestRemote = 600

// sizes are those that are made of a new picture.
func (s *Service) sizes(k Kind) []Size {
	given := s.o.Avatars
	if k == Banner {
		given = s.o.Banners
	}
	if len(given) == 0 {
		return k.Sizes()
	}
	given = slices.Clone(given)
	slices.SortFunc(given, func(a, b Size) int { return b.Width - a.Width })
	return given
}

// remoteSizes are those of a picture from another server.
func (s *Service) remoteSizes(k Kind) []Size {
	all := s.sizes(k)
	for k == Avatar && len(all) > 1 && all[0].Width > largestRemote {
		all = all[1:]
	}
	return all
}

// Folder is the part of the address that the kind's files lie below.
func (k Kind) Folder() string {
	if k == Banner {
		return "banners"
	}
	return "avatars"
}

// Picture is a row of actor_pictures: one picture of an actor in several sizes.
type Picture struct {
	ActorID   int64 `gorm:"primaryKey;autoIncrement:false"`
	Kind      Kind  `gorm:"primaryKey;autoIncrement:false"`
	Name      string
	Extension string
	Sizes     Sizes
	RemoteURL string     // where its server has it; empty: ours
	Stored    bool       // the files are here
	TriedAt   *time.Time // when it was last fetched, or could not be
	CreatedAt time.Time
	UpdatedAt time.Time
}

// TableName is for GORM.
func (Picture) TableName() string { return "actor_pictures" }

// File is the name of the file of one size.
func (p *Picture) File(s Size) string { return p.Name + "-" + strconv.Itoa(s.Width) + p.Extension }

// Path is the address of one size on this server.
func (p *Picture) Path(s Size) string { return "/lazy-static/" + p.Kind.Folder() + "/" + p.File(s) }

// At is the path of the smallest size of at least a width, or of the largest
// one; empty for nil.
func (p *Picture) At(width int) string {
	if p == nil || len(p.Sizes) == 0 {
		return ""
	}
	best := p.Sizes[0]
	for _, s := range p.Sizes {
		if s.Width >= width {
			best = s
		}
	}
	return p.Path(best)
}

func (p *Picture) mediaType() string {
	if p.Extension == pngs {
		return "image/png"
	}
	return "image/jpeg"
}

// Keys are where the files lie in storage.
func (p *Picture) Keys() []string {
	out := make([]string, len(p.Sizes))
	for i, s := range p.Sizes {
		out[i] = key(p.File(s))
	}
	return out
}

func key(file string) string { return "avatars/" + file }

// Set is what an actor shows; nil where it has nothing.
type Set struct{ Avatar, Banner *Picture }

// Store keeps files.
type Store interface {
	Put(ctx context.Context, key string, r io.Reader) (int64, error)
	Delete(ctx context.Context, key string) error
}

// Options are what a Service needs.
type Options struct {
	DB        *db.DB
	Transport *transport.Client
	Origin    string
	Rules     *hostrule.Rules // nil: no host is blocked
	// Avatars and Banners are the sizes that are made; none: those of [Kind.Sizes].
	Avatars, Banners []Size
	// MaxFetched is how many pictures of other servers are kept; nil: all.
	MaxFetched func() int
	Logger     *slog.Logger
}

// How many pictures are worked on at once: a decoded one may take 320 MB. The
// others wait, which fetches do in a line of maxFetching.
const (
	maxRendering = 2
	maxFetching  = 16
)

// Service is safe for concurrent use. Files is set before the server starts.
type Service struct {
	Files Store

	o         Options
	rendering chan struct{}
	fetching  chan struct{}
	fetches   singleflight.Group
}

// New returns a Service.
func New(o Options) *Service {
	return &Service{o: o, rendering: make(chan struct{}, maxRendering), fetching: make(chan struct{}, maxFetching)}
}

// Of finds the pictures of actors, in one query whatever their number.
func (s *Service) Of(ctx context.Context, actorIDs ...int64) (map[int64]Set, error) {
	if s == nil || len(actorIDs) == 0 {
		return nil, nil
	}
	return of(s.o.DB.Read(ctx), actorIDs...)
}

func of(q *gorm.DB, actorIDs ...int64) (map[int64]Set, error) {
	in, args := db.Dialect(q.Name()).In("actor_id", actorIDs)
	out := make(map[int64]Set, len(actorIDs))
	err := db.Each(q, func(r *sql.Rows) error {
		p := &Picture{}
		err := r.Scan(&p.ActorID, &p.Kind, &p.Name, &p.Extension, &p.Sizes, &p.RemoteURL, &p.Stored, &p.TriedAt, &p.CreatedAt, &p.UpdatedAt)
		set := out[p.ActorID]
		if p.Kind == Banner {
			set.Banner = p
		} else {
			set.Avatar = p
		}
		out[p.ActorID] = set
		return err
	}, "SELECT actor_id, kind, name, extension, sizes, remote_url, stored, tried_at, created_at, updated_at FROM actor_pictures WHERE "+in, args...)
	if err != nil {
		return nil, fmt.Errorf("pictures of actors: %w", err)
	}
	return out, nil
}

// Make stores the files of a picture that somebody sent and gives the row for
// [Service.Save]. [ErrRefused] when it is none.
func (s *Service) Make(ctx context.Context, kind Kind, data []byte) (*Picture, error) {
	p := &Picture{Kind: kind, Name: uuid.NewString(), Sizes: s.sizes(kind), Stored: true}
	return p, s.write(ctx, p, data, true)
}

func (s *Service) write(ctx context.Context, p *Picture, data []byte, mayBeClear bool) error {
	if s.Files == nil {
		return errors.New("pictures: no storage")
	}
	select {
	case s.rendering <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	files, extension, err := render(data, p.Sizes, mayBeClear)
	<-s.rendering
	if err != nil {
		return err
	}
	p.Extension = extension
	for i, size := range p.Sizes {
		if _, err := s.Files.Put(ctx, key(p.File(size)), bytes.NewReader(files[i])); err != nil {
			return fmt.Errorf("store picture: %w", err)
		}
	}
	return nil
}

// Save makes p the picture of an actor. A job deletes the files of the former
// one.
func (s *Service) Save(tx *db.Tx, actorID int64, p *Picture) error {
	if _, err := s.Remove(tx, actorID, p.Kind); err != nil {
		return err
	}
	now := db.Now()
	p.ActorID, p.CreatedAt, p.UpdatedAt = actorID, now, now
	if err := tx.Create(p).Error; err != nil {
		return fmt.Errorf("save picture of actor %d: %w", actorID, err)
	}
	return nil
}

// Remove takes a picture of an actor away; had tells whether there was one.
func (s *Service) Remove(tx *db.Tx, actorID int64, kind Kind) (had bool, err error) {
	var old []Picture
	err = tx.Clauses(clause.Returning{}).Where("actor_id = ? AND kind = ?", actorID, kind).Delete(&old).Error
	if err != nil {
		return false, fmt.Errorf("remove picture of actor %d: %w", actorID, err)
	}
	return len(old) > 0, dropFiles(tx, old)
}

// Forget deletes the files of a picture whose row was not written.
func (s *Service) Forget(ctx context.Context, p *Picture) {
	err := s.o.DB.Tx(context.WithoutCancel(ctx), func(tx *db.Tx) error { return dropFiles(tx, []Picture{*p}) })
	if err != nil {
		s.o.Logger.WarnContext(ctx, "files of an unused picture stay", "picture", p.Name, "error", err)
	}
}

// DropArgs deletes files that no row names any more.
type DropArgs struct{ Keys []string }

// Kind implements jobs.Args.
func (DropArgs) Kind() string { return "accounts.drop_pictures" }

func dropFiles(tx *db.Tx, pictures []Picture) error {
	var keys []string
	for i := range pictures {
		if pictures[i].Stored {
			keys = append(keys, pictures[i].Keys()...)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return jobs.Insert(tx, DropArgs{Keys: keys})
}

// Jobs are the job handlers.
func (s *Service) Jobs() []jobs.Handler {
	return []jobs.Handler{jobs.Handle(s.drop, jobs.Attempts(10)), jobs.Handle(s.evict, jobs.Attempts(1), jobs.Keep(evictEvery))}
}

func (s *Service) drop(ctx context.Context, a DropArgs) error {
	if s.Files == nil {
		return jobs.Discard(errors.New("pictures: no storage"))
	}
	var errs []error
	for _, k := range a.Keys {
		errs = append(errs, s.Files.Delete(ctx, k))
	}
	return errors.Join(errs...)
}

// split reads the name of a picture out of the name of one of its files.
func split(file string) (name string) {
	name, _, _ = strings.Cut(file, ".")
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		return name[:i]
	}
	return ""
}
