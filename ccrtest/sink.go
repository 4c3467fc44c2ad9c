package ccrtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ccr-sdk/ccr"
)

// SinkUnderTest is a sink and what a consumer of it sees.
type SinkUnderTest struct {
	Sink ccr.Sink // the one under test
	// Another is the same sink as another process opens it; nil: Sink itself.
	Another ccr.Sink
	// Visible returns what a consumer sees by now: content by location.
	Visible func(ctx context.Context) (map[string][]byte, error)
	// Take removes what is at a location, as a consumer does that moves on
	// what it finds; nil if consumers never do.
	Take func(ctx context.Context, location string) error
	// AtLeastOnce: the sink cannot tell what was committed from what a
	// consumer took, and says so by the token in each location. Default:
	// it delivers exactly once.
	AtLeastOnce bool
}

// TestSink checks a sink, which should be empty. The entries it leaves are
// small.
func TestSink(ctx context.Context, s SinkUnderTest) error {
	if s.Another == nil {
		s.Another = s.Sink
	}
	if s.Sink == nil || s.Visible == nil {
		return errors.New("ccrtest: TestSink needs Sink and Visible")
	}
	t := &sinkTest{SinkUnderTest: s}
	if err := guarded(func() error { return t.learn(ctx) }); err != nil {
		return &CaseError{Case: "commit", Guarantee: "what was received is there", Err: err}
	}
	return runCases(ctx, t, sinkCases)
}

type sinkTest struct {
	SinkUnderTest
	stages bool // the sink can stage
	n      int
}

var sinkCases = []testCase[*sinkTest]{
	{"content", "every byte that the vendor sent is there", (*sinkTest).content},
	{"out of sight", "a consumer never sees a part of a report", (*sinkTest).outOfSight},
	{"abort", "what failed its check is never delivered", (*sinkTest).abort},
	{"staged", "a crash between fetching and delivering loses nothing", (*sinkTest).staged},
	{"discarded", "what was given up is fetched again, not taken for delivered", (*sinkTest).discarded},
	{"foreign", "another sink's record is never taken for delivered", (*sinkTest).foreign},
	{"commit twice", "a crash after delivering delivers nothing twice", (*sinkTest).commitTwice},
	{"commit race", "two workers that finish the same delivery deliver it once", (*sinkTest).commitRace},
	{"taken", "what a consumer has taken is not delivered again", (*sinkTest).taken},
	{"same name", "other content under a known name replaces nothing", (*sinkTest).sameName},
	{"names", "any bytes that a vendor puts into a name are kept apart, and go nowhere else", (*sinkTest).names},
	{"ended context", "a commit that was cut can be finished", (*sinkTest).endedContext},
}

func (t *sinkTest) item(name string) ccr.Item {
	t.n++
	if name == "" {
		name = fmt.Sprintf("report-%d.xml", t.n)
	}
	return ccr.Item{Service: "gateway", Environment: "production", Key: fmt.Sprintf("in.gateway.production.%d", t.n),
		Name: name, Size: -1, Token: rand.Text()}
}

// write creates a delivery with content.
func write(ctx context.Context, s ccr.Sink, item ccr.Item, content []byte) (ccr.Delivery, error) {
	d, err := s.Create(ctx, item)
	if err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	for chunk := range slices.Chunk(content, 1000) {
		if n, err := d.Write(chunk); err != nil || n != len(chunk) {
			return nil, fmt.Errorf("write: %d of %d bytes, %w", n, len(chunk), err)
		}
	}
	return d, nil
}

// learn delivers one item and finds out whether the sink can stage.
func (t *sinkTest) learn(ctx context.Context) error {
	item := t.item("")
	d, err := write(ctx, t.Sink, item, []byte("first"))
	if err != nil {
		return err
	}
	ref, err := d.Stage(ctx)
	switch {
	case err == nil && ref == "":
		return errors.New("a Stage returned neither a ref nor an error")
	case err == nil:
		t.stages = true
	case !errors.Is(err, errors.ErrUnsupported):
		return fmt.Errorf("stage: %w", err)
	}
	_, err = t.commit(ctx, d, item, []byte("first"))
	return err
}

