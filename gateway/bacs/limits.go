package bacs

import (
	"io"

	"github.com/ccr-sdk/ccr"
)

// The defaults of [Limits].
const (
	DefaultDepth  = 64        // elements, one in another
	DefaultRecord = 4 << 20   // bytes
	DefaultMemory = 512 << 20 // bytes
)

const (
	maxAttrs   = 512       // attributes of one element; the largest seen has 13
	maxName    = 256       // bytes of an element's or attribute's name
	maxNames   = 1024      // distinct names that are shared instead of copied
	maxDays    = 1000      // DaySection elements of one file; Bacs allows 40 days
	sniffBytes = 256 << 10 // where the search for the kind of a report gives up
	sniffTags  = 256
	minBuffer  = 64 << 10
)

// Limits bounds what a hostile or broken document can cost. The zero value
// has the defaults, which are far above what real reports need; a field that
// is exceeded fails the document with [ErrLimit]. Other bounds are fixed: 512
// attributes an element, 256 bytes a name, 1,000 days a file.
//
// A limit does not bound the length of the document that a [Reader] reads:
// its memory does not grow with it.
type Limits struct {
	// Depth is how deep elements may nest; 0 means 64. Reports need 12.
	Depth int
	// Record is how many bytes of memory, as estimated, one record may take
	// with everything in it, and how long one tag or text may be; 0 means
	// 4 MiB. A returned debit takes about 1 KiB.
	Record int
	// Memory is how many bytes, as estimated, [Limits.Parse] may keep for the
	// whole document; 0 means 512 MiB. It is of no concern to a Reader.
	Memory int64
}

// Parse is [Parse] with these limits.
func (l Limits) Parse(r io.Reader) (*Report, error) { return parse(r, l) }

// NewReader is [NewReader] with these limits.
func (l Limits) NewReader(r io.Reader) (*Reader, error) { return newReader(r, l, "Read") }

func (l Limits) withDefaults(operation string) (Limits, error) {
	var f ccr.Faults
	if l.Depth < 0 {
		f.Add("Limits.Depth", "must not be negative")
	}
	if l.Record < 0 || l.Record > 1<<30 {
		f.Add("Limits.Record", "must be between 0 and 1 GiB")
	}
	if l.Memory < 0 {
		f.Add("Limits.Memory", "must not be negative")
	}
	if err := f.Err(service, operation); err != nil {
		return l, err
	}
	if l.Depth == 0 {
		l.Depth = DefaultDepth
	}
	if l.Record == 0 {
		l.Record = DefaultRecord
	}
	if l.Memory == 0 {
		l.Memory = DefaultMemory
	}
	return l, nil
}
