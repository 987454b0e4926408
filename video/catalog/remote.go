package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/fulltext"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/picture"
)

// Remote is a video of another server as its document describes it, checked and
// cleaned by the caller.
type Remote struct {
	Video      Video // IRI, UUID, ChannelID, fields; Local, Listed, Folded and counts of rows are set here
	Tags       []string
	Files      []File // progressive
	Playlist   *StreamingPlaylist
	HLS        []File
	Thumbnails []Thumbnail // Type, RemoteURL, Width, Height
	Trackers   []string
	Infohashes []string  // that the document lists for its playlist
	Captions   []Caption // Language, Generated, RemoteURL
	Storyboard *Storyboard
}

// SaveRemote writes a remote video and returns its row. A document older than
// the stored one changes nothing, so deliveries may come in any order. Another
// video with the same UUID keeps it: ErrConflict. Its pictures are fetched by a
// job.
func (s *Service) SaveRemote(tx *db.Tx, r Remote) (v *Video, changed bool, err error) {
	old, err := stored(tx, r.Video.IRI, r.Video.UUID)
	if err != nil {
		return nil, false, err
	}
	if old != nil && r.Video.UpdatedAt.Before(old.UpdatedAt) {
		return old, false, nil
	}
	if err := s.saveRemoteRow(tx, &r, old); err != nil {
		return nil, false, err
	}
	if v, err = Lock(tx, r.Video.ID); err != nil {
		return nil, false, err
	}
	if err := s.saveRemoteParts(tx, v, &r); err != nil {
		return nil, false, err
	}
	listed, err := s.shouldList(tx, v)
	if err != nil {
		return nil, false, err
	}
	v.Listed = listed
	if err := tx.Model(&Video{}).Where("id = ?", v.ID).UpdateColumn("listed", listed).Error; err != nil {
		return nil, false, fmt.Errorf("list video: %w", err)
	}
	if err := s.written(tx, v, Writing{New: old == nil}); err != nil || old != nil {
		return v, true, err
	}
	return v, true, s.moved(tx, nil, v)
}

// stored loads and locks the remote video that a document describes; nil when it
// is new. One query looks for both names: between two, another delivery of the
// same document could write the row.
func stored(tx *db.Tx, iri, uuid string) (*Video, error) {
	var rows []struct {
		ID  int64
		IRI string `gorm:"column:iri"`
	}
	if err := tx.Raw("SELECT id, iri FROM videos WHERE iri = ? OR uuid = ?", iri, uuid).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("look up remote video: %w", err)
	}
	var old *Video
	for _, r := range rows {
		if r.IRI != iri {
			return nil, ErrConflict
		}
		v, err := Lock(tx, r.ID)
		if err != nil {
			return nil, err
		}
		if v.Local {
			return nil, ErrConflict
		}
		old = v
	}
	return old, nil
}

func (s *Service) saveRemoteRow(tx *db.Tx, r *Remote, old *Video) error {
	now := db.Now()
	v := &r.Video
	v.Local, v.FetchedAt = false, &now
	v.set(v.Attributes(r.Tags))
	parts, shares := v.PartsURL, v.SharesURL
	v.PartsURL, v.SharesURL = iri.Short(v.IRI, parts), iri.Short(v.IRI, shares)
	defer func() { v.PartsURL, v.SharesURL = parts, shares }()
	if old == nil {
		v.ID, v.CreatedAt = 0, now
		v.Listed = false
		if err := tx.Create(v).Error; err != nil {
			return fmt.Errorf("save remote video: %w", err)
		}
		return nil
	}
	v.ID, v.CreatedAt, v.Listed = old.ID, old.CreatedAt, old.Listed
	v.Likes, v.Dislikes, v.Comments = old.Likes, old.Dislikes, old.Comments
	v.Blocked, v.Withheld = old.Blocked, old.Withheld
	if err := tx.Model(v).Where("id = ?", v.ID).Select("*").UpdateColumns(v).Error; err != nil {
		return fmt.Errorf("save remote video: %w", err)
	}
	return nil
}

