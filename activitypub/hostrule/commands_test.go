package hostrule_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// run calls a subcommand as the binary does.
func run(t *testing.T, r *hostrule.Rules, line string) (string, error) {
	t.Helper()
	words := strings.Fields(line)
	for _, c := range r.Commands() {
		if c.Use != "federation "+words[0] {
			continue
		}
		fs := flag.NewFlagSet(c.Use, flag.ContinueOnError)
		if c.Flags != nil {
			c.Flags(fs)
		}
		if err := fs.Parse(words[1:]); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := c.Run(t.Context(), &out, fs.Args())
		return out.String(), err
	}
	t.Fatalf("no command %q", words[0])
	return "", nil
}

func TestCommands(t *testing.T) {
	d := dbtest.SQLite(t)
	r := rules(d, hostrule.Allowlist)
	for _, c := range []struct{ line, out, err string }{
		{"block -reason spam evil.example Bad.example", "evil.example: block", ""},
		{"limit quiet.example", "quiet.example: limit", ""},
		{"allow good.example", "good.example: allow", ""},
		{"block", "", "name a host"},
		{"block https://x fine.example", "fine.example: block", "https://x"},
		{"block tube.example", "", "this server"},
		{"unblock fine.example", "fine.example: no rule", ""},
		{"unblock fine.example", "", "fine.example"},
		{"blocks -action block", "bad.example", ""},
		{"blocks -host QUIET", "quiet.example  limit", ""},
		{"blocks", "all others     allowlist", ""},
	} {
		out, err := run(t, r, c.line)
		if !strings.Contains(out, c.out) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v; want %q, %q", c.line, out, err, c.out, c.err)
		}
	}
	out, err := run(t, r, "blocks -json")
	var got struct {
		Mode  string
		Total int
		Data  []struct{ Host, Action, Reason string }
	}
	if err != nil || json.Unmarshal([]byte(out), &got) != nil || got.Mode != "allowlist" || got.Total != 4 || got.Data[1].Reason != "spam" {
		t.Errorf("%s, %v", out, err)
	}
	// Those of nil can be listed and explained.
	for _, c := range (*hostrule.Rules)(nil).Commands() {
		if c.Use == "" || c.Short == "" || c.Run == nil {
			t.Errorf("command %+v", c)
		}
	}
}
