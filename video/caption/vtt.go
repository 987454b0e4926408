package caption

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/kinemesh/kinemesh/accounts/input"
)

// Limits of a file.
const (
	MaxBytes    = 20 << 20
	maxCues     = 200_000
	maxCueLines = 20
	maxLine     = 1_000 // bytes
)

// ErrFormat says that bytes are no subtitles.
var ErrFormat = errors.New("neither WebVTT nor SubRip subtitles")

var (
	timing  = regexp.MustCompile(`^\s*(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})\s+-->\s+(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})((?:\s+\S+)*)\s*$`)
	setting = regexp.MustCompile(`^(vertical|line|position|size|align):[A-Za-z0-9.,%-]{1,40}$`)
	// srtTags are what players of SubRip understand and browsers do not.
	srtTags = regexp.MustCompile(`(?i)\{\\[a-z0-9]+\}|</?font[^>]{0,200}>`)
)

// Clean reads WebVTT or SubRip and writes it as WebVTT: its cues with times,
// known settings and text. Styles, regions and notes are left out.
func Clean(data []byte) ([]byte, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrFormat, len(data))
	}
	text, err := decode(data)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString("WEBVTT\n")
	cues := 0
	for block := range strings.SplitSeq(text, "\n\n") {
		c, ok := readCue(block)
		if !ok {
			continue
		}
		if cues++; cues > maxCues {
			return nil, fmt.Errorf("%w: too many cues", ErrFormat)
		}
		out.WriteString("\n" + c)
	}
	if cues == 0 {
		return nil, fmt.Errorf("%w: no cue", ErrFormat)
	}
	return out.Bytes(), nil
}

// decode makes text with plain line feeds of a file. One that is not UTF-8 is
// taken for the code page that old SubRip files are in.
func decode(data []byte) (string, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if bytes.IndexByte(data, 0) >= 0 {
		return "", fmt.Errorf("%w: binary", ErrFormat)
	}
	if !utf8.Valid(data) {
		if bytes.HasPrefix(data, []byte("WEBVTT")) { // which is UTF-8 by its definition
			return "", fmt.Errorf("%w: not UTF-8", ErrFormat)
		}
		var err error
		if data, err = charmap.Windows1252.NewDecoder().Bytes(data); err != nil {
			return "", fmt.Errorf("%w: %w", ErrFormat, err)
		}
	}
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))
	for strings.Contains(text, "\n\n\n") {
		text = strings.ReplaceAll(text, "\n\n\n", "\n\n")
	}
	return text, nil
}

// readCue writes one block as a cue; ok is false when it is none.
func readCue(block string) (cue string, ok bool) {
	lines := strings.Split(strings.Trim(block, "\n"), "\n")
	if len(lines) > 1 && !strings.Contains(lines[0], "-->") {
		lines = lines[1:] // its number or name
	}
	m := timing.FindStringSubmatch(lines[0])
	if m == nil {
		return "", false
	}
	from, to := millis(m[1:5]), millis(m[5:9])
	if to <= from {
		return "", false
	}
	var b strings.Builder
	b.WriteString(stamp(from) + " --> " + stamp(to))
	for s := range strings.FieldsSeq(m[9]) {
		if setting.MatchString(s) {
			b.WriteString(" " + s)
		}
	}
	written := 0
	for _, l := range lines[1:] {
		l = strings.TrimSpace(input.Line(srtTags.ReplaceAllString(l, ""))) // SEC-38
		l = strings.ReplaceAll(l, "-->", "→")
		if l == "" || len(l) > maxLine || written == maxCueLines {
			continue
		}
		written++
		b.WriteString("\n" + l)
	}
	if written == 0 {
		return "", false
	}
	return b.String() + "\n", true
}

// millis reads hours, minutes, seconds and a fraction.
func millis(m []string) int {
	n := func(s string) int {
		v, err := strconv.Atoi(s)
		if err != nil { // hours that were left out
			return 0
		}
		return v
	}
	return ((n(m[0])*60+n(m[1]))*60+n(m[2]))*1000 + n((m[3] + "00")[:3])
}

func stamp(ms int) string {
	return fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}
