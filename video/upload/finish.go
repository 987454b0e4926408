package upload

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/web/rest"
)

// finish makes a video of an upload that is complete. The caller holds the lock
// of the part. When it fails the upload can be tried again, unless the error is
// a fileError.
func (u *Upload) finish(ctx context.Context, s *session) (*catalog.Video, error) {
	select {
	case u.finishers <- struct{}{}:
		defer func() { <-u.finishers }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	gone, err := u.update(ctx, s.ID, map[string]any{"state": stateFinishing})
	if err != nil {
		return nil, err
	}
	if gone {
		return nil, unknownSession()
	}
	v, err := u.makeVideo(ctx, s)
	if err != nil {
		_, backErr := u.update(ctx, s.ID, map[string]any{"state": stateOpen})
		return nil, errors.Join(err, backErr)
	}
	if err := u.removePart(s.ID); err != nil { // the cleaner finds it
		u.log.WarnContext(ctx, "part of a finished upload stays", "upload", s.ID, "error", err)
	}
	u.log.InfoContext(ctx, "video uploaded", "video", v.UUID, "size", s.Size, "user", s.UserID)
	return v, nil
}

// makeVideo examines the part, stores what belongs to the video and commits.
func (u *Upload) makeVideo(ctx context.Context, s *session) (*catalog.Video, error) {
	d, err := s.details()
	if err != nil {
		return nil, err
	}
	info, err := u.o.Tool.Probe(ctx, u.path(s.ID))
	if err != nil {
		return nil, fault(err)
	}
	renditions, err := plan(info, u.o.Transcoding())
	if err != nil {
		return nil, err
	}
	if d.Replaces != 0 {
		if err := u.onlyAutomatic(ctx, d); err != nil {
			return nil, err
		}
	}
	if err := u.makePictures(ctx, s, d, info); err != nil {
		return nil, err
	}
	return u.commit(ctx, s, d, info, renditions)
}

// commit hands the source to storage and writes the video.
func (u *Upload) commit(ctx context.Context, s *session, d *details, info *ffmpeg.Info, renditions []catalog.Rendition) (*catalog.Video, error) {
	source, err := u.linkPart(s.ID)
	if err != nil {
		return nil, err
	}
	if err := u.o.Store.PutFile(ctx, d.sourceKey(), source); err != nil {
		return nil, fmt.Errorf("store upload: %w", err)
	}
	var v *catalog.Video
	err = u.o.DB.Tx(ctx, func(tx *db.Tx) error {
		state, err := lockSession(tx, s.ID)
		if err != nil {
			return err
		}
		if state != stateFinishing {
			return unknownSession()
		}
		v, err = u.write(tx, s.UserID, d, catalog.NewVideo{
			UUID: d.UUID, ChannelID: d.ChannelID, Attributes: d.Attributes,
			Duration: int(math.Round(info.Duration.Seconds())), AspectRatio: math.Round(info.Ratio()*1e4) / 1e4,
			SourceName: d.Filename, SourceKey: d.sourceKey(), SourceSize: s.Size,
			Renditions: renditions, Thumbnails: d.Pictures,
		})
		if err != nil {
			return err
		}
		if err := catalog.SetSource(tx, sourceOf(v.ID, d, info, s.Size)); err != nil {
			return err
		}
		return tx.Model(&session{}).Where("id = ?", s.ID).UpdateColumns(map[string]any{
			"state": stateDone, "received": s.Size, "video_id": v.ID, "updated_at": db.Now(),
		}).Error
	})
	return v, err
}

// write makes a video of a file, or gives it to the video that it is for.
func (u *Upload) write(tx *db.Tx, userID int64, d *details, n catalog.NewVideo) (*catalog.Video, error) {
	if d.Replaces != 0 {
		return u.replace(tx, userID, d, n)
	}
	if err := stillOwned(tx, d.ChannelID, userID); err != nil {
		return nil, err
	}
	return u.o.Catalog.Create(tx, n)
}

// sourceOf is what is known of a file.
func sourceOf(videoID int64, d *details, info *ffmpeg.Info, size int64) *catalog.Source {
	src := &catalog.Source{
		VideoID: videoID, Filename: d.Filename, Size: size, Resolution: info.Resolution(), FPS: max(0, info.FPS()), Metadata: string(info.Raw),
	}
	if info.Video != nil {
		src.Width, src.Height = info.Video.Width, info.Video.Height
	}
	return src
}

func lockSession(tx *db.Tx, id string) (state string, err error) {
	err = tx.Raw("SELECT state FROM uploads WHERE id = ?"+tx.Dialect().ForUpdate(), id).Scan(&state).Error
	if err != nil {
		return "", fmt.Errorf("load upload: %w", err)
	}
	return state, nil
}

// stillOwned checks that the channel was not deleted while the file came in.
func stillOwned(tx *db.Tx, channelID, userID int64) error {
	var n int64
	err := tx.Raw(`SELECT COUNT(*) FROM channels ch JOIN accounts ac ON ac.id = ch.account_id JOIN actors a ON a.id = ch.actor_id
 WHERE ch.id = ? AND ac.user_id = ? AND a.gone_at IS NULL`, channelID, userID).Scan(&n).Error
	if err != nil {
		return fmt.Errorf("load channel: %w", err)
	}
	if n == 0 {
		return fileError{rest.Invalid("body", "channelId", "The channel does not exist any more", channelID)}
	}
	return nil
}
