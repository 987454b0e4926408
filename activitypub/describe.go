package activitypub

import (
	"cmp"
	"slices"
)

// Handled is one kind of activity that some module takes.
type Handled struct {
	On
	Module string
	Bulk   bool // many at once, see [Bulk]
}

// Handled lists the kinds of activities that are taken, sorted; FEDERATION.md is
// made of it (FEP-67ff).
func (e *Engine) Handled() []Handled {
	var out []Handled
	for _, m := range e.modules {
		for _, h := range m.Handlers {
			out = append(out, Handled{On: h.On, Module: m.Name})
		}
		for _, b := range m.Bulk {
			out = append(out, Handled{On: On{Activity: b.Activity}, Module: m.Name, Bulk: true})
		}
	}
	slices.SortFunc(out, func(a, b Handled) int {
		return cmp.Or(cmp.Compare(a.Activity, b.Activity), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Module, b.Module))
	})
	return out
}
