package redundancy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Errors of our own copies.
var (
	// ErrOurs: a video of this server needs no copy here.
	ErrOurs = errors.New("the video is ours")
	// ErrCopied: there is one already.
	ErrCopied = errors.New("the video has a copy here")
	// ErrNoPlaylist: only the files of an HLS playlist are copied.
	ErrNoPlaylist = errors.New("the video has no playlist")
	// ErrStrange: the playlist is none that can be copied as it is.
	ErrStrange = errors.New("the playlist cannot be copied")
)

// States of our own copies; others' are always ready.
const (
	loading = "loading"
	failed  = "failed"
)

// manual is the strategy of a copy that an administrator asked for.
const manual = "manual"

// Limits of what is copied.
const (
	part        = 1 << 20 // of a file at once
	maxPlaylist = 4 << 20 // bytes of one playlist or list of hashes
	maxLists    = 50
)

// MirrorArgs copies the files of another server's video to this one.
type MirrorArgs struct{ CopyID int64 }

// Kind implements jobs.Args.
func (MirrorArgs) Kind() string { return "video.mirror" }

// key is where a file of a copy lies in the storage.
func key(uuid, name string) string { return "redundancy/" + uuid + "/" + name }

// Mirror has a video of another server copied to this one.
func (s *Service) Mirror(ctx context.Context, v *catalog.Video) error {
	if v.Local {
		return ErrOurs
	}
	m, err := s.o.Catalog.Media(ctx, v.ID)
	if err != nil {
		return err
	}
	if m.Playlist == nil || m.Playlist.URL == "" || len(m.HLS) == 0 {
		return ErrNoPlaylist
	}
	instance, err := s.o.Engine.Actors.Instance(ctx)
	if err != nil {
		return err
	}
	origin := s.o.Catalog.URLs().Origin
	c := &Copy{
		IRI: origin + copyPath + v.UUID, URL: origin + "/static/redundancy/hls/" + v.UUID, VideoID: v.ID, ActorID: instance.ID,
		Local: true, Strategy: manual, State: loading, CreatedAt: db.Now(), UpdatedAt: db.Now(),
	}
	for _, f := range m.HLS {
		c.Size += f.Size
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		c.ID = 0
		err := tx.Where("iri = ? AND state = ?", c.IRI, failed).Delete(&Copy{}).Error // another attempt
		if err == nil {
			err = tx.Create(c).Error
		}
		if db.IsDuplicate(err) {
			return ErrCopied
		}
		if err != nil {
			return fmt.Errorf("begin copy: %w", err)
		}
		return jobs.Insert(tx, MirrorArgs{c.ID})
	})
}

// mirror is the job: it copies what is not here yet, then tells of it.
func (s *Service) mirror(ctx context.Context, a MirrorArgs) error {
	var rows []Copy
	if err := s.db.Read(ctx).Where("id = ? AND local = ? AND state = ?", a.CopyID, true, loading).Find(&rows).Error; err != nil {
		return fmt.Errorf("load copy: %w", err)
	}
	if len(rows) == 0 {
		return nil
	}
	c := &rows[0]
	v, err := s.o.Catalog.ByID(ctx, c.VideoID)
	if err != nil {
		return err
	}
	if err := s.load(ctx, v); err != nil {
		if n, most := jobs.Attempt(ctx); !errors.Is(err, ErrStrange) && n < most {
			return err
		}
		return errors.Join(jobs.Discard(err), s.db.Tx(ctx, func(tx *db.Tx) error {
			return tx.Model(&Copy{}).Where("id = ?", c.ID).Updates(map[string]any{"state": failed, "last_error": err.Error()}).Error
		}))
	}
	instance, err := s.o.Engine.Actors.Instance(ctx)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		res := tx.Model(&Copy{}).Where("id = ? AND state = ?", c.ID, loading).Updates(map[string]any{"state": ready, "updated_at": db.Now()})
		if res.Error != nil {
			return fmt.Errorf("finish copy: %w", res.Error)
		}
		if res.RowsAffected > 0 { // else it was dropped meanwhile, and the files go with the next sweep
			if err := s.publish(tx, instance, v, c, false); err != nil {
				return err
			}
		}
		return jobs.Done(ctx, tx)
	})
}

