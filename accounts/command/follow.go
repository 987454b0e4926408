package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/console"
	"github.com/kinemesh/kinemesh/config/db"
)

func (o Options) addFollow() activitypub.Command {
	return activitypub.Command{
		Use: "follow add", Operands: "HOST|NAME@HOST|ADDRESS...", Short: "Follow servers, accounts and channels",
		Long: "Follow servers, accounts and channels in the name of this server: kinemesh follow add HOST|NAME@HOST|ADDRESS...\n" +
			"The running server asks them; kinemesh follow list shows what they answer.",
		Run: func(ctx context.Context, out io.Writer, args []string) error {
			if len(args) == 0 {
				return console.Usage("follow add", "HOST|NAME@HOST|ADDRESS...")
			}
			var hosts, handles []string
			for _, a := range args {
				if strings.Contains(a, "@") || strings.Contains(a, "://") {
					handles = append(handles, strings.TrimPrefix(a, "@"))
				} else {
					hosts = append(hosts, a)
				}
			}
			if err := o.Engine.AskToFollow(ctx, hosts, handles); err != nil {
				return console.Explain(err)
			}
			_, err := fmt.Fprintf(out, "%s: the running server asks.\n", strings.Join(args, ", "))
			return err
		},
	}
}

func (o Options) removeFollow() activitypub.Command {
	return activitypub.Command{
		Use: "follow remove", Operands: "HOST|NAME@HOST...", Short: "Follow no longer",
		Run: func(ctx context.Context, out io.Writer, args []string) error {
			if len(args) == 0 {
				return console.Usage("follow remove", "HOST|NAME@HOST...")
			}
			for _, name := range args {
				err := o.Engine.StopFollowing(ctx, strings.TrimPrefix(name, "@"))
				if errors.Is(err, db.ErrNotFound) {
					return fmt.Errorf("%s is not followed", name)
				}
				if err != nil {
					return err
				}
				if _, err := fmt.Fprintf(out, "%s is not followed any more.\n", name); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// followRow is one whom the instance follows.
type followRow struct {
	Handle    string    `json:"handle"`
	Type      string    `json:"type"`
	State     string    `json:"state"`
	Address   string    `json:"address"`
	CreatedAt time.Time `json:"createdAt"`
}

func (o Options) listFollows() activitypub.Command {
	var l console.Listing
	var f actor.FollowFilter
	return activitypub.Command{
		Use: "follow list", Short: "List whom this server follows, the newest first",
		Flags: func(fs *flag.FlagSet) {
			l.Flags(fs)
			fs.StringVar(&f.State, "state", "", "only pending, accepted or rejected")
			fs.StringVar(&f.Search, "search", "", "only those with this in name or host")
		},
		Run: func(ctx context.Context, out io.Writer, args []string) error {
			if err := check(&l, "follow list", args); err != nil {
				return err
			}
			switch f.State {
			case "", actor.Pending, actor.Accepted, actor.Rejected:
			default:
				return fmt.Errorf("the state %q should be pending, accepted or rejected", f.State)
			}
			me, err := o.Engine.Actors.Instance(ctx)
			if err != nil {
				return err
			}
			follows, total, err := o.Engine.Actors.Follows(ctx, actor.FollowedBy, me.ID, f, "f.created_at DESC, f.id DESC", l.Start, l.Limit)
			if err != nil {
				return err
			}
			rows := make([]followRow, len(follows))
			for i, f := range follows {
				rows[i] = followRow{f.Target.Handle(), f.Target.Type, f.State, f.Target.IRI, f.CreatedAt}
			}
			return console.Show(out, l, total, rows, "HANDLE\tKIND\tSTATE\tSINCE", func(r followRow) []any {
				return []any{r.Handle, r.Type, r.State, r.CreatedAt.UTC().Format(time.DateTime)}
			})
		},
	}
}
