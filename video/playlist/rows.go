package playlist

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/fulltext"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// ErrNotFound says that there is no such playlist or element.
var ErrNotFound = errors.New("playlist not found")

// Types of playlists.
const (
	Regular    = 1
	WatchLater = 2
)

// Playlist is a row of playlists.
type Playlist struct {
	ID          int64
	UUID        string `gorm:"column:uuid"`
	IRI         string `gorm:"column:iri"`
	AccountID   int64
	ChannelID   *int64
	Local       bool
	Name        string
	Words       string // of Name and Description, for search
	Description string
	Privacy     catalog.Privacy // public, unlisted, private
	Type        int
	Position    int        // on the page of its channel
	Thumbnail   string     // name of its own picture; empty: that of its first video is shown
	FederatedAt *time.Time // when the Create went out
	FetchedAt   *time.Time // of a remote one
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// TableName implements gorm's Tabler.
func (Playlist) TableName() string { return "playlists" }

// searchIndex is where playlists are searched.
var searchIndex = fulltext.Index{Rows: "playlists", Words: "words", Table: "playlist_search", ID: "id"}

// learn sets the words by which a playlist is found; the caller writes the row.
func (p *Playlist) learn(tx *db.Tx) error {
	p.Words = fulltext.Words(p.Name, p.Description)
	return fulltext.Learn(tx, p.Words)
}

// Element is a row of playlist_elements. The video is nil when it is gone.
type Element struct {
	ID             int64
	PlaylistID     int64
	VideoID        *int64
	IRI            string `gorm:"column:iri"` // of a remote playlist
	Position       int
	StartTimestamp *int
	StopTimestamp  *int
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// TableName implements gorm's Tabler.
func (Element) TableName() string { return "playlist_elements" }

// get loads one playlist.
func get(g *gorm.DB, where string, args ...any) (*Playlist, error) {
	var rows []Playlist
	if err := g.Where(where, args...).Limit(1).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load playlist: %w", err)
	}
	if len(rows) == 0 {
		return nil, ErrNotFound
	}
	return &rows[0], nil
}

func byRef(g *gorm.DB, ref catalog.Ref) (*Playlist, error) {
	if ref.UUID != "" {
		return get(g, "uuid = ?", ref.UUID)
	}
	return get(g, "id = ?", ref.ID)
}

// ByIRI loads a playlist by its ActivityPub id.
func (s *Service) ByIRI(ctx context.Context, iri string) (*Playlist, error) {
	return get(s.db.Read(ctx), "iri = ?", iri)
}

// lock loads a playlist and keeps others from changing it until tx ends.
func lock(tx *db.Tx, id int64) (*Playlist, error) {
	// An update that changes nothing locks the row on both databases.
	if err := tx.Exec("UPDATE playlists SET id = id WHERE id = ?", id).Error; err != nil {
		return nil, fmt.Errorf("lock playlist: %w", err)
	}
	return get(tx.DB, "id = ?", id)
}

// maxElements bounds a playlist.
const maxElements = 2_000

func elements(g *gorm.DB, playlistID int64) ([]Element, error) {
	var rows []Element
	if err := g.Where("playlist_id = ?", playlistID).Order("position, id").Limit(maxElements).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load elements: %w", err)
	}
	return rows, nil
}

// renumber writes the positions of elements that stand in their new order.
func renumber(tx *db.Tx, rows []Element) error {
	for i := range rows {
		if rows[i].Position == i+1 {
			continue
		}
		rows[i].Position = i + 1
		if err := tx.Model(&Element{}).Where("id = ?", rows[i].ID).UpdateColumn("position", i+1).Error; err != nil {
			return fmt.Errorf("move element: %w", err)
		}
	}
	return nil
}
