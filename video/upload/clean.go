package upload

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
)

// cleanBatch bounds one round of the cleaner.
const cleanBatch = 500

// unusedAfter is when an upload that never received a byte is removed: it counts
// for the quota, and nothing is lost with it.
const unusedAfter = time.Hour

// Clean removes uploads without activity for [Options.ExpireAfter], rows and
// parts, forgets what is done, and removes files that no upload names. Uploads
// that received nothing go after an hour.
func (u *Upload) Clean(ctx context.Context) error {
	before := db.Now().Add(-u.o.ExpireAfter)
	unused := db.Now().Add(-min(unusedAfter, u.o.ExpireAfter))
	return errors.Join(
		u.expireAll(ctx, before, u.o.DB.Read(ctx)),
		u.expireAll(ctx, unused, u.o.DB.Read(ctx).Where("received = 0 AND state = ?", stateOpen)),
		u.cleanFolder(ctx, before),
	)
}

// expireAll removes uploads of q that were last active before then.
func (u *Upload) expireAll(ctx context.Context, before time.Time, q *gorm.DB) error {
	var rows []session
	if err := q.Where("updated_at < ?", before).Order("updated_at, id").Limit(cleanBatch).Find(&rows).Error; err != nil {
		return fmt.Errorf("look for expired uploads: %w", err)
	}
	var errs []error
	for i := range rows {
		if err := u.expire(ctx, &rows[i], before); err != nil && !errors.Is(err, errBusy) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// expire removes one upload, unless someone works on it.
func (u *Upload) expire(ctx context.Context, s *session, before time.Time) error {
	if s.State == stateDone {
		err := u.o.DB.Tx(ctx, func(tx *db.Tx) error {
			return tx.Where("id = ? AND state = ?", s.ID, stateDone).Delete(&session{}).Error
		})
		return errors.Join(err, u.removePart(s.ID))
	}
	if u.busy(s.ID) {
		return errBusy
	}
	_, release, err := u.claim(ctx, s.ID, nil)
	if err != nil {
		return err
	}
	defer release()
	p, err := u.openPart(ctx, s.ID)
	if err != nil {
		return err
	}
	defer p.Close() //nolint:errcheck // it is removed
	fresh, err := one(u.o.DB.Read(ctx).Where("id = ?", s.ID))
	if err != nil {
		return err
	}
	if fresh != nil && (fresh.State == stateDone || !fresh.UpdatedAt.Before(before)) { // it went on meanwhile
		return nil
	}
	u.log.InfoContext(ctx, "upload expired", "upload", s.ID, "received", s.Received, "size", s.Size)
	return u.drop(ctx, s)
}

func (u *Upload) busy(id string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.works[id] != nil
}

// cleanFolder removes old files without a row: of users that were deleted, of a
// crash between a commit and the removal.
func (u *Upload) cleanFolder(ctx context.Context, before time.Time) error {
	entries, err := fs.ReadDir(u.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("read folder of uploads: %w", err)
	}
	var errs []error
	for _, e := range entries {
		fi, err := e.Info()
		if err != nil || !fi.ModTime().Before(before) {
			continue
		}
		id := strings.TrimSuffix(e.Name(), linkSuffix)
		if strings.HasPrefix(id, framesPrefix) {
			errs = append(errs, u.root.RemoveAll(e.Name()))
			continue
		}
		if !validID(id) || u.busy(id) {
			continue
		}
		s, err := one(u.o.DB.Read(ctx).Where("id = ? AND state <> ?", id, stateDone))
		if err != nil {
			return err
		}
		if s == nil {
			errs = append(errs, u.removePart(id))
		}
	}
	return errors.Join(errs...)
}
