package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub/console"
)

// Command is a subcommand of the binary, as activitypub.Command.
type Command struct {
	Use, Operands, Short, Long string
	Flags                      func(*flag.FlagSet)
	Run                        func(ctx context.Context, out io.Writer, args []string) error
}

// Commands are the subcommands about deliveries. Of a nil Outbox they can be
// listed and explained, but not run.
func (o *Outbox) Commands() []Command {
	all := []Command{o.hostsCommand(), o.deliveriesCommand(), o.resendCommand(), o.deadCommand()}
	for i, c := range all {
		all[i].Run = func(ctx context.Context, out io.Writer, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%s takes flags only, not %q", c.Use, args[0])
			}
			return c.Run(ctx, out, args)
		}
	}
	return all
}

// longest is how much of a value a table shows: answers of other servers may be
// long.
const longest = 120

// show is console.Show with long values cut.
func show[T any](out io.Writer, l console.Listing, total int64, rows []T, head string, line func(T) []any) error {
	return console.Show(out, l, total, rows, head, func(r T) []any {
		cells := line(r)
		for i, v := range cells {
			cells[i] = clip(console.Cell(v), longest)
		}
		return cells
	})
}

func (o *Outbox) hostsCommand() Command {
	var f HostFilter
	var l console.Listing
	return Command{
		Use: "federation hosts", Short: "List other servers and how they are doing",
		Long: "List the servers that activities are delivered to: whether they answer, since when they do not, when they are\n" +
			"tried next, and how much waits for them. A server that fails five times in a row is broken and only probed;\n" +
			"after seven days it is unreachable, and gets what it missed when it is back.",
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&f.Host, "host", "", "only hosts with this in their name")
			fs.StringVar(&f.Class, "class", "", "only "+strings.Join(Classes(), ", "))
			l.Flags(fs)
		},
		Run: func(ctx context.Context, out io.Writer, _ []string) error {
			if f.Class != "" && !slices.Contains(Classes(), f.Class) {
				return fmt.Errorf("--class should be one of %s", strings.Join(Classes(), ", "))
			}
			if err := l.Check(); err != nil {
				return err
			}
			rows, total, err := o.Hosts(ctx, f, "failures DESC, host", l.Start, l.Limit)
			if err != nil {
				return err
			}
			return show(out, l, total, rows, "HOST\tCLASS\tPENDING\tFAILED\tFAILURES\tDOWN SINCE\tNEXT TRY\tLAST SUCCESS\tLAST ERROR", func(h HostInfo) []any {
				return []any{h.Host, h.Class, h.Pending, h.Failed, h.Failures, h.DownSince, h.NextTry, h.LastSuccess, h.LastError}
			})
		},
	}
}

func (f *Filter) flags(fs *flag.FlagSet) {
	fs.Int64Var(&f.ID, "id", 0, "only the one with this number")
	fs.StringVar(&f.Host, "host", "", "only to this host")
	fs.StringVar(&f.Activity, "activity", "", "only activities of this type, as Create, or with this id")
	fs.StringVar(&f.Object, "object", "", "only about the object with this id")
}

func (o *Outbox) deliveriesCommand() Command {
	var f Filter
	var l console.Listing
	return Command{
		Use: "federation deliveries", Short: "List which server got which activity",
		Long: "List the receipts of deliveries, the newest first: to whom, how often it was tried, what the last answer was and when.",
		Flags: func(fs *flag.FlagSet) {
			f.flags(fs)
			fs.StringVar(&f.State, "state", "", "only "+strings.Join(States(), ", "))
			l.Flags(fs)
		},
		Run: func(ctx context.Context, out io.Writer, _ []string) error {
			if f.State != "" && !slices.Contains(States(), f.State) {
				return fmt.Errorf("--state should be one of %s", strings.Join(States(), ", "))
			}
			return o.printDeliveries(ctx, out, f, l)
		},
	}
}

func (o *Outbox) deadCommand() Command {
	var f Filter
	var l console.Listing
	var received bool
	return Command{
		Use: "federation deadletters", Short: "List deliveries and received activities that were given up",
		Long: "List the deliveries that were refused for good or given up. `kinemesh federation resend` sends them again.\n" +
			"With --received: the activities of others that could not be processed, whose --host is that of the actor.\n" +
			"`kinemesh federation retry` works on them again.",
		Flags: func(fs *flag.FlagSet) {
			f.flags(fs)
			fs.BoolVar(&received, "received", false, "what came from others instead")
			l.Flags(fs)
		},
		Run: func(ctx context.Context, out io.Writer, _ []string) error {
			if received {
				return o.received(ctx, out, f, l)
			}
			f.State = Failed
			return o.printDeliveries(ctx, out, f, l)
		},
	}
}

func (o *Outbox) printDeliveries(ctx context.Context, out io.Writer, f Filter, l console.Listing) error {
	if err := l.Check(); err != nil {
		return err
	}
	rows, total, err := o.Deliveries(ctx, f, "d.id DESC", l.Start, l.Limit)
	if err != nil {
		return err
	}
	return show(out, l, total, rows, "ID\tSTATE\tHOST\tTYPE\tTRIES\tANSWER\tTRIED\tNEXT TRY\tACTIVITY\tERROR", func(d Info) []any {
		return []any{d.ID, d.State, d.Host, d.Activity.Type, d.Attempts, d.LastStatus, d.TriedAt, d.NextTry, d.Activity.ID, d.LastError}
	})
}

func (o *Outbox) resendCommand() Command {
	var f Filter
	var all, asJSON bool
	return Command{
		Use: "federation resend", Short: "Send failed and waiting deliveries again now",
		Long: "Send again, now, what failed or waits, with all attempts before it. A broken server is probed at once.\n" +
			"The running server does the work; this command returns at once.",
		Flags: func(fs *flag.FlagSet) {
			f.flags(fs)
			fs.StringVar(&f.State, "state", "", "only failed, or only pending")
			fs.BoolVar(&all, "all", false, "everything that failed or waits")
			fs.BoolVar(&asJSON, "json", false, "print JSON")
		},
		Run: func(ctx context.Context, out io.Writer, _ []string) error {
			if f.empty() && !all {
				return errors.New("say what to send again: --id, --host, --activity, --object, --state or --all")
			}
			n, err := o.Resend(ctx, f)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(out).Encode(map[string]int64{"resent": n})
			}
			_, err = fmt.Fprintf(out, "%d deliveries are sent again\n", n)
			return err
		},
	}
}
