// Package picture takes the pictures of videos, of users and of other servers,
// makes plain JPEGs of a given size of them, and keeps the rows that name them.
//
// Invariants
//   - a video has one row for both of its pictures
//   - what a name leads to never changes: with another address comes another name
package picture

import (
	"fmt"
	"mime/multipart"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/accounts/picture"
)

// MaxBytes is how long a picture may be.
const MaxBytes = 8 << 20

// OfPlaylist begins the names of pictures that playlists have of their own, which
// lie among the miniatures of videos.
const OfPlaylist = "playlist-"

// ErrRefused says that bytes are no picture that is taken.
var ErrRefused = picture.ErrRefused

// Reencode makes a JPEG of exactly width by height from a picture: cut to the
// shape, turned as the camera was held, metadata dropped (SEC-41).
func Reencode(data []byte, width, height int) ([]byte, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrRefused, len(data))
	}
	return picture.JPEG(data, picture.Size{Width: width, Height: height})
}

// ReadPart reads the picture that came with a form.
func ReadPart(h *multipart.FileHeader) ([]byte, error) {
	if h.Size > MaxBytes {
		return nil, ErrRefused
	}
	return input.Part(h, MaxBytes)
}
