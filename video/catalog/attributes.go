package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/video/label"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Limits of what a user may write, in characters.
const (
	minName, maxName           = 3, 120
	minText                    = 3
	maxDescription             = 10_000
	maxSupport                 = 1_000
	maxSummary                 = 250
	maxTags                    = 5
	minTag, maxTag             = 2, 30
	truncatedLength            = 250
	maxNSFWFlags               = 3
	firstYear, lastYearAhead   = 1000, 1
	maxFormFields, maxFormTags = 100, 50
)

// Attributes are what the owner of a video may set, and nothing else (SEC-45).
type Attributes struct {
	Name                  string
	Description           string
	Support               string
	Category              *int
	Licence               *int
	Language              *string
	Privacy               Privacy
	NSFW                  bool
	NSFWSummary           string
	NSFWFlags             int
	Tags                  []string
	CommentsPolicy        CommentsPolicy
	DownloadEnabled       bool
	WaitTranscoding       bool
	OriginallyPublishedAt *time.Time
}

// NewAttributes are the values of a video about which nothing was said. It is
// private until its owner says otherwise.
func NewAttributes() Attributes {
	return Attributes{Privacy: Private, CommentsPolicy: CommentsEnabled, DownloadEnabled: true}
}

// Attributes returns the attributes of v; tags are not part of the row.
func (v *Video) Attributes(tags []string) Attributes {
	return Attributes{
		Name: v.Name, Description: v.Description, Support: v.Support, Category: v.Category, Licence: v.Licence,
		Language: v.Language, Privacy: v.Privacy, NSFW: v.NSFW, NSFWSummary: v.NSFWSummary, NSFWFlags: v.NSFWFlags,
		Tags: tags, CommentsPolicy: v.CommentsPolicy, DownloadEnabled: v.DownloadEnabled,
		WaitTranscoding: v.WaitTranscoding, OriginallyPublishedAt: v.OriginallyPublishedAt,
	}
}

func (v *Video) set(a Attributes) {
	v.Name, v.Description, v.Support = a.Name, a.Description, a.Support
	v.Category, v.Licence, v.Language = a.Category, a.Licence, a.Language
	v.Privacy, v.NSFW, v.NSFWSummary, v.NSFWFlags = a.Privacy, a.NSFW, a.NSFWSummary, a.NSFWFlags
	v.CommentsPolicy, v.DownloadEnabled, v.WaitTranscoding = a.CommentsPolicy, a.DownloadEnabled, a.WaitTranscoding
	v.OriginallyPublishedAt = a.OriginallyPublishedAt
	v.Folded = Fold(a.Name + "\n" + strings.Join(a.Tags, "\n"))
}

// Fold brings text into the form in which it is searched: lower case, without
// accents.
func Fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(s))
}

// Input is a form or JSON object of a client by field. A field that is there
// without a value was null.
type Input map[string][]string

// InputFromJSON reads the body of a request: one object whose fields are
// scalars or lists of them. Objects inside are ignored.
func InputFromJSON(body []byte) (Input, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var raw map[string]any
	if err := d.Decode(&raw); err != nil || raw == nil {
		return nil, rest.BadRequest("The request body should be a JSON object")
	}
	in := Input{}
	for k, v := range raw {
		switch v := v.(type) {
		case nil:
			in[k] = nil
		case []any:
			list := []string{}
			for _, e := range v {
				if s, ok := scalar(e); ok {
					list = append(list, s)
				}
			}
			in[k] = list
		default:
			if s, ok := scalar(v); ok {
				in[k] = []string{s}
			}
		}
	}
	return in, nil
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// InputFromForm reads a form; tags come as tags, tags[] or tags[0].
func InputFromForm(form url.Values) (Input, error) {
	if len(form) > maxFormFields {
		return nil, rest.BadRequest("The form has too many fields")
	}
	in := Input{}
	tags := map[string][]string{}
	for k, v := range form {
		if k == "tags" || (strings.HasPrefix(k, "tags[") && strings.HasSuffix(k, "]")) {
			tags[k] = v
			continue
		}
		in[k] = v
		if len(v) == 1 && (v[0] == "" || v[0] == "null") {
			in[k] = nil
		}
	}
	if len(tags) > 0 {
		keys := make([]string, 0, len(tags))
		for k := range tags {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b string) int { return strings.Compare(fmt.Sprintf("%12s", a), fmt.Sprintf("%12s", b)) })
		list := []string{}
		for _, k := range keys {
			for _, t := range tags[k] {
				if t != "" && t != "null" && len(list) < maxFormTags {
					list = append(list, t)
				}
			}
		}
		in["tags"] = list
	}
	return in, nil
}

// get returns a field: not there, there and null, or its first value.
func (in Input) get(name string) (value string, null, ok bool) {
	v, ok := in[name]
	if !ok {
		return "", false, false
	}
	if len(v) == 0 {
		return "", true, true
	}
	return v[0], false, true
}

// Int reads a whole number; ok is false when the field is absent or null.
func (in Input) Int(c *rest.Checker, name string) (n int64, ok bool) {
	s, null, ok := in.get(name)
	if !ok || null {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		c.Refuse("body", name, "Should be a whole number", s)
		return 0, false
	}
	return n, true
}

