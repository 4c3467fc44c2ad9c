package sftp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp/internal/engine"
	"golang.org/x/crypto/ssh"
)

// DiagnoseOptions adjust [Diagnose].
type DiagnoseOptions struct {
	// ProbeWrite names an upload folder of the layout, by its Path, into which
	// one small file is uploaded as Upload would. It stays there, and the
	// vendor may process it: its name begins with "TEST" and says what it is.
	// Without it, Diagnose writes nothing.
	ProbeWrite string
	// OtherKey is the key of the other environment: that of production for
	// [DiagnoseUAT], that of UAT for [Diagnose]. The same pair in both is an
	// error, since the vendors want one for each.
	OtherKey Key
}

// Check is one step of a diagnosis.
type Check struct {
	Name     string        // "configuration", "resolve", "connect", …
	OK       bool          // false: see Err
	Detail   string        // what was found; free of secrets
	Duration time.Duration // of this step
	Err      error         // what failed, with advice
}

// Diagnosis says how far a connection gets, and what is there.
type Diagnosis struct {
	Address    string   // host:port
	Checks     []Check  // in the order in which they were made
	Server     string   // the server's version text
	HostKey    string   // type and SHA256 fingerprint of the accepted key
	PublicKey  string   // type and SHA256 fingerprint of the key that was offered
	Extensions []string // what the server's SFTP announces
	Folders    []string // what the server shows in the login folder and in the layout's Root
	// Verdict says in words what the account may do, as far as that was tried.
	Verdict string
	// Suggestion is the layout that these folders look like; nil if none does.
	Suggestion *Suggestion
}

// Suggestion says how to write a layout down.
type Suggestion struct {
	Layout    string // the constructor, such as "CreditClear()"
	Root      string // what its Root would be
	Downloads string // what its Downloads would be
	InOrder   bool   // a probe was refused out of order
}

// Go is the layout as Go code, to paste into a configuration.
func (s Suggestion) Go() string {
	call, note := s.Layout, ""
	if strings.HasPrefix(call, "CreditClearOlder") {
		call, note = "CreditClearOlder(sftp.AutomatedImport)", " // or sftp.ManualImport: ask which holds for the account"
	}
	text := fmt.Sprintf("layout := sftp.%s%s\nlayout.Root, layout.Downloads = %q, %q\n", call, note, s.Root, s.Downloads)
	if s.InOrder {
		text += "layout.InOrder = true\n"
	}
	return text
}

// Diagnose tries, step by step, what [Dial] and the first calls do, and says
// which step failed and what to do about it: configuration, credential,
// resolving, connecting, host key, login, SFTP, folders. It logs in once and
// never writes unless ProbeWrite asks for it. The error is that of the first
// step that failed.
func Diagnose(ctx context.Context, cfg Config, o DiagnoseOptions) (*Diagnosis, error) {
	return diagnose(ctx, cfg, environmentProduction, o)
}

// DiagnoseUAT is [Diagnose] for the vendor's test environment.
func DiagnoseUAT(ctx context.Context, cfg UATConfig, o DiagnoseOptions) (*Diagnosis, error) {
	return diagnose(ctx, Config(cfg), environmentUAT, o)
}

// diagnosing is a diagnosis under way.
type diagnosing struct {
	d     Diagnosis
	began time.Time
	err   error // of the first check that failed
	reads bool  // the folder of downloads can be listed
}

// check notes a step. false: it failed.
func (g *diagnosing) check(name, detail string, err error) bool {
	c := Check{Name: name, OK: err == nil, Detail: detail, Duration: time.Since(g.began)}
	if err != nil {
		c.Err = failure("Diagnose", "", ccr.OutcomeNotSent, err)
		if g.err == nil {
			g.err = c.Err
		}
	}
	g.d.Checks = append(g.d.Checks, c)
	g.began = time.Now()
	return err == nil
}

func diagnose(ctx context.Context, cfg Config, environment string, o DiagnoseOptions) (*Diagnosis, error) {
	g := &diagnosing{began: time.Now()}
	_, err := run(ctx, &Client{}, func(ctx context.Context) (struct{}, error) {
		g.all(ctx, cfg, environment, o)
		return struct{}{}, nil
	})
	if err != nil { // held by the server when the context ended: what it had is not ours to read
		return nil, failure("Diagnose", "", ccr.OutcomeNotSent, err)
	}
	return &g.d, g.err
}

