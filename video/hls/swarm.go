package hls

import (
	"crypto/md5"  //nolint:gosec // the formula of a swarm's name, not a protection
	"crypto/sha1" //nolint:gosec // info hashes are SHA-1
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// SwarmHashes are the info hashes under which players meet on a tracker to
// exchange the segments of a video, in every form that is in use: of PeerTube
// up to 6.3 (p2p-media-loader 1), of its successors (version 2), of players
// with p2p-media-loader 2.3 and later, and of the newest PeerTube. masterURL is
// the address of the master playlist at the video's origin, the same on every
// instance; uuid is the video's. Files may come in any order. Each hash stands
// once. Reference: HLS swarm hash formulas.
func SwarmHashes(masterURL, uuid string, files []Rendition) [][20]byte {
	files = slices.Clone(files)
	Sort(files)
	split := len(files) > 1 && files[0].Resolution == 0
	var out [][20]byte
	for i := range files { // a separate sound counts as a file here
		out = append(out, sha1.Sum([]byte("2"+masterURL+"+V"+strconv.Itoa(i)))) //nolint:gosec // see the import
	}
	streams := files
	if split {
		streams = files[1:]
		out = append(out,
			md5Text("v2-"+masterURL+"-secondary-0"),
			sha1Text("v2-"+masterURL+"-secondary-"+audioID(files[0])),
			sha1Text("pt-v2-"+uuid+"-secondary-default-default"),
			sha1Text("pt-v2-"+uuid+"-main-default-default"))
	}
	for i, f := range streams {
		resolution := strconv.Itoa(f.Resolution)
		if f.Resolution == 0 {
			resolution = "default"
		}
		out = append(out,
			md5Text(fmt.Sprintf("v2-%s-main-%d", masterURL, i)),
			sha1Text("v2-"+masterURL+"-main-"+shortID(f)),
			sha1Text("pt-v2-"+uuid+"-main-default-"+resolution))
	}
	slices.SortFunc(out, func(a, b [20]byte) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(out)
}

// md5Text: 15 bytes of a digest, written as 20 characters of base64, are the
// hash.
func md5Text(id string) [20]byte {
	sum := md5.Sum([]byte(id)) //nolint:gosec // see the import
	return text(sum[1:])
}

func sha1Text(id string) [20]byte {
	sum := sha1.Sum([]byte(id)) //nolint:gosec // see the import
	return text(sum[:15])
}

func text(b []byte) (h [20]byte) {
	base64.StdEncoding.Encode(h[:], b)
	return h
}

// shortID names a rendition after what its entry in the master playlist says, as
// p2p-media-loader 2.3 reads it.
func shortID(r Rendition) string {
	width, height, rate := "", "", ""
	if r.Resolution > 0 {
		width, height = strconv.Itoa(r.Width), strconv.Itoa(r.Height)
		if r.FPS > 0 {
			rate = r.frameRate()
		}
	}
	return streamID(strconv.FormatInt(r.bandwidth(), 10), videoCodec(r.Codecs), width, height, "", "", "", rate)
}

// audioID is that of the audio group which Master writes.
func audioID(r Rendition) string {
	return streamID("0", strings.ToLower(strings.Join(r.Codecs, ",")), "", "", "", "", "audio", "")
}

func streamID(fields ...string) string {
	sum := sha1.Sum([]byte(strings.Join(fields, "-") + "-")) //nolint:gosec // see the import; the last field, a range, is empty
	return base64.StdEncoding.EncodeToString(sum[:])
}

// videoCodec is what a player takes for the codec of the pictures.
func videoCodec(codecs []string) string {
	for _, c := range codecs {
		if kind, _, _ := strings.Cut(c, "."); slices.Contains([]string{"avc1", "avc3", "hvc1", "hev1", "vp09", "av01"}, kind) {
			return strings.ToLower(c)
		}
	}
	return ""
}
