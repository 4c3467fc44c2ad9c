package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/sftp"
)

// step is one check of a diagnosis.
type step struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
	Error  string `json:"error,omitempty"`
}

// diagnosis is that of one vendor.
type diagnosis struct {
	Service string            `json:"service"`
	OK      bool              `json:"ok"`
	Steps   []step            `json:"steps"`
	Support map[string]string `json:"support"` // what the vendor's support needs
	err     error
}

// check notes a step; false: it failed.
func (d *diagnosis) check(name, detail string, err error) bool {
	s := step{Name: name, OK: err == nil, Detail: detail}
	if err != nil {
		s.Error = message(err)
		d.err, d.OK = cmp.Or(d.err, err), false
	}
	d.Steps = append(d.Steps, s)
	return err == nil
}

var vendors = []struct {
	name, prefix string
	run          func(ctx context.Context, d *diagnosis)
}{
	{"accounts", "CCR_ACCOUNTS_", diagnoseAccounts},
	{"gateway", "CCR_GATEWAY_", diagnoseGateway},
	{"decisioning", "CCR_DECISIONING_", diagnoseDecisioning},
	{"sftp", "CCR_SFTP_", diagnoseSFTP},
}

func diagnose(a *app, f *flag.FlagSet) func(context.Context, []string) error {
	limit := f.Duration("timeout", time.Minute, "for each vendor")
	return func(ctx context.Context, args []string) error {
		out, chosen := []*diagnosis{}, map[string]bool{}
		for _, arg := range args {
			chosen[arg] = true
		}
		for _, v := range vendors {
			wanted := chosen[v.name]
			delete(chosen, v.name)
			if !wanted && (len(args) > 0 || !set(v.prefix)) {
				continue
			}
			d := &diagnosis{Service: v.name, OK: true, Support: map[string]string{"time": time.Now().UTC().Format(time.RFC3339)}}
			one, cancel := context.WithTimeout(ctx, *limit)
			v.run(one, d)
			cancel()
			out = append(out, d)
		}
		for name := range chosen {
			return usagef("there is no vendor %q: accounts, gateway, decisioning and sftp", name)
		}
		if len(out) == 0 {
			return usagef("no vendor is configured: set CCR_ACCOUNTS_…, CCR_GATEWAY_…, CCR_DECISIONING_… or CCR_SFTP_… variables")
		}
		return a.diagnoses(out)
	}
}

// set reports whether any variable with a prefix is.
func set(prefix string) bool {
	return slices.ContainsFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, prefix) && !strings.HasSuffix(v, "=") })
}

func (a *app) diagnoses(list []*diagnosis) error {
	var failed error
	rows := [][]string{}
	for _, d := range list {
		for _, s := range d.Steps {
			state := "ok"
			if !s.OK {
				state = "FAILED"
			}
			rows = append(rows, []string{d.Service, s.Name, state, cmp.Or(s.Error, s.Detail)})
		}
		failed = errors.Join(failed, d.err)
	}
	if err := a.data(list, rows); err != nil {
		return err
	}
	for _, d := range list {
		a.say("for the support of %s: %s", d.Service, sorted(d.Support))
	}
	if failed == nil {
		return nil
	}
	if exitCode(failed) == exitUnknown { // a diagnosis changes nothing, so nothing is to be settled
		return errors.New("a check was not answered: see above")
	}
	return failed
}

func sorted(m map[string]string) string {
	var parts []string
	for k, v := range m {
		parts = append(parts, k+" "+printable(v))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// parseHTTPS refuses what the SDK does, and quotes nothing of it.
func parseHTTPS(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return nil, errors.New("want an https URL with a host and without a user")
	}
	return u, nil
}

// endpoint looks at the way to a URL: name, connection, certificate.
func (d *diagnosis) endpoint(ctx context.Context, label, raw string) bool {
	u, err := parseHTTPS(raw)
	if !d.check(label+"URL", "https", err) {
		return false
	}
	d.Support[label+"host"] = u.Hostname()
	req := &http.Request{URL: &url.URL{Scheme: "https", Host: u.Host}}
	if proxy, err := http.ProxyFromEnvironment(req); err == nil && proxy != nil {
		return d.check(label+"proxy", "requests go through a proxy: name, connection and certificate are left to it", nil)
	}
	ips, err := net.DefaultResolver.LookupHost(ctx, u.Hostname())
	if !d.check(label+"resolve", strings.Join(ips, ", "), explain(err, "Check the host name and this machine's name servers")) {
		return false
	}
	d.Support[label+"addresses"] = strings.Join(ips, " ")
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443")))
	if !d.check(label+"connect", remote(conn), explain(err, "Check the outbound firewall, and whether the vendor has this machine's address on its allow list")) {
		return false
	}
	defer conn.Close()
	d.Support[label+"from"] = conn.LocalAddr().String()
	secure := tls.Client(conn, &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12})
	err = secure.HandshakeContext(ctx)
	detail := ""
	if err == nil {
		state := secure.ConnectionState()
		leaf := state.PeerCertificates[0]
		detail = fmt.Sprintf("%s, certificate until %s, SHA256 %x", tls.VersionName(state.Version), leaf.NotAfter.UTC().Format(time.DateOnly), sha256.Sum256(leaf.Raw))
		d.Support[label+"certificate"] = fmt.Sprintf("%x", sha256.Sum256(leaf.Raw))
	}
	return d.check(label+"TLS", detail, explain(err, "Check this machine's clock and its certificate authorities (SSL_CERT_FILE), and whether something on the way intercepts TLS"))
}