func (g *diagnosing) all(ctx context.Context, cfg Config, environment string, o DiagnoseOptions) {
	c, err := newClient(cfg, environment)
	if err == nil && o.ProbeWrite != "" {
		if _, ok := cfg.Layout.upload(o.ProbeWrite); !ok {
			var f ccr.Faults
			f.Add("ProbeWrite", "is not an upload folder of the layout")
			err = f.Err(serviceName, "Diagnose")
		}
	}
	if !g.check("configuration", "", err) {
		return
	}
	defer c.shut(ErrClosed)
	g.d.Address = c.addr
	if !g.credential(ctx, c, o.OtherKey) || !g.resolve(ctx, cfg, c.addr) {
		return
	}
	s := g.connect(ctx, c)
	if s == nil {
		return
	}
	c.mu.Lock()
	c.cur = s
	c.mu.Unlock()
	go s.Watch(0)
	g.folders(ctx, c, s.First())
	writes, tried := false, o.ProbeWrite != "" && g.err == nil
	if tried {
		u, _ := cfg.Layout.upload(o.ProbeWrite)
		g.needs(s.First(), cfg.Layout, u)
		writes = g.probe(ctx, c, o.ProbeWrite)
	}
	g.d.Verdict = verdict(g.reads, writes, tried)
}

func (g *diagnosing) credential(ctx context.Context, c *Client, other Key) bool {
	cred, err := c.credential(ctx)
	if err != nil {
		return g.check("credential", "", err)
	}
	defer cred.release()
	detail := "password"
	if cred.signer != nil {
		g.d.PublicKey = describe(cred.signer.PublicKey())
		detail = "key " + g.d.PublicKey
	}
	if cred.signer == nil || other.IsZero() {
		return g.check("credential", detail, nil)
	}
	signer, release, err := other.signer(ctx)
	if err != nil {
		return g.check("credential", detail, fmt.Errorf("OtherKey: %w", err))
	}
	defer release()
	if bytes.Equal(signer.PublicKey().Marshal(), cred.signer.PublicKey().Marshal()) {
		err = errSameKey
	}
	return g.check("credential", detail, err)
}

var errSameKey = fmt.Errorf("%w: production and UAT have the same key pair; the vendors want one for each", ErrKey)

// printable is a server's version text without what does not belong there.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), 100)]
}

func describe(key ssh.PublicKey) string { return key.Type() + " " + ssh.FingerprintSHA256(key) }

// resolve looks the name up, where the connection is made by this package.
func (g *diagnosing) resolve(ctx context.Context, cfg Config, addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	switch {
	case cfg.DialContext != nil:
		return g.check("resolve", "left to DialContext", nil)
	case net.ParseIP(host) != nil:
		return g.check("resolve", "is an address", nil)
	}
	ips, err := net.DefaultResolver.LookupHost(ctx, host)
	return g.check("resolve", strings.Join(ips, ", "), err)
}

// connect makes one attempt and notes the steps up to the one that failed.
func (g *diagnosing) connect(ctx context.Context, c *Client) *engine.Session {
	s, err := c.connect(ctx)
	failed, _ := errors.AsType[*engine.ConnectError](err)
	for _, at := range []engine.Step{engine.StepConnect, engine.StepHostKey, engine.StepLogin, engine.StepSFTP} {
		// Configured host keys are read before connecting; they belong to their check.
		if failed != nil && (failed.Step == at || failed.Step == engine.StepHosts && at == engine.StepHostKey) {
			g.check(string(at), "", failed.Err)
			return nil
		}
		detail := ""
		if s != nil {
			detail = g.learn(s, at)
		}
		if failed != nil && failed.Step == engine.StepHosts && at == engine.StepConnect {
			continue // nothing was connected to
		}
		g.check(string(at), detail, nil)
	}
	if err != nil {
		g.check(string(engine.StepConnect), "", err)
		return nil
	}
	return s
}

// learn notes what a session shows at one step, and returns it for the check.
func (g *diagnosing) learn(s *engine.Session, at engine.Step) string {
	switch at {
	case engine.StepHostKey:
		g.d.HostKey = describe(s.HostKey())
		return g.d.HostKey
	case engine.StepConnect:
		g.d.Server = printable(s.ServerVersion())
		return g.d.Server
	case engine.StepLogin:
		return "accepted"
	case engine.StepSFTP:
		ch := s.First()
		g.d.Extensions = slices.AppendSeq(g.d.Extensions, maps.Keys(ch.Extensions()))
		slices.Sort(g.d.Extensions)
		return fmt.Sprintf("version 3, reads of %d and writes of %d bytes", ch.ReadSize(), ch.WriteSize())
	}
	return ""
}

