package picture

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/config/db"
)

// Types of pictures.
const (
	Miniature = 1 // in lists
	Preview   = 2 // behind the player
)

// Sizes of pictures (tracker reference 5).
const (
	MiniatureWidth  = 280
	MiniatureHeight = 157
	PreviewWidth    = 850
	PreviewHeight   = 480
)

// Size is the width and height of a type.
func Size(kind int) (width, height int) {
	if kind == Preview {
		return PreviewWidth, PreviewHeight
	}
	return MiniatureWidth, MiniatureHeight
}

// Picture is one of the two pictures of a video. A local one is stored when it is
// written; a remote one is fetched by a job and until then Stored is false.
type Picture struct {
	VideoID   int64
	Type      int
	Filename  string // base name below /lazy-static/thumbnails or /previews; Set names one that has none
	Width     int
	Height    int
	RemoteURL string
	Stored    bool
	Automatic bool // taken from the video, not sent by its owner

	version int64 // that names it; 0: it has a name of its own
}

// Key is where the picture lies in storage.
func (p *Picture) Key() string {
	if p.Type == Preview {
		return "previews/" + p.Filename
	}
	return "thumbnails/" + p.Filename
}

// Row is a row of thumbnails: both pictures of a video. There is one of a type
// that has a name or an address. Those without a name are named by Version, which
// is another with each other address, so that what a name leads to never changes.
type Row struct {
	VideoID                              int64 `gorm:"primaryKey;autoIncrement:false"`
	Version                              int64
	Miniature, Preview                   string
	MiniatureURL                         string `gorm:"column:miniature_url"` // see iri.Short
	PreviewURL                           string `gorm:"column:preview_url"`
	MiniatureStored, PreviewStored       bool
	MiniatureAutomatic, PreviewAutomatic bool
}

// TableName implements gorm's Tabler.
func (Row) TableName() string { return "thumbnails" }

// Columns are those that names are made of, in the order of Names.
const Columns = "video_id, version, miniature, preview, miniature_url, preview_url"

// MiniatureSQL is what Row.Name gives for the miniature of a row t.
func MiniatureSQL(d db.Dialect) string {
	made := "printf('%d-%016x.jpg', t.video_id, t.version)"
	if d == db.Postgres {
		made = "t.video_id || '-' || lpad(to_hex(t.version), 16, '0') || '.jpg'"
	}
	return "CASE WHEN t.miniature <> '' OR t.miniature_url = '' THEN t.miniature ELSE " + made + " END"
}

// Names are the columns of a row, to scan them.
func (r *Row) Names() []any {
	return []any{&r.VideoID, &r.Version, &r.Miniature, &r.Preview, &r.MiniatureURL, &r.PreviewURL}
}

// Name is the name of the file of a type; empty when there is no such picture.
func (r *Row) Name(kind int) string {
	name, url := r.Miniature, r.MiniatureURL
	if kind == Preview {
		name, url = r.Preview, r.PreviewURL
	}
	if name == "" && url != "" {
		return fmt.Sprintf("%d-%016x.jpg", r.VideoID, r.Version)
	}
	return name
}

// Picture is that of a type, nil when there is none.
func (r *Row) Picture(kind int) *Picture {
	p := &Picture{VideoID: r.VideoID, Type: kind, Filename: r.Name(kind)}
	if p.Filename == "" {
		return nil
	}
	p.Width, p.Height = Size(kind)
	named := r.Miniature
	p.RemoteURL, p.Stored, p.Automatic = r.MiniatureURL, r.MiniatureStored, r.MiniatureAutomatic
	if kind == Preview {
		named = r.Preview
		p.RemoteURL, p.Stored, p.Automatic = r.PreviewURL, r.PreviewStored, r.PreviewAutomatic
	}
	if named == "" {
		p.version = r.Version
	}
	return p
}

// Pictures are those that there are.
func (r *Row) Pictures() []Picture {
	var out []Picture
	for _, kind := range []int{Miniature, Preview} {
		if p := r.Picture(kind); p != nil {
			out = append(out, *p)
		}
	}
	return out
}

func (r *Row) put(p *Picture) {
	if p.Type == Preview {
		r.Preview, r.PreviewURL, r.PreviewStored, r.PreviewAutomatic = p.Filename, p.RemoteURL, p.Stored, p.Automatic
		return
	}
	r.Miniature, r.MiniatureURL, r.MiniatureStored, r.MiniatureAutomatic = p.Filename, p.RemoteURL, p.Stored, p.Automatic
}

