package hls

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ErrPlaylist means that a media playlist is not one of an on-demand
// single-file rendition.
var ErrPlaylist = errors.New("invalid media playlist")

// maxSegments bounds what a playlist may list: 24 hours in pieces of a second.
const maxSegments = 24 * 3600

// Range is a piece of a file.
type Range struct{ Offset, Length int64 }

// String writes it as players and segments-sha256.json do: both ends included.
func (r Range) String() string { return fmt.Sprintf("%d-%d", r.Offset, r.Offset+r.Length-1) }

// Segment is one entry of a media playlist.
type Segment struct {
	Range
	Duration time.Duration
}

// Media is a media playlist of one fragmented file.
type Media struct {
	File     string // the file that all ranges are of
	Init     Range  // the part before the first segment
	Segments []Segment
}

// Duration is the sum of the segments'.
func (m *Media) Duration() time.Duration {
	var d time.Duration
	for _, s := range m.Segments {
		d += s.Duration
	}
	return d
}

// ParseMedia reads a media playlist of a single-file fragmented rendition, as
// ffmpeg writes them. The error wraps ErrPlaylist. RFC 8216 4.3
func ParseMedia(data []byte) (*Media, error) {
	m := &Media{}
	var p mediaParser
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 0; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if n == 0 {
			if line != "#EXTM3U" {
				return nil, fmt.Errorf("%w: no #EXTM3U", ErrPlaylist)
			}
			continue
		}
		if err := p.line(m, line); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrPlaylist, n+1, err)
		}
	}
	switch {
	case lines.Err() != nil:
		return nil, fmt.Errorf("%w: %w", ErrPlaylist, lines.Err())
	case len(m.Segments) == 0:
		return nil, fmt.Errorf("%w: no segments", ErrPlaylist)
	case !p.ended:
		return nil, fmt.Errorf("%w: no end", ErrPlaylist)
	}
	return m, nil
}

// mediaParser holds what was said about the next segment.
type mediaParser struct {
	duration time.Duration
	length   int64
	offset   int64 // -1: where the former one ended
	next     int64
	ended    bool
}

func (p *mediaParser) line(m *Media, line string) error {
	tag, value, _ := strings.Cut(line, ":")
	var err error
	switch {
	case line == "":
	case tag == "#EXT-X-MAP":
		m.File, m.Init, err = parseMap(value)
		p.next = m.Init.Offset + m.Init.Length
	case tag == "#EXTINF":
		p.duration, err = parseDuration(value)
	case tag == "#EXT-X-BYTERANGE":
		p.length, p.offset, err = parseRange(value)
	case line == "#EXT-X-ENDLIST":
		p.ended = true
	case line[0] == '#':
	default:
		err = p.segment(m, line)
	}
	return err
}

func (p *mediaParser) segment(m *Media, name string) error {
	switch {
	case m.File == "":
		m.File = name
	case m.File != name:
		return errors.New("a second file")
	case len(m.Segments) == maxSegments:
		return errors.New("too many segments")
	}
	if p.length == 0 || p.duration == 0 {
		return errors.New("a segment without range or duration")
	}
	if p.offset < 0 {
		p.offset = p.next
	}
	if p.offset > math.MaxInt64-p.length {
		return errors.New("range overflows")
	}
	m.Segments = append(m.Segments, Segment{Range{p.offset, p.length}, p.duration})
	p.next = p.offset + p.length
	p.length, p.duration = 0, 0
	return nil
}

// parseMap reads URI="…",BYTERANGE="n@o".
func parseMap(value string) (file string, r Range, err error) {
	for part := range strings.SplitSeq(value, ",") {
		k, v, _ := strings.Cut(part, "=")
		v = strings.Trim(v, `"`)
		switch k {
		case "URI":
			file = v
		case "BYTERANGE":
			r.Length, r.Offset, err = parseRange(v)
			r.Offset = max(r.Offset, 0)
		}
	}
	if file == "" {
		err = errors.Join(err, errors.New("a map without a file"))
	}
	return file, r, err
}

// parseRange reads n[@o]; offset is -1 when it is left out.
func parseRange(s string) (length, offset int64, err error) {
	n, o, with := strings.Cut(s, "@")
	length, err = strconv.ParseInt(n, 10, 64)
	if err == nil && with {
		offset, err = strconv.ParseInt(o, 10, 64)
	} else {
		offset = -1
	}
	if err == nil && (length <= 0 || with && (offset < 0 || offset > math.MaxInt64-length)) {
		err = errors.New("invalid range")
	}
	return length, offset, err
}

func parseDuration(s string) (time.Duration, error) {
	s, _, _ = strings.Cut(s, ",")
	f, err := strconv.ParseFloat(s, 64)
	if err == nil && !(f > 0 && f < 24*3600) {
		err = errors.New("invalid duration")
	}
	return time.Duration(f * float64(time.Second)), err
}
