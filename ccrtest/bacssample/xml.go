package bacssample

import "strings"

// element is an element of a report.
type element struct {
	name  string
	attrs []string // name, value, name, value …
	text  string
	kids  []element
}

func el(name string, attrs ...string) element { return element{name: name, attrs: attrs} }

func (e element) with(kids ...element) element { e.kids = append(e.kids, kids...); return e }

func text(name, value string) element { return element{name: name, text: value} }

// escape writes what has a meaning in XML, and line ends as reports have them.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\n", "\r\n").Replace(s)
}

func (e element) write(b *strings.Builder, indent string) {
	b.WriteString(indent + "<" + e.name)
	for i := 0; i+1 < len(e.attrs); i += 2 {
		b.WriteString(" " + e.attrs[i] + `="` + escape(e.attrs[i+1]) + `"`)
	}
	if e.text == "" && len(e.kids) == 0 {
		b.WriteString("/>\r\n")
		return
	}
	b.WriteString(">" + escape(e.text))
	if len(e.kids) > 0 {
		b.WriteString("\r\n")
		for _, k := range e.kids {
			k.write(b, indent+"  ")
		}
		b.WriteString(indent)
	}
	b.WriteString("</" + e.name + ">\r\n")
}

// document writes a report with the declaration that Bacs reports have, with
// spaces around the equals signs.
func document(encoding string, root element) []byte {
	var b strings.Builder
	b.WriteString("<?xml version = '1.0' encoding = '" + encoding + "'?>\r\n")
	root.write(&b, "")
	if encoding == "UTF-8" {
		return []byte(b.String())
	}
	var out []byte // ISO-8859-1
	for _, r := range b.String() {
		out = append(out, byte(r))
	}
	return out
}

// bacs is the frame of all reports but DDIC.
func bacs(schema string, report element) element {
	return el("BACSDocument", "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance", "xsi:noNamespaceSchemaLocation", schema).with(
		el("Data").with(report), text("SignatureMethod", "\nVanilla\n"), text("Signature", "\nbm90IGEgc2lnbmF0dXJl\nb2YgYW55Ym9keQ==\n"))
}
