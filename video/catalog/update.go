package catalog

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/fulltext"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/video/picture"
	"github.com/kinemesh/kinemesh/web/rest"
)

// mayEdit tells whether p may change or delete v: its owner, and moderators.
func mayEdit(p *rest.Principal, v *Video) bool { return IsOwner(p, v) || p.IsModerator() }

// Update changes a local video as its owner, or a moderator, asks. pictures
// replace those of the same type and are stored already. Errors are
// *rest.Problem, ErrNotFound or ErrForbidden.
func (s *Service) Update(ctx context.Context, p *rest.Principal, ref Ref, in form.Input, pictures []Thumbnail) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		v, err := getRef(tx.DB, "", ref)
		if err != nil {
			return err
		}
		if v, err = Lock(tx, v.ID); err != nil {
			return err
		}
		if !v.Local || !mayEdit(p, v) { // SEC-44
			return ErrForbidden
		}
		before := *v
		m, err := LoadMedia(tx.DB, v.ID)
		if err != nil {
			return err
		}
		a := v.Attributes(m.Tags)
		if err := a.Apply(in); err != nil {
			return err
		}
		v.set(a)
		if err := moveChannel(tx, in, v); err != nil {
			return err
		}
		if err := s.saveUpdate(tx, &before, v); err != nil {
			return err
		}
		if !slices.Equal(a.Tags, m.Tags) {
			if err := saveTags(tx, v.ID, a.Tags); err != nil {
				return err
			}
		}
		if err := s.savePasswords(tx, v, before.Privacy, a.Passwords); err != nil {
			return err
		}
		if err := s.SetThumbnails(tx, v, pictures); err != nil {
			return err
		}
		if err := s.written(tx, v, Writing{By: p.UserID, New: isPrivate(&before) && !isPrivate(v)}); err != nil {
			return err
		}
		return s.afterUpdate(tx, &before, v)
	})
}

// moveChannel reads channelId: the new channel must belong to the same account.
func moveChannel(tx *db.Tx, in form.Input, v *Video) error {
	var check rest.Checker
	id, ok := in.Int(&check, "channelId")
	if err := check.Err(); err != nil {
		return err
	}
	if !ok || id == v.ChannelID {
		return nil
	}
	var n int64
	err := tx.Table("channels").Where("id = ? AND account_id = ? AND local = ?", id, v.Owner.AccountID, true).Count(&n).Error
	if err != nil {
		return fmt.Errorf("look up channel: %w", err)
	}
	if n == 0 {
		return rest.Invalid("body", "channelId", "Should be a channel of the same account", id)
	}
	v.ChannelID = id
	return nil
}

// updatable are the columns that Update may write.
var updatable = []string{
	"channel_id", "name", "folded", "description", "support", "category", "licence", "language", "privacy", "nsfw",
	"nsfw_summary", "nsfw_flags", "comments_policy", "download_enabled", "wait_transcoding", "originally_published_at",
	"published_at", "updated_at", "scheduled_at", "scheduled_privacy",
}

// savePasswords replaces the passwords of v with the given ones, nil for as they
// are, and forgets them when v is not protected any more.
func (s *Service) savePasswords(tx *db.Tx, v *Video, before Privacy, given []string) error {
	if s.SetPasswords == nil || v.Privacy != Password && before != Password || v.Privacy == Password && given == nil {
		return nil
	}
	return s.SetPasswords(tx, v.ID, given)
}

// RunSchedule gives v, which tx has locked, the privacy that it is due for.
func (s *Service) RunSchedule(tx *db.Tx, v *Video) error {
	before, sch := *v, v.Schedule()
	if sch == nil {
		return nil
	}
	v.Privacy, v.ScheduledAt, v.ScheduledPrivacy = sch.Privacy, nil, nil
	if err := s.saveUpdate(tx, &before, v); err != nil {
		return err
	}
	if err := s.savePasswords(tx, v, before.Privacy, nil); err != nil {
		return err
	}
	if err := s.written(tx, v, Writing{By: v.Owner.UserID, New: isPrivate(&before) && !isPrivate(v)}); err != nil {
		return err
	}
	return s.afterUpdate(tx, &before, v)
}

