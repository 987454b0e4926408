package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Query parameters of private files.
const (
	tokenParam    = "videoFileToken"
	reinjectParam = "reinjectVideoFileToken"
)

// maxPlaylist is the largest playlist into which tokens are written.
const maxPlaylist = 16 << 20

// private tells whether the address of an object is that of a private one.
func (o *object) private() bool { return strings.Contains(o.url, "/private/") }

// at refuses an address that is not the one of o: a public path never leads to
// a private file, nor the other way round.
func (s *Serve) at(o *object, requested string) error {
	if s.urls.Origin+requested != o.url {
		return notFound()
	}
	return nil
}

// webVideo serves progressive files.
func (s *Serve) webVideo(c echo.Context) error {
	name, err := named(c)
	if err != nil {
		return err
	}
	o, err := s.findFile(c.Request().Context(), name, false)
	if err != nil {
		return err
	}
	requested := strings.Replace(c.Request().URL.Path, "/static/webseed/", "/static/web-videos/", 1)
	if err := s.at(o, requested); err != nil {
		return err
	}
	return s.media(c, o)
}

// hls serves the pieces of HLS.
func (s *Serve) hls(c echo.Context) error {
	name, err := named(c)
	if err != nil {
		return err
	}
	o, err := s.findHLS(c.Request().Context(), c.Param("uuid"), name)
	if err != nil {
		return err
	}
	if err := s.at(o, c.Request().URL.Path); err != nil {
		return err
	}
	return s.media(c, o)
}

// copied serves a file of our copy of another server's video (video/redundancy).
func (s *Serve) copied(c echo.Context) error {
	name, err := named(c)
	if err != nil {
		return err
	}
	ref, ok := catalog.ParseRef(c.Param("uuid"))
	if !ok || ref.UUID == "" {
		return notFound()
	}
	ctx := c.Request().Context()
	v, err := s.o.Catalog.Get(ctx, ref)
	if errors.Is(err, catalog.ErrNotFound) {
		return notFound()
	}
	if err != nil {
		return err
	}
	var n int64
	err = s.o.DB.Read(ctx).Table("redundancies").Where("video_id = ? AND local AND state = 'ready'", v.ID).Count(&n).Error
	if err != nil {
		return fmt.Errorf("look up copy: %w", err)
	}
	if n == 0 {
		return notFound()
	}
	if _, err := s.permit(c, v); err != nil {
		return err
	}
	return s.send(c, "redundancy/"+v.UUID+"/"+name, cacheMedia)
}

// media serves a file of a video to whom the video is for.
func (s *Serve) media(c echo.Context, o *object) error {
	if !o.private() || !s.o.OpenPrivateFiles {
		if _, err := s.permit(c, o.video); err != nil {
			return err
		}
	}
	token, again := c.QueryParam(tokenParam), c.QueryParam(reinjectParam)
	if o.private() && token != "" && (again == "true" || again == "1") && path.Ext(o.key) == ".m3u8" {
		return s.sendPlaylist(c, o.key, token)
	}
	return s.send(c, o.key, s.cache(c.Request().Context(), o.video, cacheMedia))
}

// cache is how long something of v may be kept: what is not for everyone is
// asked for anew each time.
func (s *Serve) cache(ctx context.Context, v *catalog.Video, public string) string {
	if !s.o.Catalog.CanSee(ctx, nil, v) {
		return cachePrivate
	}
	return public
}

// sendPlaylist answers with a playlist whose addresses carry the token on, for
// players that cannot add it themselves.
func (s *Serve) sendPlaylist(c echo.Context, key, token string) error {
	f, err := s.o.Store.Open(c.Request().Context(), key)
	if errors.Is(err, storage.ErrNotFound) {
		return notFound()
	}
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPlaylist))
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, typeOf(key))
	h.Set(echo.HeaderCacheControl, "private, no-store")
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(reinject(data, token)))
	return nil
}

// reinject adds the token to every address in a playlist (RFC 8216 4.1): lines
// that are no tags, and URI attributes of tags.
func reinject(playlist []byte, token string) []byte {
	query := tokenParam + "=" + url.QueryEscape(token)
	add := func(address string) string {
		q := query
		if path.Ext(address) == ".m3u8" { // which has addresses of its own
			q += "&" + reinjectParam + "=true"
		}
		if strings.Contains(address, "?") {
			return address + "&" + q
		}
		return address + "?" + q
	}
	const attribute = `URI="`
	var out bytes.Buffer
	for line := range strings.Lines(string(playlist)) {
		text := strings.TrimRight(line, "\r\n")
		end := line[len(text):]
		switch i := strings.Index(text, attribute); {
		case text == "":
		case !strings.HasPrefix(text, "#"):
			text = add(text)
		case i >= 0:
			address, rest, ok := strings.Cut(text[i+len(attribute):], `"`)
			if ok {
				text = text[:i] + attribute + add(address) + `"` + rest
			}
		}
		out.WriteString(text + end)
	}
	return out.Bytes()
}

