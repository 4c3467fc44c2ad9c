package memnet

// BufferSize is how many bytes may be pending in one direction of a
// connection before writes wait.
const BufferSize = 1 << 20

// ring is a byte queue that grows to BufferSize. Its zero value is empty.
type ring struct {
	buf   []byte
	start int // index of the oldest byte
	n     int // bytes queued
}

// put queues as much of p as fits and returns how much that is.
func (r *ring) put(p []byte) int {
	p = p[:min(len(p), BufferSize-r.n)]
	if need := r.n + len(p); need > len(r.buf) {
		size := max(4096, len(r.buf))
		for size < need {
			size *= 2
		}
		grown := make([]byte, min(size, BufferSize))
		n := r.peek(grown)
		r.buf, r.start, r.n = grown, 0, n
	}
	if len(p) == 0 {
		return 0
	}
	end := (r.start + r.n) % len(r.buf)
	n := copy(r.buf[end:], p)
	n += copy(r.buf, p[n:])
	r.n += n
	return n
}

// peek copies the oldest bytes into p without removing them.
func (r *ring) peek(p []byte) int {
	p = p[:min(len(p), r.n)]
	if len(p) == 0 {
		return 0
	}
	n := copy(p, r.buf[r.start:])
	n += copy(p[n:], r.buf)
	return n
}

// take moves the oldest bytes into p.
func (r *ring) take(p []byte) int {
	n := r.peek(p)
	if n > 0 {
		r.start = (r.start + n) % len(r.buf)
		r.n -= n
	}
	return n
}
