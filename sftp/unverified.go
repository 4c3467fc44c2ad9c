package sftp

// Unverified lists what the vendors' documents do not say and this package
// takes for granted or leaves to its configuration. Clear it with the vendor
// before the first live transfer; [Diagnose] helps.
func Unverified() []string {
	return []string{
		"Credit Clear and ClearDebit: the port (22), the host keys, and whether several logins at once are allowed",
		"Credit Clear: the host of UAT",
		"Credit Clear: which of its two texts about folders an account follows, and whether the folders lie in the login folder",
		"Credit Clear: whether automatic processing of \"uploads\" or \"uploads-automated\" picks up hidden or temporary names, and whether the account may rename",
		"Credit Clear: rules for names of input files; attachments are $Brand-$Portfolio-$ClientReferenceId.pdf or parts of that",
		"Credit Clear and ClearDebit: whether files that were received may or should be removed",
		"ClearDebit: whether a login by key is possible, and whether TEST in a name changes how a file is processed",
	}
}