func remote(c net.Conn) string {
	if c == nil {
		return ""
	}
	return c.RemoteAddr().String()
}

// explain adds the next step to an error of the system.
func explain(err error, advice string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w. %s", err, advice)
}

// once keeps a diagnosis from being patient.
func once() ccr.Option { return ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 1}) }

// credential notes what a call says of the credential: a refusal for another
// reason means that the credential was accepted.
func (d *diagnosis) credential(r ccr.Response, err error, fine ...error) {
	if r.RequestID != "" {
		d.Support["request"] = r.RequestID
	}
	if r.StatusCode != 0 {
		d.Support["status"] = fmt.Sprint(r.StatusCode)
	}
	for _, f := range fine {
		if errors.Is(err, f) {
			err = nil
		}
	}
	d.check("credential", "accepted", err)
}

func diagnoseAccounts(ctx context.Context, d *diagnosis) {
	client, err := configured(accounts.FromEnv(once()))
	if !d.check("configuration", "", err) {
		return
	}
	if !d.endpoint(ctx, "", cmp.Or(os.Getenv(accounts.EnvBaseURL), accounts.DefaultBaseURL)) {
		return
	}
	if raw := os.Getenv(accounts.EnvTokenURL); raw != "" && !d.endpoint(ctx, "token ", raw) {
		return
	}
	var r ccr.Response
	// A batch that nobody made: its absence tells that the credential was taken.
	err = client.Do(ctx, http.MethodGet, "/v1/status/00000000-0000-0000-0000-000000000000", nil, nil, ccr.CaptureResponse(&r))
	d.credential(r, err, ccr.ErrNotFound, ccr.ErrInvalid)
}

func diagnoseGateway(ctx context.Context, d *diagnosis) {
	client, err := configured(gateway.FromEnv(once()))
	if !d.check("configuration", "", err) {
		return
	}
	if !d.endpoint(ctx, "", cmp.Or(os.Getenv(gateway.EnvBaseURL), gateway.DefaultURL)) {
		return
	}
	d.Support["known to the bureau as"] = os.Getenv(gateway.EnvIP)
	var r ccr.Response
	n, err := client.CountReports(ctx, ccr.CaptureResponse(&r))
	d.credential(r, err)
	if err == nil {
		d.check("reports", fmt.Sprintf("%d waiting", n), nil)
	}
}

func diagnoseDecisioning(ctx context.Context, d *diagnosis) {
	client, err := configured(decisioning.FromEnv(once()))
	if !d.check("configuration", "", err) {
		return
	}
	if !d.endpoint(ctx, "", cmp.Or(os.Getenv(decisioning.EnvBaseURL), decisioning.DefaultBaseURL)) {
		return
	}
	if raw := os.Getenv(decisioning.EnvTokenURL); raw != "" && !d.endpoint(ctx, "token ", raw) {
		return
	}
	var r ccr.Response
	_, err = client.FindCustomer(ctx, "ccr-diagnose", ccr.CaptureResponse(&r))
	d.credential(r, err, ccr.ErrNotFound)
}

func diagnoseSFTP(ctx context.Context, d *diagnosis) {
	var found *sftp.Diagnosis
	var err error
	if uat() {
		var cfg sftp.UATConfig
		if cfg, err = configured(sftp.UATConfigFromEnv()); err == nil {
			found, err = sftp.DiagnoseUAT(ctx, cfg, sftp.DiagnoseOptions{})
		}
	} else {
		var cfg sftp.Config
		if cfg, err = configured(sftp.ConfigFromEnv()); err == nil {
			found, err = sftp.Diagnose(ctx, cfg, sftp.DiagnoseOptions{})
		}
	}
	if found == nil {
		d.check("configuration", "", err)
		return
	}
	for _, c := range found.Checks {
		d.check(c.Name, c.Detail, c.Err)
	}
	for name, v := range map[string]string{
		"host": found.Address, "server": found.Server, "host key": found.HostKey, "our public key": found.PublicKey,
		"folders": strings.Join(found.Folders, " "), "user": os.Getenv(sftp.EnvUser),
	} {
		if v != "" {
			d.Support[name] = v
		}
	}
	if s := found.Suggestion; s != nil {
		d.Support["these folders look like"] = fmt.Sprintf("%s with Root %q and Downloads %q", s.Layout, s.Root, s.Downloads)
	}
}
