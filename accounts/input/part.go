package input

import (
	"fmt"
	"io"
	"mime/multipart"
)

// Part reads a file that came with a form, and not more than a byte above most of
// it.
func Part(h *multipart.FileHeader, most int64) ([]byte, error) {
	f, err := h.Open()
	if err != nil {
		return nil, fmt.Errorf("open part: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("read part: %w", err)
	}
	return data, nil
}
