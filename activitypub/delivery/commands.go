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
	"text/tabwriter"
)

// Command is a subcommand of the binary, as activitypub.Command.
type Command struct {
	Use, Short, Long string
	Flags            func(*flag.FlagSet)
	Run              func(ctx context.Context, out io.Writer, args []string) error
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

// listing is what the listing commands share.
type listing struct {
	json  bool
	limit int
	start int
}

func (l *listing) flags(fs *flag.FlagSet) {
	fs.BoolVar(&l.json, "json", false, "print JSON")
	fs.IntVar(&l.limit, "limit", 50, "how many at most, up to 1000")
	fs.IntVar(&l.start, "start", 0, "how many to leave out first")
}

func (l *listing) check() error {
	if l.limit < 1 || l.limit > 1000 || l.start < 0 {
		return errors.New("--limit should be between 1 and 1000, --start at least 0")
	}
	return nil
}

// show writes rows as JSON, or as a table with the columns of head.
func show[T any](out io.Writer, l listing, total int64, rows []T, head string, line func(T) []any) error {
	if l.json {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"total": total, "data": slices.Clip(append([]T{}, rows...))})
	}
	var text strings.Builder
	fmt.Fprintln(&text, head)
	for _, r := range rows {
		for i, v := range line(r) {
			if i > 0 {
				text.WriteByte('\t')
			}
			text.WriteString(cell(v))
		}
		text.WriteByte('\n')
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if _, err := io.WriteString(w, text.String()); err != nil {
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

// cell is a value in a table: one line, no control characters, so that what
// another server answered cannot write on the terminal.
func cell(v any) string {
	if p, ok := v.(*string); ok {
		if p == nil {
			return "-"
		}
		v = *p
	}
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, fmt.Sprint(v))
	if s == "" {
		return "-"
	}
	return clip(s, 120)
}

func (o *Outbox) hostsCommand() Command {
	var f HostFilter
	var l listing
	return Command{
		Use: "federation hosts", Short: "List other servers and how they are doing",
		Long: "List the servers that activities are delivered to: whether they answer, since when they do not, when they are\n" +
			"tried next, and how much waits for them. A server that fails five times in a row is broken and only probed;\n" +
			"after seven days it is unreachable, and gets what it missed when it is back.",
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&f.Host, "host", "", "only hosts with this in their name")
			fs.StringVar(&f.Class, "class", "", "only "+strings.Join(Classes(), ", "))
			l.flags(fs)
		},
		Run: func(ctx context.Context, out io.Writer, _ []string) error {
			if f.Class != "" && !slices.Contains(Classes(), f.Class) {
				return fmt.Errorf("--class should be one of %s", strings.Join(Classes(), ", "))
			}
			if err := l.check(); err != nil {
				return err
			}
			rows, total, err := o.Hosts(ctx, f, "failures DESC, host", l.start, l.limit)
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
	fs.Int64Var(&f.ID, "id", 0, "only the delivery with this number")
	fs.StringVar(&f.Host, "host", "", "only to this host")
	fs.StringVar(&f.Activity, "activity", "", "only activities of this type, as Create, or with this id")
	fs.StringVar(&f.Object, "object", "", "only about the object with this id")
}

func (o *Outbox) deliveriesCommand() Command {
	var f Filter
	var l listing
	return Command{
		Use: "federation deliveries", Short: "List which server got which activity",
		Long: "List the receipts of deliveries, the newest first: to whom, how often it was tried, what the last answer was and when.",
		Flags: func(fs *flag.FlagSet) {
			f.flags(fs)
			fs.StringVar(&f.State, "state", "", "only "+strings.Join(States(), ", "))
			l.flags(fs)
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
	var l listing
	return Command{
		Use: "federation deadletters", Short: "List deliveries that were given up",
		Long:  "List the deliveries that were refused for good or given up. `kinemesh federation resend` sends them again.",
		Flags: func(fs *flag.FlagSet) { f.flags(fs); l.flags(fs) },
		Run: func(ctx context.Context, out io.Writer, _ []string) error {
			f.State = Failed
			return o.printDeliveries(ctx, out, f, l)
		},
	}
}

func (o *Outbox) printDeliveries(ctx context.Context, out io.Writer, f Filter, l listing) error {
	if err := l.check(); err != nil {
		return err
	}
	rows, total, err := o.Deliveries(ctx, f, "d.id DESC", l.start, l.limit)
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
