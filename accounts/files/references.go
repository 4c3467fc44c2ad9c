package files

import (
	"fmt"
	"hash/maphash"
)

// defaultTracked bounds the references that are kept.
const defaultTracked = 2_000_000

// references tells a reference that was seen before, by a keyed hash of 64
// bits: with 2,000,000 rows the chance of one false report is one in ten
// million. The zero value is ready.
type references struct {
	most int
	seed maphash.Seed
	keys map[uint64]struct{}
	full bool
}

// has reports whether the reference was there before, and keeps it.
func (r *references) has(reference string, warn func(Warning)) bool {
	if r.keys == nil {
		r.keys, r.seed = map[uint64]struct{}{}, maphash.MakeSeed()
		if r.most <= 0 {
			r.most = defaultTracked
		}
	}
	key := maphash.String(r.seed, reference)
	if _, ok := r.keys[key]; ok {
		return true
	}
	if len(r.keys) < r.most {
		r.keys[key] = struct{}{}
	} else if !r.full {
		r.full = true
		if warn != nil {
			warn(Warning{Rule: RuleDuplicate, Message: fmt.Sprintf("the first %d references are compared; duplicates of later ones are not noticed (MaxTracked)", r.most)})
		}
	}
	return false
}
