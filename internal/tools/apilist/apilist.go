// Package apilist writes down the exported API of the public packages, so
// that a change of it is seen in review and meant.
//
// The listing of each package is in listing/; the package's test compares it
// with the code. After a change that is meant:
//
//	go test ./internal/tools/apilist -update
//
// and commit the new listing together with a CHANGELOG entry.
package apilist

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Packages finds the public packages below root: every folder with Go files
// but internal, examples, testdata and nested modules. The names are import
// paths relative to the module; "." is the root package.
func Packages(root string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if rel != "." {
			name := d.Name()
			if name == "internal" || name == "examples" || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				return fs.SkipDir
			}
		}
		files, err := filepath.Glob(filepath.Join(path, "*.go"))
		if slices.ContainsFunc(files, isCode) {
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	slices.Sort(out)
	return out, err
}

func isCode(path string) bool { return !strings.HasSuffix(path, "_test.go") }

// List returns the exported declarations of the package in a folder, one a
// line (struct and interface types over several), sorted.
func List(dir string) (string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return "", err
	}
	fset := token.NewFileSet()
	var lines []string
	for _, path := range paths {
		if !isCode(path) {
			continue
		}
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return "", err
		}
		if !ast.FileExports(f) {
			continue
		}
		for _, d := range f.Decls {
			more, err := declarations(fset, d)
			if err != nil {
				return "", err
			}
			lines = append(lines, more...)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n", nil
}

func declarations(fset *token.FileSet, d ast.Decl) ([]string, error) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil && !exportedReceiver(d.Recv) {
			return nil, nil
		}
		d.Body = nil
		line, err := source(fset, d)
		return []string{line}, err
	case *ast.GenDecl:
		var out []string
		for _, spec := range d.Specs {
			if _, ok := spec.(*ast.ImportSpec); ok {
				continue
			}
			line, err := source(fset, &ast.GenDecl{Tok: d.Tok, Specs: []ast.Spec{value(spec)}})
			if err != nil {
				return nil, err
			}
			out = append(out, line)
		}
		return out, nil
	}
	return nil, nil
}

// value drops the initialisers of variables: they are not API.
func value(spec ast.Spec) ast.Spec {
	if v, ok := spec.(*ast.ValueSpec); ok && v.Type != nil {
		v.Values = nil
	}
	return spec
}

func exportedReceiver(r *ast.FieldList) bool {
	exported := false
	ast.Inspect(r, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.IsExported() {
			exported = true
		}
		return true
	})
	return exported
}

// source prints a declaration without its comments.
func source(fset *token.FileSet, node ast.Node) (string, error) {
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			n.Doc = nil
		case *ast.TypeSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.ValueSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.Field:
			n.Doc, n.Comment = nil, nil
		}
		return true
	})
	var b bytes.Buffer
	if err := (&printer.Config{Mode: printer.UseSpaces, Tabwidth: 1}).Fprint(&b, fset, node); err != nil {
		return "", fmt.Errorf("print declaration: %w", err)
	}
	var kept []string
	for line := range strings.Lines(b.String()) {
		if strings.TrimSpace(line) != "" {
			kept = append(kept, strings.TrimRight(line, "\n"))
		}
	}
	return strings.Join(kept, "\n"), nil
}
