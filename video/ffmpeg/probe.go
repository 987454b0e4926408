package ffmpeg

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Info is what is known of a media file after it passed the gate.
type Info struct {
	Container Container
	Size      int64 // bytes
	Duration  time.Duration
	BitRate   int64  // bits a second, over all streams
	Streams   int    // of all kinds
	Video     *Video // nil when there is none; a cover picture is none
	Audio     *Audio // nil when there is none

	// Raw is ffprobe's answer in the form of PeerTube's metadata documents:
	// numbers as numbers, and without the path of the file.
	Raw json.RawMessage
}

// Video is the first moving picture stream.
type Video struct {
	Index    int // in the file
	Codec    string
	Profile  string
	Level    int
	PixFmt   string
	Width    int // as shown, after rotation
	Height   int // as shown, after rotation
	Rotation int // degrees that a player turns the stored pictures: 0, 90, 180 or 270
	FPS      float64
	BitRate  int64 // 0 when unknown
}

// Audio is the first sound stream.
type Audio struct {
	Index      int // in the file
	Codec      string
	Profile    string
	BitRate    int64 // 0 when unknown
	Channels   int
	Layout     string // "stereo", …; empty when unknown
	SampleRate int
}

// Resolution is the short side of the picture, the number behind "720p"; 0
// without video.
func (i *Info) Resolution() int {
	if i.Video == nil {
		return 0
	}
	return min(i.Video.Width, i.Video.Height)
}

// Ratio is width by height of the picture as shown; 0 without video.
func (i *Info) Ratio() float64 {
	if i.Video == nil || i.Video.Height == 0 {
		return 0
	}
	return float64(i.Video.Width) / float64(i.Video.Height)
}

// FPS is the rounded number of pictures a second; 0 without video.
func (i *Info) FPS() int {
	if i.Video == nil {
		return 0
	}
	return int(math.Round(i.Video.FPS))
}

// Probe examines the file at path. It refuses, before any tool runs, what is
// not a media container (ErrContainer), then what holds nothing to play
// (ErrUnreadable) and what exceeds the limits (ErrLimits). Other errors are the
// machine's: the tool could not run, took too long, or ctx ended.
func (t *Tool) Probe(ctx context.Context, path string) (*Info, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, ErrContainer
	}
	c, err := SniffFile(path)
	if err != nil {
		return nil, err
	}
	info, err := t.ffprobe(ctx, path, c)
	if err != nil {
		return nil, err
	}
	info.Container, info.Size = c, fi.Size()
	if err := t.media().check(info); err != nil {
		return nil, err
	}
	if info.Duration == 0 { // recorded by a browser, say: nobody wrote it down
		info.Duration, err = t.measure(ctx, path, c)
		if err != nil {
			return nil, err
		}
	}
	if info.BitRate == 0 && info.Duration > 0 {
		info.BitRate = int64(float64(info.Size) * 8 / info.Duration.Seconds())
	}
	return info, t.media().check(info)
}

