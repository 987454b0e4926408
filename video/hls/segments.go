package hls

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Sum is the SHA-256 of one segment.
type Sum struct {
	Range string // "start-end", both included
	SHA   string // 64 hex digits
}

// File is the segments of one rendition, in their order.
type File struct {
	Name string
	Sums []Sum
}

// ErrShort means that the file ends before its last segment.
var ErrShort = errors.New("file is shorter than its playlist says")

// HashSegments reads the file of a media playlist once and hashes each segment.
// The part before the first one is not listed, as PeerTube does not either.
func HashSegments(m *Media, r io.Reader) (File, error) {
	f := File{Name: m.File, Sums: make([]Sum, 0, len(m.Segments))}
	at := int64(0)
	buf := make([]byte, 256<<10)
	for _, s := range m.Segments {
		if s.Offset < at {
			return File{}, fmt.Errorf("%w: segments overlap at %d", ErrPlaylist, s.Offset)
		}
		if _, err := io.CopyBuffer(io.Discard, io.LimitReader(r, s.Offset-at), buf); err != nil {
			return File{}, err
		}
		h := sha256.New()
		n, err := io.CopyBuffer(h, io.LimitReader(r, s.Length), buf)
		if err != nil {
			return File{}, err
		}
		if n != s.Length {
			return File{}, fmt.Errorf("%w: segment %s", ErrShort, s)
		}
		at = s.Offset + s.Length
		f.Sums = append(f.Sums, Sum{s.String(), hex.EncodeToString(h.Sum(nil))})
	}
	return f, nil
}

// MarshalSegments writes segments-sha256.json: {file: {"start-end": sha}}. Files
// and ranges stand in the given order.
func MarshalSegments(files []File) []byte {
	var b bytes.Buffer
	quote := func(s string) {
		j, _ := json.Marshal(s) // a string always has a form
		b.Write(j)
	}
	b.WriteByte('{')
	for i, f := range files {
		if i > 0 {
			b.WriteByte(',')
		}
		quote(f.Name)
		b.WriteString(":{")
		for k, s := range f.Sums {
			if k > 0 {
				b.WriteByte(',')
			}
			quote(s.Range)
			b.WriteByte(':')
			quote(s.SHA)
		}
		b.WriteByte('}')
	}
	b.WriteString("}\n")
	return b.Bytes()
}

// ParseSegments reads segments-sha256.json, keeping the order. It serves to add
// a rendition to those that are there.
func ParseSegments(data []byte) ([]File, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	var files []File
	err := object(d, func(name string) error {
		f := File{Name: name}
		err := object(d, func(r string) error {
			var sum string
			if err := d.Decode(&sum); err != nil {
				return err
			}
			if b, err := hex.DecodeString(sum); err != nil || len(b) != sha256.Size {
				return fmt.Errorf("%q is no SHA-256", sum)
			}
			f.Sums = append(f.Sums, Sum{r, sum})
			return nil
		})
		files = append(files, f)
		return err
	})
	if err == nil && d.More() {
		err = errors.New("more than one value")
	}
	if err != nil {
		return nil, fmt.Errorf("segment hashes: %w", err)
	}
	return files, nil
}

// object reads { and }, and calls fn at each value.
func object(d *json.Decoder, fn func(key string) error) error {
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(errors.New("no object"), err)
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		key, ok := t.(string)
		if !ok {
			return errors.New("no key")
		}
		if err := fn(key); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}
