package user

import (
	"context"
	"errors"
	"fmt"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// sortColumns are the columns behind the sort fields of users.
func sortColumns() map[string]string {
	return map[string]string{
		"id": "id", "username": "username", "createdAt": "created_at",
		"lastLoginDate": "last_login_at", "role": "role",
	}
}

// List finds users, all or those whose name or address contains search, and
// whose block is as given. Page.Sort is one of id, username, createdAt,
// lastLoginDate and role.
func (s *Service) List(ctx context.Context, search string, blocked *bool, page rest.Page) ([]*User, int64, error) {
	column := sortColumns()[page.Sort]
	if column == "" {
		return nil, 0, fmt.Errorf("sort %q: not known", page.Sort)
	}
	q := s.o.DB.Read(ctx).Model(&User{})
	if search = input.Line(search); search != "" {
		like := "%" + db.Like(search) + "%" // SEC-51
		q = q.Where(`(username LIKE LOWER(?) ESCAPE '\' OR email LIKE LOWER(?) ESCAPE '\')`, like, like)
	}
	if blocked != nil {
		q = q.Where("blocked = ?", *blocked)
	}
	var total int64
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count users: %w", err)
	}
	order := page.Order(column, "id")
	if page.Sort == "lastLoginDate" { // the engines differ in where they put null
		order = "last_login_at IS NULL, " + order
	}
	var rows []*User
	if err := q.Order(order).Offset(page.Start).Limit(page.Count).Find(&rows).Error; err != nil {
		return nil, 0, fmt.Errorf("list users: %w", err)
	}
	return rows, total, nil
}

// Count is the number of users.
func (s *Service) Count(ctx context.Context) (int64, error) {
	var n int64
	if err := s.o.DB.Read(ctx).Model(&User{}).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count users: %w", err)
	}
	return n, nil
}

// Block keeps a user from logging in and ends all sessions; Unblock lifts it.
func (s *Service) Block(ctx context.Context, u *User, reason string) error {
	if u.Username == RootName {
		return ErrRoot
	}
	return s.change(ctx, u.ID, map[string]any{"blocked": true, "blocked_reason": reason}, true)
}

// Unblock lifts a block.
func (s *Service) Unblock(ctx context.Context, u *User) error {
	return s.change(ctx, u.ID, map[string]any{"blocked": false, "blocked_reason": ""}, false)
}

// Delete removes a user, whose sessions end and whose account disappears at
// once; what hangs on the account is removed by jobs.
func (s *Service) Delete(ctx context.Context, u *User) error {
	if u.Username == RootName {
		return ErrRoot
	}
	a, err := s.o.Channels.AccountOfUser(ctx, u.ID)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return err
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := s.EndSessions(tx, u.ID); err != nil {
			return err
		}
		if a != nil {
			if err := s.o.Channels.DeleteAccount(tx, a); err != nil {
				return err
			}
		}
		if err := tx.Where("id = ?", u.ID).Delete(&User{}).Error; err != nil {
			return fmt.Errorf("user %d: %w", u.ID, err)
		}
		return nil
	})
}

// NoteLogin keeps the time of a login.
func (s *Service) NoteLogin(tx *db.Tx, userID int64) error {
	if err := tx.Model(&User{}).Where("id = ?", userID).UpdateColumn("last_login_at", db.Now()).Error; err != nil {
		return fmt.Errorf("user %d: %w", userID, err)
	}
	return nil
}

// Counts are the numbers of users for NodeInfo. Who has not logged in by
// password for a month counts as away.
func (s *Service) Counts(ctx context.Context) (map[string]int64, error) {
	var row struct{ Users, Month, Half int64 }
	now := db.Now()
	err := s.o.DB.Read(ctx).Model(&User{}).Select(
		"COUNT(*) AS users, COUNT(CASE WHEN last_login_at > ? THEN 1 END) AS month, COUNT(CASE WHEN last_login_at > ? THEN 1 END) AS half",
		now.AddDate(0, -1, 0), now.AddDate(0, -6, 0)).Scan(&row).Error
	if err != nil {
		return nil, fmt.Errorf("count users: %w", err)
	}
	return map[string]int64{"users": row.Users, "activeMonth": row.Month, "activeHalfyear": row.Half}, nil
}
