package playlist

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/video/picture"
	"github.com/kinemesh/kinemesh/web/rest"
)

type labelled struct {
	ID    int    `json:"id"`
	Label string `json:"label"`
}

// apiPlaylist is a playlist as clients get it (OpenAPI VideoPlaylist).
type apiPlaylist struct {
	ID                   int64            `json:"id"`
	UUID                 string           `json:"uuid"`
	ShortUUID            string           `json:"shortUUID"`
	IsLocal              bool             `json:"isLocal"`
	URL                  string           `json:"url"`
	DisplayName          string           `json:"displayName"`
	Description          *string          `json:"description"`
	Privacy              labelled         `json:"privacy"`
	ThumbnailPath        *string          `json:"thumbnailPath"`
	ThumbnailURL         *string          `json:"thumbnailUrl"`
	EmbedPath            string           `json:"embedPath"`
	Type                 labelled         `json:"type"`
	VideosLength         int64            `json:"videosLength"`
	VideoChannelPosition *int             `json:"videoChannelPosition"`
	CreatedAt            channel.Time     `json:"createdAt"`
	UpdatedAt            channel.Time     `json:"updatedAt"`
	OwnerAccount         channel.Summary  `json:"ownerAccount"`
	VideoChannel         *channel.Summary `json:"videoChannel"`
}

var typeLabels = map[int]string{Regular: "Regular", WatchLater: "Watch later"}

// facts are the columns of what is shown of a playlist p besides its row: how
// many elements it has, and the name of its picture or its first video's miniature.
func facts(d db.Dialect) string {
	return fmt.Sprintf(`(SELECT COUNT(*) FROM playlist_elements e WHERE e.playlist_id = p.id),
 COALESCE(NULLIF(p.thumbnail, ''), (SELECT %s FROM playlist_elements e JOIN videos v ON v.id = e.video_id JOIN thumbnails t ON t.video_id = v.id
  WHERE e.playlist_id = p.id AND e.position = 1 AND v.privacy = %d AND NOT v.blocked LIMIT 1), '')`, picture.MiniatureSQL(d), catalog.Public)
}

// listed is a playlist as lists show it.
type listed struct {
	Playlist
	length  int64
	picture string // name of its own, or the first video's miniature
}

