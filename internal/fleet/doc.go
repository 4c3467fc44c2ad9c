// Package fleet is the test of several live processes over one ledger: they
// are killed and stopped, and what must happen once happens once.
package fleet