// Bool reads a truth value into dst; an absent or null field leaves it.
func (in Input) Bool(c *rest.Checker, name string, dst *bool) {
	s, null, ok := in.get(name)
	switch {
	case !ok || null:
	case s == "true" || s == "1":
		*dst = true
	case s == "false" || s == "0":
		*dst = false
	default:
		c.Refuse("body", name, "Should be true or false", s)
	}
}

// Apply changes what the input names and leaves the rest of a. It returns a
// *rest.Problem that names every refused field; a is then not to be used.
func (in Input) Apply(a *Attributes) error {
	var c rest.Checker
	in.applyText(&c, a)
	in.applyNumbers(&c, a)
	in.Bool(&c, "nsfw", &a.NSFW)
	in.Bool(&c, "downloadEnabled", &a.DownloadEnabled)
	in.Bool(&c, "waitTranscoding", &a.WaitTranscoding)
	if v, ok := in["tags"]; ok {
		a.Tags = checkTags(&c, v)
	}
	if s, null, ok := in.get("originallyPublishedAt"); ok {
		a.OriginallyPublishedAt = nil
		if !null {
			a.OriginallyPublishedAt = checkDate(&c, "originallyPublishedAt", s)
		}
	}
	return c.Err()
}

func (in Input) applyText(c *rest.Checker, a *Attributes) {
	if s, _, ok := in.get("name"); ok {
		a.Name = input.Line(s) // SEC-38
	}
	if n := utf8.RuneCountInString(a.Name); n < minName || n > maxName {
		c.Refuse("body", "name", fmt.Sprintf("Should have %d to %d characters", minName, maxName), a.Name)
	}
	long := func(name string, dst *string, most int) {
		s, _, ok := in.get(name)
		if !ok {
			return
		}
		*dst = input.Text(s)
		if n := utf8.RuneCountInString(*dst); n != 0 && (n < minText || n > most) {
			c.Refuse("body", name, fmt.Sprintf("Should have %d to %d characters, or none", minText, most), *dst)
		}
	}
	long("description", &a.Description, maxDescription)
	long("support", &a.Support, maxSupport)
	long("nsfwSummary", &a.NSFWSummary, maxSummary)
	if s, null, ok := in.get("language"); ok {
		a.Language = nil
		if !null && s != "" {
			if label.Language(s) == label.Unknown {
				c.Refuse("body", "language", "Should be a known language code", s)
			}
			a.Language = &s
		}
	}
}

func (in Input) applyNumbers(c *rest.Checker, a *Attributes) {
	labelled := func(name string, known func(int) string, dst **int) {
		s, null, ok := in.get(name)
		if !ok {
			return
		}
		*dst = nil
		if null || s == "" {
			return
		}
		n, err := strconv.Atoi(s)
		if err != nil || known(n) == label.Unknown {
			c.Refuse("body", name, "Should be a known number", s)
			return
		}
		*dst = &n
	}
	labelled("category", label.Category, &a.Category)
	labelled("licence", label.Licence, &a.Licence)
	if n, ok := in.Int(c, "privacy"); ok {
		a.Privacy = Privacy(n)
		if n < int64(Public) || n > int64(Private) {
			c.Refuse("body", "privacy", "Should be 1 (public), 2 (unlisted) or 3 (private)", n)
		}
	}
	if n, ok := in.Int(c, "commentsPolicy"); ok {
		a.CommentsPolicy = CommentsPolicy(n)
		if commentsPolicies[int(n)] == "" {
			c.Refuse("body", "commentsPolicy", "Should be 1, 2 or 3", n)
		}
	} else if _, null, ok := in.get("commentsEnabled"); ok && !null { // clients before 6.2
		on := true
		in.Bool(c, "commentsEnabled", &on)
		a.CommentsPolicy = CommentsEnabled
		if !on {
			a.CommentsPolicy = CommentsDisabled
		}
	}
	if n, ok := in.Int(c, "nsfwFlags"); ok {
		a.NSFWFlags = int(n)
		if n < 0 || n > maxNSFWFlags {
			c.Refuse("body", "nsfwFlags", "Should be a sum of 1 and 2", n)
		}
	}
}

func checkTags(c *rest.Checker, given []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, t := range given {
		t = input.Line(t)
		if n := utf8.RuneCountInString(t); n < minTag || n > maxTag {
			c.Refuse("body", "tags", fmt.Sprintf("Each should have %d to %d characters", minTag, maxTag), t)
			return nil
		}
		if f := FoldTag(t); !seen[f] {
			seen[f] = true
			out = append(out, t)
		}
	}
	if len(out) > maxTags {
		c.Refuse("body", "tags", fmt.Sprintf("Should be %d at most", maxTags), len(out))
		return nil
	}
	return out
}

// FoldTag brings a tag into the form in which tags are compared.
func FoldTag(s string) string { return strings.ToLower(norm.NFKC.String(s)) }

func checkDate(c *rest.Checker, name, s string) *time.Time {
	t, err := ParseTime(s)
	if err != nil || t.Year() < firstYear || t.Year() > time.Now().Year()+lastYearAhead {
		c.Refuse("body", name, "Should be a date and time, as 2026-01-31T12:00:00.000Z", s)
		return nil
	}
	return &t
}

// ParseTime reads the ISO 8601 forms that servers and clients write.
func ParseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Truncate(time.Microsecond), nil
		}
	}
	return time.Time{}, errors.New("not a date and time")
}