// commit commits and checks that the content, and nothing else, has appeared.
func (t *sinkTest) commit(ctx context.Context, d ccr.Delivery, item ccr.Item, content []byte) (location string, err error) {
	before, err := t.Visible(ctx)
	if err != nil {
		return "", err
	}
	if location, err = d.Commit(ctx); err != nil {
		return "", fmt.Errorf("commit: %w", err)
	}
	fresh, err := t.appeared(ctx, before)
	switch {
	case err != nil:
		return location, err
	case len(fresh) != 1:
		return location, fmt.Errorf("%d things appeared, not one", len(fresh))
	case location != "" && location != fresh[0]:
		return location, errors.New("a Commit returned another location than the one where it is")
	case t.AtLeastOnce && !strings.Contains(fresh[0], item.Token):
		return location, errors.New("a sink that delivers at least once must have the token in the location, so that consumers can tell")
	}
	after, err := t.Visible(ctx)
	if err == nil && !bytes.Equal(after[fresh[0]], content) {
		err = fmt.Errorf("%d bytes are there, not the %d that were written", len(after[fresh[0]]), len(content))
	}
	return fresh[0], err
}

// appeared returns what is visible and was not before; what was must be as it was.
func (t *sinkTest) appeared(ctx context.Context, before map[string][]byte) ([]string, error) {
	after, err := t.Visible(ctx)
	if err != nil {
		return nil, err
	}
	for location, content := range before {
		if !bytes.Equal(after[location], content) {
			return nil, errors.New("something that was delivered before has changed or gone")
		}
	}
	var fresh []string
	for location := range maps.Keys(after) {
		if _, ok := before[location]; !ok {
			fresh = append(fresh, location)
		}
	}
	return fresh, nil
}

// unseen runs f and checks that nothing has appeared.
func (t *sinkTest) unseen(ctx context.Context, f func() error) error {
	before, err := t.Visible(ctx)
	if err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	fresh, err := t.appeared(ctx, before)
	if err == nil && len(fresh) > 0 {
		err = errors.New("a consumer sees something")
	}
	return err
}

func (t *sinkTest) content(ctx context.Context) error {
	large := make([]byte, 1<<20+1)
	rand.Read(large) //nolint:errcheck // it never fails
	for _, content := range [][]byte{nil, {0}, []byte("\r\n\x1a\xff"), large} {
		item := t.item("")
		d, err := write(ctx, t.Sink, item, content)
		if err == nil {
			_, err = t.commit(ctx, d, item, content)
		}
		if err != nil {
			return fmt.Errorf("%d bytes: %w", len(content), err)
		}
	}
	return nil
}