func (s *Service) saveRemoteParts(tx *db.Tx, v *Video, r *Remote) error {
	if err := errors.Join(saveTags(tx, v.ID, r.Tags), fulltext.Learn(tx, v.Folded)); err != nil {
		return err
	}
	if r.Playlist != nil {
		if err := s.SetPlaylist(tx, v, r.Playlist); err != nil {
			return err
		}
		for i := range r.HLS {
			r.HLS[i].PlaylistID = &r.Playlist.ID
		}
	} else if err := dropPlaylist(tx, v); err != nil {
		return err
	}
	if err := s.saveRemoteFiles(tx, v, slices.Concat(r.Files, r.HLS)); err != nil {
		return err
	}
	if err := tx.Where("video_id = ?", v.ID).Delete(&Tracker{}).Error; err != nil {
		return fmt.Errorf("replace trackers: %w", err)
	}
	for _, t := range r.Trackers {
		row := Tracker{VideoID: v.ID, URL: t}
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
			return fmt.Errorf("save tracker: %w", err)
		}
	}
	if err := s.SetSwarms(tx, v, r.Infohashes...); err != nil {
		return err
	}
	if err := s.RefreshInfohashes(tx, v); err != nil {
		return err
	}
	if err := s.saveRemoteExtras(tx, v, r); err != nil {
		return err
	}
	return s.saveRemoteThumbnails(tx, v, r.Thumbnails)
}

// saveRemoteFiles makes the rows of v the given ones. A file that stays keeps
// its id.
func (s *Service) saveRemoteFiles(tx *db.Tx, v *Video, files []File) error {
	var stay []int64
	for i := range files {
		f := &files[i]
		f.VideoID = v.ID
		f.URL, f.TorrentURL, f.MetadataURL = iri.Short(v.IRI, f.URL), iri.Short(v.IRI, f.TorrentURL), iri.Short(v.IRI, f.MetadataURL)
		old, err := sameFile(tx, f)
		if err != nil {
			return err
		}
		if old != nil {
			f.ID = old.ID
			err = tx.Model(f).Where("id = ?", f.ID).Select("*").UpdateColumns(f).Error
		} else {
			f.ID = 0
			err = tx.Create(f).Error
		}
		if err != nil {
			return fmt.Errorf("save remote file: %w", err)
		}
		stay = append(stay, f.ID)
	}
	q := tx.Where("video_id = ?", v.ID)
	if len(stay) > 0 {
		q = q.Where("id NOT IN ?", stay)
	}
	if err := q.Delete(&File{}).Error; err != nil {
		return fmt.Errorf("drop remote files: %w", err)
	}
	return nil
}

