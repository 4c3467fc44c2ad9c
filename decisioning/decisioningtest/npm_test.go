package decisioningtest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

// algoanRest is a program for Algoan's own npm package. It prints what it got
// as JSON, one object for each line of its input: a delivery to check.
const algoanRest = `
const { Algoan, RequestBuilder, Subscription, SubscriptionEvent } = require('@algoan/rest');
const [baseUrl, clientId, clientSecret, target, secret] = process.argv.slice(2);
(async () => {
  const out = (o) => process.stdout.write(JSON.stringify(o) + '\n');
  const quiet = { loggerOptions: { silent: true } };
  const builder = new RequestBuilder(baseUrl, { clientId, clientSecret });
  out({ token: await builder.getAuthorizationHeader() });
  const algoan = new Algoan({ baseUrl, clientId, clientSecret, ...quiet });
  await algoan.initRestHooks(target, ['analysis_completed', 'analysis_failed'], secret);
  const [account] = algoan.serviceAccounts;
  out({ accounts: algoan.serviceAccounts.length, subscriptions: account.subscriptions.map(({ id, eventName, status, secret }) => ({ id, eventName, status, secret })) });
  const again = new Algoan({ baseUrl, clientId, clientSecret, ...quiet });
  await again.initRestHooks(target, ['analysis_completed', 'analysis_failed'], secret);
  out({ again: again.serviceAccounts[0].subscriptions.map((s) => s.id) });
  const [subscription] = account.subscriptions;
  await subscription.update({ status: 'INACTIVE' });
  await subscription.update({ status: 'ACTIVE' });
  out({ status: (await Subscription.get(builder, [subscription.eventName]))[0].status });
  for await (const line of require('readline').createInterface({ input: process.stdin })) {
    const { signature, body } = JSON.parse(line);
    const valid = subscription.validateSignature(signature, body.payload);
    await subscription.event(body.id).update({ status: valid ? 'PROCESSED' : 'ERROR' });
    const events = await SubscriptionEvent.get(builder, subscription.id, { lowIndex: 0 });
    const { createHmac } = require('crypto');
    out({ valid, status: events.find((e) => e.id === body.id).status,
      own: 'sha256=' + createHmac('sha256', secret).update(JSON.stringify(body.payload)).digest('hex') });
  }
})().catch((e) => { console.error(e.response ? e.response.status + ' ' + JSON.stringify(e.response.data) : e.message); process.exit(1); });
`

// npm installs a package by its name into a new folder. Without node, npm or a
// registry the test is skipped, and fails where CI requires it.
func npm(t *testing.T, name string) (folder string) {
	t.Helper()
	missing := func(why string) {
		if os.Getenv("CCR_CI_REQUIRE") != "" {
			t.Fatal("CCR_CI_REQUIRE is set: " + why)
		}
		t.Skip("SKIPPED: " + why)
	}
	if os.Getenv("CCR_CI_REQUIRE") == "" && os.Getenv("CCR_LONG") == "" {
		t.Skip("SKIPPED: installs " + name + " from npm; set CCR_LONG or CCR_CI_REQUIRE")
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(program + " is not installed")
		}
	}
	folder = t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", name)
	install.Dir = folder
	if out, err := install.CombinedOutput(); err != nil {
		missing("npm install " + name + " failed: " + string(out))
	}
	return folder
}

// TestAlgoansOwnPackage drives the server by Algoan's published npm package:
// what neither of our sides could get wrong in the same way.
func TestAlgoansOwnPackage(t *testing.T) {
	t.Parallel()
	folder := npm(t, "@algoan/rest")
	deliveries := make(chan string, 8)
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		deliveries <- `{"signature":"` + r.Header.Get("X-Hub-Signature") + `","body":` + string(body) + `}` // byte for byte
	}))
	defer receiver.Close()
	srv, client := serve(t, decisioningtest.Config{WebhookClient: receiver.Client()})
	require.NoError(t, os.WriteFile(filepath.Join(folder, "ca.pem"), srv.CAPEM(), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "main.js"), []byte(algoanRest), 0o600))
	const secret = "hook-secret"
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	node := exec.CommandContext(ctx, "node", "main.js", srv.URL(), decisioningtest.ClientID, decisioningtest.ClientSecret, receiver.URL, secret)
	node.Dir = folder
	node.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+filepath.Join(folder, "ca.pem"))
	var stderr strings.Builder
	node.Stderr = &stderr
	in, err := node.StdinPipe()
	require.NoError(t, err)
	out, err := node.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, node.Start())
	lines := json.NewDecoder(out)
	next := func(into any) { require.NoError(t, lines.Decode(into), "%s", &stderr) }

	var first struct{ Token string }
	next(&first)
	assert.True(t, strings.HasPrefix(first.Token, "Bearer "))
	var hooks struct {
		Accounts      int
		Subscriptions []struct{ ID, EventName, Status, Secret string }
	}
	next(&hooks)
	assert.Equal(t, 1, hooks.Accounts)
	require.Len(t, hooks.Subscriptions, 2)
	var again struct{ Again []string }
	next(&again)
	assert.Len(t, again.Again, 2, "nothing is subscribed twice")
	var status struct{ Status string }
	next(&status)
	assert.Equal(t, "ACTIVE", status.Status)
	for _, s := range hooks.Subscriptions {
		assert.Equal(t, secret, s.Secret, "without it the package checks no signature")
	}

	// Both of our sides read what the package made.
	subs, err := client.Subscriptions(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, subs, 2)
	srv.Emit(decisioning.EventName(hooks.Subscriptions[0].EventName), map[string]string{"customerId": "c<é>/%@", "analysisId": "a"})
	delivery := <-deliveries
	forged := strings.Replace(delivery, `"analysisId":"a"`, `"analysisId":"b"`, 1)
	for line, want := range map[string]bool{delivery: true, forged: false} {
		_, err := in.Write([]byte(line + "\n"))
		require.NoError(t, err)
		var got struct {
			Valid  bool
			Status string
			Own    string
		}
		next(&got)
		assert.Equal(t, want, got.Valid)
		assert.Equal(t, map[bool]string{true: "PROCESSED", false: "ERROR"}[want], got.Status)
		// The other way round: our client accepts what the package would sign.
		var d struct{ Body json.RawMessage }
		require.NoError(t, json.Unmarshal([]byte(line), &d))
		_, err = decisioning.ParseEvent(d.Body, got.Own, ccr.NewSecret(secret))
		require.NoError(t, err)
	}
	require.NoError(t, in.Close())
	require.NoError(t, node.Wait(), "%s", &stderr)
}
