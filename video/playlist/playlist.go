package playlist

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/kept"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Options are what a Service needs.
type Options struct {
	DB       *db.DB
	Engine   *activitypub.Engine // nil in tests of the API alone
	Catalog  *catalog.Service
	Listing  *listing.Service
	Channels *channel.Service
	Logger   *slog.Logger
}

// Service holds the operations on playlists. It is safe for concurrent use.
type Service struct {
	db       *db.DB
	kept     *kept.Kept
	engine   *activitypub.Engine
	catalog  *catalog.Service
	listing  *listing.Service
	channels *channel.Service
	log      *slog.Logger
	urls     catalog.URLs
}

// New returns a Service.
func New(o Options) *Service {
	return &Service{
		db: o.DB, kept: kept.New(o.DB, "playlists"), engine: o.Engine, catalog: o.Catalog, listing: o.Listing, channels: o.Channels,
		log: o.Logger, urls: o.Catalog.URLs(),
	}
}

// Module is this feature's part of the module.
func (s *Service) Module() activitypub.Module {
	on := func(activity string, do func(context.Context, *activitypub.Activity) error) activitypub.Handler {
		return activitypub.Handler{On: activitypub.On{Activity: activity, Object: "Playlist"}, Do: do}
	}
	return activitypub.Module{
		Handlers: []activitypub.Handler{on("Create", s.onDocument), on("Update", s.onDocument), on("Delete", s.onDelete)},
		Objects: []activitypub.ObjectType{
			{Type: "Playlist", Local: s.local, Has: s.has, Ingest: s.Ingest, Remove: s.remove},
			{Type: "PlaylistElement"}, // documents of their own, read with their playlist
		},
		Jobs: []jobs.Handler{
			jobs.Handle(s.federate),
			jobs.Handle(s.fetchElements, jobs.Attempts(3), jobs.Keep(time.Hour), jobs.Timeout(10*time.Minute)),
		},
		ActorDeleted: s.actorDeleted,
		Routes:       s.Routes,
	}
}

// FederateArgs tells other servers what a local playlist is now. For a deleted
// one the row is gone, so the arguments carry what the activity needs.
type FederateArgs struct {
	PlaylistID int64 `json:"playlistId"`

	IRI     string `json:"iri,omitempty"`
	ActorID int64  `json:"actorId,omitempty"`
	Channel int64  `json:"channel,omitempty"` // its actor, 0: none
}

// Kind implements jobs.Args.
func (FederateArgs) Kind() string { return "video.playlist-federate" }

// ElementsArgs reads the elements of a remote playlist.
type ElementsArgs struct {
	PlaylistID int64 `json:"playlistId"`
}

// Kind implements jobs.Args.
func (ElementsArgs) Kind() string { return "video.playlist-elements" }

// updateAfter is how long changes of a playlist are gathered: a client adds
// videos one by one.
const updateAfter = 2 * time.Second

// federates tells whether others may have a playlist (PT federation 3).
func federates(p *Playlist) bool {
	return p.Local && p.Privacy != catalog.Private && p.Type == Regular
}

// changed dates a playlist and has other servers told.
func (s *Service) changed(tx *db.Tx, p *Playlist) error {
	p.UpdatedAt = db.Now()
	if err := tx.Model(&Playlist{}).Where("id = ?", p.ID).UpdateColumn("updated_at", p.UpdatedAt).Error; err != nil {
		return fmt.Errorf("date playlist: %w", err)
	}
	if !federates(p) && p.FederatedAt == nil {
		return nil
	}
	opts := []jobs.Option{jobs.Unique(strconv.FormatInt(p.ID, 10))}
	if p.FederatedAt != nil {
		opts = append(opts, jobs.RunAt(db.Now().Add(updateAfter)))
	}
	return jobs.Insert(tx, FederateArgs{PlaylistID: p.ID}, opts...)
}

// IRIOf is the ActivityPub id of a local playlist (PT federation 2).
func (s *Service) iriOf(uuid string) string { return s.urls.Origin + "/video-playlists/" + uuid }

// Attributes are what the owner of a playlist sets.
type Attributes struct {
	Name, Description string
	Privacy           catalog.Privacy
	ChannelID         *int64
	Picture           string // name of a stored one that is its own from now on; empty: as it is
}

