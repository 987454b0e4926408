package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// cli runs a subcommand of the binary beside the running server.
func cli(ctx context.Context, t *testing.T, i *rig.Instance, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(ctx, binary, append(args, "--config", i.Config)...)
	cmd.Dir = i.Dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

type receipts struct {
	Total int `json:"total"`
	Data  []struct {
		ID       int64  `json:"id"`
		Host     string `json:"host"`
		State    string `json:"state"`
		Attempts int    `json:"attempts"`
		Status   int    `json:"lastStatus"`
		Error    string `json:"lastError"`
		Activity struct {
			Type string `json:"type"`
		} `json:"activity"`
	} `json:"data"`
}

// list runs a listing with --json.
func list(ctx context.Context, t *testing.T, i *rig.Instance, args ...string) (r receipts) {
	t.Helper()
	out, errs, err := cli(ctx, t, i, append(args, "--json")...)
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, errs)
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v printed %s", args, out)
	}
	return r
}

// An administrator sees which server got what, why one did not, and sends it
// again when that server is back, while the server runs.
func TestFederationCommands(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			ctx := slow(t, 2*time.Minute)
			a, b := startOn(ctx, t, e, nil), startOn(ctx, t, e, nil)
			follow(ctx, t, a, b)
			got := list(ctx, t, a, "federation", "deliveries", "--host", b.Host, "--activity", "Follow")
			if got.Total != 1 || got.Data[0].State != "delivered" || got.Data[0].Attempts != 1 || got.Data[0].Status != 204 {
				t.Fatalf("the Follow: %+v", got)
			}
			out, _, err := cli(ctx, t, a, "federation", "hosts")
			if err != nil || !strings.Contains(out, b.Host) || !strings.Contains(out, "healthy") || !strings.HasPrefix(out, "HOST") {
				t.Errorf("hosts: %v\n%s", err, out)
			}
			if err := b.Kill(); err != nil {
				t.Fatal(err)
			}
			onA := root(ctx, t, a)
			if err := onA.Send(ctx, http.MethodDelete, "/api/v1/server/following/"+b.Host, nil, nil); err != nil {
				t.Fatal(err)
			}
			eventually(ctx, t, 20*time.Second, "the Undo was tried", func(ctx context.Context) (bool, error) {
				got = list(ctx, t, a, "federation", "deliveries", "--state", "pending", "--activity", "Undo")
				return got.Total == 1 && got.Data[0].Attempts == 1, nil
			})
			if got.Data[0].Host != b.Host || !strings.Contains(got.Data[0].Error, "refused") {
				t.Errorf("the Undo: %+v", got.Data)
			}
			var hosts struct {
				Data []struct{ Host, Class string }
			}
			if err := onA.Get(ctx, "/api/v1/server/federation/hosts?class=shaky", &hosts); err != nil || len(hosts.Data) != 1 || hosts.Data[0].Host != b.Host {
				t.Errorf("hosts of the API: %+v, %v", hosts, err)
			}
			var status *rig.StatusError
			if err := a.NewClient().Get(ctx, "/api/v1/server/federation/deliveries", nil); !errors.As(err, &status) || status.Status != 401 {
				t.Errorf("deliveries without a token: %v", err)
			}
			if err := b.Launch(ctx); err != nil {
				t.Fatal(err)
			}
			out, _, err = cli(ctx, t, a, "federation", "resend", "--host", b.Host)
			if err != nil || out != "1 deliveries are sent again\n" {
				t.Errorf("resend: %v, %q", err, out)
			}
			eventually(ctx, t, 15*time.Second, "the Undo is delivered", func(ctx context.Context) (bool, error) {
				got = list(ctx, t, a, "federation", "deliveries", "--activity", "Undo")
				return got.Total == 1 && got.Data[0].State == "delivered", nil
			})
			if got = list(ctx, t, a, "federation", "deadletters"); got.Total != 0 {
				t.Errorf("dead letters: %+v", got)
			}
			for _, args := range [][]string{{"federation", "resend"}, {"federation", "hosts", "--class", "ill"}, {"federation", "nothing"}, {"federation", "deliveries", "x"}} {
				if out, _, err := cli(ctx, t, a, args...); err == nil {
					t.Errorf("%v was taken: %s", args, out)
				}
			}
			if out, _, err := cli(ctx, t, a, "federation", "resend", "--help"); err != nil || !strings.Contains(out, "--object") {
				t.Errorf("help: %v\n%s", err, out)
			}
		})
	}
}
