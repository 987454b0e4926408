package ffmpeg

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestSniffRefuses(t *testing.T) { // SEC-57
	zip := "PK\x03\x04\x14\x00\x00\x00\x08\x00"
	tests := map[string]string{
		"empty":            "",
		"one byte":         "\x00",
		"text":             "hello world, this is a text file",
		"HLS":              "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:///etc/passwd\n",
		"HLS after blanks": "\n\n#EXTM3U\n",
		"ffconcat":         "ffconcat version 1.0\nfile '/etc/passwd'\n",
		"DASH":             `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">`,
		"SDP":              "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
		"HTML":             "<!doctype html><html><body><video src=x></body></html>",
		"SVG":              `<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>`,
		"ASX":              `<asx version="3.0"><entry><ref href="http://127.0.0.1/"/></entry></asx>`,
		"PLS":              "[playlist]\nFile1=/etc/passwd\n",
		"SMIL":             `<smil><body><video src="/etc/passwd"/></body></smil>`,
		"ZIP":              zip,
		"gzip":             "\x1f\x8b\x08\x00\x00\x00\x00\x00",
		"PDF":              "%PDF-1.7\n",
		"ELF":              "\x7fELF\x02\x01\x01\x00",
		"shell":            "#!/bin/sh\necho x\n",
		"PNG":              "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
		"JPEG":             "\xff\xd8\xff\xe0\x00\x10JFIF\x00",
		"GIF":              "GIF89a\x01\x00\x01\x00",
		"BMP":              "BM\x46\x00\x00\x00\x00\x00\x00\x00",
		"WebP":             "RIFF\x24\x00\x00\x00WEBPVP8 ",
		"TIFF":             "II*\x00\x08\x00\x00\x00",
		"AVIF":             "\x00\x00\x00\x20ftypavif\x00\x00\x00\x00",
		"HEIC":             "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00",
		"JPEG 2000":        "\x00\x00\x00\x0cjP  \x0d\x0a\x87\x0a",
		"short box":        "\x00\x00\x00\x04ftypisom",
		"half an mp4":      "\x00\x00\x00\x18ftyp",
		"bare EBML":        "\x1a\x45\xdf\xa3\x01\x00\x00\x00",
		"one sync byte":    "G" + strings.Repeat("\x00", 187),
		"reserved MPEG":    "\xff\xfb\xf0\x00",
		"subtitles":        "1\n00:00:00,000 --> 00:00:01,000\nhi\n",
		"WebVTT":           "WEBVTT\n\n",
		"MIDI":             "MThd\x00\x00\x00\x06",
		"ffmetadata":       ";FFMETADATA1\n",
		"torrent":          "d8:announce3:urle",
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			if c, err := Sniff(strings.NewReader(data)); !errors.Is(err, ErrContainer) {
				t.Errorf("Sniff = %v, %v, want ErrContainer", c.Name, err)
			}
		})
	}
}

func TestSniffAccepts(t *testing.T) {
	packet := "G" + strings.Repeat("\xff", 187)
	timed := "\x00\x00\x00\x00" + packet
	tests := map[string]struct {
		data string
		want Container
	}{
		"mp4":            {"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00", mp4},
		"fragmented":     {"\x00\x00\x00\x1cftypiso5\x00\x00\x02\x00", mp4},
		"mov":            {"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00", mov},
		"old mov":        {"\x00\x00\x10\x00moov\x00\x00\x00\x6cmvhd", mov},
		"mdat to end":    {"\x00\x00\x00\x00mdat\x00\x00\x00\x00", mov},
		"mdat large":     {"\x00\x00\x00\x01mdat\x00\x00\x00\x01\x00\x00\x00\x00", mov},
		"webm":           {"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", webm},
		"matroska":       {"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska", matroska},
		"avi":            {"RIFF\x00\x10\x00\x00AVI LIST", avi},
		"wav":            {"RIFF\x00\x10\x00\x00WAVEfmt ", wav},
		"flv":            {"FLV\x01\x05\x00\x00\x00\x09", flv},
		"ogg":            {"OggS\x00\x02\x00\x00", ogg},
		"program stream": {"\x00\x00\x01\xba\x44\x00", mpegps},
		"transport":      {packet + packet + packet, mpegts},
		"camcorder":      {timed + timed + timed, mpegts},
		"asf":            {"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", asf},
		"mxf":            {"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02\x04\x00", mxf},
		"flac":           {"fLaC\x00\x00\x00\x22", flac},
		"mp3 with tag":   {"ID3\x04\x00\x00\x00\x00\x00\x00", mp3},
		"mp3":            {"\xff\xfb\x90\x64", mp3},
		"aac":            {"\xff\xf1\x50\x80\x02\x1f\xfc", aac},
		"ac3":            {"\x0b\x77\x00\x00", ac3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if c, err := Sniff(strings.NewReader(tt.data)); err != nil || c != tt.want {
				t.Errorf("Sniff = %v, %v, want %v", c.Name, err, tt.want.Name)
			}
		})
	}
}