// read reads those of the playlists for which where holds, in the order of ids.
func (s *Service) read(ctx context.Context, ids []int64, where string, args ...any) ([]listed, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in, list := s.db.Dialect().In("id", ids)
	at := make(map[int64]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	rows := make([]listed, 0, len(ids))
	err := db.Each(s.db.Read(ctx), func(r *sql.Rows) error {
		rows = append(rows, listed{})
		p := &rows[len(rows)-1]
		return r.Scan(&p.ID, &p.UUID, &p.IRI, &p.AccountID, &p.ChannelID, &p.Local, &p.Name, &p.Description, &p.Privacy, &p.Type,
			&p.Position, &p.CreatedAt, &p.UpdatedAt, &p.length, &p.picture)
	}, `SELECT p.id, p.uuid, p.iri, p.account_id, p.channel_id, p.local, p.name, p.description, p.privacy, p.type, p.position,
 p.created_at, p.updated_at, `+facts(s.db.Dialect())+" FROM playlists p WHERE "+in+" AND "+where, append(list, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read playlists: %w", err)
	}
	slices.SortFunc(rows, func(a, b listed) int { return at[a.ID] - at[b.ID] })
	return rows, nil
}

// toAPI makes the answers for those of the playlists for which where holds.
func (s *Service) toAPI(ctx context.Context, ids []int64, where string, args ...any) ([]apiPlaylist, error) {
	rows, err := s.read(ctx, ids, where, args...)
	if err != nil {
		return nil, err
	}
	accountIDs, channelIDs := make([]int64, len(rows)), make([]int64, 0, len(rows))
	for i := range rows {
		accountIDs[i] = rows[i].AccountID
		if rows[i].ChannelID != nil {
			channelIDs = append(channelIDs, *rows[i].ChannelID)
		}
	}
	accounts, channels, err := s.channels.Summaries(ctx, accountIDs, channelIDs)
	if err != nil {
		return nil, err
	}
	out := make([]apiPlaylist, 0, len(rows))
	for i := range rows {
		p := &rows[i]
		owner, ok := accounts[p.AccountID]
		if !ok {
			continue // it is being deleted
		}
		a := apiPlaylist{
			ID: p.ID, UUID: p.UUID, ShortUUID: catalog.ShortUUID(p.UUID), IsLocal: p.Local, URL: p.IRI, DisplayName: p.Name,
			Privacy: labelled{int(p.Privacy), p.Privacy.Label()}, EmbedPath: "/video-playlists/embed/" + p.UUID,
			Type: labelled{p.Type, typeLabels[p.Type]}, VideosLength: p.length, CreatedAt: channel.Time(p.CreatedAt),
			UpdatedAt: channel.Time(p.UpdatedAt), OwnerAccount: owner,
		}
		if p.Description != "" {
			a.Description = &p.Description
		}
		if p.picture != "" {
			path := picturePath(p.picture)
			url := s.urls.Origin + path
			a.ThumbnailPath, a.ThumbnailURL = &path, &url
		}
		if p.ChannelID != nil {
			if c, ok := channels[*p.ChannelID]; ok {
				a.VideoChannel, a.VideoChannelPosition = &c, &p.Position
			}
		}
		out = append(out, a)
	}
	return out, nil
}

// Types of elements: what a client shows in place of a video.
const (
	elementRegular     = 0
	elementDeleted     = 1
	elementPrivate     = 2
	elementUnavailable = 3
)

type apiElement struct {
	ID             int64              `json:"id"`
	Position       int                `json:"position"`
	StartTimestamp *int               `json:"startTimestamp"`
	StopTimestamp  *int               `json:"stopTimestamp"`
	Type           int                `json:"type"`
	Video          *catalog.VideoJSON `json:"video"`
}

// elementsToAPI makes the answers for elements. A video that who asks may not
// see stands there as private or unavailable (SEC-54).
func (s *Service) elementsToAPI(ctx context.Context, who *rest.Principal, rows []Element) ([]apiElement, error) {
	found, err := s.videosOf(ctx, who, rows)
	if err != nil {
		return nil, err
	}
	out := make([]apiElement, len(rows))
	for i, e := range rows {
		out[i] = apiElement{ID: e.ID, Position: e.Position, StartTimestamp: e.StartTimestamp, StopTimestamp: e.StopTimestamp, Type: found[i].kind}
		if found[i].kind == elementRegular {
			v := s.catalog.APIVideo(found[i].video, false)
			out[i].Video = &v
		}
	}
	return out, nil
}

// found is what there is in place of an element: its video when it is regular.
type found struct {
	kind  int
	video *catalog.Listed
}

func (s *Service) videosOf(ctx context.Context, who *rest.Principal, rows []Element) ([]found, error) {
	var ids []int64
	for _, e := range rows {
		if e.VideoID != nil {
			ids = append(ids, *e.VideoID)
		}
	}
	var uuids []string
	if len(ids) > 0 {
		if err := s.db.Read(ctx).Model(&catalog.Video{}).Where("id IN ?", ids).Pluck("uuid", &uuids).Error; err != nil {
			return nil, fmt.Errorf("videos of playlist: %w", err)
		}
	}
	byID := map[int64]*catalog.Listed{}
	if len(uuids) > 0 {
		page := rest.Page{Count: len(uuids), Sort: "publishedAt"}
		listed, _, err := s.listing.List(ctx, listing.Filter{All: true, UUIDs: uuids, Page: page, SkipCount: true})
		if err != nil {
			return nil, err
		}
		for i := range listed {
			byID[listed[i].ID] = &listed[i]
		}
	}
	out := make([]found, len(rows))
	for i, e := range rows {
		out[i].kind = elementDeleted
		if e.VideoID == nil || byID[*e.VideoID] == nil {
			continue
		}
		l := byID[*e.VideoID]
		own := who != nil && (l.Account.ID == who.AccountID || who.IsModerator())
		switch {
		case !l.Local && !s.channels.Shows(ctx, who, catalog.HostOf(l.IRI), 0): // SEC-19
			out[i].kind = elementUnavailable
		case own || (!l.Blocked && l.State == catalog.Published && (l.Privacy == catalog.Public || l.Privacy == catalog.Unlisted)):
			out[i] = found{elementRegular, l}
		case l.Privacy == catalog.Public || l.Privacy == catalog.Unlisted:
			out[i].kind = elementUnavailable
		default:
			out[i].kind = elementPrivate
		}
	}
	return out, nil
}

// Videos lists a part of the videos of a playlist in its order, those that who
// may see, and tells how many elements the playlist has.
func (s *Service) Videos(ctx context.Context, who *rest.Principal, p *Playlist, page rest.Page) ([]catalog.Listed, int64, error) {
	rows, total, err := s.elements(ctx, p, page)
	if err != nil {
		return nil, 0, err
	}
	all, err := s.videosOf(ctx, who, rows)
	if err != nil {
		return nil, 0, err
	}
	var out []catalog.Listed
	for _, f := range all {
		if f.kind == elementRegular {
			out = append(out, *f.video)
		}
	}
	return out, total, nil
}

func (s *Service) elements(ctx context.Context, p *Playlist, page rest.Page) (rows []Element, total int64, err error) {
	if err := s.db.Read(ctx).Model(&Element{}).Where("playlist_id = ?", p.ID).Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count elements: %w", err)
	}
	err = s.db.Read(ctx).Where("playlist_id = ?", p.ID).Order("position, id").Offset(page.Start).Limit(page.Count).Find(&rows).Error
	if err != nil {
		return nil, 0, fmt.Errorf("list elements: %w", err)
	}
	return rows, total, nil
}