// folders looks at what the layout expects, and at what there is.
func (g *diagnosing) folders(ctx context.Context, c *Client, ch *engine.Channel) {
	l := c.cfg.Layout
	found := map[string][]string{}
	look := func(dir string) {
		if _, ok := found[join(dir)]; ok {
			return
		}
		entries, err := c.list(ctx, join(dir))
		if err != nil {
			return // many servers do not show the folders above
		}
		names := []string{}
		for _, e := range entries {
			if e.Dir {
				names = append(names, e.Name)
				g.d.Folders = append(g.d.Folders, e.Path)
			}
		}
		found[join(dir)] = names
	}
	look(l.Root)
	look("")
	look("/")
	if home := found["."]; len(home) == 1 { // a client folder, perhaps
		look(home[0])
	}
	slices.Sort(g.d.Folders)
	g.d.Folders = slices.Compact(g.d.Folders)
	g.d.Suggestion = suggest(l, found)
	want := []string{}
	for _, u := range l.Uploads {
		want = append(want, u.Path)
		if u.Policy == PolicyStaging {
			want = append(want, u.Staging)
		}
	}
	if l.Downloads != "" {
		want = append(want, l.Downloads)
	}
	for _, name := range want {
		dir := join(l.Root, name)
		detail, err := g.folder(ctx, c, ch, dir)
		g.check("folder "+dir, detail, err)
		if name == l.Downloads {
			g.reads = err == nil && detail == ""
		}
	}
}

// folder looks at one folder. A folder that may only be written to is all right.
func (g *diagnosing) folder(ctx context.Context, c *Client, ch *engine.Channel, dir string) (detail string, err error) {
	_, err = c.list(ctx, dir)
	switch {
	case err == nil:
		return "", nil
	case engine.IsStatus(err, engine.StatusPermission):
		switch there := ch.Exists(dir); {
		case there == nil:
			return "is there; the account may not list it", nil
		case engine.IsStatus(there, engine.StatusPermission):
			return "the account may not look at it; whether it is there, ProbeWrite tells", nil
		}
	case engine.IsStatus(err, engine.StatusNoSuchFile):
		err = missing(err)
		if w := g.d.Suggestion; w != nil {
			err = fmt.Errorf("%w; the folders look like %s with Root %q and Downloads %q", err, w.Layout, w.Root, w.Downloads)
		}
	}
	return "", err
}

// suggest tells from the folders which layout a server has. found holds the
// subfolders of each folder that could be listed. Which of the older text's
// upload folders to use is not for a program to choose.
func suggest(configured Layout, found map[string][]string) *Suggestion {
	roots := []string{join(configured.Root), ".", "/"}
	roots = append(roots, slices.Sorted(maps.Keys(found))...)
	for _, root := range roots {
		has := func(n string) bool { return slices.Contains(found[root], n) }
		s := &Suggestion{Root: strings.TrimPrefix(root, "."), Downloads: "downloads"}
		if has("download") && !has("downloads") {
			s.Downloads = "download"
		}
		switch {
		case has("uploads") && has("reports") && !has(s.Downloads):
			s.Layout, s.Downloads = "ClearDebit()", "reports"
			if s.Root == "" {
				s.Root = ClearDebit().Root
			}
		case has("uploads-automated"):
			s.Layout = "CreditClearOlder(ManualImport or AutomatedImport)"
		case has("uploads") && has(s.Downloads):
			s.Layout = "CreditClear()"
		default:
			continue
		}
		return s
	}
	return nil
}

// OK reports whether every check passed.
func (d Diagnosis) OK() bool {
	return len(d.Checks) > 0 && !slices.ContainsFunc(d.Checks, func(c Check) bool { return !c.OK })
}

// String is the diagnosis as a table for people.
func (d Diagnosis) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	for _, c := range d.Checks {
		state, text := "ok", c.Detail
		if !c.OK {
			state, text = "FAILED", c.Err.Error()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", state, c.Name, text)
	}
	_ = w.Flush()
	if d.Verdict != "" {
		fmt.Fprintf(&b, "verdict: %s\n", d.Verdict)
	}
	if len(d.Folders) > 0 {
		fmt.Fprintf(&b, "folders: %s\n", strings.Join(d.Folders, ", "))
	}
	if w := d.Suggestion; w != nil {
		fmt.Fprintf(&b, "looks like: sftp.%s with Root %q, Downloads %q\n", w.Layout, w.Root, w.Downloads)
		b.WriteString(w.Go())
	}
	return b.String()
}
