package files

import (
	"errors"
	"fmt"
	"io"
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

// MaxAttachmentBytes is the largest attachment: the ceiling of the vendor's
// attachment API; that of files is not documented. Inferred.
const MaxAttachmentBytes = 25_000_000

// Attachment is a PDF of an account. Brand and Portfolio are only needed where
// the naming uses them.
type Attachment struct {
	Brand, Portfolio  string   // as on the account
	ClientReferenceID string   // of the account
	File              ccr.File // the document
}

// Files checks attachments and returns them under the names of the rule, ready
// for one call of sftp's Client.UploadAll. Each must be a PDF by its first
// bytes, at most [MaxAttachmentBytes] long, and have a name of its own. All
// faults are told at once, by path (attachments[3].file).
//
// An attachment that comes before its account is one that Credit Clear fails
// in the end: pass those of rows that [accounts.Job] reports as accepted.
func (n AttachmentNaming) Files(attachments ...Attachment) ([]ccr.File, error) {
	const operation = "AttachmentFiles"
	var f ccr.Faults
	out := make([]ccr.File, len(attachments))
	names := map[string]bool{}
	for i, a := range attachments {
		at := fmt.Sprintf("attachments[%d].", i)
		name, err := n.Name(a.Brand, a.Portfolio, a.ClientReferenceID)
		if e, ok := errors.AsType[*ccr.Error](err); ok {
			for _, fault := range e.Fields {
				f.Add(at+fault.Path, fault.Message)
			}
			continue
		}
		if names[strings.ToLower(name)] {
			f.Add(at+"clientReferenceId", "makes the name of another attachment; there is one for each account")
		}
		names[strings.ToLower(name)] = true
		if message := pdfFault(a.File); message != "" {
			f.Add(at+"file", message)
		}
		out[i] = a.File.WithName(name)
	}
	if err := f.Err(service, operation); err != nil {
		return nil, err
	}
	return out, nil
}

// pdfFault says what keeps a file from being an attachment.
func pdfFault(file ccr.File) (message string) {
	r, err := file.Open()
	if err != nil {
		return "cannot be opened"
	}
	defer r.Close()
	head := make([]byte, len("%PDF-"))
	_, err = io.ReadFull(r, head)
	switch {
	case err != nil || string(head) != "%PDF-":
		return "is not a PDF by its first bytes"
	case r.Size() > MaxAttachmentBytes:
		return fmt.Sprintf("is longer than %d bytes", MaxAttachmentBytes)
	}
	return ""
}
