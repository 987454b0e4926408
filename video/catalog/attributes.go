package catalog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/config/fulltext"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/video/label"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Limits of what a user may write, in characters.
const (
	minName, maxName         = 3, 120
	minText                  = 3
	maxDescription           = 10_000
	maxSupport               = 1_000
	maxSummary               = 250
	maxTags                  = 5
	minTag, maxTag           = 2, 30
	truncatedLength          = 250
	maxNSFWFlags             = 3
	firstYear, lastYearAhead = 1000, 1
	minPassword, maxPassword = 2, 100
)

// MaxPasswords bounds the passwords of one video.
const MaxPasswords = 1000

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
	Schedule              *Schedule
	Passwords             []string `json:",omitempty"` // of a protected video; nil: as they are
}

// Schedule is a change of privacy to come.
type Schedule struct {
	At      time.Time
	Privacy Privacy
}

// Schedule is when v changes its privacy; nil: never.
func (v *Video) Schedule() *Schedule {
	if v.ScheduledAt == nil || v.ScheduledPrivacy == nil {
		return nil
	}
	return &Schedule{*v.ScheduledAt, *v.ScheduledPrivacy}
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
		WaitTranscoding: v.WaitTranscoding, OriginallyPublishedAt: v.OriginallyPublishedAt, Schedule: v.Schedule(),
	}
}

func (v *Video) set(a Attributes) {
	v.Name, v.Description, v.Support = a.Name, a.Description, a.Support
	v.Category, v.Licence, v.Language = a.Category, a.Licence, a.Language
	v.Privacy, v.NSFW, v.NSFWSummary, v.NSFWFlags = a.Privacy, a.NSFW, a.NSFWSummary, a.NSFWFlags
	v.CommentsPolicy, v.DownloadEnabled, v.WaitTranscoding = a.CommentsPolicy, a.DownloadEnabled, a.WaitTranscoding
	v.OriginallyPublishedAt = a.OriginallyPublishedAt
	v.ScheduledAt, v.ScheduledPrivacy = nil, nil
	if a.Schedule != nil {
		v.ScheduledAt, v.ScheduledPrivacy = &a.Schedule.At, &a.Schedule.Privacy
	}
	v.Folded = fulltext.Words(append([]string{a.Name}, a.Tags...)...)
}

// Apply changes what the input names and leaves the rest of a. It returns a
// *rest.Problem that names every refused field; a is then not to be used.
func (a *Attributes) Apply(in form.Input) error {
	var c rest.Checker
	before := a.Privacy
	applyText(in, &c, a)
	applyNumbers(in, &c, a)
	applySchedule(in, &c, a)
	applyPasswords(in, &c, a, before)
	in.Bool(&c, "nsfw", &a.NSFW)
	in.Bool(&c, "downloadEnabled", &a.DownloadEnabled)
	in.Bool(&c, "waitTranscoding", &a.WaitTranscoding)
	if v, ok := in["tags"]; ok {
		a.Tags = checkTags(&c, v)
	}
	if s, null, ok := in.Get("originallyPublishedAt"); ok {
		a.OriginallyPublishedAt = nil
		if !null {
			a.OriginallyPublishedAt = checkDate(&c, "originallyPublishedAt", s)
		}
	}
	return c.Err()
}

func applyText(in form.Input, c *rest.Checker, a *Attributes) {
	if s, _, ok := in.Get("name"); ok {
		a.Name = input.Line(s) // SEC-38
	}
	if n := utf8.RuneCountInString(a.Name); n < minName || n > maxName {
		c.Refuse("body", "name", fmt.Sprintf("Should have %d to %d characters", minName, maxName), a.Name)
	}
	long := func(name string, dst *string, most int) {
		s, _, ok := in.Get(name)
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
	if s, null, ok := in.Get("language"); ok {
		a.Language = nil
		if !null && s != "" {
			if label.Language(s) == label.Unknown {
				c.Refuse("body", "language", "Should be a known language code", s)
			}
			a.Language = &s
		}
	}
}

func applyNumbers(in form.Input, c *rest.Checker, a *Attributes) {
	labelled := func(name string, known func(int) string, dst **int) {
		s, null, ok := in.Get(name)
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
		if privacies[int(n)] == "" {
			c.Refuse("body", "privacy", "Should be 1 (public), 2 (unlisted), 3 (private), 4 (internal) or 5 (password protected)", n)
		}
	}
	if n, ok := in.Int(c, "commentsPolicy"); ok {
		a.CommentsPolicy = CommentsPolicy(n)
		if commentsPolicies[int(n)] == "" {
			c.Refuse("body", "commentsPolicy", "Should be 1, 2 or 3", n)
		}
	} else if _, null, ok := in.Get("commentsEnabled"); ok && !null { // clients before 6.2
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

// applySchedule reads scheduleUpdate, an object with updateAt and privacy.
func applySchedule(in form.Input, c *rest.Checker, a *Attributes) {
	const field, at, privacy = "scheduleUpdate", "scheduleUpdate[updateAt]", "scheduleUpdate[privacy]"
	if _, null, ok := in.Get(field); ok {
		if !null {
			c.Refuse("body", field, "Should be an object with updateAt and privacy, or null", nil)
		}
		a.Schedule = nil
	}
	when, _, hasTime := in.Get(at)
	n, hasPrivacy := in.Int(c, privacy)
	switch {
	case !hasTime && !hasPrivacy:
		return
	case !hasTime:
		c.Refuse("body", at, "Schedule update at is mandatory", nil)
		return
	case !hasPrivacy:
		n = int64(Public)
	}
	a.Schedule = &Schedule{Privacy: Privacy(n)}
	if p := Privacy(n); p != Public && p != Unlisted && p != Internal {
		c.Refuse("body", privacy, "Should be 1 (public), 2 (unlisted) or 4 (internal)", n)
	}
	var err error
	if a.Schedule.At, err = ParseTime(when); err != nil {
		c.Refuse("body", at, dateForm, when)
	}
}

// applyPasswords reads videoPasswords, which a video must bring with it that
// becomes protected.
func applyPasswords(in form.Input, c *rest.Checker, a *Attributes, before Privacy) {
	given, ok := in["videoPasswords"]
	if a.Privacy != Password {
		return
	}
	switch {
	case !ok && (before != Password):
		c.Refuse("body", "videoPasswords", "Video passwords are missing", nil)
	case ok:
		a.Passwords = CheckPasswords(c, "videoPasswords", given)
	}
}

// CheckPasswords refuses what cannot be the passwords of a video.
func CheckPasswords(c *rest.Checker, field string, given []string) []string {
	seen := map[string]bool{}
	for _, p := range given {
		if n := utf8.RuneCountInString(p); n < minPassword || n > maxPassword || !utf8.ValidString(p) {
			c.Refuse("body", field, fmt.Sprintf("Each should have %d to %d characters", minPassword, maxPassword), nil)
		}
		if seen[p] {
			c.Refuse("body", field, "Duplicate video passwords are not allowed", nil)
		}
		seen[p] = true
	}
	if len(given) == 0 || len(given) > MaxPasswords {
		c.Refuse("body", field, fmt.Sprintf("Should be 1 to %d", MaxPasswords), len(given))
	}
	return given
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

const dateForm = "Should be a date and time, as 2026-01-31T12:00:00.000Z"

func checkDate(c *rest.Checker, name, s string) *time.Time {
	t, err := ParseTime(s)
	if err != nil || t.Year() < firstYear || t.Year() > time.Now().Year()+lastYearAhead {
		c.Refuse("body", name, dateForm, s)
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
