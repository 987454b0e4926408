package picture

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

const (
	// fetchTime is how long a viewer waits for a picture of another server.
	fetchTime = 15 * time.Second
	// fetchAgain is how long one that could not be had is not asked for.
	fetchAgain = 10 * time.Minute
)

// ActorSaved notes where a remote actor has its pictures. They are fetched when
// somebody looks at them.
func (s *Service) ActorSaved(tx *db.Tx, a *actor.Actor) error {
	have, err := of(tx.DB, a.ID)
	if err != nil {
		return err
	}
	for _, p := range []struct {
		kind Kind
		url  string
		old  *Picture
	}{{Avatar, a.IconURL, have[a.ID].Avatar}, {Banner, a.BannerURL, have[a.ID].Banner}} {
		switch {
		case p.old == nil && p.url == "" || p.old != nil && p.old.RemoteURL == p.url:
			continue
		case p.url == "":
			_, err = s.Remove(tx, a.ID, p.kind)
		default:
			err = s.Save(tx, a.ID, &Picture{
				Kind: p.kind, Name: uuid.NewString(), Extension: jpg, Sizes: s.remoteSizes(p.kind), RemoteURL: p.url,
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ActorDeleted drops the pictures of an actor that is gone. It may run twice.
func (s *Service) ActorDeleted(ctx context.Context, a *actor.Actor) error {
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		for _, kind := range []Kind{Avatar, Banner} {
			if _, err := s.Remove(tx, a.ID, kind); err != nil {
				return err
			}
		}
		return nil
	})
}

// Find gives the storage key of a file below a folder ("avatars", "banners"). One
// of another server that is not here yet is fetched first. db.ErrNotFound when
// there is none, or its server is blocked (SEC-19).
func (s *Service) Find(ctx context.Context, folder, file string) (string, error) {
	p, err := s.named(ctx, folder, file)
	if err != nil {
		return "", err
	}
	if !p.Stored {
		if p.TriedAt != nil && db.Now().Sub(*p.TriedAt) < fetchAgain {
			return "", fmt.Errorf("picture %s: %w", file, db.ErrNotFound)
		}
		if err := s.fetchOnce(ctx, p); err != nil {
			return "", err
		}
	}
	return key(file), nil
}

// named reads the row of a file that may be shown.
func (s *Service) named(ctx context.Context, folder, file string) (*Picture, error) {
	var row struct {
		Picture
		Host string
	}
	err := s.o.DB.Read(ctx).Table("actor_pictures AS p").Joins("JOIN actors a ON a.id = p.actor_id").
		Select("p.*, a.host").Where("p.name = ? AND a.gone_at IS NULL", split(file)).Take(&row).Error
	if err != nil {
		return nil, fmt.Errorf("picture %s: %w", file, err)
	}
	known := false
	for _, size := range row.Sizes {
		known = known || row.File(size) == file
	}
	if !known || row.Kind.Folder() != folder || row.Host != "" && s.o.Rules != nil && s.o.Rules.Blocked(ctx, row.Host) {
		return nil, fmt.Errorf("picture %s: %w", file, db.ErrNotFound)
	}
	return &row.Picture, nil
}

// fetchOnce gets a picture once for all who wait. It goes on when the one who
// asked first goes away.
func (s *Service) fetchOnce(ctx context.Context, p *Picture) error {
	_, err, _ := s.fetches.Do(p.Name, func() (any, error) {
		select {
		case s.fetching <- struct{}{}:
			defer func() { <-s.fetching }()
		default:
			return nil, &rest.Problem{
				Status: http.StatusServiceUnavailable, Code: "busy", Detail: "Too many pictures are being fetched",
				Header: map[string]string{"Retry-After": "5"},
			}
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTime)
		defer cancel()
		return nil, s.fetch(ctx, p)
	})
	return err
}

func (s *Service) fetch(ctx context.Context, p *Picture) error {
	if s.o.Transport == nil {
		return fmt.Errorf("picture %s: %w", p.Name, db.ErrNotFound)
	}
	data, _, err := s.o.Transport.GetFile(ctx, p.RemoteURL, MaxBytes)
	fetched := *p
	if err == nil {
		err = s.write(ctx, &fetched, data, false)
	}
	set := map[string]any{"tried_at": db.Now(), "stored": true}
	if err != nil {
		s.o.Logger.InfoContext(ctx, "picture of a remote actor not fetched", "address", p.RemoteURL, "error", err)
		delete(set, "stored")
	}
	var still int64
	saved := s.o.DB.Tx(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		done := tx.Model(&Picture{}).Where("name = ?", p.Name).UpdateColumns(set)
		if still = done.RowsAffected; done.Error != nil || still > 0 || err != nil {
			return done.Error
		}
		fetched.Stored = true
		return dropFiles(tx, []Picture{fetched}) // the actor has another one since
	})
	switch {
	case saved != nil:
		return errors.Join(saved, err)
	case err != nil || still == 0:
		return fmt.Errorf("picture %s: %w", p.Name, db.ErrNotFound)
	}
	return nil
}
