// Package archtest holds the import arrows of the module, and checks them.
//
// Arrows go one way: examples → services → auth → internal/transport → the
// root package. A program that imports only one HTTP service links no SSH, no
// test server and no test library; one that imports only sftp links no OAuth.
package archtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// module is the path of the module, and so of the root package.
const module = "github.com/ccr-sdk/ccr"

// graph is what each package imports, test files apart, by import path. It is
// whole: every package that is imported is in it.
type graph map[string][]string

// readGraph reads the output of `go list -deps -json=ImportPath,Imports`.
func readGraph(r io.Reader) (graph, error) {
	g := graph{}
	dec := json.NewDecoder(r)
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return g, nil
		}
		if err != nil {
			return nil, fmt.Errorf("archtest: the output of go list: %w", err)
		}
		g[p.ImportPath] = p.Imports
	}
}

// chain returns the shortest way from a package to one that hit accepts, both
// ends included, or nil if there is none. The start itself is not asked.
func (g graph) chain(from string, hit func(string) bool) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range g[queue[0]] {
			if _, seen := before[next]; seen {
				continue
			}
			before[next] = queue[0]
			if hit(next) {
				var way []string
				for p := next; p != ""; p = before[p] {
					way = append(way, p)
				}
				slices.Reverse(way)
				return way
			}
			queue = append(queue, next)
		}
	}
	return nil
}

// ours lists the packages of the module, as paths in it.
func (g graph) ours() []string {
	var out []string
	for pkg := range maps.Keys(g) {
		if rel, ok := relative(pkg); ok {
			out = append(out, rel)
		}
	}
	slices.Sort(out)
	return out
}

// relative is a package's path in the module. It is false for packages of
// others.
func relative(pkg string) (string, bool) {
	if pkg == module {
		return "", true
	}
	return strings.CutPrefix(pkg, module+"/")
}

// inside reports whether a package path is at path or below.
func inside(pkg, path string) bool { return pkg == path || strings.HasPrefix(pkg, path+"/") }

// isTestKit reports whether a path of the module is one of the …test packages
// or belongs to one.
func isTestKit(rel string) bool {
	for part := range strings.SplitSeq(rel, "/") {
		if strings.HasSuffix(part, "test") || part == "testkit" {
			return true
		}
	}
	return false
}
