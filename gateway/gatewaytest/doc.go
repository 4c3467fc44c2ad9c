// Package gatewaytest is a bureau to test against: an in-process server that
// behaves as the gateway is known to, and a [Mock] of the client.
package gatewaytest
