package engine

import (
	"context"
	"errors"
	"sync"
)

// Lanes are the handles of one remote file, each on a channel of its own.
// Further ones may join while the file moves.
type Lanes struct {
	mu      sync.Mutex
	files   []*File
	next    int           // whose turn it is
	joined  chan struct{} // has one element after a lane joined
	ended   bool          // none may join any more
	pending sync.WaitGroup
}

// NewLanes starts with one handle.
func NewLanes(first *File) *Lanes {
	return &Lanes{files: []*File{first}, joined: make(chan struct{}, 1)}
}

// Grow opens the file on up to n channels without waiting for it. Fewer will
// do, too.
func (l *Lanes) Grow(s *Session, n int, open func(*Channel) (*File, error)) {
	if n <= 1 {
		return
	}
	s.Spread(n, func(ch *Channel) {
		l.mu.Lock()
		ended := l.ended
		l.mu.Unlock()
		if ended {
			return
		}
		f, err := open(ch)
		if err != nil {
			return
		}
		if !l.join(f) {
			_ = f.Close()
		}
	})
}

// join adds a lane; false if that is too late.
func (l *Lanes) join(f *File) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.files = append(l.files, f)
	select {
	case l.joined <- struct{}{}:
	default:
	}
	return true
}

// Len is the number of lanes.
func (l *Lanes) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.files)
}

func (l *Lanes) first() *File {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.files[0]
}

// try returns a lane that has n bytes of its channel's budget, in turn, and
// takes them; nil if none has.
func (l *Lanes) try(n int) *File {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.files {
		f := l.files[(l.next+i)%len(l.files)]
		if f.ch.budget.try(n) {
			l.next = (l.next + i + 1) % len(l.files)
			return f
		}
	}
	return nil
}

// take is try, but waits for the first lane's budget if there is none.
func (l *Lanes) take(ctx context.Context, n int) (*File, error) {
	if f := l.try(n); f != nil {
		return f, nil
	}
	f := l.first()
	return f, f.ch.budget.take(ctx, n)
}

// drop leaves a lane out that the server refused to serve. false: it is the
// first, which has to work.
func (l *Lanes) drop(f *File) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, other := range l.files {
		if i > 0 && other == f {
			l.files = append(l.files[:i:i], l.files[i+1:]...)
			l.next = 0
			go func() { _ = f.Close() }()
			return true
		}
	}
	return false
}

// end lets no lane join any more and returns those there are.
func (l *Lanes) end() []*File {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	return l.files
}

// Finish closes all lanes but the first, which the caller goes on using.
func (l *Lanes) Finish() error {
	files := l.end()
	l.mu.Lock()
	l.files = files[:1]
	l.mu.Unlock()
	errs := make([]error, len(files))
	var wg sync.WaitGroup
	for i, f := range files[1:] {
		wg.Go(func() { errs[i] = f.Close() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Close closes all lanes once nothing uses them any more, which a server that
// has stopped answering may never allow.
func (l *Lanes) Close() {
	l.pending.Wait()
	for _, f := range l.end() {
		_ = f.Close()
	}
}

// window is how far above the mark an upload may write.
func (l *Lanes) window() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.files) * l.files[0].ch.s.window
}
