// Package audit compares the video tables with what lies in storage and with
// the jobs that are to come, and tells every gap (REL-24). It changes nothing.
//
// Imported by: video. Imports video/catalog, video/storage and accounts/picture.
package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/accounts/picture"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	videopicture "github.com/kinemesh/kinemesh/video/picture"
	"github.com/kinemesh/kinemesh/video/storage"
)

// grace is how old an object without a row must be: a younger one may belong to
// a transaction that is about to commit, or to work that runs.
const grace = time.Hour

// batch is how many rows are read at once.
const batch = 500

// Audit compares rows, objects and jobs.
type Audit struct {
	DB    *db.DB
	Store storage.Store
	// Federated tells whether public videos have to go out to other servers.
	Federated bool
	// Pending lists objects of uploads that are no videos yet; nil: there are none.
	Pending func(context.Context) ([]string, error)
	// Grace is how old an object without a row must be to count; 0 means an hour.
	Grace time.Duration
}

// Run returns one sentence for each gap.
func (a *Audit) Run(ctx context.Context) ([]string, error) {
	var gaps []string
	named := map[string]bool{} // objects that a row names
	for _, check := range append(a.naming(), a.renditions, a.states, a.unnamed) {
		g, err := check(ctx, named)
		if err != nil {
			return nil, err
		}
		gaps = append(gaps, g...)
	}
	return gaps, nil
}

// naming are the checks that look at each object that a row names.
func (a *Audit) naming() []func(context.Context, map[string]bool) ([]string, error) {
	return []func(context.Context, map[string]bool) ([]string, error){
		a.files, a.playlists, a.thumbnails, a.captions, a.storyboards, a.sources, a.pictures, a.playlistPictures,
	}
}

// object notes that a row names key, and tells what is wrong with the object.
func (a *Audit) object(ctx context.Context, named map[string]bool, owner, key string, size int64) (string, error) {
	named[key] = true
	o, err := a.Store.Stat(ctx, key)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return fmt.Sprintf("%s names %s, which is not stored", owner, key), nil
	case err != nil:
		return "", fmt.Errorf("look at %s: %w", key, err)
	case size >= 0 && o.Size != size:
		return fmt.Sprintf("%s says that %s has %d bytes, it has %d", owner, key, size, o.Size), nil
	}
	return "", nil
}

// each calls fn for all rows of a query, by id.
func each[T any](q *gorm.DB, id func(T) int64, fn func(T) error) error {
	return eachBy("id", q, id, fn)
}

// eachBy is each of a table whose key is not called id.
func eachBy[T any](key string, q *gorm.DB, id func(T) int64, fn func(T) error) error {
	last := int64(0)
	for {
		var rows []T
		if err := q.Session(&gorm.Session{}).Where(key+" > ?", last).Order(key).Limit(batch).Find(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			if err := fn(r); err != nil {
				return err
			}
			last = id(r)
		}
		if len(rows) < batch {
			return nil
		}
	}
}

// ofLocal narrows a query of a table with video_id to videos of this instance.
const ofLocal = "video_id IN (SELECT v.id FROM videos v WHERE v.local)"

// uuids finds the UUIDs of local videos, which are part of the keys of HLS.
type uuids struct {
	db    *db.DB
	known map[int64]string
}

func (u *uuids) of(ctx context.Context, videoID int64) (*catalog.Video, error) {
	if s, ok := u.known[videoID]; ok {
		return &catalog.Video{ID: videoID, UUID: s, Local: true}, nil
	}
	var v catalog.Video
	err := u.db.Read(ctx).Select("id", "uuid").Where("id = ?", videoID).Take(&v).Error
	if err != nil {
		return nil, err
	}
	if u.known == nil {
		u.known = map[int64]string{}
	}
	u.known[videoID] = v.UUID
	return &catalog.Video{ID: videoID, UUID: v.UUID, Local: true}, nil
}

func (a *Audit) files(ctx context.Context, named map[string]bool) ([]string, error) {
	var gaps []string
	videos := uuids{db: a.DB}
	q := a.DB.Read(ctx).Model(&catalog.File{}).Where(ofLocal)
	err := each(q, func(f catalog.File) int64 { return f.ID }, func(f catalog.File) error {
		v, err := videos.of(ctx, f.VideoID)
		if err != nil {
			return err
		}
		owner := fmt.Sprintf("file %d of video %s", f.ID, v.UUID)
		objects := []struct {
			key  string
			size int64
		}{{catalog.FileKey(v, &f), f.Size}}
		if f.PlaylistName != "" {
			objects = append(objects, struct {
				key  string
				size int64
			}{catalog.HLSKey(v.UUID, f.PlaylistName), -1})
		}
		if f.TorrentFilename == "" {
			gaps = append(gaps, owner+" has no torrent")
		} else {
			objects = append(objects, struct {
				key  string
				size int64
			}{catalog.TorrentKey(f.TorrentFilename), -1})
		}
		for _, o := range objects {
			gap, err := a.object(ctx, named, owner, o.key, o.size)
			if err != nil {
				return err
			}
			if gap != "" {
				gaps = append(gaps, gap)
			}
		}
		return nil
	})
	return gaps, err
}

