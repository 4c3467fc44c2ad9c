package sftptest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/ccrtest/bacssample"
	"github.com/ccr-sdk/ccr/internal/memnet"
	"github.com/ccr-sdk/ccr/sftp"
	"golang.org/x/crypto/ssh"
)

// Config configures [NewServer]. The zero value is Credit Clear's gateway on
// loopback, with one user who logs in with a key.
type Config struct {
	// InMemory serves on an in-memory network instead of loopback; needed
	// inside a testing/synctest bubble, where the server must be made, too.
	InMemory bool
	// Layout decides which folders there are and what may be done in them:
	// upload folders (and their staging folders) take files and show their
	// names, sizes and times, not their content; the downloads folder can be
	// listed and read only. The zero Layout is sftp.CreditClear().
	Layout sftp.Layout
	// Users may log in. Empty: one with a key pair made up, or with a password
	// made up if the layout is that of ClearDebit.
	Users []User
	// Permissions replace what the layout implies, by absolute folder path.
	Permissions map[string]Permission
	// Traits are what kind of server this is.
	Traits Traits
}

// User is somebody who may log in.
type User struct {
	Name           string     // of the login
	AuthorizedKeys []string   // public key lines
	Password       ccr.Secret // zero: no password login
}

// Permission says what may be done in a folder; the zero value is nothing.
type Permission struct {
	// List is of the folder itself, the others of what is in it. Rename is
	// needed in both folders of a rename.
	List, Stat, Read, Write, Rename, Remove bool
}

// Traits are ways in which servers differ.
type Traits struct {
	NoPosixRename  bool  // posix-rename@openssh.com is not offered
	RenameReplaces bool  // a plain rename replaces what is there (some servers do)
	NoFsync        bool  // fsync@openssh.com is not offered
	NoStatVFS      bool  // statvfs@openssh.com is not offered
	NoLimits       bool  // limits@openssh.com is not offered, and larger packets than 34,000 bytes end the connection
	ShortReads     int   // a read gives at most this many bytes; 0: as many as asked for
	Capacity       int64 // bytes that all files together may have; 0: no limit
	MaxSessions    int   // channels on one connection; 0: 10
	MaxOpen        int   // files open at once on one connection, more are refused with SSH_FX_PERMISSION_DENIED; 0: no limit

	SaysSize    *uint64 // every file is said to have this size, whatever it has
	NoSize      bool    // attributes hold no size
	EOFStatus   uint32  // a read behind the end is answered with this status; 0: SSH_FX_EOF
	EOFEmpty    bool    // a read behind the end is answered with no data at all
	EndlessList bool    // a listing never comes to an end
	InOrder     bool    // a write that does not continue the file is refused (object stores, WORM)
	AppendOnly  bool    // a write goes to the end, whatever its offset
	NoReopen    bool    // a file that is there cannot be opened for writing
}

// Server is an SFTP gateway in the process. It is safe for concurrent use.
type Server struct {
	cfg      Config
	listener net.Listener
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	address  string
	user     User
	key      ccr.Secret // of user
	fs       *fileSystem

	mu       sync.Mutex
	hostKey  ssh.Signer
	closed   bool
	conns    map[net.Conn]bool
	faults   []*armed
	requests []Request
	silent   bool
	refusing bool
	logins   []Login
	written  int64
	read     int64
	ended    chan struct{}
	work     sync.WaitGroup
}

// Login is one attempt to log in.
type Login struct {
	User   string // the name that was given, known or not
	Method string // "publickey", "password" or "keyboard-interactive"
	OK     bool   // let in
}

// memoryAddress is where a server in memory says that it is.
const memoryAddress = "sftp.test:22"

