package ffmpeg

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Source is a probed input.
type Source struct {
	Path string // absolute
	Info *Info
}

// Args is one run of ffmpeg, ready for [Tool.Run].
type Args struct {
	Argv     []string      // without the program
	Dir      string        // working folder, where relative outputs go
	Duration time.Duration // of the input, for the progress
}

// WebVideo asks for one MP4 file that any browser plays while it loads.
type WebVideo struct {
	Source
	Rendition
	Out string // absolute path
	// Still is a JPEG that Thumbnail or Waveform made; with it, an input
	// without video gets that picture for its whole length.
	Still   string
	Threads int
}

// HLS asks for one rendition of a streaming playlist: a fragmented MP4 in a
// single file and its media playlist.
type HLS struct {
	Source
	Rendition
	Dir      string // absolute, where both files go
	File     string // "…-720-fragmented.mp4"; this name stands in the playlist
	Playlist string // "…-720.m3u8"
	Threads  int
}

// Image is one still picture to make.
type Image struct {
	Path          string // absolute, ends in .jpg
	Width, Height int
}

// globalArgs stand first in every run of ffmpeg.
func globalArgs() []string {
	return []string{"-hide_banner", "-nostdin", "-v", "error", "-y", "-progress", "pipe:1", "-stats_period", "0.5"}
}

// Args builds the command. The encoder settings are those of PeerTube 6.3.
func (w WebVideo) Args() Args {
	argv := globalArgs()
	still := w.Info.Video == nil && w.Still != ""
	if still {
		argv = append(argv, "-loop", "1", "-framerate", strconv.Itoa(unknownFPS))
		argv = append(argv, inputArgs(w.Still, "image2", DefaultMedia.Pixels)...)
	}
	argv = append(argv, inputArgs(w.Path, w.Info.Container.Demuxers, DefaultMedia.Pixels)...)
	if still {
		argv = append(argv, "-map", "0:v:0", "-map", fmt.Sprintf("1:%d", w.Info.Audio.Index))
		argv = append(argv, stillArgs(w.Threads)...)
		argv = append(argv, audioArgs(w.Info, w.Rendition)...)
		// -shortest alone overshoots by what the encoder looks ahead.
		argv = append(argv, "-shortest")
		if d := w.Info.Duration; d > 0 {
			argv = append(argv, "-t", fmt.Sprintf("%.3f", d.Seconds()))
		}
	} else {
		argv = append(argv, mapArgs(w.Info)...)
		argv = append(argv, videoArgs(w.Info, w.Rendition, w.Threads)...)
		argv = append(argv, audioArgs(w.Info, w.Rendition)...)
	}
	argv = append(argv, stripArgs()...)
	argv = append(argv, "-movflags", "faststart", "-f", "mp4", "file:"+w.Out)
	return Args{Argv: argv, Dir: filepath.Dir(w.Out), Duration: w.Info.Duration}
}

// Args builds the command.
func (h HLS) Args() Args {
	argv := append(globalArgs(), inputArgs(h.Path, h.Info.Container.Demuxers, DefaultMedia.Pixels)...)
	argv = append(argv, mapArgs(h.Info)...)
	argv = append(argv, videoArgs(h.Info, h.Rendition, h.Threads)...)
	argv = append(argv, audioArgs(h.Info, h.Rendition)...)
	argv = append(argv, stripArgs()...)
	argv = append(argv,
		"-f", "hls", "-hls_time", "4", "-hls_list_size", "0", "-hls_playlist_type", "vod",
		"-hls_segment_type", "fmp4", "-hls_flags", "single_file",
		"-hls_segment_filename", h.File, h.Playlist)
	return Args{Argv: argv, Dir: h.Dir, Duration: h.Info.Duration}
}

// mapArgs picks the streams by their index, so that a cover picture or a second
// language is never taken by chance.
func mapArgs(in *Info) []string {
	var argv []string
	if in.Video != nil {
		argv = append(argv, "-map", fmt.Sprintf("0:%d", in.Video.Index))
	}
	if in.Audio != nil {
		argv = append(argv, "-map", fmt.Sprintf("0:%d", in.Audio.Index))
	}
	return argv
}

func videoArgs(in *Info, r Rendition, threads int) []string {
	if in.Video == nil {
		return nil
	}
	if r.CopyVideo {
		return []string{"-c:v", "copy"}
	}
	argv := encoderArgs(threads)
	argv = append(argv,
		"-maxrate:v", strconv.FormatInt(r.Rate, 10), "-bufsize:v", strconv.FormatInt(2*r.Rate, 10),
		"-bf", "16", "-g:v", strconv.Itoa(r.GOP),
		"-vf", "scale="+scale(in, r.Resolution)+",format=yuv420p")
	if r.FPS > 0 {
		argv = append(argv, "-r", strconv.Itoa(r.FPS))
	}
	return argv
}

