package serve

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/google/uuid"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/picture"
)

// object is something stored that belongs to a video.
type object struct {
	video *catalog.Video
	file  *catalog.File // nil: a playlist, the segment hashes or a picture
	key   string        // in storage
	url   string        // the only address at which it is served
}

// file loads the file of a local video for which where holds. Columns that may
// be large stay behind.
func (s *Serve) file(ctx context.Context, where string, args ...any) (*catalog.Video, *catalog.File, error) {
	var rows []catalog.File
	err := s.o.DB.Read(ctx).Select("id, video_id, playlist_id, resolution, fps, size, extname, filename, playlist_name, torrent_filename").
		Where(where, args...).Limit(1).Find(&rows).Error
	if err != nil {
		return nil, nil, fmt.Errorf("look up file: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil, notFound()
	}
	v, err := s.video(ctx, catalog.Ref{ID: rows[0].VideoID})
	return v, &rows[0], err
}

// video loads a video with its owner.
func (s *Serve) video(ctx context.Context, ref catalog.Ref) (*catalog.Video, error) {
	v, err := s.o.Catalog.Get(ctx, ref)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, notFound()
	}
	return v, err
}

// findFile finds a file by its name: a progressive one, or one of HLS.
func (s *Serve) findFile(ctx context.Context, name string, hls bool) (*object, error) {
	where := "filename = ? AND filename <> '' AND playlist_id IS NULL"
	if hls {
		where = "filename = ? AND filename <> '' AND playlist_id IS NOT NULL"
	}
	v, f, err := s.file(ctx, where, name)
	if err != nil {
		return nil, err
	}
	if !v.Local {
		return nil, notFound()
	}
	return &object{video: v, file: f, key: catalog.FileKey(v, f), url: s.urls.File(v, f)}, nil
}

// findTorrent finds a torrent by its name.
func (s *Serve) findTorrent(ctx context.Context, name string) (*object, error) {
	v, f, err := s.file(ctx, "torrent_filename = ? AND torrent_filename <> ''", name)
	if err != nil {
		return nil, err
	}
	if !v.Local {
		return nil, notFound()
	}
	return &object{video: v, file: f, key: catalog.TorrentKey(name), url: s.urls.Torrent(v, f)}, nil
}

// findHLS finds a piece of the HLS of a video: a file, a media playlist, the
// master playlist or the segment hashes.
func (s *Serve) findHLS(ctx context.Context, videoUUID, name string) (*object, error) {
	id, err := uuid.Parse(videoUUID)
	if err != nil || id.String() != videoUUID {
		return nil, notFound()
	}
	v, err := s.video(ctx, catalog.Ref{UUID: videoUUID})
	if err != nil {
		return nil, err
	}
	if !v.Local {
		return nil, notFound()
	}
	o := &object{video: v, key: catalog.HLSKey(videoUUID, name)}
	if o.url, err = s.hlsURL(ctx, v, name); err != nil {
		return nil, err
	}
	return o, nil
}

// hlsURL is the address of a piece of v, by what its rows name.
func (s *Serve) hlsURL(ctx context.Context, v *catalog.Video, name string) (string, error) {
	g := s.o.DB.Read(ctx)
	var files []catalog.File
	err := g.Select("id, video_id, playlist_id, filename, playlist_name").
		Where("video_id = ? AND playlist_id IS NOT NULL AND (filename = ? OR playlist_name = ?)", v.ID, name, name).Limit(1).Find(&files).Error
	if err != nil {
		return "", fmt.Errorf("look up file: %w", err)
	}
	switch {
	case len(files) > 0 && files[0].Filename == name:
		return s.urls.File(v, &files[0]), nil
	case len(files) > 0:
		return s.urls.MediaPlaylist(v, &files[0]), nil
	}
	lists, err := catalog.LoadPlaylists(g, v.ID)
	switch {
	case err != nil:
		return "", err
	case len(lists) > 0 && lists[0].Filename == name:
		return s.urls.Master(v, &lists[0]), nil
	case len(lists) > 0 && lists[0].SegmentsFilename == name:
		return s.urls.Segments(v, &lists[0]), nil
	}
	return "", notFound()
}

// findPicture finds a picture by its name.
func (s *Serve) findPicture(ctx context.Context, kind int, name string) (*catalog.Video, *catalog.Thumbnail, error) {
	t, err := picture.Find(s.o.DB.Read(ctx), kind, name)
	if err != nil {
		return nil, nil, err
	}
	if t == nil {
		return nil, nil, notFound()
	}
	v, err := s.video(ctx, catalog.Ref{ID: t.VideoID})
	return v, t, err
}

// typeOf is the content type by extension. Only these are ever served (SEC-26,
// SEC-40).
func typeOf(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".mp4":
		return "video/mp4"
	case ".m3u8":
		return "application/vnd.apple.mpegurl"
	case ".json":
		return "application/json"
	case ".vtt":
		return "text/vtt; charset=utf-8"
	case ".torrent":
		return "application/x-bittorrent"
	case ".jpg":
		return "image/jpeg"
	case ".png":
		return "image/png"
	case ".webp":
		return "image/webp"
	}
	return "application/octet-stream"
}