// NewServer starts a server. It fails only if the machine has no loopback.
func NewServer(cfg Config) (*Server, error) {
	if cfg.Layout.Vendor == "" {
		cfg.Layout = sftp.CreditClear()
	}
	if cfg.Traits.MaxSessions == 0 {
		cfg.Traits.MaxSessions = 10 // sshd_config(5), MaxSessions
	}
	s := &Server{cfg: cfg, conns: map[net.Conn]bool{}, ended: make(chan struct{})}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	if cfg.InMemory {
		var network memnet.Network
		l, err := network.Listen(memoryAddress)
		if err != nil {
			return nil, err
		}
		s.listener, s.dial, s.address = l, l.DialContext, memoryAddress
	} else {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		s.listener, s.dial, s.address = l, new(net.Dialer).DialContext, l.Addr().String()
	}
	s.work.Go(s.accept)
	return s, nil
}

func (s *Server) prepare() error {
	if err := s.ChangeHostKey(); err != nil {
		return err
	}
	if len(s.cfg.Users) == 0 {
		u := User{Name: "client-" + strings.ToLower(rand.Text()[:6])}
		if s.cfg.Layout.Vendor == "cleardebit" {
			u.Password = ccr.NewSecret(rand.Text())
		} else {
			pair, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
			if err != nil {
				return err
			}
			u.AuthorizedKeys, s.key = []string{pair.AuthorizedKey}, pair.Private
		}
		s.cfg.Users = []User{u}
	}
	s.user = s.cfg.Users[0]
	s.fs = newFileSystem(s.cfg.Traits)
	upload := Permission{List: true, Stat: true, Write: true, Rename: true, Remove: true}
	download := Permission{List: true, Stat: true, Read: true}
	l := s.cfg.Layout
	for _, u := range l.Uploads {
		s.fs.allow(abs(l.Root, u.Path), upload)
		if u.Staging != "" {
			s.fs.allow(abs(l.Root, u.Staging), upload)
		}
	}
	if l.Downloads != "" {
		s.fs.allow(abs(l.Root, l.Downloads), download)
	}
	for dir, p := range s.cfg.Permissions {
		s.fs.allow(abs(dir), p)
	}
	return nil
}

func abs(elem ...string) string { return path.Join(append([]string{"/"}, elem...)...) }

// Close ends the server and its connections.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.ended)
	s.mu.Unlock()
	_ = s.listener.Close()
	s.CutConnections()
	s.work.Wait()
}

// CutConnections breaks all connections that are open; new ones are let in.
func (s *Server) CutConnections() *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
	return s
}

// Address is host:port, for [sftp.Config].
func (s *Server) Address() string { return s.address }

// DialContext reaches the server wherever it listens, for [sftp.Config].
func (s *Server) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return s.dial(ctx, network, address)
}

// User is the first user.
func (s *Server) User() User { return s.user }

// Key is the private key of a user that the server made up.
func (s *Server) Key() ccr.Secret { return s.key }

// Config connects to the server as its first user, with its host key pinned.
// A user given by Config.Users needs the private key added.
func (s *Server) Config() sftp.Config {
	c := sftp.Config{
		Address: s.address, User: s.user.Name, Password: s.user.Password,
		HostKeys: sftp.HostFingerprints(s.Fingerprint()), Layout: s.cfg.Layout, DialContext: s.DialContext,
	}
	if !s.key.IsZero() {
		c.Key = sftp.PrivateKey(s.key)
	}
	return c
}

// Client dials with [Server.Config].
func (s *Server) Client(ctx context.Context) (*sftp.Client, error) { return sftp.Dial(ctx, s.Config()) }

// Fingerprint is the SHA256 fingerprint of the present host key.
func (s *Server) Fingerprint() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ssh.FingerprintSHA256(s.hostKey.PublicKey())
}

// HostKeyLine is the present host key as the line of a .pub file.
func (s *Server) HostKeyLine() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.hostKey.PublicKey())))
}

// KnownHostsLine is the present host key as a line of a known_hosts file.
func (s *Server) KnownHostsLine() string {
	host, port, err := net.SplitHostPort(s.address)
	if err != nil || port == "22" {
		return host + " " + s.HostKeyLine()
	}
	return "[" + host + "]:" + port + " " + s.HostKeyLine()
}

// ChangeHostKey gives the server another host key, from the next connection on.
func (s *Server) ChangeHostKey() error {
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	signer, err := ssh.NewSignerFromKey(priv)
	if err != nil {
		return err
	}
	s.SetHostKey(signer)
	return nil
}