// saveRemoteThumbnails notes where the pictures are. One whose address has not
// changed is left as it is; others are fetched by a job.
func (s *Service) saveRemoteThumbnails(tx *db.Tx, v *Video, pictures []Thumbnail) error {
	have, err := picture.Of(tx.DB, v.ID, v.IRI)
	if err != nil {
		return err
	}
	var fresh []Thumbnail
	for _, t := range pictures {
		same := slices.ContainsFunc(have, func(h Thumbnail) bool { return h.Type == t.Type && h.RemoteURL == t.RemoteURL })
		if !same {
			fresh = append(fresh, t)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := s.SetThumbnails(tx, v, fresh); err != nil {
		return err
	}
	return jobs.Insert(tx, RemoteThumbnailArgs{VideoID: v.ID}, jobs.Unique(strconv.FormatInt(v.ID, 10)))
}

// shouldList tells whether a remote video belongs in the lists of this
// instance: its instance actor follows the channel, the account or an actor
// that shared the video (PT federation 5). A blocked one is in no list.
func (s *Service) shouldList(tx *db.Tx, v *Video) (bool, error) {
	if v.Blocked {
		return false, nil
	}
	var n int64
	err := tx.Raw(`SELECT COUNT(*) FROM follows f
 JOIN actors me ON me.id = f.follower_id AND me.host = '' AND me.type = 'Application'
 WHERE f.state = 'accepted' AND (f.target_id IN (?, ?)
  OR f.target_id IN (SELECT actor_id FROM video_shares WHERE video_id = ?))`,
		v.Owner.ChannelActorID, v.Owner.AccountActorID, v.ID).Scan(&n).Error
	if err != nil {
		return false, fmt.Errorf("look up follows: %w", err)
	}
	return n > 0, nil
}

// listedSQL tells, in an UPDATE of videos, what [Service.shouldList] tells.
const listedSQL = `(NOT blocked AND (
  EXISTS (SELECT 1 FROM channels c JOIN accounts a ON a.id = c.account_id
   WHERE c.id = videos.channel_id AND (c.actor_id IN (` + followedSQL + `) OR a.actor_id IN (` + followedSQL + `)))
  OR EXISTS (SELECT 1 FROM video_shares s WHERE s.video_id = videos.id AND s.actor_id IN (` + followedSQL + `))))`

const followedSQL = `SELECT f.target_id FROM follows f
 JOIN actors me ON me.id = f.follower_id AND me.host = '' AND me.type = 'Application' WHERE f.state = 'accepted'`

// RefreshListed decides anew which remote videos belong in the lists, after
// follows were accepted or ended.
func (s *Service) RefreshListed(tx *db.Tx) error {
	err := tx.Exec(`UPDATE videos SET listed = NOT listed WHERE local = ? AND listed <> `+listedSQL, false).Error
	if err != nil {
		return fmt.Errorf("refresh lists: %w", err)
	}
	return nil
}

// Involved are the actors involved in a video (PT federation 3), by row id:
// all that announced it, which of a local one are its channel, the instance
// actor and those of other servers that shared it.
func Involved(g *gorm.DB, videoID int64) ([]int64, error) {
	var ids []int64
	if err := g.Model(&Share{}).Where("video_id = ?", videoID).Order("actor_id").Pluck("actor_id", &ids).Error; err != nil {
		return nil, fmt.Errorf("actors involved in video %d: %w", videoID, err)
	}
	return ids, nil
}

// RefreshListedOf is [Service.RefreshListed] for the videos of one actor and
// those that it shared.
func (s *Service) RefreshListedOf(tx *db.Tx, actorID int64) error {
	err := tx.Exec(`UPDATE videos SET listed = NOT listed WHERE local = ? AND (channel_id IN (
  SELECT c.id FROM channels c JOIN accounts a ON a.id = c.account_id WHERE c.actor_id = ? OR a.actor_id = ?)
 OR id IN (SELECT video_id FROM video_shares WHERE actor_id = ?)) AND listed <> `+listedSQL, false, actorID, actorID, actorID).Error
	if err != nil {
		return fmt.Errorf("refresh lists: %w", err)
	}
	return nil
}

// AddShare notes that an actor announced a video; a repeated one changes
// nothing. It lists the video when the actor is followed.
func (s *Service) AddShare(tx *db.Tx, v *Video, actorID int64, iri string) error {
	row := Share{VideoID: v.ID, ActorID: actorID, IRI: iri, CreatedAt: db.Now()}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return fmt.Errorf("save share: %w", err)
	}
	return s.relist(tx, v)
}

// RemoveShare takes an announce back; it may never have been there.
func (s *Service) RemoveShare(tx *db.Tx, v *Video, actorID int64) error {
	if err := tx.Where("video_id = ? AND actor_id = ?", v.ID, actorID).Delete(&Share{}).Error; err != nil {
		return fmt.Errorf("drop share: %w", err)
	}
	return s.relist(tx, v)
}

func (s *Service) relist(tx *db.Tx, v *Video) error {
	if v.Local {
		return nil
	}
	listed, err := s.shouldList(tx, v)
	if err != nil || listed == v.Listed {
		return err
	}
	v.Listed = listed
	if err := tx.Model(&Video{}).Where("id = ?", v.ID).UpdateColumn("listed", listed).Error; err != nil {
		return fmt.Errorf("list video: %w", err)
	}
	return nil
}

// DropActor removes what an actor leaves behind: the videos of its channels, or
// of the channel that it is, and its shares.
func (s *Service) DropActor(ctx context.Context, actorID int64) error {
	var ids []int64
	err := s.db.Read(ctx).Raw(`SELECT v.id FROM videos v`+ownerJoin+` WHERE ch.actor_id = ? OR ac.actor_id = ? ORDER BY v.id`,
		actorID, actorID).Scan(&ids).Error
	if err != nil {
		return fmt.Errorf("videos of an actor: %w", err)
	}
	for _, id := range ids {
		err := s.db.Tx(ctx, func(tx *db.Tx) error {
			v, err := Lock(tx, id)
			if err != nil {
				return err
			}
			return s.Drop(tx, v)
		})
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		var shared []int64
		if err := tx.Model(&Share{}).Where("actor_id = ?", actorID).Pluck("video_id", &shared).Error; err != nil {
			return fmt.Errorf("shares of an actor: %w", err)
		}
		for _, id := range shared {
			v, err := Lock(tx, id)
			if err == nil {
				err = s.RemoveShare(tx, v, actorID)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
