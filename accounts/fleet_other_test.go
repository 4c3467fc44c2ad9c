//go:build !unix

package accounts_test

// fleetWorker is not needed where processes cannot be stopped and woken.
func fleetWorker() {}