func (s *Service) saveUpdate(tx *db.Tx, before, v *Video) error {
	v.UpdatedAt = db.Now()
	if isPrivate(before) && !isPrivate(v) {
		v.PublishedAt = v.UpdatedAt // seen for the first time
	}
	if err := tx.Model(&Video{}).Where("id = ?", v.ID).Select(updatable).UpdateColumns(v).Error; err != nil {
		return fmt.Errorf("update video: %w", err)
	}
	return fulltext.Learn(tx, v.Folded)
}

// afterUpdate starts what follows from a change: other addresses or names mean
// other torrents and swarms, and other servers hear of it.
func (s *Service) afterUpdate(tx *db.Tx, before, v *Video) error {
	if before.Name != v.Name || isPrivate(before) != isPrivate(v) {
		if err := jobs.Insert(tx, TorrentArgs{VideoID: v.ID}, jobs.Unique(strconv.FormatInt(v.ID, 10))); err != nil {
			return err
		}
	}
	if isPrivate(before) != isPrivate(v) {
		if err := s.SetSwarms(tx, v); err != nil { // those of the former address
			return err
		}
		if err := s.RefreshInfohashes(tx, v); err != nil {
			return err
		}
	}
	if before.Privacy != v.Privacy {
		if err := s.moved(tx, before, v); err != nil {
			return err
		}
	}
	if v.State == ToTranscode && before.WaitTranscoding && !v.WaitTranscoding {
		return s.Advance(tx, v.ID) // which also federates
	}
	what := FederateUpdate
	switch {
	case !s.Federates(v):
		what = FederateDelete
	case v.FederatedAt == nil:
		what = FederateCreate
	}
	return s.federate(tx, v, what)
}

// SetThumbnails replaces the pictures of a video by type. The objects of the
// former ones are deleted by a job.
func (s *Service) SetThumbnails(tx *db.Tx, v *Video, pictures []Thumbnail) error {
	gone, err := picture.Set(tx, v.ID, v.IRI, pictures)
	if err != nil {
		return err
	}
	for i := range gone {
		if err := deleteFiles(tx, gone[i].Key()); err != nil {
			return err
		}
	}
	return nil
}

// Delete removes a local video as its owner, or a moderator, asks: its row now,
// its objects and its copies on other servers by jobs.
func (s *Service) Delete(ctx context.Context, p *rest.Principal, ref Ref) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		v, err := getRef(tx.DB, "", ref)
		if err != nil {
			return err
		}
		if v, err = Lock(tx, v.ID); err != nil {
			return err
		}
		if !mayEdit(p, v) { // SEC-44
			return ErrForbidden
		}
		return s.Drop(tx, v)
	})
}

// Drop removes a video, local or remote. What it stored is deleted by a job; of
// a local video that other servers know, a job tells them.
func (s *Service) Drop(tx *db.Tx, v *Video) error {
	m, err := LoadMedia(tx.DB, v.ID)
	if err != nil {
		return err
	}
	if err := dropSource(tx, v.ID); err != nil {
		return err
	}
	keys := []string{v.SourceKey}
	if v.Local {
		for _, f := range slices.Concat(m.Files, m.HLS) {
			keys = append(keys, fileKeys(v, &f)...)
		}
		if m.Playlist != nil {
			keys = append(keys, playlistKeys(v, m.Playlist)...)
		}
	}
	for _, t := range m.Thumbnails {
		if t.Stored {
			keys = append(keys, t.Key())
		}
	}
	keys = append(keys, m.extraKeys()...)
	if v.Local && v.FederatedAt != nil {
		shared, err := Involved(tx.DB, v.ID)
		if err != nil {
			return err
		}
		args := FederateArgs{VideoID: v.ID, What: FederateDelete, IRI: v.IRI, ActorID: v.Owner.AccountActorID, Shared: shared}
		if err := jobs.Insert(tx, args); err != nil {
			return err
		}
	}
	if err := tx.Where("id = ?", v.ID).Delete(&Video{}).Error; err != nil {
		return fmt.Errorf("delete video: %w", err)
	}
	if s.Dropped != nil {
		if err := s.Dropped(tx, v); err != nil {
			return err
		}
	}
	return deleteFiles(tx, keys...)
}
