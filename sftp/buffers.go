package sftp

import "sync"

// bufferPool keeps the buffers of large transfers; those of small files are
// not worth keeping.
type bufferPool struct{ p sync.Pool }

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
