package main

import (
	"cmp"
	_ "embed"
	"html/template"
	"slices"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway/bacs"
)

//go:embed page.html
var pageText string

// bar is one reason in the chart.
type bar struct {
	Report, Code, Meaning string
	Count, Percent        int
}

// page writes one self-contained page: no script, nothing from elsewhere.
func (a *app) page(all []read, rows []bacs.Row, unmask bool) error {
	t, err := template.New("page").Funcs(template.FuncMap{"amount": amount}).Parse(pageText)
	if err != nil {
		return err
	}
	totals := make([]total, len(all))
	for i, r := range all {
		totals[i] = totalOf(r)
	}
	return t.Execute(a.out, map[string]any{
		"Totals": totals, "Tasks": tasks(all, unmask), "Bars": bars(all), "Rows": rows, "Masked": !unmask, "Version": ccr.Version,
	})
}

// bars counts returns by reason: those of collections, instructions and files.
func bars(all []read) []bar {
	counts := map[string]*bar{}
	most := 0
	for _, r := range all {
		for item := range r.report.Reasoned() {
			reason := item.Reason()
			key := string(reason.Report) + " " + reason.Code
			if counts[key] == nil {
				counts[key] = &bar{Report: string(reason.Report), Code: reason.Code, Meaning: reason.Meaning}
			}
			counts[key].Count++
			most = max(most, counts[key].Count)
		}
	}
	var out []bar
	for _, b := range counts {
		b.Percent = 100 * b.Count / most
		out = append(out, *b)
	}
	slices.SortFunc(out, func(x, y bar) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Report, y.Report), cmp.Compare(x.Code, y.Code))
	})
	return out
}
