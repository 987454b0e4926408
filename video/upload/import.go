package upload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Import makes a video of a file on this machine for p, as an upload of it would;
// in has the fields of one. The file stays. Refused input, a full quota and a
// file that is no video are a *rest.Problem.
func (u *Upload) Import(ctx context.Context, p *rest.Principal, path string, in form.Input) (v *catalog.Video, err error) {
	file, err := os.Open(path) //nolint:gosec // named by who may read everything here
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", path)
	}
	d, err := u.check(ctx, p, in)
	if err != nil {
		return nil, err
	}
	d.Filename = cleanFilename(filepath.Base(path))
	d.named()
	if err := u.checkFile(d.Filename, info.Size()); err != nil {
		return nil, err
	}
	limit, err := u.limit(ctx, p.UserID)
	if err != nil {
		return nil, err
	}
	s := &session{ID: newID(), UserID: p.UserID, Size: info.Size(), State: stateOpen}
	if err := s.setDetails(d); err != nil {
		return nil, err
	}
	if _, err := u.create(ctx, s); err != nil {
		return nil, err
	}
	err = u.locked(ctx, s.ID, func(part *part) error {
		size, err := u.receiveFile(part, file, limit)
		if err != nil {
			return err
		}
		if err := errors.Join(part.sniff(), part.Sync(), u.resize(ctx, s, size)); err != nil {
			return err
		}
		v, err = u.finish(ctx, s)
		return err
	})
	if err != nil {
		return nil, errors.Join(problem(err), u.drop(context.WithoutCancel(ctx), s))
	}
	return v, nil
}
