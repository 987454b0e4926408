// Package command holds the subcommands of the binary for administrators: users,
// tokens and follows of the instance. They work on the database of the settings,
// beside a running server too, which does what has to be sent.
//
// Imported by: accounts. Imports its siblings user and oauth.
package command

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/kinemesh/kinemesh/accounts/oauth"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
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
		o.createUser(), o.resetPassword(), o.listUsers(), o.block(), o.unblock(), o.token(),
		o.addFollow(), o.removeFollow(), o.listFollows(),
	}
}

// errUsage says how a subcommand is to be called.
func errUsage(use, args string) error { return fmt.Errorf("use it as: kinemesh %s %s", use, args) }

// listing is what the listing commands share.
type listing struct {
	json         bool
	start, limit int
}

const maxListed = 1000

func (l *listing) flags(fs *flag.FlagSet) {
	fs.BoolVar(&l.json, "json", false, "print JSON")
	fs.IntVar(&l.limit, "limit", 50, "how many at most, up to 1000")
	fs.IntVar(&l.start, "start", 0, "how many to leave out first")
}

func (l *listing) check(use string, args []string) error {
	switch {
	case len(args) > 0:
		return fmt.Errorf("%s takes flags only, not %q", use, args[0])
	case l.limit < 1 || l.limit > maxListed || l.start < 0:
		return errors.New("--limit should be between 1 and 1000, --start at least 0")
	}
	return nil
}

// show writes rows as JSON, or as a table with the columns of head.
func show[T any](out io.Writer, l listing, total int64, rows []T, head string, line func(T) []any) error {
	if l.json {
		return printJSON(out, map[string]any{"total": total, "data": slices.Clip(append([]T{}, rows...))})
	}
	lines := []string{head}
	for _, r := range rows {
		var cells []string
		for _, v := range line(r) {
			cells = append(cells, cell(v))
		}
		lines = append(lines, strings.Join(cells, "\t"))
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if _, err := io.WriteString(w, strings.Join(lines, "\n")+"\n"); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if n := int64(l.start + len(rows)); n < total {
		_, err := fmt.Fprintf(out, "%d of %d; more with --start %d\n", len(rows), total, n)
		return err
	}
	return nil
}

func printJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// cell is a value in a table: one line, no control characters, so that what
// others have written cannot write on the terminal.
func cell(v any) string {
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, fmt.Sprint(v))
	if s == "" {
		return "-"
	}
	return s
}

// explain says what was wrong with each input.
func explain(err error) error {
	p, ok := errors.AsType[*rest.Problem](err)
	if !ok || len(p.Invalid) == 0 {
		return err
	}
	var parts []string
	for name, i := range p.Invalid {
		parts = append(parts, name+": "+i.Msg)
	}
	slices.Sort(parts)
	return errors.New(strings.Join(parts, "; "))
}

// find is the user of a name.
func (o Options) find(ctx context.Context, name string) (*user.User, error) {
	u, err := o.Users.ByUsername(ctx, name)
	if errors.Is(err, db.ErrNotFound) {
		return nil, fmt.Errorf("there is no user %q", name)
	}
	return u, err
}
