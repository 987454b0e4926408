package user

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/kept"
	"github.com/kinemesh/kinemesh/web/rest"
)

// sortColumns are the columns behind the sort fields of users.
func sortColumns() map[string]string {
	return map[string]string{
		"id": "users.id", "username": "username", "createdAt": "users.created_at",
		"lastLoginDate": "last_login_at", "role": "role", "videoQuotaUsed": "used",
	}
}

// Filter says which users are asked for; zero is all.
type Filter struct {
	Search  string // in names and addresses
	Blocked *bool
	Role    *rest.Role
}

// List finds users. Page.Sort is one of id, username, createdAt, lastLoginDate,
// role and videoQuotaUsed, whose order may be some seconds old where many videos
// are.
func (s *Service) List(ctx context.Context, f Filter, page rest.Page) ([]*User, int64, error) {
	column := sortColumns()[page.Sort]
	if column == "" {
		return nil, 0, fmt.Errorf("sort %q: not known", page.Sort)
	}
	from, order, keep := "users", page.Order(column, "users.id"), s.kept
	switch {
	case page.Sort == "lastLoginDate": // the engines differ in where they put null
		order = "last_login_at IS NULL, " + order
	case page.Sort == "videoQuotaUsed" && s.UsedSQL == "":
		order = page.Order("users.id", "users.id")
	case page.Sort == "videoQuotaUsed":
		from += " LEFT JOIN (" + s.UsedSQL + ") x ON x.user_id = users.id"
		order, keep = page.Order("COALESCE(x.used, 0)", "users.id"), s.KeptUsage
	}
	where, args := f.conditions()
	ids, total, err := keep.Page(ctx, page.Start, page.Count, "SELECT users.id FROM "+from+where+" ORDER BY "+order, args...)
	if err != nil {
		return nil, 0, fmt.Errorf("order users: %w", err)
	}
	if len(ids) == 0 {
		return nil, total, nil
	}
	in, args := s.o.DB.Dialect().In("id", ids)
	rows := make([]*User, 0, len(ids))
	err = db.Each(s.o.DB.Read(ctx), func(r *sql.Rows) error {
		u := &User{}
		rows = append(rows, u)
		return r.Scan(u.fields()...)
	}, "SELECT "+columns+" FROM users WHERE "+in, args...)
	if err != nil {
		return nil, 0, fmt.Errorf("list users: %w", err)
	}
	slices.SortFunc(rows, func(a, b *User) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
	return rows, total, nil
}

func (f Filter) conditions() (where string, args []any) {
	and := func(condition string, values ...any) {
		if where == "" {
			where = " WHERE " + condition
		} else {
			where += " AND " + condition
		}
		args = append(args, values...)
	}
	if search := input.Line(f.Search); search != "" {
		like := "%" + db.Like(search) + "%" // SEC-51
		and(`(username LIKE LOWER(?) ESCAPE '\' OR email LIKE LOWER(?) ESCAPE '\')`, like, like)
	}
	if f.Blocked != nil {
		and("blocked = ?", *f.Blocked)
	}
	if f.Role != nil {
		and("role = ?", *f.Role)
	}
	return where, args
}

// usage is what a user's videos take, in bytes.
type usage struct{ UserID, Used, Daily, Files int64 }

// usages tells what the videos of users take; who has none is left out.
func (s *Service) usages(ctx context.Context, ids []int64) (map[int64]usage, error) {
	out := map[int64]usage{}
	if s.UsageSQL == "" || len(ids) == 0 {
		return out, nil
	}
	var rows []usage
	err := s.o.DB.Read(ctx).Raw(s.UsageSQL, sql.Named("since", db.Now().Add(-24*time.Hour)), sql.Named("ids", ids)).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("usage of users: %w", err)
	}
	for _, r := range rows {
		out[r.UserID] = r
	}
	return out, nil
}

// keptUsages is usages for lists: all videos and files of the users have to be
// looked at.
func (s *Service) keptUsages(ctx context.Context, ids []int64) (map[int64]usage, error) {
	v, err := s.KeptUsage.Get(ctx, fmt.Sprint("usages of ", ids), func(ctx context.Context) (v kept.Value, err error) {
		all, err := s.usages(ctx, ids)
		for _, u := range all {
			v.IDs = append(v.IDs, u.UserID, u.Used, u.Daily, u.Files)
		}
		return v, err
	})
	out := make(map[int64]usage, len(ids))
	for u := range slices.Chunk(v.IDs, 4) {
		out[u[0]] = usage{u[0], u[1], u[2], u[3]}
	}
	return out, err
}

// autocompleteCount is how many names are proposed.
const autocompleteCount = 10

// Autocomplete proposes names that begin with search.
func (s *Service) Autocomplete(ctx context.Context, search string) ([]string, error) {
	names := []string{}
	err := s.o.DB.Read(ctx).Model(&User{}).Where(`username LIKE ? ESCAPE '\'`, strings.ToLower(db.Like(search))+"%").
		Order("username").Limit(autocompleteCount).Pluck("username", &names).Error
	if err != nil {
		return nil, fmt.Errorf("autocomplete: %w", err)
	}
	return names, nil
}

// Count is the number of users.
func (s *Service) Count(ctx context.Context) (int64, error) {
	var n int64
	if err := s.o.DB.Read(ctx).Model(&User{}).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count users: %w", err)
	}
	return n, nil
}

// Block keeps a user from logging in, ends all sessions and sends a mail.
func (s *Service) Block(ctx context.Context, u *User, reason string) error {
	if u.Username == RootName {
		return ErrRoot
	}
	return s.setBlocked(ctx, u, true, reason)
}

// Unblock lifts a block and sends a mail.
func (s *Service) Unblock(ctx context.Context, u *User) error {
	return s.setBlocked(ctx, u, false, "")
}

func (s *Service) setBlocked(ctx context.Context, u *User, blocked bool, reason string) error {
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := s.changeTx(tx, u.ID, map[string]any{"blocked": blocked, "blocked_reason": reason}, blocked); err != nil {
			return err
		}
		if u.Blocked == blocked {
			return nil
		}
		return s.sendBlock(tx, u, blocked, reason)
	})
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
