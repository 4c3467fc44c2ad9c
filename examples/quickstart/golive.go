package main

import "fmt"

// environment is what -help says of -live.
const environment = `
  accounts     CCR_ACCOUNTS_TOKEN_URL, CCR_ACCOUNTS_CLIENT_ID, CCR_ACCOUNTS_CLIENT_SECRET, CCR_ACCOUNTS_AUDIENCE
               (or CCR_ACCOUNTS_TOKEN), optional CCR_ACCOUNTS_BASE_URL, CCR_ACCOUNTS_ENVIRONMENT
  gateway      CCR_GATEWAY_API_KEY, CCR_GATEWAY_USERNAME, CCR_GATEWAY_IP,
               optional CCR_GATEWAY_BASE_URL, CCR_GATEWAY_ENVIRONMENT
  decisioning  CCR_DECISIONING_CLIENT_ID, CCR_DECISIONING_CLIENT_SECRET, optional CCR_DECISIONING_BASE_URL,
               CCR_DECISIONING_TOKEN_URL, CCR_DECISIONING_ENVIRONMENT
  sftp         CCR_SFTP_USER, CCR_SFTP_KEY or CCR_SFTP_PASSWORD, CCR_SFTP_KNOWN_HOSTS or CCR_SFTP_HOST_FINGERPRINT,
               CCR_SFTP_LAYOUT, optional CCR_SFTP_ADDRESS, CCR_SFTP_KEY_PASSPHRASE, CCR_SFTP_ENVIRONMENT
`

const goLive = `
Going live, one flow at a time (UAT first where the vendor has one):
  1. Credit Clear SFTP: make a key pair, send the public key and your outbound IP addresses in a support
     ticket, get the user name; a separate user and key pair for UAT; allow sft.creditclear.com.au outbound.
  2. Credit Clear API: ask for access in a support ticket, get client credentials, audience and endpoints.
  3. Clear Direct Debit: get the API key and user name, agree the IP address that your requests come from.
  4. Algoan: create client credentials in the console.
  5. Set the environment variables that -help lists, then send ONE record of your own and read it back:
       go run ./examples/quickstart -live accounts -accounts one.csv
`

// checkLive keeps the samples away from real vendors.
func (o options) checkLive() error {
	own := map[string]struct{ flag, value string }{
		"accounts": {"-accounts", o.accounts}, "gateway": {"-collections", o.collections},
		"decisioning": {"-profile", o.profile}, "sftp": {"-accounts", o.accounts},
	}
	if o.live == "" {
		return nil
	}
	need, ok := own[o.live]
	switch {
	case !ok:
		return fmt.Errorf("-live takes accounts, gateway, decisioning or sftp, not %q", o.live)
	case need.value == "":
		return fmt.Errorf("-live %s needs a file of your own: %s FILE; the samples are for the embedded servers only", o.live, need.flag)
	}
	return nil
}