// TestSniffReal: what ffmpeg writes is recognised, whatever it is called.
func TestSniffReal(t *testing.T) {
	audio := []string{"-f", "lavfi", "-i", "sine=d=1"}
	video := []string{"-f", "lavfi", "-i", "testsrc=s=64x64:d=1"}
	tests := map[string]struct {
		want string
		args []string
	}{
		"r.mp4": {"mp4", video}, "r.mov": {"mov", video}, "r.mkv": {"matroska", video},
		"r.webm": {"webm", append(video, "-c:v", "libvpx")}, "r.avi": {"avi", video}, "r.flv": {"flv", video},
		"r.ogv": {"ogg", append(video, "-c:v", "libtheora")}, "r.ts": {"mpegts", video}, "r.mpg": {"mpeg", video},
		"r.wmv": {"asf", video}, "r.m2ts": {"mpegts", append(video, "-mpegts_m2ts_mode", "1")},
		"r.mp3": {"mp3", audio}, "r.wav": {"wav", audio}, "r.flac": {"flac", audio}, "r.aac": {"aac", audio},
		"r.ac3": {"ac3", audio}, "r.m4a": {"mp4", audio}, "r.3gp": {"mp4", append(video, "-c:v", "mpeg4")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := clip(t, name, tt.args...)
			c, err := SniffFile(path)
			if err != nil || c.Name != tt.want {
				t.Fatalf("SniffFile = %q, %v, want %q", c.Name, err, tt.want)
			}
			if _, err := tool(t).Probe(t.Context(), path); err != nil { // the demuxer named for it opens it
				t.Errorf("Probe: %v", err)
			}
		})
	}
}

func TestSniffReadError(t *testing.T) {
	if _, err := Sniff(iotest.ErrReader(io.ErrClosedPipe)); !errors.Is(err, io.ErrClosedPipe) || errors.Is(err, ErrContainer) {
		t.Errorf("Sniff = %v, want the reader's error", err)
	}
}

func FuzzSniff(f *testing.F) {
	for _, s := range []string{"", "#EXTM3U\n", "\x00\x00\x00\x18ftypisom\x00\x00\x00\x00", "\x1a\x45\xdf\xa3\x42\x82\x84webm", "G"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Sniff(bytes.NewReader(b))
		if (err == nil) != (c.Demuxers != "") {
			t.Errorf("Sniff(%q) = %+v, %v", b, c, err)
		}
		// No text is a container, with one exception: QuickTime's box names are
		// text, and only its own demuxer may open such a file.
		if err == nil && c.Demuxers != "mov" && len(b) > 0 && isText(b) && !bytes.HasPrefix(b, []byte("ID3")) &&
			!bytes.HasPrefix(b, []byte("RIFF")) && !bytes.HasPrefix(b, []byte("RF64")) && !bytes.HasPrefix(b, []byte("fLaC")) && b[0] != 'G' {
			t.Errorf("Sniff(%q) = %s", b, c.Name)
		}
	})
}

func isText(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && c != '\n' && c != '\r' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}
