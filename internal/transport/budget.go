package transport

import "sync/atomic"

// budget is a client's shared allowance of retries: a retry costs ten parts,
// a call that was answered gives one back.
type budget struct {
	parts atomic.Int64
	size  int64 // in parts; negative: no budget
}

func newBudget(retries int) *budget {
	b := &budget{size: int64(retries) * 10}
	b.parts.Store(b.size)
	return b
}

func (b *budget) take() bool {
	if b.size < 0 {
		return true
	}
	for {
		n := b.parts.Load()
		if n < 10 {
			return false
		}
		if b.parts.CompareAndSwap(n, n-10) {
			return true
		}
	}
}

func (b *budget) earn() {
	if n := b.parts.Load(); n < b.size {
		b.parts.CompareAndSwap(n, n+1) // a lost race costs a tenth of a retry
	}
}
