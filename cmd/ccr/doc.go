// Command ccr is for those who operate programs made with the SDK: it checks
// connections and files, moves files and reports, shows what Bacs reports say,
// and shows and settles ledgers.
//
//	go -C cmd/ccr run . diagnose
//	ccr gateway receive /var/lib/reports
//	ccr bacs worklist /var/lib/reports
//
// The environment variables are those of the SDK: CCR_ACCOUNTS_…,
// CCR_GATEWAY_…, CCR_DECISIONING_… and CCR_SFTP_…. CCR_LEDGER names the ledger
// file of what is sent, where -ledger does not.
//
// # Output
//
// Data go to stdout, as a table or with -json as JSON; what is for people goes
// to stderr. References of payers are masked unless -unmask is given. Progress
// is only shown on a terminal. -n says what would be sent, settled or archived,
// and does nothing. What cannot be taken back is asked for; -yes answers
// beforehand, and is needed where there is no terminal.
//
// # Exit codes
//
//	0  done
//	1  failed; running it again may help (no connection, a full disk)
//	2  usage: a flag, an argument or an environment variable
//	3  outcome unknown: settle it before anything is sent again
//	4  needs a person: it will fail again until something is changed (a
//	   refused login, another host key, a refused file), or something was
//	   found that a person has to look at
//	5  not finished: another worker is at it; run it again later
package main
