package inbox

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub/console"
)

// Command is a subcommand of the binary, as activitypub.Command.
type Command struct {
	Use, Operands, Short, Long string
	Flags                      func(*flag.FlagSet)
	Run                        func(ctx context.Context, out io.Writer, args []string) error
}

// Commands are the subcommands about received activities. Of a nil Inbox they
// can be listed and explained, but not run.
func (b *Inbox) Commands() []Command { return []Command{b.retryCommand()} }

// longest is how much of a value a table shows.
const longest = 120

// PrintDead is `kinemesh federation deadletters --received`.
func (b *Inbox) PrintDead(ctx context.Context, out io.Writer, f Filter, l console.Listing) error {
	if err := l.Check(); err != nil {
		return err
	}
	f.Host = strings.ToLower(f.Host)
	rows, total, err := b.DeadLetters(ctx, f, "id DESC", l.Start, l.Limit)
	if err != nil {
		return err
	}
	return console.Show(out, l, total, rows, "ID\tTYPE\tACTOR\tRECEIVED\tTRIES\tACTIVITY\tOBJECT\tERROR", func(d Letter) []any {
		return []any{
			d.ID, d.Activity.Type, clip(d.Activity.Actor, longest), d.ReceivedAt, d.Attempts,
			clip(d.Activity.ID, longest), clip(d.Activity.Object, longest), clip(d.LastError, longest),
		}
	})
}

func (b *Inbox) retryCommand() Command {
	const use = "federation retry"
	var f Filter
	var all, asJSON bool
	return Command{
		Use: use, Operands: "[ID...]", Short: "Work again on received activities that were given up",
		Long: "Work again on received activities that were given up: those with the numbers ID... of `kinemesh federation\n" +
			"deadletters --received`, or those that the flags name. They get all attempts anew, in the order in which they came;\n" +
			"one that a newer activity has replaced meanwhile has no effect any more.\n" +
			"The running server does the work; this command returns at once.",
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&f.Host, "host", "", "only of this host")
			fs.StringVar(&f.Activity, "activity", "", "only activities of this type, as Create, or with this id")
			fs.StringVar(&f.Object, "object", "", "only about the object with this id")
			fs.BoolVar(&all, "all", false, "everything that was given up")
			fs.BoolVar(&asJSON, "json", false, "print JSON")
		},
		Run: func(ctx context.Context, out io.Writer, args []string) error {
			f := f
			f.Host = strings.ToLower(f.Host)
			for _, s := range args {
				id, err := strconv.ParseInt(s, 10, 64)
				if err != nil || id < 1 {
					return console.Usage(use, "[ID...], with numbers of `kinemesh federation deadletters --received`")
				}
				f.IDs = append(f.IDs, id)
			}
			if f.empty() && !all {
				return errors.New("say what to try again: numbers, --host, --activity, --object or --all")
			}
			n, err := b.Retry(ctx, f)
			if err != nil {
				return err
			}
			if asJSON {
				return console.JSON(out, map[string]int64{"retried": n})
			}
			_, err = fmt.Fprintf(out, "%d activities are tried again\n", n)
			return err
		},
	}
}