// SetHostKey gives the server a host key of the test's own, from the next
// connection on.
func (s *Server) SetHostKey(key ssh.Signer) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hostKey = key
	return s
}

// RefuseLogins makes the server refuse every login, or no longer.
func (s *Server) RefuseLogins(refuse bool) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusing = refuse
	return s
}

func (s *Server) refuses() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusing
}

// Logins returns the attempts to log in, in order.
func (s *Server) Logins() []Login {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.logins)
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = conn.Close()
			return
		}
		wrapped := &countedConn{Conn: conn, s: s}
		s.conns[wrapped] = true
		s.work.Go(func() {
			defer func() {
				_ = wrapped.Close()
				s.mu.Lock()
				defer s.mu.Unlock()
				delete(s.conns, wrapped)
			}()
			s.serve(wrapped)
		})
		s.mu.Unlock()
	}
}

// countedConn is where [Cut] faults that count bytes of the connection strike.
type countedConn struct {
	net.Conn
	s *Server
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		if left, cut := c.s.cutAfter(n); cut {
			_ = c.Conn.Close()
			return left, nil
		}
	}
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	left, cut := c.s.cutAfter(len(p))
	if !cut {
		return c.Conn.Write(p)
	}
	n, err := c.Conn.Write(p[:left])
	_ = c.Conn.Close()
	if err == nil {
		err = net.ErrClosed
	}
	return n, err
}

// serve speaks SSH on one connection.
func (s *Server) serve(conn net.Conn) {
	conf := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-sftptest",
		MaxAuthTries:  6,
		PublicKeyCallback: func(m ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if u, ok := s.find(m.User()); ok && !s.refuses() && slices.ContainsFunc(u.AuthorizedKeys, func(line string) bool { return sameKey(line, key) }) {
				return &ssh.Permissions{}, nil
			}
			return nil, errDenied
		},
		PasswordCallback: func(m ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			u, ok := s.find(m.User())
			if !ok || s.refuses() || u.Password.IsZero() {
				return nil, errDenied
			}
			want, err := u.Password.Reveal()
			if err != nil || subtle.ConstantTimeCompare([]byte(want), password) != 1 {
				return nil, errDenied
			}
			return &ssh.Permissions{}, nil
		},
		AuthLogCallback: func(m ssh.ConnMetadata, method string, err error) {
			if method == "none" {
				return
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.logins = append(s.logins, Login{m.User(), method, err == nil})
		},
	}
	s.mu.Lock()
	conf.AddHostKey(s.hostKey)
	s.mu.Unlock()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	sc, chans, reqs, err := ssh.NewServerConn(conn, conf)
	if err != nil {
		return
	}
	defer sc.Close()
	_ = conn.SetDeadline(time.Time{})
	stall, gone := &stalling{}, make(chan struct{})
	s.work.Go(func() { _ = sc.Wait(); close(gone) })
	s.work.Go(func() {
		for r := range reqs {
			if stall.stalled() {
				continue // keepalives go unanswered, too
			}
			_ = r.Reply(false, nil)
		}
	})
	var open int
	var mu sync.Mutex
	var sessions sync.WaitGroup
	for nc := range chans {
		mu.Lock()
		full := open >= s.cfg.Traits.MaxSessions
		mu.Unlock()
		if nc.ChannelType() != "session" || full {
			_ = nc.Reject(ssh.Prohibited, "no more sessions")
			continue
		}
		ch, creqs, err := nc.Accept()
		if err != nil {
			break
		}
		mu.Lock()
		open++
		mu.Unlock()
		sessions.Go(func() {
			defer func() { mu.Lock(); open--; mu.Unlock() }()
			defer ch.Close()
			if !startSFTP(creqs) {
				return
			}
			sessions.Go(func() { ssh.DiscardRequests(creqs) })
			(&protocol{s: s, ch: ch, conn: conn, gone: gone, stall: stall, handles: map[string]*handle{}}).serve()
		})
	}
	sessions.Wait()
}

