package notification

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

func isNotFound(err error) bool { return errors.Is(err, db.ErrNotFound) }

// Filter narrows a list of notifications; zero fields do not.
type Filter struct {
	rest.Page
	Unread *bool
	Types  []int
}

// List is a part of what a user was told, and how much there is in all.
func (s *Service) List(ctx context.Context, to *rest.Principal, f Filter) ([]Item, int64, error) {
	q := s.o.DB.Read(ctx).Model(&Row{}).Where("user_id = ? AND web", to.UserID)
	if f.Unread != nil && *f.Unread {
		q = q.Where("NOT read")
	} else if f.Unread != nil {
		q = q.Where("read")
	}
	if len(f.Types) > 0 {
		q = q.Where("type IN ?", f.Types)
	}
	q = q.Session(&gorm.Session{})
	var total int64
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count notifications: %w", err)
	}
	column := "id" // what was written later has a higher one
	if f.Sort == "read" {
		column = "read"
	}
	var rows []Row
	if err := q.Order(f.Order(column, "id")).Offset(f.Start).Limit(f.Count).Find(&rows).Error; err != nil {
		return nil, 0, fmt.Errorf("list notifications: %w", err)
	}
	items, err := s.describe(ctx, to, rows)
	return items, total, err
}

// MaxUnread is where [Service.Unread] stops counting.
const MaxUnread = 100

// Unread counts what a user has not read, up to MaxUnread.
func (s *Service) Unread(ctx context.Context, userID int64) (n int64, err error) {
	err = s.o.DB.Read(ctx).Raw(`SELECT count(*) FROM (SELECT 1 FROM notifications WHERE user_id = ? AND web AND NOT read LIMIT ?) AS n`,
		userID, MaxUnread).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count unread notifications: %w", err)
	}
	return n, nil
}

// MarkRead marks notifications of a user read; nil ids: all. Ids of others'
// change nothing (SEC-44).
func (s *Service) MarkRead(ctx context.Context, userID int64, ids []int64) error {
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		q := tx.Model(&Row{}).Where("user_id = ? AND web AND NOT read", userID)
		if ids != nil {
			q = q.Where("id IN ?", ids)
		}
		err := q.UpdateColumns(map[string]any{"read": true, "updated_at": db.Now()}).Error
		if err != nil {
			return fmt.Errorf("mark notifications read: %w", err)
		}
		return nil
	})
}

// Newest is the id of the last notification that was written; 0 when there is
// none.
func (s *Service) Newest(ctx context.Context) (id int64, err error) {
	err = s.o.DB.Read(ctx).Raw("SELECT COALESCE(max(id), 0) FROM notifications").Scan(&id).Error
	if err != nil {
		return 0, fmt.Errorf("newest notification: %w", err)
	}
	return id, nil
}

// maxNew bounds one answer of [Service.After].
const maxNew = 500

// After lists the rows of some users with ids above after, lowest first.
func (s *Service) After(ctx context.Context, userIDs []int64, after int64) (rows []Row, err error) {
	err = s.o.DB.Read(ctx).Where("user_id IN ? AND web AND id > ?", userIDs, after).Order("id").Limit(maxNew).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("new notifications: %w", err)
	}
	return rows, nil
}

// Describe makes the API's form of rows that belong to one user.
func (s *Service) Describe(ctx context.Context, to *rest.Principal, rows []Row) ([]JSON, error) {
	items, err := s.describe(ctx, to, rows)
	if err != nil {
		return nil, err
	}
	return jsonOf(items), nil
}

func jsonOf(items []Item) []JSON {
	out := make([]JSON, len(items))
	for i := range items {
		out[i] = items[i].JSON
	}
	return out
}
