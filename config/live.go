package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"
)

// live is shared by all snapshots of one server's settings.
type live struct {
	base *Config // as the file and the environment have it
	now  atomic.Pointer[Config]
}

// Current returns the settings as they are now: those of the file with what an
// administrator changed while the server runs. Values that may be changed so
// are read through it at the moment of use. The result is not changed any more,
// so that one piece of work may keep it. It is c itself before [Config.Complete].
func (c *Config) Current() *Config {
	if c.live == nil {
		return c
	}
	if now := c.live.now.Load(); now != nil {
		return now
	}
	return c.live.base
}

// With returns the settings of the file with values, by key, on top: complete
// and valid, or an error that names the key and what is allowed. Nothing else
// changes until [Config.Adopt].
func (c *Config) With(values map[string]any) (*Config, error) {
	n := *c
	if c.live != nil {
		n = *c.live.base
	}
	if _, err := apply(n.byKey(), values); err != nil {
		return nil, err
	}
	if err := n.Complete(); err != nil {
		return nil, err
	}
	return &n, nil
}

// Adopt makes n, which came from [Config.With], what [Config.Current] returns
// from now on; nil returns to the file.
func (c *Config) Adopt(n *Config) { c.live.now.Store(n) }

// Base is the settings of the file and the environment alone.
func (c *Config) Base() *Config {
	if c.live == nil {
		return c
	}
	return c.live.base
}

// Value returns the value of a key as JSON has it: durations in milliseconds,
// sizes in bytes. Secrets and unknown keys have none.
func (c *Config) Value(key string) (any, bool) {
	s, ok := c.byKey()[key]
	if !ok {
		return nil, false
	}
	switch v := s.value.Interface().(type) {
	case Secret:
		return nil, false
	case time.Duration:
		return v.Milliseconds(), true
	case Size:
		return int64(v), true
	case []netip.Prefix:
		return append([]netip.Prefix{}, v...), true
	case []string:
		return append([]string{}, v...), true
	case []int:
		return append([]int{}, v...), true
	default:
		return v, true
	}
}

// CheckValue tells what is wrong with a value for key, apart from others; nil
// when nothing is.
func (c *Config) CheckValue(key string, raw any) *ValueError {
	n := *c
	_, err := apply(n.byKey(), map[string]any{key: raw})
	bad, _ := errors.AsType[*ValueError](err)
	return bad
}

// Same tells whether a value that JSON brought means what key has in c.
func (c *Config) Same(key string, raw any) bool {
	n, err := c.With(map[string]any{key: raw})
	if err != nil {
		return false
	}
	a, _ := n.Value(key)
	b, ok := c.Value(key)
	return ok && encoded(a) == encoded(b)
}

func encoded(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
