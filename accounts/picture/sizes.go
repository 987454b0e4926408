package picture

import (
	"database/sql/driver"
	"fmt"
	"strings"
)

// Sizes is a list of sizes in one column: "600x600 120x120".
type Sizes []Size

// Value implements driver.Valuer.
func (l Sizes) Value() (driver.Value, error) {
	parts := make([]string, len(l))
	for i, s := range l {
		parts[i] = fmt.Sprintf("%dx%d", s.Width, s.Height)
	}
	return strings.Join(parts, " "), nil
}

// Scan implements sql.Scanner.
func (l *Sizes) Scan(v any) error {
	text, ok := v.(string)
	if raw, isBytes := v.([]byte); isBytes {
		text, ok = string(raw), true
	}
	if !ok {
		return fmt.Errorf("sizes of a picture: %T", v)
	}
	*l = nil
	for part := range strings.FieldsSeq(text) {
		var s Size
		if _, err := fmt.Sscanf(part, "%dx%d", &s.Width, &s.Height); err != nil {
			return fmt.Errorf("sizes of a picture %q: %w", text, err)
		}
		*l = append(*l, s)
	}
	return nil
}
