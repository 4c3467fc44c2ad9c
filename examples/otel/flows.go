package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

// flows makes a few calls of each service, all traced.
func flows(ctx context.Context, t *telemetry, dir string) error {
	for _, f := range []func(context.Context, *telemetry, string) error{accountsFlow, gatewayFlow, decisioningFlow, sftpFlow} {
		if err := f(ctx, t, dir); err != nil {
			return err
		}
	}
	return nil
}

func accountsFlow(ctx context.Context, t *telemetry, _ string) error {
	vendor, err := accountstest.NewServer(accountstest.Config{})
	if err != nil {
		return err
	}
	defer vendor.Close()
	client, err := vendor.Client(ccr.WithMiddleware(t.middleware))
	if err != nil {
		return err
	}
	receipt, err := client.UpsertAccounts(ctx, accounts.AccountBatch{ReferenceID: "otel-1", Accounts: []accounts.Account{{
		ClientReferenceID: "CANARY-REFERENCE", Status: accounts.StatusActive, OutstandingAmount: ccr.AmountFromMinor(12050, 2),
		Debtor: accounts.Party{FirstName: "Canary-First", Email: "canary@example.com"},
	}}})
	if err != nil {
		return err
	}
	_, err = client.BatchStatus(ctx, receipt)
	return err
}

func gatewayFlow(ctx context.Context, t *telemetry, dir string) error {
	bureau, err := gatewaytest.NewServer(gatewaytest.Config{})
	if err != nil {
		return err
	}
	defer bureau.Close()
	bureau.AddReport("123456-24112026-2013-000000001.xml", []byte("<BACSDocument><Data/></BACSDocument>"))
	client, err := bureau.Client(ccr.WithMiddleware(t.middleware))
	if err != nil {
		return err
	}
	if _, err := client.Upload(ctx, gateway.UploadRequest{Files: []ccr.File{ccr.FileFromBytes("COLLECTIONS_CANARY.csv", []byte("canary-row"))}}); err != nil {
		return err
	}
	_, err = client.Receive(ctx, ccr.DirSink(filepath.Join(dir, "reports")))
	return err
}

func decisioningFlow(ctx context.Context, t *telemetry, _ string) error {
	vendor, err := decisioningtest.NewServer(decisioningtest.Config{})
	if err != nil {
		return err
	}
	defer vendor.Close()
	client, err := vendor.Client(ccr.WithMiddleware(t.middleware))
	if err != nil {
		return err
	}
	customer, err := client.EnsureCustomer(ctx, decisioning.NewCustomer{CustomIdentifier: "CANARY-CUSTOMER"})
	if err != nil {
		return err
	}
	// A filter stands in the query, which no span may show.
	if _, err := client.FindCustomer(ctx, "CANARY-CUSTOMER"); err != nil {
		return err
	}
	_, err = client.CreateAnalysis(ctx, customer.ID, decisioningtest.SampleProfile())
	return err
}

func sftpFlow(ctx context.Context, t *telemetry, dir string) (err error) {
	vendor, err := sftptest.NewServer(sftptest.Config{})
	if err != nil {
		return err
	}
	defer vendor.Close()
	vendor.WriteFile("/downloads/canary-return.csv", []byte(strings.Repeat("canary\n", 10)))
	client, err := sftp.Dial(ctx, vendor.Config())
	if err != nil {
		return err
	}
	traced := drop{client, t}
	defer func() {
		if cerr := traced.Close(ctx); err == nil {
			err = cerr
		}
	}()
	if _, err := traced.Upload(ctx, ccr.FileFromBytes("canary-debtors.csv", []byte("canary"))); err != nil {
		return err
	}
	got, err := traced.Receive(ctx, ccr.DirSink(filepath.Join(dir, "returns")), sftp.ReceiveOptions{StableFor: -1})
	if err == nil && len(got) != 1 {
		err = fmt.Errorf("one file was waiting, %d were received", len(got))
	}
	return err
}
