package storage

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
)

// Folders is a Store made of several: the first name of a key picks the one
// that holds it, under the rest of the key. Rest, which may be nil, has all
// other keys, whole.
type Folders struct {
	Named map[string]Store
	Rest  Store
}

var _ Store = (*Folders)(nil)

// pick finds the store of a key and the key there.
func (s *Folders) pick(key string) (Store, string, error) {
	if err := CheckKey(key); err != nil {
		return nil, "", err
	}
	first, rest, ok := strings.Cut(key, "/")
	if st := s.Named[first]; st != nil {
		if !ok {
			return nil, "", ErrKey // a folder is no object
		}
		return st, rest, nil
	}
	if s.Rest == nil {
		return nil, "", ErrKey
	}
	return s.Rest, key, nil
}

// Put implements Store.
func (s *Folders) Put(ctx context.Context, key string, r io.Reader) (int64, error) {
	st, k, err := s.pick(key)
	if err != nil {
		return 0, err
	}
	return st.Put(ctx, k, r)
}

// PutFile implements Store.
func (s *Folders) PutFile(ctx context.Context, key, path string) error {
	st, k, err := s.pick(key)
	if err != nil {
		return err
	}
	return st.PutFile(ctx, k, path)
}

// Open implements Store.
func (s *Folders) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	st, k, err := s.pick(key)
	if err != nil {
		return nil, err
	}
	return st.Open(ctx, k)
}

// Stat implements Store.
func (s *Folders) Stat(ctx context.Context, key string) (Object, error) {
	st, k, err := s.pick(key)
	if err != nil {
		return Object{}, err
	}
	o, err := st.Stat(ctx, k)
	o.Key = key
	return o, err
}

// Delete implements Store.
func (s *Folders) Delete(ctx context.Context, key string) error {
	st, k, err := s.pick(key)
	if err != nil {
		return err
	}
	return st.Delete(ctx, k)
}

// Walk implements Store.
func (s *Folders) Walk(ctx context.Context, prefix string, fn func(Object) error) error {
	if prefix != "" {
		prefix = strings.TrimSuffix(prefix, "/")
		st, inner, err := s.pick(prefix + "/x") // any key below it
		if err != nil {
			return err
		}
		inner = strings.TrimSuffix(strings.TrimSuffix(inner, "x"), "/")
		before := strings.TrimSuffix(prefix+"/", inner+"/")
		if inner == "" {
			before = prefix + "/"
		}
		return s.walk(ctx, st, inner, before, fn)
	}
	// The order of the keys: named folders and those of Rest interleave, so the
	// objects of Rest are collected first.
	var rest []Object
	if s.Rest != nil {
		err := s.Rest.Walk(ctx, "", func(o Object) error { rest = append(rest, o); return nil })
		if err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Named)) {
		i, _ := slices.BinarySearchFunc(rest, name+"/", func(o Object, k string) int { return cmp.Compare(o.Key, k) })
		if err := tell(rest[:i], fn); err != nil {
			return err
		}
		rest = rest[i:]
		if err := s.walk(ctx, s.Named[name], "", name+"/", fn); err != nil {
			return err
		}
	}
	return tell(rest, fn)
}

func tell(objects []Object, fn func(Object) error) error {
	for _, o := range objects {
		if err := fn(o); err != nil {
			return err
		}
	}
	return nil
}

// walk tells the objects of one store under their whole keys.
func (*Folders) walk(ctx context.Context, st Store, prefix, before string, fn func(Object) error) error {
	return st.Walk(ctx, prefix, func(o Object) error {
		o.Key = before + o.Key
		return fn(o)
	})
}

// URL implements Store.
func (s *Folders) URL(key string) (string, bool) {
	st, k, err := s.pick(key)
	if err != nil {
		return "", false
	}
	return st.URL(k)
}

// Path is the file that holds an object, where its store keeps files.
func (s *Folders) Path(key string) (string, error) {
	st, k, err := s.pick(key)
	if err != nil {
		return "", err
	}
	f, ok := st.(interface{ Path(string) (string, error) })
	if !ok {
		return "", errors.ErrUnsupported
	}
	return f.Path(k)
}
