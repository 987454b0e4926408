package catalog

import (
	"context"

	"github.com/kinemesh/kinemesh/web/rest"
)

// UserHistory is where the viewer stopped watching.
type UserHistory struct {
	CurrentTime int `json:"currentTime"`
}

// Complete adds to answers what they tell their viewer alone.
func (s *Service) Complete(ctx context.Context, viewer *rest.Principal, data []VideoJSON) error {
	if viewer == nil || s.WatchedAt == nil || len(data) == 0 {
		return nil
	}
	ids := make([]int64, len(data))
	for i := range data {
		ids[i] = data[i].ID
	}
	at, err := s.WatchedAt(ctx, viewer.UserID, ids)
	if err != nil {
		return err
	}
	for i := range data {
		if t, ok := at[data[i].ID]; ok {
			data[i].UserHistory = &UserHistory{t}
		}
	}
	return nil
}

// apiIncluded is what lists for moderators hold on request.
type apiIncluded struct {
	Files              []apiFile     `json:"files,omitempty"`
	StreamingPlaylists []apiPlaylist `json:"streamingPlaylists,omitempty"`
	Tags               []string      `json:"tags,omitempty"`
	Captions           []labelled    `json:"captions,omitempty"` // languages
}

// Include adds parts of m to a row of a list.
func (s *Service) Include(a *VideoJSON, v *Video, m *Media, files, captions, tags bool) {
	if files {
		a.Files, a.StreamingPlaylists = s.filesToAPI(v, m.Files), s.playlistsToAPI(v, m)
	}
	if tags {
		a.Tags = m.Tags
	}
	for i := range m.Captions {
		if captions {
			a.Captions = append(a.Captions, languageOf(&m.Captions[i].Language))
		}
	}
}
