// Package decisioning is a client of the Algoan API (credit decisioning on
// open-banking data): customers, analyses of their accounts, scores and credit
// insights, subscriptions and webhooks.
package decisioning
