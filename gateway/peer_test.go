package gateway_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The test binary runs itself again in two roles, so that a client's memory
// can be measured alone and a client can be killed.
const (
	envRole   = "CCR_GATEWAY_TEST_ROLE"
	rolePeer  = "peer"  // a server of one endless report
	roleLoser = "loser" // a Receive that is killed
)

func TestMain(m *testing.M) {
	switch os.Getenv(envRole) {
	case rolePeer:
		servePeer()
	case roleLoser:
		os.Exit(lose())
	default:
		os.Exit(m.Run())
	}
}

// peer is a server in another process that takes uploads without keeping them
// and has one large report.
type peer struct {
	url    string
	client *http.Client
	name   string
}

// startPeer serves a report made of repetitions of a block, size bytes in all;
// in XML only whole blocks are well-formed.
func startPeer(b testing.TB, name string, size int64, xml bool) *peer {
	b.Helper()
	exe, err := os.Executable()
	require.NoError(b, err)
	cmd := exec.CommandContext(b.Context(), exe)
	cmd.Env = append(os.Environ(), envRole+"="+rolePeer, "PEER_NAME="+name, "PEER_SIZE="+strconv.FormatInt(size, 10), "PEER_XML="+strconv.FormatBool(xml))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		in.Close() //nolint:errcheck // tells the peer to end
		cmd.Wait() //nolint:errcheck // it was asked to end
	})
	var hello struct {
		URL string
		CA  []byte
	}
	require.NoError(b, json.NewDecoder(out).Decode(&hello))
	pool := x509.NewCertPool()
	require.True(b, pool.AppendCertsFromPEM(hello.CA))
	return &peer{hello.URL, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}, name}
}

func servePeer() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "peer"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	size, err := strconv.ParseInt(os.Getenv("PEER_SIZE"), 10, 64)
	must(err)
	name := os.Getenv("PEER_NAME")
	srv := &http.Server{Handler: peerHandler(name, size, os.Getenv("PEER_XML") == "true"), TLSConfig: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}}
	go srv.ServeTLS(l, "", "") //nolint:errcheck // ends with the process
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"URL": "https://" + l.Addr().String() + "/gateway.php",
		"CA":  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
	}))
	io.Copy(io.Discard, os.Stdin) //nolint:errcheck // waits for the parent
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

// peerHandler answers as far as a benchmark needs.
func peerHandler(name string, size int64, xml bool) http.HandlerFunc {
	block := peerBlock(xml)
	escaped := func(b []byte) string {
		return strings.ReplaceAll(base64.StdEncoding.EncodeToString(b), "/", `\/`)
	}
	text, end := escaped(block), escaped(block[:size%int64(len(block))])
	return func(w http.ResponseWriter, r *http.Request) {
		body := bufio.NewReaderSize(r.Body, 64<<10)
		begin, _ := body.Peek(400)
		// A client's whole request is taken, whatever it asks for.
		if _, err := io.Copy(io.Discard, body); err != nil {
			return
		}
		row := fmt.Sprintf(`"message":[{"file":%q,"status":"OK","message":"Queued"}]`, name)
		switch s := string(begin); {
		case strings.Contains(s, `"listReports"`):
			fmt.Fprintf(w, `{"numReports":1,"message":"\"%s\""}`, name)
		case strings.Contains(s, `"testByName"`):
			fmt.Fprintf(w, `{"files":[{"name":%q,"data":"`, name)
			for range size / int64(len(block)) {
				if _, err := io.WriteString(w, text); err != nil {
					return
				}
			}
			io.WriteString(w, end+`"}],`+row+"}") //nolint:errcheck // the client may have gone
		default:
			io.WriteString(w, "{"+row+"}") //nolint:errcheck // the client may have gone
		}
	}
}

// peerBlock is 3 MiB of bytes, or of elements of a report.
func peerBlock(xml bool) []byte {
	const n = 3 << 20
	b := make([]byte, 0, n)
	if !xml {
		b = b[:n]
		rand.Read(b) //nolint:errcheck // never fails
		b[0] = 0     // else one in 349 begins like XML, and is judged as such
		return b
	}
	b = append(b, "<ARUDD>"...) // each block closes what it opens; blocks nest side by side
	for i := 0; len(b) < n-400; i++ {
		b = fmt.Appendf(b, "<ReturnedDebitItem ref=\"REF%08d\" transCode=\"17\" returnCode=\"0128\" returnDescription=\"REFER TO PAYER\" originalProcessingDate=\"2026-11-20\" valueOf=\"%d.25\" currency=\"GBP\">\r\n<PayerAccount number=\"%08d\" ref=\"REF%08d\" name=\"A N OTHER\" sortCode=\"00-00-00\" bankName=\"A BANK\" branchName=\"A BRANCH\"/>\r\n</ReturnedDebitItem>\r\n", i, i%1000, i, i)
	}
	for len(b) < n-len("</ARUDD>") {
		b = append(b, ' ')
	}
	return append(b, "</ARUDD>"...)
}
