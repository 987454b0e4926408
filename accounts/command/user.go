package command

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/accounts/oauth"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/console"
	"github.com/kinemesh/kinemesh/web/rest"
)

// roles are the names of the roles on the command line.
var roles = map[string]rest.Role{"admin": rest.RoleAdmin, "moderator": rest.RoleModerator, "user": rest.RoleUser}

func role(name string) (rest.Role, error) {
	r, ok := roles[name]
	if !ok {
		return 0, fmt.Errorf("the role %q should be admin, moderator or user", name)
	}
	return r, nil
}

// userRow is a user as the subcommands print it.
type userRow struct {
	ID        int64      `json:"id"`
	Username  string     `json:"username"`
	Email     string     `json:"email"`
	Role      string     `json:"role"`
	Blocked   bool       `json:"blocked"`
	Reason    string     `json:"blockedReason,omitempty"`
	LastLogin *time.Time `json:"lastLoginDate"`
	CreatedAt time.Time  `json:"createdAt"`
	Password  string     `json:"password,omitempty"` // one that was made
}

func toRow(u *user.User) userRow {
	r := userRow{
		ID: u.ID, Username: u.Username, Email: u.Email, Blocked: u.Blocked, Reason: u.BlockedReason, LastLogin: u.LastLoginAt, CreatedAt: u.CreatedAt,
	}
	for name, role := range roles {
		if role == u.Role {
			r.Role = name
		}
	}
	return r
}

// password is one of a file or, without a file, a new one. It is never an
// argument: others on the machine can read those.
type password struct {
	file string
	made string
}

func (p *password) flags(fs *flag.FlagSet) {
	fs.StringVar(&p.file, "password-file", "", "read the password from the first line of a `file`, - for the standard input; without it one is made and printed")
}

func (p *password) read() (string, error) {
	in := io.Reader(os.Stdin)
	switch p.file {
	case "":
		p.made = rand.Text()
		return p.made, nil
	case "-":
	default:
		f, err := os.Open(p.file)
		if err != nil {
			return "", err
		}
		defer f.Close() //nolint:errcheck // read only
		in = f
	}
	line, err := bufio.NewReader(io.LimitReader(in, user.MaxPassword+2)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// told prints a user that was made or changed.
func told(out io.Writer, asJSON bool, what string, r userRow) error {
	if asJSON {
		return console.JSON(out, r)
	}
	text := fmt.Sprintf("%s %s.\n", r.Username, what)
	if r.Password != "" {
		text += fmt.Sprintf("password  %s\n", r.Password)
	}
	_, err := io.WriteString(out, text)
	return err
}

func (o Options) createUser() activitypub.Command {
	var p password
	var email, roleName, display string
	var asJSON bool
	return activitypub.Command{
		Use: "user create", Operands: "NAME --email ADDRESS", Short: "Make a user with account and first channel",
		Long: "Make a user with account and first channel: kinemesh user create NAME --email ADDRESS.\nQuotas are those of the settings.",
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&email, "email", "", "e-mail address")
			fs.StringVar(&roleName, "role", "user", "admin, moderator or user")
			fs.StringVar(&display, "display-name", "", "name that is shown; the user name without it")
			fs.BoolVar(&asJSON, "json", false, "print JSON")
			p.flags(fs)
		},
		Run: func(ctx context.Context, out io.Writer, args []string) error {
			if len(args) != 1 || email == "" {
				return console.Usage("user create", "NAME --email ADDRESS")
			}
			r, err := role(roleName)
			if err != nil {
				return err
			}
			n := user.NewUser{Username: args[0], Email: email, Role: r, DisplayName: display}
			if n.Password, err = p.read(); err != nil {
				return err
			}
			u, err := o.Users.Create(ctx, n)
			if err != nil {
				return console.Explain(err)
			}
			row := toRow(u)
			row.Password = p.made
			return told(out, asJSON, "was made", row)
		},
	}
}

func (o Options) resetPassword() activitypub.Command {
	var p password
	var asJSON bool
	return activitypub.Command{
		Use: "user reset-password", Operands: "NAME", Short: "Give a user another password",
		Long: "Give a user another password: kinemesh user reset-password NAME.\nAll sessions of the user end.",
		Flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&asJSON, "json", false, "print JSON")
			p.flags(fs)
		},
		Run: func(ctx context.Context, out io.Writer, args []string) error {
			if len(args) != 1 {
				return console.Usage("user reset-password", "NAME")
			}
			u, err := o.find(ctx, args[0])
			if err != nil {
				return err
			}
			text, err := p.read()
			if err != nil {
				return err
			}
			if err := o.Users.SetPassword(ctx, u.ID, text); err != nil {
				return console.Explain(err)
			}
			row := toRow(u)
			row.Password = p.made
			return told(out, asJSON, "has another password", row)
		},
	}
}

