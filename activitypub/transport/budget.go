package transport

import (
	"context"
	"sync/atomic"
)

// ActivityBudget is how many requests one incoming activity may cause
// (SEC-29).
const ActivityBudget = 20

type budgetKey struct{}

// WithBudget bounds the requests made with the returned context and all
// contexts made from it to n. A budget inside a budget counts against both.
func WithBudget(ctx context.Context, n int) context.Context {
	outer, _ := ctx.Value(budgetKey{}).(*budget)
	b := &budget{outer: outer}
	b.left.Store(int64(n))
	return context.WithValue(ctx, budgetKey{}, b)
}

type budget struct {
	outer *budget
	left  atomic.Int64
}

// spend takes one request from the budget of ctx; false when it is used up.
func spend(ctx context.Context) bool {
	b, _ := ctx.Value(budgetKey{}).(*budget)
	for ; b != nil; b = b.outer {
		if b.left.Add(-1) < 0 {
			return false
		}
	}
	return true
}
