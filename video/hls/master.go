package hls

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Rendition is one entry of a master playlist.
type Rendition struct {
	Resolution int // short side; 0 is sound alone
	Width      int
	Height     int
	FPS        float64
	Size       int64 // bytes of the fragmented file
	Duration   time.Duration
	Codecs     []string // RFC 6381, video first; empty when unknown
	Playlist   string   // name of the media playlist, relative to the master
}

// bandwidth is the average rate in bits a second, rounded up.
func (r Rendition) bandwidth() int64 {
	if r.Duration <= 0 {
		return 0
	}
	return int64(math.Ceil(float64(r.Size) * 8 / r.Duration.Seconds()))
}

// frameRate as PeerTube writes it: without decimals that are zero.
func (r Rendition) frameRate() string {
	return strconv.FormatFloat(math.Round(r.FPS*1000)/1000, 'f', -1, 64)
}

// Sort brings renditions into the order of the master playlist.
func Sort(renditions []Rendition) {
	slices.SortStableFunc(renditions, func(a, b Rendition) int {
		return cmp.Or(cmp.Compare(a.Resolution, b.Resolution), cmp.Compare(a.FPS, b.FPS))
	})
}

// ErrRendition means that a rendition cannot stand in a playlist.
var ErrRendition = errors.New("invalid rendition")

// Master writes the master playlist of the renditions, in the order of Sort.
// When there are others, one of sound alone becomes their audio group.
func Master(renditions []Rendition) ([]byte, error) {
	if len(renditions) == 0 {
		return nil, fmt.Errorf("%w: none", ErrRendition)
	}
	renditions = slices.Clone(renditions)
	Sort(renditions)
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:3\n\n")
	split := renditions[0].Resolution == 0 && len(renditions) > 1
	if split {
		if err := checkName(renditions[0].Playlist); err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Audio\",AUTOSELECT=YES,DEFAULT=YES,URI=\"%s\"\n", renditions[0].Playlist)
	}
	b.WriteString("\n")
	for i, r := range renditions {
		if split && i == 0 {
			continue
		}
		if err := checkName(r.Playlist); err != nil {
			return nil, err
		}
		b.WriteString(r.streamInf(split, renditions[0].Codecs))
	}
	return []byte(b.String()), nil
}

// streamInf is the entry of r: RFC 8216 4.3.4.2.
func (r Rendition) streamInf(split bool, audio []string) string {
	attrs := []string{fmt.Sprintf("BANDWIDTH=%d", r.bandwidth())}
	if r.Resolution > 0 {
		attrs = append(attrs, fmt.Sprintf("RESOLUTION=%dx%d", r.Width, r.Height))
		if r.FPS > 0 {
			attrs = append(attrs, "FRAME-RATE="+r.frameRate())
		}
	}
	codecs := r.Codecs
	if split {
		codecs = slices.Concat(codecs, audio)
	}
	if len(codecs) > 0 {
		attrs = append(attrs, `CODECS="`+strings.Join(codecs, ",")+`"`)
	}
	if split {
		attrs = append(attrs, `AUDIO="audio"`)
	}
	return "#EXT-X-STREAM-INF:" + strings.Join(attrs, ",") + "\n" + r.Playlist + "\n"
}

// checkName: a name of ours is a plain file name.
func checkName(name string) error {
	if name == "" || strings.ContainsAny(name, "/\\\"\r\n#?%") || name[0] == '.' {
		return fmt.Errorf("%w: playlist name %q", ErrRendition, name)
	}
	return nil
}