func (o Options) listUsers() activitypub.Command {
	var l console.Listing
	var f user.Filter
	var roleName string
	var blocked bool
	return activitypub.Command{
		Use: "user list", Short: "List users, the newest first",
		Flags: func(fs *flag.FlagSet) {
			l.Flags(fs)
			fs.StringVar(&f.Search, "search", "", "only those with this in name or e-mail address")
			fs.StringVar(&roleName, "role", "", "only admin, moderator or user")
			fs.BoolVar(&blocked, "blocked", false, "only those who are blocked")
		},
		Run: func(ctx context.Context, out io.Writer, args []string) error {
			if err := check(&l, "user list", args); err != nil {
				return err
			}
			if roleName != "" {
				r, err := role(roleName)
				if err != nil {
					return err
				}
				f.Role = &r
			}
			if blocked {
				f.Blocked = &blocked
			}
			users, total, err := o.Users.List(ctx, f, rest.Page{Start: l.Start, Count: l.Limit, Sort: "createdAt", Desc: true})
			if err != nil {
				return err
			}
			rows := make([]userRow, len(users))
			for i, u := range users {
				rows[i] = toRow(u)
			}
			return console.Show(out, l, total, rows, "ID\tNAME\tROLE\tE-MAIL\tBLOCKED\tLAST LOGIN\tMADE", func(r userRow) []any {
				state, login := "no", "never"
				if r.Blocked {
					state = strings.TrimSpace("yes " + r.Reason)
				}
				if r.LastLogin != nil {
					login = r.LastLogin.UTC().Format(time.DateTime)
				}
				return []any{r.ID, r.Username, r.Role, r.Email, state, login, r.CreatedAt.UTC().Format(time.DateTime)}
			})
		},
	}
}

func (o Options) ban() activitypub.Command {
	var reason string
	var asJSON bool
	return activitypub.Command{
		Use: "user ban", Operands: "NAME", Short: "Keep a user from logging in and end all sessions",
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&reason, "reason", "", "why; the user is told")
			fs.BoolVar(&asJSON, "json", false, "print JSON")
		},
		Run: func(ctx context.Context, out io.Writer, args []string) error {
			return o.changeBan(ctx, out, args, asJSON, "ban", "is banned", func(u *user.User) error {
				return o.Users.Block(ctx, u, reason)
			})
		},
	}
}

func (o Options) unban() activitypub.Command {
	var asJSON bool
	return activitypub.Command{
		Use: "user unban", Operands: "NAME", Short: "Let a user log in again",
		Flags: func(fs *flag.FlagSet) { fs.BoolVar(&asJSON, "json", false, "print JSON") },
		Run: func(ctx context.Context, out io.Writer, args []string) error {
			return o.changeBan(ctx, out, args, asJSON, "unban", "can log in again", func(u *user.User) error {
				return o.Users.Unblock(ctx, u)
			})
		},
	}
}

func (o Options) changeBan(ctx context.Context, out io.Writer, args []string, asJSON bool, use, what string, do func(*user.User) error) error {
	if len(args) != 1 {
		return console.Usage("user "+use, "NAME")
	}
	u, err := o.find(ctx, args[0])
	if err != nil {
		return err
	}
	if err := do(u); err != nil {
		return err
	}
	if u, err = o.find(ctx, args[0]); err != nil {
		return err
	}
	return told(out, asJSON, what, toRow(u))
}

func (o Options) token() activitypub.Command {
	var asJSON bool
	return activitypub.Command{
		Use: "token", Operands: "NAME", Short: "Print an access token of a user",
		Long: "Print an access token of a user, for scripts that call the API: kinemesh token NAME.\n" +
			"It is a session like any other: the user sees it among the sessions and can end it.",
		Flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&asJSON, "json", false, "print JSON with the refresh token and the times at which they end")
		},
		Run: func(ctx context.Context, out io.Writer, args []string) error {
			if len(args) != 1 {
				return console.Usage("token", "NAME")
			}
			u, err := o.find(ctx, args[0])
			if err != nil {
				return err
			}
			if u.Blocked {
				return fmt.Errorf("%s is banned", u.Username)
			}
			t, err := o.OAuth.Grant(ctx, u.ID, oauth.Place{Device: "kinemesh token"})
			if err != nil {
				return err
			}
			if asJSON {
				return console.JSON(out, map[string]any{
					"username": u.Username, "access_token": t.Access, "refresh_token": t.Refresh,
					"access_token_expires_at": t.AccessExpiresAt, "refresh_token_expires_at": t.RefreshExpiresAt,
				})
			}
			_, err = fmt.Fprintln(out, t.Access)
			return err
		},
	}
}
