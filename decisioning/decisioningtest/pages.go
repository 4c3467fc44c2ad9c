package decisioningtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// defaultLimit is Algoan's.
const defaultLimit = 200

// writePage answers a list: limit, page and filter, sort and project as in
// Algoan's server components.
func writePage(w http.ResponseWriter, r *http.Request, total int, item func(int) any) {
	q := r.URL.Query()
	limit, okLimit := positive(q, "limit", defaultLimit)
	page, okPage := positive(q, "page", 1)
	if !okLimit || !okPage {
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "limit and page must be positive numbers")
		return
	}
	if q.Has("filter") || q.Has("sort") || q.Has("project") {
		chosen, ok := choose(q, total, item)
		if !ok {
			refuse(w, http.StatusBadRequest, "BAD_REQUEST", "filter, sort and project must be JSON objects")
			return
		}
		total, item = len(chosen), func(i int) any { return chosen[i] }
	}
	pages := total / limit
	if total%limit > 0 {
		pages++
	}
	first := (page - 1) * limit
	resources, err := array(min(limit, max(total-first, 0)), func(i int) any { return item(first + i) })
	if err != nil {
		refuse(w, http.StatusInternalServerError, "INTERNAL_ERROR", err.Error())
		return
	}
	pagination, err := compact(links(r, page, pages, limit, total))
	if err != nil {
		refuse(w, http.StatusInternalServerError, "INTERNAL_ERROR", err.Error())
		return
	}
	// Put together by hand: encoding/json would go over each item twice more.
	body := append(append([]byte(`{"resources":`), resources...), `,"pagination":`...)
	write(w, http.StatusOK, append(append(body, pagination...), '}'))
}

// array writes n items.
func array(n int, item func(int) any) ([]byte, error) {
	out := []byte("[")
	for i := range n {
		if i > 0 {
			out = append(out, ',')
		}
		b, err := compact(item(i))
		if err != nil {
			return nil, err
		}
		out = append(out, b...)
	}
	return append(out, ']'), nil
}

// links is the pagination of a page: its links are relative, and built without
// escaping, as Algoan's are.
func links(r *http.Request, page, pages, limit, total int) map[string]any {
	q := r.URL.Query()
	link := func(n int, when bool) any {
		if !when {
			return nil
		}
		l := r.URL.Path + "?page=" + strconv.Itoa(n) + "&limit=" + strconv.Itoa(limit)
		for _, name := range []string{"filter", "sort", "project"} {
			if q.Has(name) {
				l += "&" + name + "=" + q.Get(name)
			}
		}
		return l
	}
	return map[string]any{
		"first": link(1, pages > 0), "last": link(pages, pages > 0),
		"next": link(page+1, page < pages), "previous": link(page-1, page > 1 && page <= pages),
		"totalPages": pages, "totalResources": total,
	}
}

func positive(q url.Values, name string, def int) (int, bool) {
	if !q.Has(name) {
		return def, true
	}
	n, err := strconv.Atoi(q.Get(name))
	return n, err == nil && n > 0 && n < 1<<20
}

// choose applies filter (equality and $in), sort (one member) and project.
func choose(q url.Values, total int, item func(int) any) ([]document, bool) {
	var filter, order, project document
	for name, into := range map[string]*document{"filter": &filter, "sort": &order, "project": &project} {
		if q.Has(name) && json.Unmarshal([]byte(q.Get(name)), into) != nil {
			return nil, false
		}
	}
	out := []document{}
	for i := range total {
		b, err := json.Marshal(item(i))
		var m document
		if err != nil || json.Unmarshal(b, &m) != nil {
			return nil, false
		}
		if matches(m, filter) {
			out = append(out, m)
		}
	}
	for name, direction := range order {
		slices.SortStableFunc(out, func(a, b document) int {
			c := bytes.Compare(a[name], b[name])
			if strings.HasPrefix(string(direction), "-") {
				c = -c
			}
			return c
		})
	}
	if len(project) > 0 {
		for _, m := range out {
			for name := range m {
				if _, keep := project[name]; !keep {
					delete(m, name)
				}
			}
		}
	}
	return out, true
}

func matches(m, filter document) bool {
	for name, want := range filter {
		var set struct {
			In []json.RawMessage `json:"$in"`
		}
		if json.Unmarshal(want, &set) == nil && set.In != nil {
			if !slices.ContainsFunc(set.In, func(one json.RawMessage) bool { return same(one, m[name]) }) {
				return false
			}
			continue
		}
		if !same(want, m[name]) {
			return false
		}
	}
	return true
}

// same compares JSON values, however they are escaped.
func same(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