// torrent serves torrents.
func (s *Serve) torrent(c echo.Context) error {
	o, err := s.torrentOf(c)
	if err != nil {
		return err
	}
	if _, err := s.permit(c, o.video); err != nil {
		return err
	}
	return s.send(c, o.key, s.cache(c.Request().Context(), o.video, cacheForever))
}

func (s *Serve) torrentOf(c echo.Context) (*object, error) {
	name, err := named(c)
	if err != nil {
		return nil, err
	}
	return s.findTorrent(c.Request().Context(), name)
}

// downloadTorrent is torrent, as an attachment.
func (s *Serve) downloadTorrent(c echo.Context) error {
	o, err := s.torrentOf(c)
	if err != nil {
		return err
	}
	return s.download(c, o, ".torrent")
}

// downloadWebVideo serves a progressive file as an attachment.
func (s *Serve) downloadWebVideo(c echo.Context) error { return s.downloadFile(c, false) }

// downloadHLS serves the file of an HLS rendition as an attachment.
func (s *Serve) downloadHLS(c echo.Context) error { return s.downloadFile(c, true) }

func (s *Serve) downloadFile(c echo.Context, hls bool) error {
	name, err := named(c)
	if err != nil {
		return err
	}
	o, err := s.findFile(c.Request().Context(), name, hls)
	if err != nil {
		return err
	}
	suffix := o.file.Extname
	if hls {
		suffix = "-hls" + suffix
	}
	return s.download(c, o, suffix)
}

// downloadSource serves a kept upload to the owner of the video and to
// moderators.
func (s *Serve) downloadSource(c echo.Context) error {
	name, err := named(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	var rows []catalog.Source
	if err := s.o.DB.Read(ctx).Where("kept_name = ? AND kept_name <> ''", name).Limit(1).Find(&rows).Error; err != nil {
		return fmt.Errorf("look up source: %w", err)
	}
	if len(rows) == 0 {
		return notFound()
	}
	v, err := s.video(ctx, catalog.Ref{ID: rows[0].VideoID})
	if err != nil {
		return err
	}
	mayHave := func(p *rest.Principal) bool { return catalog.IsOwner(p, v) || p.IsModerator() }
	if !mayHave(rest.Current(ctx)) { // what is open for all needs no token, its upload does
		p, ok, err := s.holder(ctx, c.QueryParam(tokenParam), v)
		if err != nil {
			return err
		}
		if !ok || !mayHave(p) {
			return rest.Forbidden("Cannot get this file")
		}
	}
	ext := path.Ext(name)
	attach(c, safeName(strings.TrimSuffix(rows[0].Filename, path.Ext(rows[0].Filename)))+ext)
	return s.send(c, rows[0].Key(), cachePrivate)
}

func attach(c echo.Context, name string) {
	c.Response().Header().Set(echo.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// download serves an object as an attachment, under a name made of the video's.
// The owner may always download, others when the video allows it.
func (s *Serve) download(c echo.Context, o *object, suffix string) error {
	p, err := s.permit(c, o.video)
	if err != nil {
		return err
	}
	if !o.video.DownloadEnabled && !catalog.IsOwner(p, o.video) && !p.IsModerator() {
		return rest.Forbidden("This video is not for download")
	}
	attach(c, safeName(o.video.Name)+"-"+strconv.Itoa(o.file.Resolution)+"p"+suffix)
	return s.send(c, o.key, s.cache(c.Request().Context(), o.video, cacheMedia))
}

// maxSafeName is how much of a video's name goes into a file name, in
// characters.
const maxSafeName = 100

// safeName makes a file name of a video's name that every system takes.
func safeName(name string) string {
	out := make([]rune, 0, maxSafeName)
	for _, r := range name {
		if len(out) == maxSafeName {
			break
		}
		switch {
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			continue
		case strings.ContainsRune(`/\?%*:|"<>`, r):
			r = '-'
		}
		out = append(out, r)
	}
	s := strings.Trim(string(out), " .")
	if s == "" {
		return "video"
	}
	return s
}
