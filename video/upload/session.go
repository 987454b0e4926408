package upload

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/web/rest"
)

// States of a session.
const (
	stateOpen      = "open"
	stateFinishing = "finishing"
	stateDone      = "done"
)

// session is a row of uploads.
type session struct {
	ID          string `gorm:"primaryKey"`
	UserID      int64
	Fingerprint string // empty: an upload in one request
	Metadata    string // details
	Size        int64
	Received    int64
	State       string
	VideoID     *int64
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// TableName implements gorm's Tabler.
func (session) TableName() string { return "uploads" }

// details are what a session knows of its video, fixed when it is opened.
type details struct {
	UUID       string              `json:"uuid"` // of the video
	Filename   string              `json:"filename"`
	ChannelID  int64               `json:"channelId"`
	Attributes catalog.Attributes  `json:"attributes"`
	Pictures   []catalog.Thumbnail `json:"pictures"` // of both types; stored when from the user

	Replaces int64 `json:"replaces,omitempty"` // the video that gets the file; UUID is then the file's own
}

// named gives the video its UUID and its pictures their names, before anything
// is stored, so that whatever a crash leaves behind is known by the row.
func (d *details) named() {
	d.UUID = uuid.NewString()
	d.Pictures = []catalog.Thumbnail{
		{Type: catalog.Miniature, Filename: uuid.NewString() + ".jpg", Width: catalog.MiniatureWidth, Height: catalog.MiniatureHeight, Stored: true},
		{Type: catalog.Preview, Filename: uuid.NewString() + ".jpg", Width: catalog.PreviewWidth, Height: catalog.PreviewHeight, Stored: true},
	}
}

// keys are all objects that the session may have stored.
func (d *details) keys() []string {
	keys := []string{d.sourceKey()}
	for i := range d.Pictures {
		keys = append(keys, d.Pictures[i].Key())
	}
	return keys
}

// sourceKey is where the finished file goes in storage.
func (d *details) sourceKey() string { return "sources/" + d.UUID }

func (s *session) details() (*details, error) {
	d := &details{}
	if err := json.Unmarshal([]byte(s.Metadata), d); err != nil {
		return nil, fmt.Errorf("upload %s: metadata: %w", s.ID, err)
	}
	return d, nil
}

func (s *session) setDetails(d *details) error {
	raw, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("upload %s: metadata: %w", s.ID, err)
	}
	s.Metadata = string(raw)
	return nil
}

// newID returns 128 random bits as hex (SEC-61).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// validID tells whether an id can be one of ours. It is a file's name.
func validID(id string) bool {
	b, err := hex.DecodeString(id)
	return err == nil && len(b) == 16 && hex.EncodeToString(b) == id
}

