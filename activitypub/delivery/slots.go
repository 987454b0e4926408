package delivery

import (
	"context"
	"sync/atomic"
	"time"
)

// How requests share this process (REL-07). A request that takes longer than
// its patience goes on without a slot, so that hosts nobody knew to be dead do
// not hold up the others; their next requests come out of the few slots for
// hosts in trouble.
const (
	quickSlots    = 58
	troubledSlots = 6 // a tenth of all
	overtimeSlots = 256
	patience      = 300 * time.Millisecond
	slowAnswer    = 3 * time.Second // makes a host count as slow
	hostSlots     = 8               // at once to a healthy host
	shakySlots    = 2               // once it has failed or is slow
)

type slots struct{ quick, troubled, overtime chan struct{} }

func newSlots() *slots {
	return &slots{
		quick: make(chan struct{}, quickSlots), troubled: make(chan struct{}, troubledSlots), overtime: make(chan struct{}, overtimeSlots),
	}
}

// take waits for a slot. release gives it back; late is called when the
// request goes into overtime.
func (s *slots) take(ctx context.Context, troubled bool, late func()) (release func(), err error) {
	from := s.quick
	if troubled {
		from = s.troubled
	}
	select {
	case from <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if troubled {
		return func() { <-from }, nil
	}
	// 0: in its slot, 1: in overtime, 2: ended
	var state atomic.Int32
	timer := time.AfterFunc(patience, func() {
		select {
		case s.overtime <- struct{}{}:
		default:
			return // too many already: it keeps its slot
		}
		if !state.CompareAndSwap(0, 1) {
			<-s.overtime
			return
		}
		<-from
		late()
	})
	return func() {
		timer.Stop()
		if state.Swap(2) == 1 {
			<-s.overtime
			return
		}
		<-from
	}, nil
}
