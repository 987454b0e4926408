package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Clip makes an H.264 and AAC clip of so many seconds with ffmpeg: a moving
// picture with a clock, and a tone.
func Clip(ctx context.Context, dir string, seconds, width, height int) (string, error) {
	path := filepath.Join(dir, fmt.Sprintf("clip-%ds-%d.mp4", seconds, height))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	size := fmt.Sprintf("%dx%d", width, height)
	length := strconv.Itoa(seconds)
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-y",
		"-f", "lavfi", "-i", "testsrc2=size="+size+":rate=25",
		"-f", "lavfi", "-i", "sine=frequency=330:sample_rate=48000",
		"-t", length, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50",
		"-b:v", "1500k", "-c:a", "aac", "-b:a", "96k", "-movflags", "+faststart", path)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make a clip: %w: %s", err, out)
	}
	return path, nil
}
