package notification

import (
	"context"
	"fmt"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// toStaff tells moderators and administrators.
func (s *Service) toStaff(context.Context, Event) (Audience, error) {
	return Roles(int(rest.RoleModerator)), nil
}

// UserCreated tells moderators that somebody registered.
func (s *Service) UserCreated(tx *db.Tx, userID int64) error {
	return s.Notify(tx, Event{Type: NewUser, Object: userID})
}

// RegistrationAsked tells moderators that somebody asks for an account.
func (s *Service) RegistrationAsked(tx *db.Tx, id int64) error {
	return s.Notify(tx, Event{Type: NewRegistration, Object: id})
}

func (s *Service) describeUsers(ctx context.Context, _ *rest.Principal, items []*Item) error {
	owned, err := s.o.Channels.OfUsers(ctx, ids(items, func(it *Item) int64 { return it.ObjectID })...)
	if err != nil {
		return err
	}
	for _, it := range items {
		if a := owned[it.ObjectID].Account; a != nil {
			it.JSON.Account = ActorOf(s.o.Channels.APIAccountSummary(a))
		}
	}
	return nil
}

func (s *Service) describeRegistrations(ctx context.Context, _ *rest.Principal, items []*Item) error {
	var rows []Registration
	err := s.o.DB.Read(ctx).Table("registrations").Select("id", "username").
		Where("id IN ?", ids(items, func(it *Item) int64 { return it.ObjectID })).Find(&rows).Error
	if err != nil {
		return fmt.Errorf("registrations: %w", err)
	}
	at := make(map[int64]*Registration, len(rows))
	for i := range rows {
		at[rows[i].ID] = &rows[i]
	}
	for _, it := range items {
		it.JSON.Registration = at[it.ObjectID]
	}
	return nil
}

// FollowChanged tells who is followed of a new follower, and administrators of
// servers that follow this one or are followed by it on its own.
func (s *Service) FollowChanged(tx *db.Tx, c actor.FollowChange) error {
	e := Event{Object: c.Target.ID, Event: c.Follower.ID, By: c.Follower.ID} // the same follower is told of once
	switch {
	case c.Target.Local() && c.Target.Type == actor.Application && c.Was == "" && c.State != actor.Rejected && c.State != "":
		e.Type = InstanceFollower
	case c.Target.Local() && c.Target.Type != actor.Application && c.State == actor.Accepted && c.Was != actor.Accepted:
		e.Type = NewFollow
	case s.o.Config.Current().Followings.Instance.AutoFollowBack.Enabled && c.Follower.Local() && c.Follower.Type == actor.Application && c.Was == "" && c.State == actor.Pending:
		_, err := actor.FollowBetween(tx.DB, c.Target.ID, c.Follower.ID)
		if err != nil { // the other side does not follow us: an administrator's will
			return notFound(err)
		}
		e.Type = InstanceFollowing
	default:
		return nil
	}
	return s.Notify(tx, e)
}

// toFollowed tells the owner of the account or channel, or the administrators.
func (s *Service) toFollowed(ctx context.Context, e Event) (Audience, error) {
	if e.Type != NewFollow {
		return Roles(int(rest.RoleAdmin)), nil
	}
	var owner struct{ UserID int64 }
	err := s.o.DB.Read(ctx).Raw(`SELECT user_id FROM accounts WHERE actor_id = ? AND user_id IS NOT NULL
		UNION ALL SELECT a.user_id FROM channels ch JOIN accounts a ON a.id = ch.account_id WHERE ch.actor_id = ? AND a.user_id IS NOT NULL`,
		e.Object, e.Object).Take(&owner).Error
	return OneUser(owner.UserID), err
}

func (s *Service) describeFollows(ctx context.Context, _ *rest.Principal, items []*Item) error {
	followers, targets := ids(items, func(it *Item) int64 { return it.Event }), ids(items, func(it *Item) int64 { return it.ObjectID })
	var rows []actor.Follow
	err := s.o.DB.Read(ctx).Where("follower_id IN ? AND target_id IN ?", followers, targets).Find(&rows).Error
	if err != nil {
		return fmt.Errorf("follows: %w", err)
	}
	people, actors, err := s.people(ctx, append(followers, targets...))
	if err != nil {
		return err
	}
	kinds := map[string]string{actor.Application: "instance", actor.Group: "channel"}
	at := make(map[[2]int64]actor.Follow, len(rows))
	for _, f := range rows {
		at[[2]int64{f.FollowerID, f.TargetID}] = f
	}
	for _, it := range items {
		f := at[[2]int64{it.Event, it.ObjectID}]
		follower, target := people[it.Event], people[it.ObjectID]
		if f.ID == 0 || follower == nil || target == nil {
			continue
		}
		to := Followed{"account", target.DisplayName, target.Name, target.Host}
		if kind := kinds[actors[it.ObjectID].Type]; kind != "" {
			to.Type = kind
		}
		it.JSON.ActorFollow = &Follow{f.ID, f.State, follower, to}
	}
	return nil
}

// notFound makes nothing of a missing row.
func notFound(err error) error {
	if err == nil || isNotFound(err) {
		return nil
	}
	return err
}
