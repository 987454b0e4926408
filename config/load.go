package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

// initialRootPassword is the variable of [Config.InitialRootPassword].
const initialRootPassword = EnvPrefix + "INITIAL_ROOT_PASSWORD"

// Load reads the settings: defaults, then the file at path unless path is
// empty, then environ, a list as of [os.Environ]. The result is complete and
// valid. The strings are warnings for the operator, in a stable order. Nothing
// is written: see [Config.Prepare].
func Load(path string, environ []string) (*Config, []string, error) {
	c := Default()
	byKey := c.byKey()
	fromFile, err := readFile(path)
	if err != nil {
		return nil, nil, err
	}
	fileWarnings, err := apply(byKey, fromFile)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	fromEnv, envWarnings, err := readEnv(byKey, environ)
	if err != nil {
		return nil, nil, err
	}
	if secret, ok := fromEnv[initialRootPassword]; ok {
		c.InitialRootPassword = Secret(fmt.Sprint(secret))
		delete(fromEnv, initialRootPassword)
	}
	if _, err := apply(byKey, fromEnv); err != nil {
		return nil, nil, fmt.Errorf("environment: %w", err)
	}
	if err := c.Complete(); err != nil {
		return nil, nil, err
	}
	return c, slices.Concat(fileWarnings, envWarnings, c.testMode()), nil
}

// readFile returns the settings of a YAML or JSON file, flat.
func readFile(path string) (map[string]any, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	values, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return values, nil
}

func parse(text []byte) (map[string]any, error) {
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider(text), parserOf(text)); err != nil {
		return nil, fmt.Errorf("not YAML or JSON made of keys and values: %w", err)
	}
	return k.All(), nil
}

// parserOf picks the parser: JSON is YAML, but for tabs between its words.
func parserOf(text []byte) koanf.Parser {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return jsonParser{}
	}
	return yaml.Parser()
}

type jsonParser struct{}

func (jsonParser) Unmarshal(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // a size must not turn into 1e+10
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		return nil, err
	}
	return m, nil
}

func (jsonParser) Marshal(m map[string]any) ([]byte, error) { return json.Marshal(m) }

// readEnv returns the settings of the environment, flat, and a warning for
// each variable of ours that names nothing. An empty variable counts as unset.
func readEnv(byKey map[string]setting, environ []string) (map[string]any, []string, error) {
	keyOf := map[string]string{initialRootPassword: initialRootPassword}
	for key := range byKey {
		keyOf[EnvName(key)] = key
	}
	var warnings []string
	k := koanf.New("\x00") // flat: keys keep their dots
	err := k.Load(env.Provider("\x00", env.Opt{
		Prefix:      EnvPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			key, ok := keyOf[name]
			if !ok {
				warnings = append(warnings, unknown(name, keyOf))
			}
			if value == "" {
				return "", nil
			}
			return key, value
		},
	}), nil)
	if err != nil {
		return nil, nil, fmt.Errorf("environment: %w", err)
	}
	slices.Sort(warnings)
	return k.All(), warnings, nil
}

// apply stores values in their fields and returns a warning for each key that
// has none. All wrong values are reported at once.
func apply(byKey map[string]setting, values map[string]any) ([]string, error) {
	var warnings, unused []string
	var errs []error
	for _, key := range sortedKeys(values) {
		raw := values[key]
		if n, ok := raw.(json.Number); ok {
			raw = number(n)
		}
		if now, ok := renamed[key]; ok && byKey[now].key != "" {
			if _, both := values[now]; !both {
				warnings = append(warnings, fmt.Sprintf("%s is now called %s", key, now))
				key = now
			}
		}
		s, known := byKey[key]
		switch {
		case raw == nil: // PeerTube writes null for "not set"
		case known:
			if err := s.set(raw); err != nil {
				errs = append(errs, err)
			}
		case isSection(byKey, key):
			if m, empty := raw.(map[string]any); !empty || len(m) > 0 {
				errs = append(errs, &ValueError{key, fmt.Sprint(raw), "a section with keys below it"})
			}
		case isPeerTubeKey(key):
			unused = append(unused, key)
		default:
			warnings = append(warnings, unknown(key, byKey))
		}
	}
	return append(warnings, unusedWarnings(unused)...), errors.Join(errs...)
}

// number keeps whole numbers whole.
func number(n json.Number) any {
	if whole, err := n.Int64(); err == nil {
		return whole
	}
	f, err := n.Float64()
	if err != nil {
		return n.String()
	}
	return f
}

func isSection(byKey map[string]setting, key string) bool {
	for known := range byKey {
		if strings.HasPrefix(known, key+".") {
			return true
		}
	}
	return false
}

// unknown is the warning for a key or variable that nobody reads.
func unknown[V any](name string, known map[string]V) string {
	warning := name + " is not a setting and has no effect"
	if near := nearest(name, known); near != "" {
		warning += "; did you mean " + near + "?"
	}
	return warning
}

// nearest returns the known name that differs least, if it differs little.
func nearest[V any](name string, known map[string]V) string {
	best, least := "", max(2, len(name)/4)+1
	for _, candidate := range sortedKeys(known) {
		if d := distance(name, candidate); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