// Create makes a playlist of an account.
func (s *Service) Create(ctx context.Context, accountID int64, a Attributes) (*Playlist, error) {
	now := db.Now()
	id := uuid.NewString()
	p := &Playlist{
		UUID: id, IRI: s.iriOf(id), AccountID: accountID, Local: true, Type: Regular, CreatedAt: now, UpdatedAt: now,
		Name: a.Name, Description: a.Description, Privacy: a.Privacy, ChannelID: a.ChannelID, Thumbnail: a.Picture,
	}
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := errors.Join(s.place(tx, p), p.learn(tx)); err != nil {
			return err
		}
		if err := tx.Create(p).Error; err != nil {
			return fmt.Errorf("create playlist: %w", err)
		}
		return s.changed(tx, p)
	})
	return p, err
}

// place checks the channel of a playlist, which must be its account's (SEC-16),
// and puts it behind the others there.
func (s *Service) place(tx *db.Tx, p *Playlist) error {
	if p.ChannelID == nil {
		p.Position = 0
		return nil
	}
	var n int64
	err := tx.Table("channels c").Joins("JOIN actors a ON a.id = c.actor_id").
		Where("c.id = ? AND c.account_id = ? AND c.local = ? AND a.gone_at IS NULL", *p.ChannelID, p.AccountID, true).Count(&n).Error
	if err != nil {
		return fmt.Errorf("look up channel: %w", err)
	}
	if n == 0 {
		return rest.Forbidden("Should be a channel of yours")
	}
	err = tx.Raw("SELECT COALESCE(MAX(position), 0) + 1 FROM playlists WHERE channel_id = ? AND id <> ?", *p.ChannelID, p.ID).Scan(&p.Position).Error
	if err != nil {
		return fmt.Errorf("place playlist: %w", err)
	}
	return nil
}

// Update changes a local playlist.
func (s *Service) Update(ctx context.Context, id int64, change func(*Attributes) error) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		p, err := lock(tx, id)
		if err != nil {
			return err
		}
		a := Attributes{Name: p.Name, Description: p.Description, Privacy: p.Privacy, ChannelID: p.ChannelID}
		if err := change(&a); err != nil {
			return err
		}
		moved := (a.ChannelID == nil) != (p.ChannelID == nil) || (a.ChannelID != nil && *a.ChannelID != *p.ChannelID)
		p.Name, p.Description, p.Privacy, p.ChannelID = a.Name, a.Description, a.Privacy, a.ChannelID
		if moved {
			if err := s.place(tx, p); err != nil {
				return err
			}
		}
		if a.Picture != "" {
			if err := forgetPicture(tx, p); err != nil {
				return err
			}
			p.Thumbnail = a.Picture
		}
		if err := p.learn(tx); err != nil {
			return err
		}
		err = tx.Model(&Playlist{}).Where("id = ?", p.ID).Select("name", "words", "description", "privacy", "channel_id", "position", "thumbnail").UpdateColumns(p).Error
		if err != nil {
			return fmt.Errorf("update playlist: %w", err)
		}
		return s.changed(tx, p)
	})
}

// Delete removes a playlist and has other servers told when it is a local one.
func (s *Service) Delete(ctx context.Context, id int64) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		p, err := lock(tx, id)
		if err != nil {
			return err
		}
		if p.FederatedAt != nil {
			args := FederateArgs{PlaylistID: p.ID, IRI: p.IRI}
			if args.ActorID, args.Channel, err = owners(tx, p); err != nil {
				return err
			}
			if err := jobs.Insert(tx, args); err != nil {
				return err
			}
		}
		return drop(tx, p)
	})
}

func drop(tx *db.Tx, p *Playlist) error {
	if err := tx.Where("id = ?", p.ID).Delete(&Playlist{}).Error; err != nil {
		return fmt.Errorf("delete playlist: %w", err)
	}
	return forgetPicture(tx, p)
}

// owners are the actors of a playlist's account and channel.
func owners(tx *db.Tx, p *Playlist) (account, channelActor int64, err error) {
	if err = tx.Raw("SELECT actor_id FROM accounts WHERE id = ?", p.AccountID).Scan(&account).Error; err == nil && p.ChannelID != nil {
		err = tx.Raw("SELECT actor_id FROM channels WHERE id = ?", *p.ChannelID).Scan(&channelActor).Error
	}
	if err != nil {
		return 0, 0, fmt.Errorf("owners of playlist: %w", err)
	}
	return account, channelActor, nil
}