// plain is how files of a playlist must be named: next to it, and nothing else.
var plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$`)

// load copies the playlists of a video and their files.
func (s *Service) load(ctx context.Context, v *catalog.Video) error {
	m, err := s.o.Catalog.Media(ctx, v.ID)
	if err != nil {
		return err
	}
	if m.Playlist == nil {
		return fmt.Errorf("%w: it has none any more", ErrStrange)
	}
	master, err := url.Parse(m.Playlist.URL)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStrange, err)
	}
	lists := []string{m.Playlist.URL}
	text, err := s.copyText(ctx, v, m.Playlist.URL)
	if err != nil {
		return err
	}
	for _, name := range names(text) {
		if !plain.MatchString(name) || len(lists) > maxLists {
			return fmt.Errorf("%w: it names %.100q", ErrStrange, name)
		}
		lists = append(lists, master.JoinPath("..", name).String())
	}
	wanted := map[string]bool{}
	for _, list := range lists[1:] {
		text, err := s.copyText(ctx, v, list)
		if err != nil {
			return err
		}
		for _, name := range names(text) {
			wanted[name] = true
		}
	}
	if m.Playlist.SegmentsURL != "" {
		if _, err := s.copyText(ctx, v, m.Playlist.SegmentsURL); err != nil {
			return err
		}
	}
	for _, f := range m.HLS {
		name := base(f.URL)
		if !plain.MatchString(name) {
			return fmt.Errorf("%w: a file is named %.100q", ErrStrange, name)
		}
		if err := s.copyFile(ctx, v, f.URL, name, f.Size); err != nil {
			return err
		}
		delete(wanted, name)
	}
	for name := range wanted {
		return fmt.Errorf("%w: nobody knows %.100q", ErrStrange, name)
	}
	return nil
}

// base is the name of a file at an address.
func base(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return path.Base(u.Path)
}

var attribute = regexp.MustCompile(`URI="([^"]*)"`)

// names lists what a playlist refers to (RFC 8216 4.1), each once.
func names(text string) (out []string) {
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			add(line)
		}
		if strings.HasPrefix(line, "#") {
			for _, m := range attribute.FindAllStringSubmatch(line, -1) {
				add(m[1])
			}
		}
	}
	return out
}

// copyText copies a playlist or a list of hashes and gives its text.
func (s *Service) copyText(ctx context.Context, v *catalog.Video, address string) (string, error) {
	name := base(address)
	if !plain.MatchString(name) {
		return "", fmt.Errorf("%w: a list is named %.100q", ErrStrange, name)
	}
	text, _, err := s.o.Files.GetFile(ctx, address, maxPlaylist)
	if err != nil {
		return "", err
	}
	_, err = s.o.Store.Put(ctx, key(v.UUID, name), strings.NewReader(string(text)))
	return string(text), err
}

// copyFile copies a file of a known size in parts, unless it is here already.
func (s *Service) copyFile(ctx context.Context, v *catalog.Video, address, name string, size int64) error {
	o, err := s.o.Store.Stat(ctx, key(v.UUID, name))
	if err == nil && o.Size == size {
		return nil
	}
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	_, err = s.o.Store.Put(ctx, key(v.UUID, name), &parts{ctx: ctx, files: s.o.Files, address: address, size: size})
	return err
}

// parts reads a remote file part by part.
type parts struct {
	ctx      context.Context //nolint:containedctx // io.Reader has none
	files    *transport.Client
	address  string
	at, size int64
	rest     []byte
}

// Read implements io.Reader.
func (p *parts) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		n := min(part, p.size-p.at)
		if n <= 0 {
			return 0, io.EOF
		}
		got, err := p.files.GetRange(p.ctx, p.address, p.at, n)
		if err != nil {
			return 0, err
		}
		p.at, p.rest = p.at+n, got
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// sweep deletes the files of copies that are no more.
func (s *Service) sweep(ctx context.Context) error {
	var uuids []string
	err := s.db.Read(ctx).Raw("SELECT v.uuid FROM redundancies r JOIN videos v ON v.id = r.video_id WHERE r.local AND r.state <> ?", failed).Scan(&uuids).Error
	if err != nil {
		return fmt.Errorf("list our copies: %w", err)
	}
	keep := map[string]bool{}
	for _, u := range uuids {
		keep[u] = true
	}
	var gone []string
	err = s.o.Store.Walk(ctx, "redundancy", func(o storage.Object) error {
		uuid, _, _ := strings.Cut(strings.TrimPrefix(o.Key, "redundancy/"), "/")
		if !keep[uuid] {
			gone = append(gone, o.Key)
		}
		return nil
	})
	for _, k := range gone {
		err = errors.Join(err, s.o.Store.Delete(ctx, k))
	}
	return err
}

// Drop forgets a copy: players are not told of it any more. Of one of ours its
// origin hears, and its files go.
func (s *Service) Drop(ctx context.Context, id int64) error {
	instance, err := s.o.Engine.Actors.Instance(ctx)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		var rows []Copy
		if err := tx.Where("id = ?", id).Find(&rows).Error; err != nil {
			return fmt.Errorf("load copy: %w", err)
		}
		if len(rows) == 0 {
			return rest.NotFound("Video redundancy not found")
		}
		c := &rows[0]
		if err := tx.Where("id = ?", id).Delete(&Copy{}).Error; err != nil {
			return fmt.Errorf("drop copy: %w", err)
		}
		if !c.Local {
			return nil
		}
		if err := jobs.Insert(tx, ExpireArgs{}, jobs.Unique("now")); err != nil || c.State != ready {
			return err
		}
		v, err := catalog.Lock(tx, c.VideoID)
		if err != nil {
			return err
		}
		return s.publish(tx, instance, v, c, true)
	})
}

// mirrorTime bounds one attempt to copy a video.
const mirrorTime = 3 * time.Hour
