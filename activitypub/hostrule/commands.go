package hostrule

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Command is a subcommand of the binary, as activitypub.Command.
type Command struct {
	Use, Operands, Short, Long string
	Flags                      func(*flag.FlagSet)
	Run                        func(ctx context.Context, out io.Writer, args []string) error
}

// Commands are the subcommands about rules. Of nil Rules they can be listed and
// explained, but not run. A running server sees a change within [Lag].
func (r *Rules) Commands() []Command {
	return []Command{
		r.setCommand("federation block", Block, "Have nothing more to do with a server and those below it",
			"Nothing is sent to, fetched from or accepted from the server and the hosts below it, and what is here of it is\n"+
				"hidden. Nothing is deleted: `kinemesh federation unblock` restores it."),
		r.setCommand("federation limit", Limit, "Show what a server brings to followers only",
			"What accounts and channels of the server and the hosts below it publish is shown to their followers only."),
		r.setCommand("federation allow", Allow, "Let a server in, whatever the mode says",
			"The server and the hosts below it are let in although federation.mode is limited or allowlist, or a shorter\n"+
				"name is blocked."),
		r.unblockCommand(), r.listCommand(),
	}
}

func (r *Rules) setCommand(use, action, short, long string) Command {
	var reason string
	return Command{
		Use: use, Operands: "HOST...", Short: short, Long: long,
		Flags: func(fs *flag.FlagSet) { fs.StringVar(&reason, "reason", "", "why, for other administrators") },
		Run: func(ctx context.Context, out io.Writer, args []string) error {
			return each(args, func(host string) error {
				if err := r.Set(ctx, host, action, reason); err != nil {
					return err
				}
				_, err := fmt.Fprintf(out, "%s: %s\n", host, action)
				return err
			})
		},
	}
}

// each calls do for all hosts named, and goes on after one that fails.
func each(hosts []string, do func(string) error) error {
	if len(hosts) == 0 {
		return errors.New("name a host, as in evil.example")
	}
	var errs []error
	for _, h := range hosts {
		if err := do(h); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", h, err))
		}
	}
	return errors.Join(errs...)
}

func (r *Rules) unblockCommand() Command {
	return Command{
		Use: "federation unblock", Operands: "HOST...", Short: "Take the rule for a server back",
		Long: "Take back that a server is blocked, limited or allowed: the rule of a shorter name counts then, or federation.mode.",
		Run: func(ctx context.Context, out io.Writer, args []string) error {
			return each(args, func(host string) error {
				if err := r.Remove(ctx, host, ""); err != nil {
					return err
				}
				_, err := fmt.Fprintf(out, "%s: no rule\n", host)
				return err
			})
		},
	}
}

// maxListed bounds what blocks prints.
const maxListed = 100_000

func (r *Rules) listCommand() Command {
	var f Filter
	var asJSON bool
	return Command{
		Use: "federation blocks", Short: "List the rules for servers",
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&f.Action, "action", "", "only block, limit or allow")
			fs.StringVar(&f.Search, "host", "", "only hosts with this in their name")
			fs.BoolVar(&asJSON, "json", false, "print JSON")
		},
		Run: func(ctx context.Context, out io.Writer, _ []string) error {
			rows, total, err := r.List(ctx, f, "host ASC, id ASC", 0, maxListed)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(out).Encode(map[string]any{"mode": r.mode, "total": total, "data": append([]Rule{}, rows...)})
			}
			w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			lines := []string{"HOST\tRULE\tSINCE\tREASON\n"}
			for _, row := range rows {
				lines = append(lines, fmt.Sprintf("%s\t%s\t%s\t%q\n", row.Host, row.Action, row.CreatedAt.UTC().Format(time.DateOnly), row.Reason))
			}
			lines = append(lines, fmt.Sprintf("all others\t%s\t\t\n", r.mode))
			if _, err := io.WriteString(w, strings.Join(lines, "")); err != nil {
				return err
			}
			return w.Flush()
		},
	}
}
