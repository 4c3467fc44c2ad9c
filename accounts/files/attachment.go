package files

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ccr-sdk/ccr"
)

// AttachmentNaming is how a client's attachments are named, agreed with
// Credit Clear at onboarding ("Attachments"): the brand and the portfolio are
// part of the name if the client has more than one of them. Attachments are
// PDF files that go into the upload folder; the sftp package sends them.
type AttachmentNaming struct {
	// Separator between the parts, "-" or "__" for example, used for all
	// files alike. It is not needed where neither brand nor portfolio is used.
	Separator string
	Brand     bool // more than one brand: the name begins with it
	Portfolio bool // more than one portfolio: it follows
}

// Name returns the name of an attachment: [brand sep] [portfolio sep]
// clientReferenceID ".pdf". Parts that are not used may be empty.
//
// A name that could be taken apart in two ways is refused: one with a part
// that contains the separator, or that makes one with its neighbour. So is a
// part that no file name can have. What Credit Clear cannot match is reported
// by e-mail only.
func (n AttachmentNaming) Name(brand, portfolio, clientReferenceID string) (string, error) {
	var f ccr.Faults
	var parts []string
	add := func(path, part string, used bool) {
		if !used {
			return
		}
		parts = append(parts, part)
		if message := namePartFault(part); message != "" {
			f.Add(path, message)
		}
		if n.uses() && n.Separator != "" && strings.Contains(part, n.Separator) {
			f.Add(path, "contains the separator, so the name could be read in two ways; use another separator")
		}
	}
	add("brand", brand, n.Brand)
	add("portfolio", portfolio, n.Portfolio)
	add("clientReferenceId", clientReferenceID, true)
	if n.uses() && (n.Separator == "" || namePartFault(n.Separator) != "") {
		f.Add("Separator", "is required with a brand or portfolio, and must be fit for a file name")
	}
	if err := f.Err(service, "AttachmentName"); err != nil {
		return "", err
	}
	name := strings.Join(parts, n.Separator)
	// "a_" + "__" + "b" holds the separator twice: at the second and at the
	// third character.
	if n.uses() && !unambiguous(name, n.Separator, parts) {
		f.Add("brand, portfolio, clientReferenceId", "run into the separator, so the name could be read in two ways; use another separator")
		return "", f.Err(service, "AttachmentName")
	}
	if name += ".pdf"; len(name) > 255 {
		f.Add("clientReferenceId", "makes a name of more than 255 bytes, which many file systems refuse")
		return "", f.Err(service, "AttachmentName")
	}
	return name, nil
}

func (n AttachmentNaming) uses() bool { return n.Brand || n.Portfolio }

// unambiguous reports whether the separator begins at no other places than
// between the parts.
func unambiguous(name, separator string, parts []string) bool {
	n := 0
	for i := range name {
		if strings.HasPrefix(name[i:], separator) {
			n++
		}
	}
	return n == len(parts)-1
}

// namePartFault says what keeps a text from being part of a file name on the
// gateway and on the systems behind it.
func namePartFault(s string) string {
	switch {
	case s == "":
		return "is required"
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	case strings.TrimSpace(s) != s:
		return "begins or ends with white space"
	case strings.ContainsAny(s, `/\:*?"<>|`) || strings.ContainsFunc(s, unicode.IsControl):
		return "has a character that a file name cannot have"
	case s[0] == '.':
		return "begins with a dot"
	}
	return ""
}
