package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
)

// demonstrate serves all four styles on loopback and plays Credit Clear.
func demonstrate(ctx context.Context, in *inbox, logger *slog.Logger) error {
	text := rand.Text()
	secret := ccr.NewSecret(text)
	tokens, err := accounts.NewTokenEndpoint(accounts.TokenEndpointConfig{
		SigningKeys: []ccr.Secret{ccr.NewSecret(rand.Text() + rand.Text())}, ClientID: "credit-clear", ClientSecret: secret,
	})
	if err != nil {
		return err
	}
	hook, err := accounts.NewWebhookHandler(in.config(logger, accounts.WebhookBasic("credit-clear", secret), accounts.WebhookAPIKey(secret), accounts.WebhookBearer(secret), accounts.WebhookOAuth(tokens)))
	if err != nil {
		return err
	}
	srv := httptest.NewTLSServer(routes(hook, tokens))
	defer srv.Close()
	send := func(style string, auth accountstest.SenderAuth, e accounts.EventType, want int) error {
		status, err := (&accountstest.Sender{URL: srv.URL + "/credit-clear", Auth: auth, Client: srv.Client()}).Send(ctx, accountstest.SampleEvent(e))
		if err == nil && status != want {
			err = fmt.Errorf("%s: answered %d, not %d", style, status, want)
		}
		return err
	}
	oauth := accountstest.SendOAuth(accountstest.SenderOAuth{TokenURL: srv.URL + "/token", User: "credit-clear", Password: text})
	for _, s := range []struct {
		style string
		auth  accountstest.SenderAuth
		event accounts.EventType
		want  int
	}{
		{"basic", accountstest.SendBasic("credit-clear", text), accounts.EventPaymentPlanStarted, http.StatusOK},
		{"api key", accountstest.SendAPIKey(text), accounts.EventAdhocPaymentMade, http.StatusOK},
		{"bearer", accountstest.SendBearer(text), accounts.EventPaymentFailed, http.StatusOK},
		{"bearer, once more", accountstest.SendBearer(text), accounts.EventPaymentFailed, http.StatusOK},
		{"oauth", oauth, accounts.EventPaymentPlanCancelled, http.StatusOK},
		{"oauth", oauth, "SomethingNewer", http.StatusOK},
		{"a wrong token", accountstest.SendBearer("x" + text), accounts.EventPaymentFailed, http.StatusUnauthorized},
	} {
		if err := send(s.style, s.auth, s.event, s.want); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return hook.Close(ctx)
}
