// Package console is what the subcommands of the binary have in common: the
// flags of lists, tables and JSON, and errors that say what is allowed.
//
// Imported by: activitypub/delivery and the command packages of the modules.
// Imports web/rest.
package console

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/kinemesh/kinemesh/web/rest"
)

// maxListed is the longest list at once.
const maxListed = 1000

// Listing holds the flags --json, --limit and --start of a listing subcommand.
type Listing struct {
	JSON         bool
	Start, Limit int
}

// Flags declares the flags.
func (l *Listing) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&l.JSON, "json", false, "print JSON")
	fs.IntVar(&l.Limit, "limit", 50, "how many at most, up to 1000")
	fs.IntVar(&l.Start, "start", 0, "how many to leave out first")
}

// Check tells what is wrong with the values that were given.
func (l *Listing) Check() error {
	if l.Limit < 1 || l.Limit > maxListed || l.Start < 0 {
		return errors.New("--limit should be between 1 and 1000, --start at least 0")
	}
	return nil
}

// Show writes rows as JSON with their total, or as a table with the columns of
// head, which have tabs between; line gives the cells of a row.
func Show[T any](out io.Writer, l Listing, total int64, rows []T, head string, line func(T) []any) error {
	if l.JSON {
		return JSON(out, map[string]any{"total": total, "data": slices.Clip(append([]T{}, rows...))})
	}
	var table strings.Builder
	table.WriteString(head + "\n")
	for _, r := range rows {
		var cells []string
		for _, v := range line(r) {
			cells = append(cells, Cell(v))
		}
		table.WriteString(strings.Join(cells, "\t") + "\n")
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if _, err := io.WriteString(w, table.String()); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if n := int64(l.Start + len(rows)); n < total {
		_, err := fmt.Fprintf(out, "%d of %d; more with --start %d\n", len(rows), total, n)
		return err
	}
	return nil
}

// JSON writes v for people and programs.
func JSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// Cell is a value in a table: one line, no control characters, so that what
// others have written cannot write on the terminal. What is empty or a nil
// *string is a dash.
func Cell(v any) string {
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
	return s
}

// Usage is the error that says how a subcommand is to be called.
func Usage(use, args string) error { return fmt.Errorf("use it as: kinemesh %s %s", use, args) }

// Explain names in the error each input that was refused with what is allowed;
// other errors stay as they are.
func Explain(err error) error {
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