// WatchLaterOf returns the list "watch later" of an account and makes it when
// there is none.
func (s *Service) WatchLaterOf(ctx context.Context, accountID int64) (*Playlist, error) {
	p, err := get(s.db.Read(ctx), "account_id = ? AND type = ?", accountID, WatchLater)
	if err == nil || !errors.Is(err, ErrNotFound) {
		return p, err
	}
	now := db.Now()
	id := uuid.NewString()
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		err := tx.Exec(`INSERT INTO playlists (uuid, iri, account_id, local, name, privacy, type, created_at, updated_at)
 VALUES (?, ?, ?, ?, 'Watch later', ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			id, s.iriOf(id), accountID, true, catalog.Private, WatchLater, now, now).Error
		if err != nil {
			return fmt.Errorf("create playlist: %w", err)
		}
		p, err = get(tx.DB, "account_id = ? AND type = ?", accountID, WatchLater)
		return err
	})
	return p, err
}

// Add puts a video at the end of a playlist.
func (s *Service) Add(ctx context.Context, id, videoID int64, start, stop *int) (e *Element, err error) {
	now := db.Now()
	e = &Element{PlaylistID: id, VideoID: &videoID, StartTimestamp: start, StopTimestamp: stop, CreatedAt: now, UpdatedAt: now}
	err = s.change(ctx, id, func(tx *db.Tx, rows []Element) error {
		if len(rows) >= maxElements {
			return &rest.Problem{Status: http.StatusBadRequest, Detail: "The playlist is full"}
		}
		e.Position = len(rows) + 1
		if err := tx.Create(e).Error; err != nil {
			return fmt.Errorf("add element: %w", err)
		}
		return nil
	})
	return e, err
}

// change works on the elements of a playlist, in their order.
func (s *Service) change(ctx context.Context, id int64, do func(*db.Tx, []Element) error) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		p, err := lock(tx, id)
		if err != nil {
			return err
		}
		rows, err := elements(tx.DB, id)
		if err != nil {
			return err
		}
		if err := do(tx, rows); err != nil {
			return err
		}
		return s.changed(tx, p)
	})
}

func find(rows []Element, id int64) int {
	return slices.IndexFunc(rows, func(e Element) bool { return e.ID == id })
}

// Remove takes an element out; those behind move up.
func (s *Service) Remove(ctx context.Context, id, elementID int64) error {
	return s.change(ctx, id, func(tx *db.Tx, rows []Element) error {
		i := find(rows, elementID)
		if i < 0 {
			return ErrNotFound
		}
		if err := tx.Where("id = ?", elementID).Delete(&Element{}).Error; err != nil {
			return fmt.Errorf("remove element: %w", err)
		}
		return renumber(tx, slices.Delete(rows, i, i+1))
	})
}

// Cut sets from when to when an element plays.
func (s *Service) Cut(ctx context.Context, id, elementID int64, start, stop *int) error {
	return s.change(ctx, id, func(tx *db.Tx, rows []Element) error {
		if find(rows, elementID) < 0 {
			return ErrNotFound
		}
		err := tx.Model(&Element{}).Where("id = ?", elementID).UpdateColumns(map[string]any{
			"start_timestamp": start, "stop_timestamp": stop, "updated_at": db.Now(),
		}).Error
		if err != nil {
			return fmt.Errorf("cut element: %w", err)
		}
		return nil
	})
}

// errOrder says that a move names positions that are not there.
var errOrder = errors.New("no such positions")

// Move puts n elements from a position behind another one; 0 is the beginning.
func (s *Service) Move(ctx context.Context, id int64, from, after, n int) error {
	return s.change(ctx, id, func(tx *db.Tx, rows []Element) error {
		out, err := reorder(rows, from, after, n)
		if err != nil {
			return err
		}
		return renumber(tx, out)
	})
}

func reorder[T any](rows []T, from, after, n int) ([]T, error) {
	if from < 1 || n < 1 || after < 0 || from > len(rows) || n > len(rows)-from+1 || after > len(rows) {
		return nil, errOrder
	}
	if after >= from-1 && after < from+n { // behind one of themselves, or where they are
		return slices.Clone(rows), nil
	}
	block := slices.Clone(rows[from-1 : from-1+n])
	if after > from {
		after -= n
	}
	rest := slices.Delete(slices.Clone(rows), from-1, from-1+n)
	return slices.Insert(rest, after, block...), nil
}