// fingerprint is the same for the same user, file and metadata.
func fingerprint(userID, size int64, filename string, in form.Input, pictures map[string][]byte) (string, error) {
	h := sha256.New()
	raw, err := json.Marshal([]any{userID, size, filename, in}) // keys of maps are sorted
	if err != nil {
		return "", fmt.Errorf("fingerprint: %w", err)
	}
	h.Write(raw)
	for _, name := range slices.Sorted(maps.Keys(pictures)) {
		sum := sha256.Sum256(pictures[name])
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// find loads a resumable session of a user; nil when there is none (SEC-44).
// replaces is the video that it gives a new file; 0: it makes one.
func (u *Upload) find(g *gorm.DB, userID int64, id string, replaces int64) (*session, error) {
	if !validID(id) {
		return nil, nil
	}
	s, err := one(g.Where("id = ? AND user_id = ? AND fingerprint <> ''", id, userID))
	if err != nil || s == nil {
		return nil, err
	}
	d, err := s.details()
	if err != nil || d.Replaces != replaces {
		return nil, err
	}
	return s, nil
}

// same loads the session that was opened with the same fingerprint.
func same(g *gorm.DB, userID int64, mark string) (*session, error) {
	return one(g.Where("user_id = ? AND fingerprint = ?", userID, mark).Order("id"))
}

func one(q *gorm.DB) (*session, error) {
	var rows []session
	if err := q.Limit(1).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load upload: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}

// lockUser keeps other uploads of the user from being counted until tx ends,
// and returns the user's quotas.
func lockUser(tx *db.Tx, userID int64) (total, daily int64, err error) {
	var row struct {
		ID                          int64
		VideoQuota, VideoQuotaDaily int64
	}
	err = tx.Raw("SELECT id, video_quota, video_quota_daily FROM users WHERE id = ?"+tx.Dialect().ForUpdate(), userID).Scan(&row).Error
	if err != nil {
		return 0, 0, fmt.Errorf("load quota: %w", err)
	}
	if row.ID == 0 {
		return 0, 0, rest.Forbidden("This user does not exist any more")
	}
	return row.VideoQuota, row.VideoQuotaDaily, nil
}

// reserve checks that size bytes more fit into the quota, beside what was
// counted of the session itself before. The caller writes the session in tx.
func reserve(tx *db.Tx, userID, before, size int64) error {
	total, daily, err := lockUser(tx, userID)
	if err != nil {
		return err
	}
	usedTotal, usedDaily, err := catalog.LoadUsed(tx.DB, userID)
	if err != nil {
		return err
	}
	if !config.Size(total).Allows(usedTotal-before+size) || !config.Size(daily).Allows(usedDaily-before+size) {
		return quotaReached()
	}
	return nil
}

// create writes a new session, or returns the one with the same fingerprint
// that another request was faster with. A session whose video was deleted makes
// way.
func (u *Upload) create(ctx context.Context, s *session) (existing *session, err error) {
	err = u.o.DB.Tx(ctx, func(tx *db.Tx) error {
		existing = nil
		if _, _, err := lockUser(tx, s.UserID); err != nil {
			return err
		}
		if s.Fingerprint != "" {
			if existing, err = same(tx.DB, s.UserID, s.Fingerprint); err != nil {
				return err
			}
		}
		if existing != nil {
			if existing.State != stateDone || existing.VideoID != nil {
				return nil
			}
			if err := tx.Where("id = ?", existing.ID).Delete(&session{}).Error; err != nil {
				return fmt.Errorf("replace upload: %w", err)
			}
			existing = nil
		}
		if err := reserve(tx, s.UserID, 0, s.Size); err != nil {
			return err
		}
		var n int64
		if err := tx.Model(&session{}).Where("user_id = ? AND state <> ?", s.UserID, stateDone).Count(&n).Error; err != nil {
			return fmt.Errorf("count uploads: %w", err)
		}
		if n >= maxOpen {
			return tooMany()
		}
		s.CreatedAt = db.Now()
		s.UpdatedAt = s.CreatedAt
		if err := tx.Create(s).Error; err != nil {
			return fmt.Errorf("open upload: %w", err)
		}
		return nil
	})
	return existing, err
}

// update changes a session that is not done. gone: there is none any more.
func (u *Upload) update(ctx context.Context, id string, set map[string]any) (gone bool, err error) {
	set["updated_at"] = db.Now()
	err = u.o.DB.Tx(ctx, func(tx *db.Tx) error {
		r := tx.Model(&session{}).Where("id = ? AND state <> ?", id, stateDone).UpdateColumns(set)
		gone = r.RowsAffected == 0
		return r.Error
	})
	if err != nil {
		return false, fmt.Errorf("change upload %s: %w", id, err)
	}
	return gone, nil
}

// resize makes the size of a session what it turned out to be, within the
// quota, and writes its metadata.
func (u *Upload) resize(ctx context.Context, s *session, size int64) error {
	err := u.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := reserve(tx, s.UserID, s.Size, size); err != nil {
			return err
		}
		return tx.Model(&session{}).Where("id = ?", s.ID).
			UpdateColumns(map[string]any{"size": size, "received": size, "metadata": s.Metadata, "updated_at": db.Now()}).Error
	})
	if err == nil {
		s.Size, s.Received = size, size
	}
	return err
}

// drop forgets a session that became no video, and all that it stored.
func (u *Upload) drop(ctx context.Context, s *session) error {
	ctx = context.WithoutCancel(ctx)
	err := u.o.DB.Tx(ctx, func(tx *db.Tx) error {
		r := tx.Where("id = ? AND state <> ?", s.ID, stateDone).Delete(&session{})
		if r.Error != nil || r.RowsAffected == 0 {
			return r.Error
		}
		return dropFiles(tx, s)
	})
	if err != nil {
		return fmt.Errorf("drop upload %s: %w", s.ID, err)
	}
	return u.removePart(s.ID)
}

// dropFiles inserts the job that deletes the pictures and the source of a
// session.
func dropFiles(tx *db.Tx, s *session) error {
	if s.Metadata == "" {
		return nil
	}
	d, err := s.details()
	if err != nil {
		return err
	}
	return jobs.Insert(tx, catalog.DeleteFilesArgs{Keys: d.keys()})
}

// Keys are the objects in storage that belong to uploads which are no videos
// yet.
func (u *Upload) Keys(ctx context.Context) ([]string, error) {
	var rows []session
	err := u.o.DB.Read(ctx).Select("id", "metadata").Where("state <> ? AND metadata <> ''", stateDone).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list uploads: %w", err)
	}
	var keys []string
	for i := range rows {
		d, err := rows[i].details()
		if err != nil {
			return nil, err
		}
		keys = append(keys, d.keys()...)
	}
	return keys, nil
}