var errDenied = errors.New("denied")

func (s *Server) find(name string) (User, bool) {
	for _, u := range s.cfg.Users {
		if u.Name == name {
			return u, true
		}
	}
	return User{}, false
}

func sameKey(line string, key ssh.PublicKey) bool {
	k, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	return err == nil && string(k.Marshal()) == string(key.Marshal())
}

// startSFTP waits for the request to start the subsystem; it runs no shells
// and commands.
func startSFTP(reqs <-chan *ssh.Request) bool {
	for r := range reqs {
		var name struct{ Name string }
		ok := r.Type == "subsystem" && ssh.Unmarshal(r.Payload, &name) == nil && name.Name == "sftp"
		_ = r.Reply(ok, nil)
		if ok {
			return true
		}
	}
	return false
}

// WriteFile puts a file there as the vendor would, whatever the permissions;
// missing folders are made.
func (s *Server) WriteFile(name string, data []byte) *Server {
	return s.WriteFileAt(name, data, time.Now())
}

// WriteFileAt is WriteFile with a modification time.
func (s *Server) WriteFileAt(name string, data []byte, modified time.Time) *Server {
	s.fs.put(abs(name), data, modified)
	return s
}

// AddSamples puts sample reports of Bacs into a folder, such as "/reports": of
// some kinds, or of all if none is named; see [bacssample.All].
func (s *Server) AddSamples(folder string, kinds ...string) *Server {
	for _, sample := range bacssample.Of(kinds...) {
		s.WriteFile(path.Join(folder, sample.Name), sample.Data)
	}
	return s
}

// RewriteFile changes a file in place, as a program does that has it open:
// a client that is reading it gets the new content. WriteFile replaces it.
func (s *Server) RewriteFile(name string, data []byte, modified time.Time) *Server {
	s.fs.rewrite(abs(name), data, modified)
	return s
}

// Append makes a file longer, as a vendor does that is still writing it.
func (s *Server) Append(name string, data []byte) *Server {
	s.fs.append(abs(name), data)
	return s
}

// RemoveFile takes a file away, as a vendor does that has processed it.
func (s *Server) RemoveFile(name string) *Server {
	s.fs.take(abs(name))
	return s
}

// ReadFile returns the content of a file; false if there is none.
func (s *Server) ReadFile(name string) ([]byte, bool) { return s.fs.get(abs(name)) }

// Files returns the names in a folder, in order.
func (s *Server) Files(dir string) []string { return s.fs.names(abs(dir)) }

// Allow replaces the permissions of a folder, which is made if missing.
func (s *Server) Allow(dir string, p Permission) *Server {
	s.fs.allow(abs(dir), p)
	return s
}

// RemoveFolder takes a folder away with all it holds.
func (s *Server) RemoveFolder(dir string) *Server {
	s.fs.take(abs(dir))
	return s
}

// Request is one SFTP request that the server got.
type Request struct {
	Operation string // "open", "write", "posix-rename", …: see the constants
	Path      string // of the file, also where the request names a handle
	To        string // of a rename
	Offset    int64  // read and write: in the file, in bytes
	Length    int    // read and write: bytes asked for or brought
}

// String is the operation and the path, as a test prints it.
func (r Request) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %d+%d", r.Operation, r.Path, r.To, r.Offset, r.Length))
}

// Requests returns the requests of an operation in order of arrival; "" is all.
func (s *Server) Requests(operation string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Request
	for _, r := range s.requests {
		if operation == "" || r.Operation == operation {
			out = append(out, r)
		}
	}
	return out
}

// KeepNoRecord makes the server forget requests, for long runs.
func (s *Server) KeepNoRecord() *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent, s.requests = true, nil
	return s
}

func (s *Server) record(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.silent {
		s.requests = append(s.requests, r)
	}
}

// BytesWritten is the number of bytes of file content that write requests
// brought, and that were stored, since the server began.
func (s *Server) BytesWritten() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written
}

// BytesRead is the number of bytes of file content that were sent.
func (s *Server) BytesRead() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read
}
