// Package command holds the subcommands of the binary for administrators: users,
// tokens and follows of the instance. They work on the database of the settings,
// beside a running server too, which does what has to be sent.
//
// Imported by: accounts. Imports its siblings user and oauth.
package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/kinemesh/kinemesh/accounts/oauth"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/console"
	"github.com/kinemesh/kinemesh/config/db"
)

// Options are what the subcommands work on.
type Options struct {
	DB     *db.DB
	Engine *activitypub.Engine
	Users  *user.Service
	OAuth  *oauth.Service
}

// Commands are the subcommands. Of zero Options they can be listed and explained,
// but not run.
func Commands(o Options) []activitypub.Command {
	return []activitypub.Command{
		o.createUser(), o.resetPassword(), o.listUsers(), o.ban(), o.unban(), o.token(),
		o.addFollow(), o.removeFollow(), o.listFollows(),
	}
}

// find is the user of a name.
func (o Options) find(ctx context.Context, name string) (*user.User, error) {
	u, err := o.Users.ByUsername(ctx, name)
	if errors.Is(err, db.ErrNotFound) {
		return nil, fmt.Errorf("there is no user %q", name)
	}
	return u, err
}

// check refuses arguments and wrong values of a listing subcommand.
func check(l *console.Listing, use string, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes flags only, not %q", use, args[0])
	}
	return l.Check()
}