func (t *sinkTest) outOfSight(ctx context.Context) error {
	item := t.item("")
	var d ccr.Delivery
	err := t.unseen(ctx, func() (err error) {
		if d, err = write(ctx, t.Sink, item, []byte("not yet")); err == nil && t.stages {
			_, err = d.Stage(ctx)
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = t.commit(ctx, d, item, []byte("not yet"))
	return err
}

func (t *sinkTest) abort(ctx context.Context) error {
	return t.unseen(ctx, func() error {
		d, err := write(ctx, t.Sink, t.item(""), []byte("half"))
		if err != nil {
			return err
		}
		if err := d.Abort(ctx); err != nil {
			return fmt.Errorf("abort: %w", err)
		}
		if _, err := d.Commit(ctx); err == nil {
			return errors.New("a Commit after Abort returned nil")
		}
		return nil
	})
}

// stage returns a staged item and its ref.
func (t *sinkTest) stage(ctx context.Context, content string) (item ccr.Item, ref string, d ccr.Delivery, err error) {
	item = t.item("")
	if d, err = write(ctx, t.Sink, item, []byte(content)); err == nil {
		ref, err = d.Stage(ctx)
	}
	return item, ref, d, err
}

// resume expects what became of a delivery.
func resume(ctx context.Context, s ccr.Sink, item ccr.Item, ref string, want ccr.Staging) (ccr.Delivery, error) {
	d, state, err := s.Resume(ctx, item, ref)
	switch {
	case err != nil:
		return nil, fmt.Errorf("resume: %w", err)
	case state != want:
		return nil, fmt.Errorf("a Resume says %q, not %q", state, want)
	case want == ccr.Staged && d == nil:
		return nil, errors.New("a Resume says staged and returns no delivery")
	}
	return d, nil
}

func (t *sinkTest) staged(ctx context.Context) error {
	if !t.stages {
		return nil
	}
	item, ref, _, err := t.stage(ctx, "staged")
	if err != nil {
		return err
	}
	d, err := resume(ctx, t.Another, item, ref, ccr.Staged)
	if err != nil {
		return err
	}
	if _, err := t.commit(ctx, d, item, []byte("staged")); err != nil {
		return err
	}
	return t.committed(ctx, item, ref, d)
}

// committed checks that a delivery is known to be committed, and stays the only one.
func (t *sinkTest) committed(ctx context.Context, item ccr.Item, ref string, d ccr.Delivery) error {
	return t.unseen(ctx, func() error {
		if _, err := d.Commit(ctx); err != nil {
			return fmt.Errorf("commit again: %w", err)
		}
		if !t.stages {
			return nil
		}
		for _, s := range []ccr.Sink{t.Sink, t.Another} {
			if _, err := resume(ctx, s, item, ref, ccr.Committed); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *sinkTest) discarded(ctx context.Context) error {
	if !t.stages {
		return nil
	}
	return t.unseen(ctx, func() error {
		item, ref, d, err := t.stage(ctx, "given up")
		if err != nil {
			return err
		}
		other, err := resume(ctx, t.Another, item, ref, ccr.Staged)
		if err != nil {
			return err
		}
		if err := d.Abort(ctx); err != nil {
			return fmt.Errorf("abort: %w", err)
		}
		if _, err := resume(ctx, t.Another, item, ref, ccr.Discarded); err != nil {
			return err
		}
		for _, d := range []ccr.Delivery{d, other} {
			if _, err := d.Commit(ctx); err == nil {
				return errors.New("a Commit after a discard returned nil")
			}
		}
		return nil
	})
}

func (t *sinkTest) foreign(ctx context.Context) error {
	if !t.stages {
		return nil
	}
	item, ref, d, err := t.stage(ctx, "mine")
	if err != nil {
		return err
	}
	for _, bad := range []string{"x", "../" + ref, strings.ToLower(ref) + "x", strings.Repeat("A", 300)} {
		if _, state, err := t.Sink.Resume(ctx, item, bad); err == nil {
			return fmt.Errorf("a Resume of a ref that this sink never gave says %q, not an error", state)
		}
	}
	return d.Abort(ctx)
}

func (t *sinkTest) commitTwice(ctx context.Context) error {
	item := t.item("")
	d, err := write(ctx, t.Sink, item, []byte("once"))
	if err != nil {
		return err
	}
	ref := ""
	if t.stages {
		if ref, err = d.Stage(ctx); err != nil {
			return err
		}
	}
	if _, err := t.commit(ctx, d, item, []byte("once")); err != nil {
		return err
	}
	return t.committed(ctx, item, ref, d)
}

func (t *sinkTest) commitRace(ctx context.Context) error {
	if !t.stages {
		return nil
	}
	for round := range 8 {
		content := fmt.Sprintf("raced %d", round)
		item, ref, _, err := t.stage(ctx, content)
		if err != nil {
			return err
		}
		before, err := t.Visible(ctx)
		if err != nil {
			return err
		}
		errs := together(8, func(i int) error {
			s := []ccr.Sink{t.Sink, t.Another}[i%2]
			d, state, err := s.Resume(ctx, item, ref)
			if err != nil || state == ccr.Committed {
				return err
			}
			_, err = d.Commit(ctx)
			return err
		})
		if err := errors.Join(errs...); err != nil {
			return fmt.Errorf("one of eight that commit: %w", err)
		}
		fresh, err := t.appeared(ctx, before)
		if err != nil {
			return err
		}
		if len(fresh) != 1 {
			return fmt.Errorf("eight commits of one delivery made %d visible", len(fresh))
		}
	}
	return nil
}

func (t *sinkTest) taken(ctx context.Context) error {
	if t.Take == nil || t.AtLeastOnce {
		return nil
	}
	item := t.item("")
	d, err := write(ctx, t.Sink, item, []byte("taken"))
	if err != nil {
		return err
	}
	ref := ""
	if t.stages {
		if ref, err = d.Stage(ctx); err != nil {
			return err
		}
	}
	location, err := t.commit(ctx, d, item, []byte("taken"))
	if err == nil {
		err = t.Take(ctx, location)
	}
	if err != nil {
		return err
	}
	return t.committed(ctx, item, ref, d)
}

func (t *sinkTest) sameName(ctx context.Context) error {
	first := t.item("")
	for i, known := range []bool{false, false, true} {
		item := t.item(first.Name)
		item.Known = known
		content := fmt.Appendf(nil, "content %d", i)
		d, err := write(ctx, t.Sink, item, content)
		if err == nil {
			_, err = t.commit(ctx, d, item, content)
		}
		if err != nil {
			return fmt.Errorf("content %d under one name: %w", i, err)
		}
	}
	return nil
}

func (t *sinkTest) names(ctx context.Context) error {
	names := []string{
		"relev\xe9.csv", "relev\xe8.csv", "a.csv", "A.csv", "../../escape.csv", "/etc/escape.csv", `c:\escape.csv`, "COM1.csv", "a b.csv", "a%20b.csv",
		".hidden", "-rf", "line\nbreak.csv", "ü.csv", "u\u0308.csv", strings.Repeat("n", 251) + ".csv", strings.Repeat("\xff", 255),
	}
	for i, name := range names {
		item := t.item(name)
		content := fmt.Appendf(nil, "name %d", i)
		d, err := write(ctx, t.Sink, item, content)
		if err == nil {
			_, err = t.commit(ctx, d, item, content)
		}
		if err != nil {
			return fmt.Errorf("name %d: %w", i, err)
		}
	}
	return nil
}

func (t *sinkTest) endedContext(ctx context.Context) error {
	item := t.item("")
	d, err := write(ctx, t.Sink, item, []byte("cut"))
	if err != nil {
		return err
	}
	ref := ""
	if t.stages {
		if ref, err = d.Stage(ctx); err != nil {
			return err
		}
	}
	before, err := t.Visible(ctx)
	if err != nil {
		return err
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err = d.Commit(ended)
	fresh, verr := t.appeared(ctx, before)
	switch {
	case verr != nil:
		return verr
	case err == nil && len(fresh) != 1:
		return errors.New("a Commit returned nil and nothing is there")
	case err != nil && t.stages && len(fresh) == 0:
		if d, err = resume(ctx, t.Another, item, ref, ccr.Staged); err != nil {
			return err
		}
	}
	if err != nil && !t.stages {
		return nil // it is fetched again
	}
	if _, err := d.Commit(ctx); err != nil {
		return fmt.Errorf("commit again: %w", err)
	}
	if fresh, verr = t.appeared(ctx, before); verr == nil && len(fresh) != 1 {
		verr = fmt.Errorf("%d things are there, not one", len(fresh))
	}
	return verr
}