func (a *Audit) playlists(ctx context.Context, named map[string]bool) ([]string, error) {
	var gaps []string
	videos := uuids{db: a.DB}
	q := a.DB.Read(ctx).Model(&catalog.StreamingPlaylist{}).Where("local AND (playlist_filename <> '' OR segments_filename <> '')")
	err := each(q, func(p catalog.StreamingPlaylist) int64 { return p.ID }, func(p catalog.StreamingPlaylist) error {
		v, err := videos.of(ctx, p.ID)
		if err != nil {
			return err
		}
		for _, name := range []string{p.Filename, p.SegmentsFilename} {
			if name == "" {
				gaps = append(gaps, fmt.Sprintf("playlist of video %s is incomplete", v.UUID))
				continue
			}
			gap, err := a.object(ctx, named, "playlist of video "+v.UUID, catalog.HLSKey(v.UUID, name), -1)
			if err != nil {
				return err
			}
			if gap != "" {
				gaps = append(gaps, gap)
			}
		}
		return nil
	})
	return gaps, err
}

func (a *Audit) thumbnails(ctx context.Context, named map[string]bool) ([]string, error) {
	var gaps []string
	q := a.DB.Read(ctx).Model(&videopicture.Row{})
	err := eachBy("video_id", q, func(r videopicture.Row) int64 { return r.VideoID }, func(r videopicture.Row) error {
		for _, t := range r.Pictures() {
			named[t.Key()] = true
			if !t.Stored {
				continue // of a remote video, not asked for yet
			}
			gap, err := a.object(ctx, named, fmt.Sprintf("thumbnail of video %d", t.VideoID), t.Key(), -1)
			if err != nil {
				return err
			}
			if gap != "" {
				gaps = append(gaps, gap)
			}
		}
		return nil
	})
	return gaps, err
}

func (a *Audit) captions(ctx context.Context, named map[string]bool) ([]string, error) {
	var gaps []string
	q := a.DB.Read(ctx).Model(&catalog.Caption{})
	err := each(q, func(c catalog.Caption) int64 { return c.ID }, func(c catalog.Caption) error {
		named[c.Key()] = true
		if !c.Stored {
			return nil // of a remote video, not asked for yet
		}
		gap, err := a.object(ctx, named, fmt.Sprintf("caption %d", c.ID), c.Key(), -1)
		if gap != "" {
			gaps = append(gaps, gap)
		}
		return err
	})
	return gaps, err
}

func (a *Audit) storyboards(ctx context.Context, named map[string]bool) ([]string, error) {
	var gaps []string
	q := a.DB.Read(ctx).Model(&catalog.Video{}).Select("id", "uuid").Where("id IN (SELECT video_id FROM storyboards)")
	err := each(q, func(v catalog.Video) int64 { return v.ID }, func(v catalog.Video) error {
		m, err := catalog.LoadMedia(a.DB.Read(ctx), v.ID)
		if err != nil || m.Storyboard == nil {
			return err
		}
		named[m.Storyboard.Key()] = true
		if !m.Storyboard.Stored {
			return nil
		}
		gap, err := a.object(ctx, named, "storyboard of video "+v.UUID, m.Storyboard.Key(), -1)
		if gap != "" {
			gaps = append(gaps, gap)
		}
		return err
	})
	return gaps, err
}

func (a *Audit) sources(ctx context.Context, named map[string]bool) ([]string, error) {
	var gaps []string
	q := a.DB.Read(ctx).Model(&catalog.Video{}).Select("id", "uuid", "source_key", "source_size").Where("source_key <> ''")
	err := each(q, func(v catalog.Video) int64 { return v.ID }, func(v catalog.Video) error {
		gap, err := a.object(ctx, named, "video "+v.UUID, v.SourceKey, v.SourceSize)
		if gap != "" {
			gaps = append(gaps, gap)
		}
		return err
	})
	if err != nil {
		return gaps, err
	}
	q = a.DB.Read(ctx).Model(&catalog.Video{}).Select("id", "uuid").Where("id IN (SELECT video_id FROM video_sources WHERE kept_name <> '')")
	err = each(q, func(v catalog.Video) int64 { return v.ID }, func(v catalog.Video) error {
		src, err := catalog.LoadSource(a.DB.Read(ctx), v.ID)
		if errors.Is(err, catalog.ErrNotFound) || (err == nil && src.KeptName == "") {
			return nil
		}
		if err != nil {
			return err
		}
		gap, err := a.object(ctx, named, "video "+v.UUID, src.Key(), src.Size)
		if gap != "" {
			gaps = append(gaps, gap)
		}
		return err
	})
	return gaps, err
}

