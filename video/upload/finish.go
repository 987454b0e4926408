package upload

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

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
	renditions, err := plan(info, u.o.Transcoding)
	if err != nil {
		return nil, err
	}
	made, err := u.makePictures(ctx, s, d, info)
	if err != nil {
		return nil, err
	}
	v, err := u.commit(ctx, s, d, info, renditions, made)
	if err != nil {
		u.forget(ctx, made)
		return nil, err
	}
	return v, nil
}

// commit hands the source to storage and writes the video.
func (u *Upload) commit(
	ctx context.Context, s *session, d *details, info *ffmpeg.Info, renditions []catalog.Rendition, made []catalog.Thumbnail,
) (*catalog.Video, error) {
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
		if err := stillOwned(tx, d.ChannelID, s.UserID); err != nil {
			return err
		}
		v, err = u.o.Catalog.Create(tx, catalog.NewVideo{
			UUID: d.UUID, ChannelID: d.ChannelID, Attributes: d.Attributes,
			Duration: int(math.Round(info.Duration.Seconds())), AspectRatio: math.Round(info.Ratio()*1e4) / 1e4,
			SourceName: d.Filename, SourceKey: d.sourceKey(), SourceSize: s.Size,
			Renditions: renditions, Thumbnails: append(made, d.Pictures...),
		})
		if err != nil {
			return err
		}
		return tx.Model(&session{}).Where("id = ?", s.ID).UpdateColumns(map[string]any{
			"state": stateDone, "received": s.Size, "video_id": v.ID, "updated_at": db.Now(),
		}).Error
	})
	return v, err
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

// makePictures takes the pictures that the user did not send from the video
// itself, and stores them.
func (u *Upload) makePictures(ctx context.Context, s *session, d *details, info *ffmpeg.Info) ([]catalog.Thumbnail, error) {
	missing := []int{catalog.Miniature, catalog.Preview}
	for _, p := range d.Pictures {
		if i := p.Type - catalog.Miniature; i >= 0 && i < 2 {
			missing[i] = 0
		}
	}
	if missing[0] == 0 && missing[1] == 0 {
		return nil, nil
	}
	dir, err := os.MkdirTemp(u.o.Dir, framesPrefix)
	if err != nil {
		return nil, fmt.Errorf("folder for pictures: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the cleaner finds it
	// One picture large enough for both; each is cut from it to its shape.
	image := ffmpeg.Image{Path: filepath.Join(dir, "frame.jpg"), Width: catalog.PreviewWidth, Height: catalog.PreviewHeight}
	source := ffmpeg.Source{Path: u.path(s.ID), Info: info}
	if info.Video != nil {
		err = u.o.Tool.Thumbnail(ctx, source, image)
	} else {
		err = u.o.Tool.Waveform(ctx, source, image)
	}
	if err != nil {
		return nil, pictureFault(err)
	}
	data, err := os.ReadFile(image.Path)
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	var made []catalog.Thumbnail
	for _, kind := range missing {
		if kind == 0 {
			continue
		}
		t, err := u.o.Catalog.NewThumbnail(ctx, kind, data)
		if err != nil {
			u.forget(ctx, made)
			return nil, err
		}
		made = append(made, t)
	}
	return made, nil
}

// pictureFault judges a file of which no picture could be taken: when the tool
// gave up on it, there is nothing in it to watch. A full disk is not its fault.
func pictureFault(err error) error {
	if _, ok := errors.AsType[*ffmpeg.ToolError](err); ok && !isFull(err) {
		return fileError{fmt.Errorf("%w: %w", ffmpeg.ErrUnreadable, err)}
	}
	return fault(err)
}