func encoderArgs(threads int) []string {
	return []string{
		"-threads", strconv.Itoa(threads),
		"-c:v", "libx264", "-preset", "veryfast", "-b_strategy", "1", "-pix_fmt", "yuv420p",
	}
}

// stillArgs encode one picture for the length of a sound.
func stillArgs(threads int) []string {
	return append(encoderArgs(threads), "-tune", "stillimage", "-g:v", strconv.Itoa(2*unknownFPS),
		"-vf", "scale=trunc(iw/2)*2:trunc(ih/2)*2,format=yuv420p")
}

// scale keeps the shape: -2 is the even number that fits.
func scale(in *Info, resolution int) string {
	if in.Video.Width < in.Video.Height {
		return fmt.Sprintf("w=%d:h=-2", resolution)
	}
	return fmt.Sprintf("w=-2:h=%d", resolution)
}

func audioArgs(in *Info, r Rendition) []string {
	switch {
	case in.Audio == nil:
		return nil
	case r.CopyAudio:
		return []string{"-c:a", "copy"}
	}
	return []string{"-c:a", "aac", "-b:a", strconv.FormatInt(r.AudioRate, 10), "-ac", "2"}
}

// stripArgs drop titles, places and chapters that cameras and editors write.
func stripArgs() []string {
	return []string{"-map_metadata", "-1", "-map_chapters", "-1", "-max_muxing_queue_size", "1024"}
}

// portraitBelow is the ratio under which a picture is shown whole, on a blurred
// copy of itself, in place of being cut to the thumbnail's shape.
const portraitBelow = 1.3

// thumbnailArgs picks one typical picture at or after the given time and writes
// it in every size asked for.
func thumbnailArgs(s Source, at time.Duration, images []Image) Args {
	argv := globalArgs()
	if at > 0 {
		argv = append(argv, "-ss", fmt.Sprintf("%.3f", at.Seconds()))
	}
	argv = append(argv, inputArgs(s.Path, s.Info.Container.Demuxers, DefaultMedia.Pixels)...)
	var g strings.Builder
	fmt.Fprintf(&g, "[0:%d]thumbnail=25,scale=w=iw*sar:h=ih,setsar=1,split=%d", s.Info.Video.Index, len(images))
	for i := range images {
		fmt.Fprintf(&g, "[i%d]", i)
	}
	for i, m := range images {
		// RGB before the cut, since a height like 157 has no half.
		cover := fmt.Sprintf("scale=w=%[1]d:h=%[2]d:force_original_aspect_ratio=increase,format=rgb24,crop=w=%[1]d:h=%[2]d", m.Width, m.Height)
		if s.Info.Ratio() >= portraitBelow {
			fmt.Fprintf(&g, ";[i%d]%s[o%d]", i, cover, i)
			continue
		}
		fmt.Fprintf(&g, ";[i%[1]d]split=2[a%[1]d][b%[1]d];[a%[1]d]%[2]s,boxblur=8,lutrgb=r=val/2:g=val/2:b=val/2[c%[1]d];"+
			"[b%[1]d]scale=w=%[3]d:h=%[4]d:force_original_aspect_ratio=decrease[d%[1]d];"+
			"[c%[1]d][d%[1]d]overlay=x=(W-w)/2:y=(H-h)/2:format=rgb[o%[1]d]", i, cover, m.Width, m.Height)
	}
	argv = append(argv, "-filter_complex", g.String())
	for i, m := range images {
		argv = append(argv, "-map", fmt.Sprintf("[o%d]", i))
		argv = append(argv, jpegArgs(m.Path)...)
	}
	return Args{Argv: argv, Dir: filepath.Dir(images[0].Path)}
}

// waveformArgs draw the first minutes of a sound.
func waveformArgs(s Source, m Image) Args {
	argv := append(globalArgs(), "-t", "600")
	argv = append(argv, inputArgs(s.Path, s.Info.Container.Demuxers, DefaultMedia.Pixels)...)
	argv = append(argv, "-filter_complex",
		fmt.Sprintf("[0:%d]aformat=channel_layouts=mono,showwavespic=s=%dx%d:colors=white", s.Info.Audio.Index, m.Width, m.Height))
	argv = append(argv, jpegArgs(m.Path)...)
	return Args{Argv: argv, Dir: filepath.Dir(m.Path)}
}

func jpegArgs(path string) []string {
	return []string{"-frames:v", "1", "-q:v", "3", "-map_metadata", "-1", "-f", "image2", "-update", "1", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "file:" + path}
}
