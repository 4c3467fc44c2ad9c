package sftp

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// maxRemoteName leaves room for the parts of a temporary name within the 255
// bytes that common file systems allow.
const maxRemoteName = 200

// checkName refuses names that no vendor takes. It returns what is wrong, or
// "", and never quotes the name.
func checkName(name string) string {
	switch {
	case name == "":
		return "is empty"
	case name == "." || name == "..":
		return `must not be "." or ".."`
	case !utf8.ValidString(name):
		return "is not valid UTF-8"
	case len(name) > maxRemoteName:
		return fmt.Sprintf("is longer than %d bytes", maxRemoteName)
	case strings.ContainsAny(name, `/\`):
		return "must not hold a path separator"
	case strings.HasPrefix(name, "."):
		return "must not begin with a dot, which hides it from the vendor"
	case name != strings.TrimSpace(name):
		return "must not begin or end with a space"
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f || r == '\u0085' || r == '\u2028' || r == '\u2029' || r == utf8.RuneError {
			return "must not hold control characters"
		}
	}
	if isTemporary(name) {
		return "ends like a temporary file, which vendors ignore"
	}
	return ""
}

// checkClearDebitName is the bureau's rule for SFTP ("file names must not
// contain £, & or a single quote"; its text shows a curly one, so both
// curly ones are refused too). The alphabet of its API does not apply here.
func checkClearDebitName(name string) string {
	if strings.ContainsAny(name, "£&'‘’") {
		return "must not hold £, & or a single quote (ClearDebit's rule)"
	}
	return ""
}

// temporarySuffixes are endings under which programs write files that are not
// finished yet. Receive leaves such files alone, and Upload refuses them as
// final names.
var temporarySuffixes = [...]string{
	tempSuffix, ".part", ".partial", ".filepart", ".tmp", ".temp", ".writing", ".uploading", ".crdownload",
}

// isTemporary reports whether a name looks like one that is still being written.
func isTemporary(name string) bool {
	lower := strings.ToLower(name)
	for _, s := range temporarySuffixes {
		if strings.HasSuffix(lower, s) {
			return true
		}
	}
	return false
}

// checkListed refuses names from a server that could lead elsewhere. They are
// data: a good server never sends them.
func checkListed(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\\\x00")
}

// checkFolder checks a remote folder of a layout; "" is the login folder.
func checkFolder(dir string) string {
	switch {
	case strings.ContainsRune(dir, 0) || strings.ContainsAny(dir, "\r\n"):
		return "must not hold control characters"
	case strings.Contains(dir, `\`):
		return "uses / as its separator"
	case !utf8.ValidString(dir):
		return "is not valid UTF-8"
	}
	for part := range strings.SplitSeq(dir, "/") {
		if part == ".." {
			return `must not hold ".."`
		}
	}
	return ""
}

// join puts remote path elements together; "" stays the login folder.
func join(elem ...string) string {
	if p := path.Join(elem...); p != "" {
		return p
	}
	return "."
}
