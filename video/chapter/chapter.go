// Package chapter keeps the chapters of videos: set by the owner, or written as
// times in the description, or read from a remote video's document.
//
// Invariants
//   - chapters of a video have distinct times and are ordered by them
//   - without chapters of its own, a local video has those that its description
//     lists, as it is now
//
// Specifications: PT federation 4 (hasParts), reference REST 18. Imports no
// sibling but catalog.
package chapter

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// Limits of the chapters of a video.
const (
	maxChapters = 500
	minTitle    = 1
	maxTitle    = 100 // characters
	maxTimecode = 1 << 31
)

// Chapter is a row of video_chapters.
type Chapter struct {
	VideoID  int64 `gorm:"primaryKey;autoIncrement:false"`
	Timecode int   `gorm:"primaryKey;autoIncrement:false"` // seconds
	Title    string
}

// TableName implements gorm's Tabler.
func (Chapter) TableName() string { return "video_chapters" }

// Of returns the chapters of a video, by time.
func Of(g *gorm.DB, v *catalog.Video) ([]Chapter, error) {
	var rows []Chapter
	if err := g.Where("video_id = ?", v.ID).Order("timecode").Limit(maxChapters).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load chapters: %w", err)
	}
	if len(rows) == 0 && v.Local {
		rows = Parse(v.Description, v.Duration)
	}
	return rows, nil
}

// Set makes the chapters of a video the given ones.
func Set(tx *db.Tx, videoID int64, list []Chapter) error {
	if err := tx.Where("video_id = ?", videoID).Delete(&Chapter{}).Error; err != nil {
		return fmt.Errorf("replace chapters: %w", err)
	}
	for _, c := range list {
		c.VideoID = videoID
		if err := tx.Create(&c).Error; err != nil {
			return fmt.Errorf("save chapter: %w", err)
		}
	}
	return nil
}

// line is a line of a description that begins a chapter: a time, maybe in
// brackets or behind a sign of a list, then the title.
var line = regexp.MustCompile(`^\s*(?:[-*•]\s*)?[(\[]?(?:(\d{1,3}):)?(\d{1,3}):(\d{2})[)\]]?\s*[-–—:|]?\s+(\S.*)$`)

// Parse reads the chapters that a description lists, one a line, without a gap
// in between but for empty lines. One alone, times that go back, or one behind
// the end make no chapters: it is something else.
func Parse(description string, duration int) []Chapter {
	var out []Chapter
	for l := range strings.SplitSeq(description, "\n") {
		m := line.FindStringSubmatch(l)
		if m == nil {
			if len(out) > 0 && strings.TrimSpace(l) != "" {
				break
			}
			continue
		}
		at := number(m[1])*3600 + number(m[2])*60 + number(m[3])
		title := clip(input.Line(m[4]))
		if title == "" || len(out) == maxChapters {
			break
		}
		if (len(out) > 0 && at <= out[len(out)-1].Timecode) || (duration > 0 && at >= duration) {
			return nil
		}
		out = append(out, Chapter{Timecode: at, Title: title})
	}
	if len(out) < 2 {
		return nil
	}
	return out
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

func clip(s string) string {
	if utf8.RuneCountInString(s) <= maxTitle {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:maxTitle]))
}

// Part is a chapter in a document.
type Part struct {
	Name        string `json:"name"`
	StartOffset int    `json:"startOffset"`
	EndOffset   int    `json:"endOffset"`
}

// Document is what stands at hasParts of a video (PT federation 4).
type Document struct {
	ID      string `json:"id"`
	HasPart []Part `json:"hasPart"`
}

// ToDocument makes the document of a local video's chapters.
func ToDocument(v *catalog.Video, list []Chapter) Document {
	d := Document{ID: v.IRI + "/chapters", HasPart: []Part{}}
	for i, c := range list {
		end := v.Duration
		if i+1 < len(list) {
			end = list[i+1].Timecode
		}
		d.HasPart = append(d.HasPart, Part{c.Title, c.Timecode, max(end, c.Timecode)})
	}
	return d
}

// FromDocument reads the chapters of a remote video; what is none is left out.
func FromDocument(o vocab.Object) []Chapter {
	var out []Chapter
	for _, p := range o.Objects("hasPart") {
		at, ok := p.Int("startOffset")
		title := clip(input.Line(p.String("name"))) // SEC-38
		taken := slices.ContainsFunc(out, func(c Chapter) bool { return int64(c.Timecode) == at })
		if !ok || at < 0 || at >= maxTimecode || title == "" || taken || len(out) == maxChapters {
			continue
		}
		out = append(out, Chapter{Timecode: int(at), Title: title})
	}
	slices.SortFunc(out, func(a, b Chapter) int { return a.Timecode - b.Timecode })
	return out
}
