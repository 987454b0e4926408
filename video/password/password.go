// Package password protects videos with passwords that their owner hands out.
// A request brings one in the header X-Peertube-Video-Password.
//
// Invariants
//   - a protected video has at least one password
//   - passwords lie encrypted in the database, since their owner reads them
//     again; a guess is looked up by its keyed hash, which takes the same time
//     for any guess
//   - an address that guesses wrong again and again has to wait, and is told
//     nothing of its guesses meanwhile
//   - who came in by a password that is deleted is out (SEC-55)
//
// Specifications: reference REST sections 5 and 12 (Video Passwords). Imports no
// sibling but catalog.
package password

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/accounts/seal"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Password is a row of video_passwords.
type Password struct {
	ID        int64
	VideoID   int64
	Mac       string // hex
	Sealed    string // base64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// TableName implements gorm's Tabler.
func (Password) TableName() string { return "video_passwords" }

// Service keeps passwords. It is safe for concurrent use.
type Service struct {
	db      *db.DB
	catalog *catalog.Service
	mac     []byte
	box     *seal.Box
	guesses guesses
}

// New returns a Service. secret is the server's own (secrets.peertube).
func New(d *db.DB, c *catalog.Service, secret string) (*Service, error) {
	const purpose = "video passwords"
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "kinemesh look-up of "+purpose, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("password: derive key: %w", err)
	}
	return &Service{db: d, catalog: c, mac: key, box: seal.New(secret, purpose)}, nil
}

// hash is by what a password of a video is found.
func (s *Service) hash(videoID int64, password string) string {
	m := hmac.New(sha256.New, s.mac)
	m.Write([]byte(owner(videoID) + " " + password))
	return hex.EncodeToString(m.Sum(nil))
}

func owner(videoID int64) string { return "video " + strconv.FormatInt(videoID, 10) }

func (s *Service) row(videoID int64, password string) Password {
	now := db.Now()
	return Password{
		VideoID: videoID, Mac: s.hash(videoID, password), Sealed: s.box.Seal([]byte(password), owner(videoID)),
		CreatedAt: now, UpdatedAt: now,
	}
}

// Set replaces the passwords of a video; see [catalog.Service.SetPasswords]. What
// stays keeps its row, and so whoever came in by it.
func (s *Service) Set(tx *db.Tx, videoID int64, passwords []string) error {
	rows := make([]Password, len(passwords))
	macs := make([]string, len(passwords))
	for i, p := range passwords {
		rows[i] = s.row(videoID, p)
		macs[i] = rows[i].Mac
	}
	gone := tx.Where("video_id = ?", videoID)
	if len(macs) > 0 {
		gone = gone.Where("mac NOT IN ?", macs)
	}
	if err := gone.Delete(&Password{}).Error; err != nil {
		return fmt.Errorf("forget passwords: %w", err)
	}
	for i := range rows {
		if _, err := add(tx, &rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// add writes a row, unless the video has the password.
func add(tx *db.Tx, p *Password) (added bool, err error) {
	res := tx.Exec(`INSERT INTO video_passwords (video_id, mac, sealed, created_at, updated_at) VALUES (?, ?, ?, ?, ?)
 ON CONFLICT (video_id, mac) DO NOTHING`, p.VideoID, p.Mac, p.Sealed, p.CreatedAt, p.UpdatedAt)
	if res.Error != nil {
		return false, fmt.Errorf("save password: %w", res.Error)
	}
	return res.RowsAffected > 0, nil
}

// find returns the id of the password; 0 when the video has no such one.
func (s *Service) find(g *gorm.DB, videoID int64, password string) (id int64, err error) {
	err = g.Raw("SELECT id FROM video_passwords WHERE video_id = ? AND mac = ?", videoID, s.hash(videoID, password)).Scan(&id).Error
	if err != nil {
		return 0, fmt.Errorf("look up password: %w", err)
	}
	return id, nil
}

// Which is the id of the password that the request brought for v; 0 when that
// was none of its passwords.
func (s *Service) Which(ctx context.Context, v *catalog.Video) (int64, error) {
	given := rest.CurrentGuess(ctx).For(v.UUID)
	if given == "" || v.Privacy != catalog.Password {
		return 0, nil
	}
	return s.find(s.db.Read(ctx), v.ID, given)
}

type proofKey struct{}

// WithProof returns a context for somebody who came in by a password before:
// id is what [Service.Which] returned then. It counts while v has the password.
func WithProof(ctx context.Context, id int64) context.Context {
	return context.WithValue(ctx, proofKey{}, id)
}

// proven tells whether the context proves a password of v.
func (s *Service) proven(ctx context.Context, v *catalog.Video) (bool, error) {
	id, ok := ctx.Value(proofKey{}).(int64)
	if !ok {
		return false, nil
	}
	var n int64
	err := s.db.Read(ctx).Model(&Password{}).Where("id = ? AND video_id = ?", id, v.ID).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("look up password: %w", err)
	}
	return n > 0, nil
}

// Unlock looks at the password that the request brought; see
// [catalog.Service.Unlock].
func (s *Service) Unlock(ctx context.Context, v *catalog.Video) *rest.Problem {
	if ok, err := s.proven(ctx, v); ok || err != nil {
		return broken(err)
	}
	g := rest.CurrentGuess(ctx)
	given := g.For(v.UUID)
	if given == "" {
		return &rest.Problem{
			Status: http.StatusForbidden, Code: "video_requires_password",
			Detail: "Please provide a password to access this password protected video",
		}
	}
	if wait := s.guesses.wait(v.ID, g.From, time.Now()); wait > 0 {
		return &rest.Problem{
			Status: http.StatusTooManyRequests, Detail: "Too many wrong passwords. Try again later.",
			Header: map[string]string{"Retry-After": strconv.Itoa(int(wait.Seconds()) + 1)},
		}
	}
	id, err := s.find(s.db.Read(ctx), v.ID, given)
	if id != 0 || err != nil {
		return broken(err)
	}
	s.guesses.wrong(v.ID, g.From, time.Now())
	return &rest.Problem{
		Status: http.StatusForbidden, Code: "incorrect_video_password",
		Detail: "Incorrect video password. Access to the video is denied.",
	}
}

// broken keeps out when the database cannot be asked; nil for nil.
func broken(err error) *rest.Problem {
	if err == nil {
		return nil
	}
	return &rest.Problem{Status: http.StatusServiceUnavailable, Code: "busy", Detail: "The password cannot be checked now"}
}
