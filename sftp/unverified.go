package sftp

import "github.com/ccr-sdk/ccr"

// Unverified lists what the vendors' documents do not say and this package
// takes for granted or leaves to its configuration. Clear it with the vendor
// before the first live transfer; [Diagnose] helps.
func Unverified() []ccr.Assumption {
	return []ccr.Assumption{
		{
			Claim:   "Credit Clear and ClearDebit: the port is 22",
			Source:  "the protocol; no port is published",
			IfWrong: "set it in Config.Address",
		},
		{
			Claim:   "Credit Clear: UAT is the same host with a user of its own, or a host that onboarding names",
			Source:  "the checklist, which asks for a separate UAT user",
			IfWrong: "set the Address of the UATConfig",
		},
		{
			Claim:   "Credit Clear and ClearDebit: host keys are got from the vendor",
			Source:  "nothing: no fingerprint is published",
			IfWrong: "there is no other way: an unknown key is refused",
		},
		{
			Claim:   "Credit Clear: \"uploads\" is processed (CreditClear), or \"uploads-automated\" is and \"uploads\" waits for staff (CreditClearOlder)",
			Source:  "two texts of the vendor that contradict each other",
			IfWrong: "let Diagnose suggest the layout it sees, and ask which holds for the account",
		},
		{
			Claim:   "Credit Clear: the folders lie in the login folder",
			Source:  "one of the two texts; the other speaks of a client folder",
			IfWrong: "set Layout.Root and Layout.Downloads",
		},
		{
			Claim:   "Credit Clear: automatic processing leaves hidden files with a foreign extension alone, and the account may rename",
			Source:  "what such gateways commonly do",
			IfWrong: "set UploadFolder.Policy to PolicyStaging, PolicyMarker or PolicyDirect",
		},
		{
			Claim:   "Credit Clear: any safe name is taken for an input file; attachments are $Brand-$Portfolio-$ClientReferenceId.pdf or parts of that",
			Source:  "the vendor's text on attachments; none is about input files",
			IfWrong: "set Layout.CheckName",
		},
		{
			Claim:   "Credit Clear and ClearDebit: files that were received stay where they are",
			Source:  "nothing: neither vendor says who removes them",
			IfWrong: "set ReceiveOptions.After",
		},
		{
			Claim:   "Credit Clear and ClearDebit: several channels of one login may be open at once",
			Source:  "the servers that such gateways run",
			IfWrong: "leave Channels at 1: a refused channel is done without",
		},
		{
			Claim:   "ClearDebit: users log in with a password",
			Source:  "the bureau's page, which speaks of no key",
			IfWrong: "set a key in Config",
		},
		{
			Claim:   "ClearDebit: TEST in a name makes a transfer a test",
			Source:  "the bureau's test procedure, which does not say that such a file is not processed",
			IfWrong: "do not probe: ProbeWrite is off unless asked for",
		},
	}
}
