package sftp

import "github.com/ccr-sdk/ccr"

// Unverified lists what the vendors' documents do not say and this package
// takes for granted or leaves to its configuration. Clear it with the vendor
// before the first live transfer; [Diagnose] helps.
func Unverified() []ccr.Assumption {
	return []ccr.Assumption{
		{
			What: "Credit Clear and ClearDebit: the port is 22",
			From: "the protocol; no port is published",
			If:   "set it in Config.Address",
		},
		{
			What: "Credit Clear: UAT is the same host with a user of its own, or a host that onboarding names",
			From: "the checklist, which asks for a separate UAT user",
			If:   "set the Address of the UATConfig",
		},
		{
			What: "Credit Clear and ClearDebit: host keys are got from the vendor",
			From: "nothing: no fingerprint is published",
			If:   "there is no other way: an unknown key is refused",
		},
		{
			What: "Credit Clear: \"uploads\" is processed (CreditClear), or \"uploads-automated\" is and \"uploads\" waits for staff (CreditClearOlder)",
			From: "two texts of the vendor that contradict each other",
			If:   "let Diagnose suggest the layout it sees, and ask which holds for the account",
		},
		{
			What: "Credit Clear: the folders lie in the login folder",
			From: "one of the two texts; the other speaks of a client folder",
			If:   "set Layout.Root and Layout.Downloads",
		},
		{
			What: "Credit Clear: automatic processing leaves hidden files with a foreign extension alone, and the account may rename",
			From: "what such gateways commonly do",
			If:   "set UploadFolder.Policy to PolicyStaging, PolicyMarker or PolicyDirect",
		},
		{
			What: "Credit Clear: any safe name is taken for an input file; attachments are $Brand-$Portfolio-$ClientReferenceId.pdf or parts of that",
			From: "the vendor's text on attachments; none is about input files",
			If:   "set Layout.CheckName",
		},
		{
			What: "Credit Clear and ClearDebit: files that were received stay where they are",
			From: "nothing: neither vendor says who removes them",
			If:   "set ReceiveOptions.After",
		},
		{
			What: "Credit Clear and ClearDebit: several channels of one login may be open at once",
			From: "the servers that such gateways run",
			If:   "leave Channels at 1: a refused channel is done without",
		},
		{
			What: "ClearDebit: users log in with a password",
			From: "the bureau's page, which speaks of no key",
			If:   "set a key in Config",
		},
		{
			What: "ClearDebit: TEST in a name makes a transfer a test",
			From: "the bureau's test procedure, which does not say that such a file is not processed",
			If:   "do not probe: ProbeWrite is off unless asked for",
		},
	}
}