// Of are the pictures of a video, whose identifier is home.
func Of(g *gorm.DB, videoID int64, home string) ([]Picture, error) {
	r, err := load(g, videoID)
	if err != nil {
		return nil, err
	}
	out := r.Pictures()
	for i := range out {
		out[i].RemoteURL = iri.Full(home, out[i].RemoteURL)
	}
	return out, nil
}

func load(g *gorm.DB, videoID int64) (*Row, error) {
	var rows []Row
	if err := g.Where("video_id = ?", videoID).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load pictures: %w", err)
	}
	if len(rows) == 0 {
		return &Row{VideoID: videoID, MiniatureStored: true, PreviewStored: true}, nil
	}
	return &rows[0], nil
}

// Set replaces pictures of a video, which the caller has locked and whose
// identifier is home. It returns those whose stored files nobody names any more.
// When one is named here, so is the other unless it has a name of its own: it is to
// be fetched again, too.
func Set(tx *db.Tx, videoID int64, home string, pictures []Picture) (gone []Picture, err error) {
	if len(pictures) == 0 {
		return nil, nil
	}
	r, err := load(tx.DB, videoID)
	if err != nil {
		return nil, err
	}
	before := r.Pictures()
	for _, p := range pictures {
		if p.Filename == "" && p.RemoteURL == "" {
			return nil, errors.New("a picture without name and address")
		}
		p.RemoteURL = iri.Short(home, p.RemoteURL)
		r.put(&p)
	}
	if slices.ContainsFunc(pictures, func(p Picture) bool { return p.Filename == "" }) {
		r.Version = rand.Int64() //nolint:gosec // a name that was not there before, no secret
		r.MiniatureStored = r.MiniatureStored && r.Miniature != ""
		r.PreviewStored = r.PreviewStored && r.Preview != ""
	}
	if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(r).Error; err != nil {
		return nil, fmt.Errorf("save pictures: %w", err)
	}
	for _, p := range before {
		if p.Stored && p.Filename != r.Name(p.Type) {
			gone = append(gone, p)
		}
	}
	return gone, nil
}

// Fetched are the pictures of other servers' videos whose files are here.
func Fetched(g *gorm.DB) ([]Picture, error) {
	var rows []Row
	err := g.Where("(miniature_stored OR preview_stored) AND EXISTS (SELECT 1 FROM videos v WHERE v.id = video_id AND v.local = FALSE)").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list fetched pictures: %w", err)
	}
	var out []Picture
	for i := range rows {
		out = append(out, rows[i].Pictures()...)
	}
	return slices.DeleteFunc(out, func(p Picture) bool { return !p.Stored }), nil
}

// Store notes whether the file of a picture is here; false when the picture has
// another name by now.
func Store(tx *db.Tx, p *Picture, stored bool) (bool, error) {
	column, name := "miniature", p.Filename
	if p.Type == Preview {
		column = "preview"
	}
	q := tx.Model(&Row{}).Where("video_id = ?", p.VideoID)
	if p.version != 0 {
		name = ""
		q = q.Where("version = ?", p.version)
	}
	done := q.Where(column+" = ?", name).UpdateColumn(column+"_stored", stored)
	if done.Error != nil {
		return false, fmt.Errorf("note picture: %w", done.Error)
	}
	return done.RowsAffected > 0, nil
}

var made = regexp.MustCompile(`^([1-9][0-9]{0,18})-[0-9a-f]{16}\.jpg$`)

// Find finds a picture by its name, nil when there is none. Its address is as it
// is kept.
func Find(g *gorm.DB, kind int, name string) (*Picture, error) {
	q := g.Where("miniature = ? AND miniature <> ''", name)
	if kind == Preview {
		q = g.Where("preview = ? AND preview <> ''", name)
	}
	if m := made.FindStringSubmatch(name); m != nil {
		id, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return nil, nil //nolint:nilerr // no id is as long
		}
		q = g.Where("video_id = ?", id)
	}
	var rows []Row
	if err := q.Limit(1).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look up picture: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	p := rows[0].Picture(kind)
	if p == nil || p.Filename != name {
		return nil, nil
	}
	return p, nil
}
