package ffmpeg

import (
	"fmt"
	"strings"
)

// Codecs gives the codec names of a file as they stand in CODECS of a master
// playlist, video first (RFC 6381). A codec that it does not know is left out,
// since players skip renditions whose codecs they cannot read.
func (i *Info) Codecs() []string {
	var out []string
	if c := i.Video.rfc6381(); c != "" {
		out = append(out, c)
	}
	if c := i.Audio.rfc6381(); c != "" {
		out = append(out, c)
	}
	return out
}

// h264Profiles: profile and constraint bytes, as PeerTube writes them.
var h264Profiles = map[string]string{
	"High":                 "6400",
	"Main":                 "4D40",
	"Baseline":             "42E0",
	"Constrained Baseline": "42E0",
}

func (v *Video) rfc6381() string {
	if v == nil {
		return ""
	}
	switch v.Codec {
	case "h264":
		p, ok := h264Profiles[v.Profile]
		if !ok {
			p = h264Profiles["High"]
		}
		return fmt.Sprintf("avc1.%s%02x", p, v.Level)
	case "vp9":
		return "vp09.00.50.08"
	case "av1":
		return "av01.0.08M.08"
	case "hevc":
		return fmt.Sprintf("hvc1.1.6.L%d.90", v.Level)
	}
	return ""
}

func (a *Audio) rfc6381() string {
	if a == nil {
		return ""
	}
	switch a.Codec {
	case "aac":
		if strings.HasPrefix(a.Profile, "HE-AAC") {
			return "mp4a.40.5"
		}
		return "mp4a.40.2"
	case "mp3":
		return "mp4a.40.34"
	case "opus", "flac":
		return a.Codec
	}
	return ""
}