// ffprobe runs the program and reads its answer. The sizes that its own pixel
// limit refused stand in its messages only.
func (t *Tool) ffprobe(ctx context.Context, path string, c Container) (*Info, error) {
	var out bytes.Buffer
	messages := &tail{max: stderrKept}
	err := t.exec(ctx, command{
		bin: t.FFprobe, args: probeArgs(path, c, t.media()), dir: "/", wall: probeWall, stdout: &out, stderr: messages,
	})
	if err != nil && !isExit(err) {
		return nil, err
	}
	var info *Info
	if err == nil {
		info, err = parseProbe(out.Bytes())
	}
	if err == nil && info.Video != nil {
		return info, nil
	}
	if limit := t.media().refusedSize(messages.String()); limit != nil {
		return nil, limit
	}
	if isExit(err) { // the tool's judgement on the file
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return info, err
}

var refusedSize = regexp.MustCompile(`Picture size (\d{1,9})x(\d{1,9}) (?:exceeds|is invalid)`)

// refusedSize finds the size in ffprobe's messages that was too large for it.
func (m Media) refusedSize(messages string) error {
	found := refusedSize.FindStringSubmatch(messages)
	if found == nil {
		return nil
	}
	w, _ := strconv.Atoi(found[1])
	h, _ := strconv.Atoi(found[2])
	return m.check(&Info{Video: &Video{Width: w, Height: h}})
}

// inputArgs are the options that stand before every foreign input (SEC-58).
func inputArgs(path string, demuxers string, pixels int64) []string {
	return []string{
		"-protocol_whitelist", "file",
		"-format_whitelist", demuxers,
		"-max_pixels", strconv.FormatInt(pixels, 10),
		"-i", "file:" + path,
	}
}

func probeArgs(path string, c Container, m Media) []string {
	args := []string{"-hide_banner", "-v", "error", "-show_format", "-show_streams", "-show_chapters", "-of", "json"}
	return append(args, inputArgs(path, c.Demuxers, m.Pixels)...)
}

// measure reads the whole file without decoding it.
func (t *Tool) measure(ctx context.Context, path string, c Container) (time.Duration, error) {
	args := append(globalArgs(), inputArgs(path, c.Demuxers, t.media().Pixels)...)
	args = append(args, "-map", "0:v?", "-map", "0:a?", "-c", "copy", "-f", "null", "-")
	p := &progress{}
	err := t.exec(ctx, command{bin: t.FFmpeg, args: args, dir: "/", wall: t.limits().Wall, stdout: p})
	if err != nil && isExit(err) {
		return 0, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return p.at, err
}

// check compares with SEC-60. What is unknown passes.
func (m Media) check(i *Info) error {
	if i.Streams > m.Streams {
		return &LimitError{"the number of streams", strconv.Itoa(i.Streams), strconv.Itoa(m.Streams)}
	}
	if i.Duration > m.Duration {
		return &LimitError{"the duration", i.Duration.Round(time.Second).String(), m.Duration.String()}
	}
	v := i.Video
	if v == nil {
		return nil
	}
	if side := max(v.Width, v.Height); side > m.Side {
		return &LimitError{"the longer side", fmt.Sprintf("%d pixels", side), fmt.Sprintf("%d pixels", m.Side)}
	}
	if n := int64(v.Width) * int64(v.Height); n > m.Pixels {
		return &LimitError{"the picture", fmt.Sprintf("%d pixels", n), fmt.Sprintf("%d pixels", m.Pixels)}
	}
	if v.FPS > m.FPS {
		return &LimitError{"the frame rate", fmt.Sprintf("%.0f", v.FPS), fmt.Sprintf("%.0f", m.FPS)}
	}
	return nil
}

// probeDoc is the part of ffprobe's answer that is read.
type probeDoc struct {
	Streams []probeStream `json:"streams"`
	Format  struct {
		Duration text `json:"duration"`
		BitRate  text `json:"bit_rate"`
	} `json:"format"`
}

type probeStream struct {
	Index         int    `json:"index"`
	CodecType     string `json:"codec_type"`
	CodecName     string `json:"codec_name"`
	Profile       string `json:"profile"`
	Level         int    `json:"level"`
	PixFmt        string `json:"pix_fmt"`
	Width         int    `json:"width"`
	Height        int    `json:"height"`
	AvgFrameRate  string `json:"avg_frame_rate"`
	RFrameRate    string `json:"r_frame_rate"`
	BitRate       text   `json:"bit_rate"`
	Duration      text   `json:"duration"`
	Channels      int    `json:"channels"`
	ChannelLayout string `json:"channel_layout"`
	SampleRate    text   `json:"sample_rate"`
	Disposition   struct {
		AttachedPic int `json:"attached_pic"`
	} `json:"disposition"`
	SideData []struct {
		Rotation float64 `json:"rotation"`
	} `json:"side_data_list"`
}

// text is a value that ffprobe writes as a string and [Info.Raw] as a number.
type text string

// UnmarshalJSON takes both.
func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	*t = text(b)
	return nil
}

// FromRaw is the Info behind an [Info.Raw] that was stored. Container and Size
// are not part of it.
func FromRaw(raw json.RawMessage) (*Info, error) { return parseProbe(raw) }

func parseProbe(out []byte) (*Info, error) {
	var doc probeDoc
	if err := json.Unmarshal(out, &doc); err != nil {
		return nil, fmt.Errorf("%w: ffprobe's answer: %w", ErrUnreadable, err)
	}
	raw, err := tidy(out)
	if err != nil {
		return nil, fmt.Errorf("%w: ffprobe's answer: %w", ErrUnreadable, err)
	}
	info := &Info{
		Streams:  len(doc.Streams),
		Duration: seconds(doc.Format.Duration),
		BitRate:  integer(doc.Format.BitRate),
		Raw:      raw,
	}
	for _, s := range doc.Streams {
		switch {
		case s.CodecType == "video" && info.Video == nil && s.Disposition.AttachedPic == 0 && s.CodecName != "":
			if s.Width > 0 && s.Height > 0 {
				info.Video = newVideo(s)
			}
		case s.CodecType == "audio" && info.Audio == nil && s.CodecName != "" && s.Channels > 0:
			info.Audio = newAudio(s)
		default:
			continue
		}
		if info.Duration == 0 {
			info.Duration = seconds(s.Duration)
		}
	}
	if info.Video == nil && info.Audio == nil {
		return nil, ErrUnreadable
	}
	return info, nil
}

func newVideo(s probeStream) *Video {
	v := &Video{
		Index: s.Index, Codec: s.CodecName, Profile: s.Profile, Level: s.Level, PixFmt: s.PixFmt,
		Width: s.Width, Height: s.Height, BitRate: integer(s.BitRate),
	}
	for _, d := range s.SideData {
		v.Rotation = (360 - int(math.Round(d.Rotation/90))*90%360) % 360 // ffprobe counts the other way round
	}
	if v.Rotation == 90 || v.Rotation == 270 {
		v.Width, v.Height = v.Height, v.Width
	}
	v.FPS = rational(s.AvgFrameRate)
	if v.FPS == 0 {
		v.FPS = rational(s.RFrameRate)
	}
	return v
}

func newAudio(s probeStream) *Audio {
	a := &Audio{
		Index: s.Index, Codec: s.CodecName, Profile: s.Profile, BitRate: integer(s.BitRate),
		Channels: s.Channels, Layout: s.ChannelLayout, SampleRate: int(integer(s.SampleRate)),
	}
	if a.Layout == "unknown" {
		a.Layout = ""
	}
	return a
}

func seconds(s text) time.Duration {
	f, err := strconv.ParseFloat(string(s), 64)
	// Beyond this a Duration overflows, and every limit is far below it.
	if err != nil || math.IsNaN(f) || f < 0 || f > 9e9 {
		return 0
	}
	return time.Duration(f * float64(time.Second))
}

func integer(s text) int64 {
	n, err := strconv.ParseInt(string(s), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func rational(s string) float64 {
	num, den, ok := strings.Cut(s, "/")
	a, errA := strconv.ParseFloat(num, 64)
	b, errB := strconv.ParseFloat(den, 64)
	if !ok || errA != nil || errB != nil || b == 0 || a < 0 || b < 0 {
		return 0
	}
	return a / b
}

// tidy turns ffprobe's answer into the form of PeerTube's metadata documents.
func tidy(out []byte) (json.RawMessage, error) {
	var doc map[string]any
	d := json.NewDecoder(bytes.NewReader(out))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	if format, ok := doc["format"].(map[string]any); ok {
		delete(format, "filename")
	}
	delete(doc, "programs")
	return json.Marshal(numbers(doc))
}

// numbers replaces strings that hold a decimal number, except in tags, which
// are free text.
func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if k != "tags" {
				v[k] = numbers(e)
			}
		}
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case string:
		if strings.Trim(v, "0123456789.-") != "" {
			return v
		}
		if f, err := strconv.ParseFloat(v, 64); err == nil && !math.IsInf(f, 0) {
			return f
		}
	}
	return v
}

// isExit tells a tool that judged its input from one that could not run.
func isExit(err error) bool {
	var te *ToolError
	return errors.As(err, &te) && !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrOutput) && isExitError(te.Err)
}
