package sftp

import "sync"

// bufferPool keeps the buffers of large transfers; those of small files are
// not worth keeping.
type bufferPool struct {
	p     sync.Pool
	once  sync.Once
	slack []byte
}

// slackSize is a compromise: a download needs 8 MiB more, and 8 % less time.
const slackSize = 8 << 20

// relax makes the garbage collector run less often. SSH and pkg/sftp allocate
// each packet anew, twice, and with a heap as small as this one's the
// collector would run every few megabytes. The block is never touched, so it
// takes address space and no memory; what takes memory is the garbage that
// may gather meanwhile.
func (b *bufferPool) relax() {
	b.once.Do(func() { b.slack = make([]byte, slackSize) })
}

func (b *bufferPool) get(n int) []byte {
	if n >= defaultRequest {
		if v, ok := b.p.Get().(*[]byte); ok && cap(*v) >= n {
			return (*v)[:n]
		}
	}
	return make([]byte, n)
}

func (b *bufferPool) put(buf []byte) {
	if cap(buf) >= defaultRequest {
		b.p.Put(&buf)
	}
}
