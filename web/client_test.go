package web

import (
	"os"
	"os/exec"
	"testing"
)

// TestClientLogic runs the tests of the client that need no browser: the upload
// protocol against a server that fails in every way, and what is written in
// words. They need Node and the packages of web/ui (npm ci --ignore-scripts).
func TestClientLogic(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for back-offs")
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("no Node here")
	}
	if _, err := os.Stat("ui/node_modules/vite"); err != nil {
		t.Skip("the packages of web/ui are not installed")
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "node", "--test", "test/")
	cmd.Dir = "ui"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
