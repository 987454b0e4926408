package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// The test binary is also an upload client of its own process, so that it can
// be killed like one. These variables tell it what to do.
const (
	uploadClient = "KINEMESH_E2E_UPLOAD" // the file
	uploadOrigin = "KINEMESH_E2E_ORIGIN"
	uploadToken  = "KINEMESH_E2E_TOKEN"
	uploadName   = "KINEMESH_E2E_NAME"
	uploadState  = "KINEMESH_E2E_STATE" // remembers the URL of the upload
	uploadPace   = "KINEMESH_E2E_PACE"  // time for each chunk
)

const uploadChunk = 256 << 10

// runUploadClient uploads, or goes on where a predecessor was killed.
func runUploadClient() int {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := &rig.Client{Origin: os.Getenv(uploadOrigin), Token: os.Getenv(uploadToken), HTTP: &http.Client{}}
	file := os.Getenv(uploadClient)
	target, err := os.ReadFile(os.Getenv(uploadState))
	if errors.Is(err, os.ErrNotExist) {
		var opened string
		if opened, err = c.OpenUpload(ctx, file, rig.Fields{"name": os.Getenv(uploadName)}); err == nil {
			target = []byte(opened)
			err = os.WriteFile(os.Getenv(uploadState), target, 0o600)
		}
	}
	if err == nil {
		var pace time.Duration
		if pace, err = time.ParseDuration(os.Getenv(uploadPace)); err == nil {
			_, err = c.ContinueUpload(ctx, string(target), file, uploadChunk, pace)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// uploader starts upload clients for one file.
type uploader struct {
	env []string
}

func newUploader(t *testing.T, c *rig.Client, file, name string, pace time.Duration) *uploader {
	t.Helper()
	return &uploader{append(os.Environ(),
		uploadClient+"="+file, uploadOrigin+"="+c.Origin, uploadToken+"="+c.Token, uploadName+"="+name,
		uploadState+"="+t.TempDir()+"/upload", uploadPace+"="+pace.String())}
}

// start runs the client; it keeps what is stored on the server already.
func (u *uploader) start(ctx context.Context) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = u.env
	return cmd, cmd.Start()
}

// finish runs clients until one gets through.
func (u *uploader) finish(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return rig.Eventually(ctx, 2*time.Minute, "the upload ends", func(ctx context.Context) (bool, error) {
		cmd := exec.CommandContext(ctx, self)
		cmd.Env = u.env
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
		}
		return err == nil, err
	})
}