// liveJob is a condition on jobs: kind is to run, with a unique key that equals
// the SQL expression %s.
const liveJob = "EXISTS (SELECT 1 FROM jobs j WHERE j.kind = ? AND j.state IN ('waiting', 'active') AND j.unique_key = CAST(%s AS TEXT))"

// renditions finds those that are to be made while no job will make them.
func (a *Audit) renditions(ctx context.Context, _ map[string]bool) ([]string, error) {
	var rows []catalog.Rendition
	err := a.DB.Read(ctx).Where("state IN ?", []string{catalog.RenditionPlanned, catalog.RenditionQueued}).
		Where("NOT "+fmt.Sprintf(liveJob, "renditions.id"), catalog.TranscodeArgs{}.Kind()).
		Order("id").Limit(batch).Find(&rows).Error
	gaps := make([]string, len(rows))
	for i, r := range rows {
		gaps[i] = fmt.Sprintf("rendition %d (%s %dp) of video %d is %s, but no job will make it", r.ID, r.Kind, r.Resolution, r.VideoID, r.State)
	}
	return gaps, err
}

// states finds videos whose state nothing will change, and public ones that no
// job will tell other servers about.
func (a *Audit) states(ctx context.Context, _ map[string]bool) ([]string, error) {
	var gaps []string
	var rows []catalog.Video
	err := a.DB.Read(ctx).Select("id", "uuid").Where("local AND state = ?", catalog.ToTranscode).
		Where("NOT EXISTS (SELECT 1 FROM renditions r WHERE r.video_id = videos.id AND r.state IN ('planned', 'queued'))").
		Order("id").Limit(batch).Find(&rows).Error
	if err != nil {
		return nil, err
	}
	for _, v := range rows {
		gaps = append(gaps, fmt.Sprintf("video %s is to be transcoded, but nothing is left to do", v.UUID))
	}
	if !a.Federated {
		return gaps, nil
	}
	rows = nil
	err = a.DB.Read(ctx).Select("id", "uuid").
		Where("local AND state = ? AND privacy = ? AND NOT withheld AND federated_at IS NULL", catalog.Published, catalog.Public).
		Where("NOT "+fmt.Sprintf(liveJob, "videos.id"), catalog.FederateArgs{}.Kind()).
		Order("id").Limit(batch).Find(&rows).Error
	for _, v := range rows {
		gaps = append(gaps, fmt.Sprintf("video %s is public, but no job will tell other servers", v.UUID))
	}
	return gaps, err
}

// unnamed tells of objects that no row names and no job will delete.
func (a *Audit) unnamed(ctx context.Context, named map[string]bool) ([]string, error) {
	keys, err := a.garbage(ctx, named)
	gaps := make([]string, len(keys))
	for i, key := range keys {
		gaps[i] = fmt.Sprintf("%s is stored, but nothing names it", key)
	}
	return gaps, err
}

// Garbage lists the objects that no row names and no job will delete.
func (a *Audit) Garbage(ctx context.Context) ([]string, error) {
	named := map[string]bool{}
	for _, check := range a.naming() {
		if _, err := check(ctx, named); err != nil {
			return nil, err
		}
	}
	return a.garbage(ctx, named)
}

func (a *Audit) garbage(ctx context.Context, named map[string]bool) (unnamed []string, err error) {
	doomed, err := a.doomed(ctx)
	if err != nil {
		return nil, err
	}
	if a.Pending != nil {
		keys, err := a.Pending(ctx)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			named[k] = true
		}
	}
	age := a.Grace
	if age == 0 {
		age = grace
	}
	before := time.Now().Add(-age)
	for _, prefix := range []string{"web-videos", "streaming-playlists", "torrents", "thumbnails", "previews", "captions", "storyboards", "sources", "avatars"} {
		err := a.Store.Walk(ctx, prefix, func(o storage.Object) error {
			if !named[o.Key] && !doomed[o.Key] && o.ModTime.Before(before) && !strings.HasPrefix(o.Key, "uploads/") {
				unnamed = append(unnamed, o.Key)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
	}
	return unnamed, nil
}

// doomed are the keys that waiting jobs will delete.
func (a *Audit) doomed(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	q := a.DB.Read(ctx).Model(&jobs.Job{}).Where("kind IN ? AND state IN ?",
		[]string{catalog.DeleteFilesArgs{}.Kind(), picture.DropArgs{}.Kind()}, []string{jobs.Waiting, jobs.Active})
	err := each(q, func(j jobs.Job) int64 { return j.ID }, func(j jobs.Job) error {
		var args struct{ Keys []string } // of both kinds
		if err := j.Decode(&args); err != nil {
			return err
		}
		for _, k := range args.Keys {
			out[k] = true
		}
		return nil
	})
	return out, err
}
