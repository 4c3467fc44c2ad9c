package sftp

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp/internal/engine"
)

// Config says where, as whom and how. It is the identity of production; UAT
// has a type of its own, [UATConfig], since both vendors give a separate user
// and key pair for it.
type Config struct {
	// Address is the host, or host:port; the default port is 22.
	Address string
	// User is the name that the vendor gave you.
	User string
	// Key logs in with a key pair (Credit Clear).
	Key Key
	// Password logs in with a password (ClearDebit). If Key is set, too, the
	// password is offered only to a server that wants both.
	Password ccr.Secret
	// HostKeys says which keys the server may have. Required.
	HostKeys HostKeys
	// Layout says which folders there are. Required.
	Layout Layout

	// DialContext opens the network connection; nil is a net.Dialer. A proxy
	// or a jump host is the net.Conn that it returns.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// HandshakeTimeout bounds everything from the first packet to the started
	// SFTP session. Default 30 s.
	HandshakeTimeout time.Duration
	// KeepAlive is the silence after which the server is asked whether it is
	// there; three unanswered questions end the connection. Default 15 s;
	// negative: never ask.
	KeepAlive time.Duration
	// IdleTimeout ends a connection that nothing uses; the next call opens
	// another. Default 5 min; negative: never.
	IdleTimeout time.Duration
	// Retry says how often and how patiently calls are repeated whose
	// connection failed: reads, and uploads from the last acknowledged byte.
	// AttemptTimeout is the watchdog: a connection with unanswered requests on
	// which no byte of SFTP moves for that long is closed. Refused logins are
	// never repeated.
	Retry ccr.RetryPolicy
	// Concurrency is the number of files that move at once over the
	// connection. Default 16, at most 64.
	Concurrency int
	// Lease says how long claims on ledger entries hold. Workers that share a
	// ledger must use the same.
	Lease ccr.LeasePolicy
	// MaxFileSize bounds what one remote file may bring, whatever size the
	// server says. Default 64 GiB; negative: no bound.
	MaxFileSize int64
	// Logger gets one event for each connection, retry and finished file; nil: none.
	Logger *slog.Logger
}

// UATConfig is the identity of the vendor's test environment: the same
// fields as [Config], and a type that no assignment mixes up with it. What a
// UAT client sends and receives is kept apart in every ledger.
type UATConfig Config

// The environments as ledgers name them.
const (
	environmentProduction = "production"
	environmentUAT        = "uat"
)

const (
	defaultPort             = "22"
	defaultHandshakeTimeout = 30 * time.Second
	defaultKeepAlive        = 15 * time.Second
	defaultIdleTimeout      = 5 * time.Minute
	defaultConcurrency      = 16
	defaultMaxFileSize      = 64 << 30
)

// Validate reports every fault of the configuration at once, without reading
// a file or opening a connection.
func (c Config) Validate() error {
	var f ccr.Faults
	c.faults(&f)
	return f.Err(serviceName, "Dial")
}

// Validate is [Config.Validate].
func (c UATConfig) Validate() error { return Config(c).Validate() }

func (c Config) faults(f *ccr.Faults) {
	if _, err := address(c.Address); err != nil {
		f.Add("Address", err.Error())
	}
	switch {
	case c.User == "":
		f.Add("User", "is missing")
	case strings.ContainsAny(c.User, "\x00\r\n"):
		f.Add("User", "must not hold control characters")
	}
	if c.Key.IsZero() && c.Password.IsZero() {
		f.Add("Key", "is missing (or set Password, for ClearDebit)")
	}
	if !c.HostKeys.set {
		f.Add("HostKeys", "is missing: use KnownHosts, HostFingerprints or HostPublicKeys; a server is never trusted unseen")
	}
	for i, p := range c.HostKeys.pins {
		if _, err := parseFingerprint(p); err != nil {
			f.Add("HostKeys["+itoa(i)+"]", err.Error())
		}
	}
	c.Layout.validate(f)
	if c.HandshakeTimeout < 0 {
		f.Add("HandshakeTimeout", "must not be negative")
	}
	if err := c.Retry.Validate(); err != nil {
		f.Add("Retry", "has no negative values (Budget apart)")
	}
	if err := c.Lease.Validate(); err != nil {
		f.Add("Lease", strings.TrimPrefix(err.Error(), "ccr: "))
	}
	if c.Concurrency < 0 || c.Concurrency > engine.MaxConcurrency {
		f.Addf("Concurrency", "must be between 1 and %d", engine.MaxConcurrency)
	}
}

func (c Config) withDefaults() Config {
	d := func(v *time.Duration, def time.Duration) {
		if *v == 0 {
			*v = def
		}
	}
	d(&c.HandshakeTimeout, defaultHandshakeTimeout)
	d(&c.KeepAlive, defaultKeepAlive)
	d(&c.IdleTimeout, defaultIdleTimeout)
	if c.Concurrency == 0 {
		c.Concurrency = defaultConcurrency
	}
	if c.MaxFileSize == 0 {
		c.MaxFileSize = defaultMaxFileSize
	}
	if c.DialContext == nil {
		c.DialContext = new(net.Dialer).DialContext
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Retry, c.Lease = c.Retry.WithDefaults(), c.Lease.WithDefaults()
	return c
}

// address returns host:port.
func address(s string) (string, error) {
	if s == "" {
		return "", errors.New("is missing")
	}
	if strings.Contains(s, "://") || strings.ContainsAny(s, "@/ \t\r\n") {
		return "", errors.New("must be a host or host:port, without scheme, user or path")
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		// No port; IPv6 addresses may come bare or in brackets.
		host, port = s, defaultPort
		if inner, ok := strings.CutPrefix(s, "["); ok {
			host = strings.TrimSuffix(inner, "]")
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || !isHost(host) {
		return "", errors.New("must be a host or host:port")
	}
	return net.JoinHostPort(host, port), nil
}

// isHost reports whether s is an IP address or looks like a host name.
func isHost(s string) bool {
	if ip, err := netip.ParseAddr(s); err == nil {
		return !strings.ContainsAny(ip.Zone(), "[]")
	}
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '-' || r == '_')
	})
}

func itoa(i int) string { return strconv.Itoa(i) }
