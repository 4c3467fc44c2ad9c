package files

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ccr-sdk/ccr"
)

// Columns says how a reader understood the header of a file.
type Columns struct {
	Encoding Encoding // told, or found
	Comma    rune     // the delimiter, told or found
	// Found are the headers of the file, in its order.
	Found []string
	// Mapped tells for a header of the file which standard column it is.
	Mapped map[string]string
	// Ignored are headers whose columns are not read; see IgnoreUnknown.
	Ignored []string
	// Missing are standard columns that the file does not have.
	Missing []string
}

// headerMap is a header on its way to Columns.
type headerMap struct {
	layout *layout
	o      *ReadOptions
	byName map[string]*column // by folded header
	faults ccr.Faults
	out    Columns
}

// mapHeader finds the column of each field of the header. Unless a header is
// known, none is quoted: in a file without one its first row is somebody's data.
func mapHeader(header []string, l *layout, o *ReadOptions) ([]*column, Columns, error) {
	h := headerMap{layout: l, o: o, byName: make(map[string]*column, len(l.columns)), out: Columns{Found: slices.Clone(header), Mapped: map[string]string{}}}
	for i := range l.columns {
		h.byName[foldHeader(l.columns[i].Name)] = &l.columns[i]
	}
	h.told(header)
	if err := h.faults.Err(service, l.operation); err != nil {
		return nil, h.out, err
	}
	at := make([]*column, len(header))
	for i, name := range header {
		at[i] = h.byName[foldHeader(name)]
	}
	if !slices.ContainsFunc(at, func(c *column) bool { return c != nil }) {
		h.faults.Add("header", "has no known column. Is the first row a header, and the delimiter right?"+h.delimiter(header))
		return nil, h.out, h.faults.Err(service, l.operation)
	}
	if len(header) == 1 {
		if hint := h.delimiter(header); hint != "" {
			h.faults.Add("header", "has one column."+hint)
		}
	}
	h.check(header, at)
	return at, h.out, h.faults.Err(service, l.operation)
}

// told takes what Headers says. Each header it names must be in the file, and
// only once in the map.
func (h *headerMap) told(header []string) {
	folded := map[string]string{}
	for _, name := range header {
		folded[foldHeader(name)] = name
	}
	taken := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(h.o.Headers)) {
		want := h.o.Headers[name]
		path := "Headers[" + name + "]"
		c := h.layout.find(name)
		fold := foldHeader(want)
		_, there := folded[fold]
		switch {
		case c == nil:
			h.faults.Add(path, "is not a column of the file format"+h.nearest(name, h.standard()))
		case taken[fold] != "":
			h.faults.Addf(path, "names the header %q, which is mapped to %s already", want, taken[fold])
		case !there:
			h.faults.Addf(path, "names the header %q, which the file does not have%s", want, h.nearest(want, header))
		}
		h.byName[fold], taken[fold] = c, name
	}
	for _, name := range h.o.Optional {
		if h.layout.find(name) == nil || name == h.layout.key {
			h.faults.Addf("Optional", "names %q, which is not a column that can be excused", name)
		}
	}
}

// check fills in the report and refuses what is unknown, double or missing.
func (h *headerMap) check(header []string, at []*column) {
	seen := map[*column]string{}
	for i, c := range at {
		name := header[i]
		switch {
		case c == nil && !h.o.IgnoreUnknown:
			h.faults.Addf("column "+strconv.Itoa(i+1), "%q is not known; map it with Headers, or set IgnoreUnknown%s", name, h.nearest(name, h.standard()))
		case c == nil:
			h.out.Ignored = append(h.out.Ignored, name)
		case seen[c] != "":
			h.faults.Addf("column "+strconv.Itoa(i+1), "%q is the second for %s, after %q", name, c.Name, seen[c])
		default:
			seen[c] = name
			h.out.Mapped[name] = c.Name
		}
	}
	for i := range h.layout.columns {
		c := &h.layout.columns[i]
		if seen[c] != "" {
			continue
		}
		h.out.Missing = append(h.out.Missing, c.Name)
		if slices.Contains(h.layout.required, c.Name) && !slices.Contains(h.o.Optional, c.Name) {
			advice := ", or excuse it by Optional"
			if c.Name == h.layout.key {
				advice = ""
			}
			h.faults.Add("column "+c.Name, "is not in the file; map it with Headers"+advice+h.nearest(c.Name, h.out.Ignored))
		}
	}
}

func (h *headerMap) standard() (out []string) {
	for _, c := range h.layout.columns {
		out = append(out, c.Name)
	}
	return out
}

// delimiter is a hint if the one field of a header holds another delimiter.
func (h *headerMap) delimiter(header []string) string {
	if len(header) == 1 {
		for _, c := range delimiters {
			if strings.ContainsRune(header[0], c) {
				return fmt.Sprintf(" Is the delimiter %q?", c)
			}
		}
	}
	return ""
}

// nearest is a hint at the name that is the most like another one.
func (h *headerMap) nearest(name string, names []string) string {
	best, least := "", 1+len(foldHeader(name))/3
	for _, n := range names {
		a, b := foldHeader(name), foldHeader(n)
		d := distance(a, b)
		if len(b) > 2 && (strings.Contains(a, b) || strings.Contains(b, a)) {
			d = min(d, 1)
		}
		if d <= least {
			best, least = n, d-1
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is the number of letters to add, drop or change.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
