// Command count counts what the house plan bounds: the code lines of the
// library proper, the exported names of each package, and the functions that
// are long, branchy or deep.
//
//	go run ./internal/tools/count            # totals, and what is over a bound
//	go run ./internal/tools/count -packages  # a line for each package, too
//
// A code line is one that is neither blank nor a comment alone. The library
// proper is what users link: no tests, test servers, tools, examples or nested
// modules.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The bounds, and how many functions may be over each.
const (
	maxLines, overLines       = 60, 0
	maxBranches, overBranches = 15, 12
	worstBranches             = 25
	maxDepth                  = 4
	maxFile                   = 450
	maxRootDeclarations       = 90
	maxCode                   = 26_000
	frozen                    = "gateway/bacs/scanner.go" // a scanner that was shown to pay; it says so itself
)

func main() {
	packages := flag.Bool("packages", false, "print a line for each package")
	flag.Parse()
	c, err := countTree(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "count:", err)
		os.Exit(1)
	}
	c.print(*packages)
}

// counts is what was found.
type counts struct {
	packages map[string]*pkg
	funcs    []function
	files    []file
}

type pkg struct {
	name                string
	files, code         int
	types, consts, fncs int // exported
	methods             int
}

type file struct {
	path  string
	lines int
}

type function struct {
	where                  string
	file                   string
	lines, branches, depth int
}

// proper reports whether a folder belongs to the library proper.
func proper(dir string) bool {
	for _, out := range []string{"examples", "cmd", "ccrtest", "sqlstore", "otelccr", "internal/tools", "internal/testkit", "internal/memnet",
		"internal/tools/bench", "internal/tools/chaos", "internal/tools/consumer", "internal/tools/apilist", "internal/tools/archtest", "internal/tools/doccheck", "internal/tools/readme"} {
		if dir == out || strings.HasPrefix(dir, out+"/") {
			return false
		}
	}
	return !strings.HasSuffix(strings.Split(dir+"/", "/")[max(0, strings.Count(dir, "/"))], "test")
}

func countTree(root string) (*counts, error) {
	c := &counts{packages: map[string]*pkg{}}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || !proper(filepath.ToSlash(path))):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		return c.add(filepath.ToSlash(path))
	})
	return c, err
}

func (c *counts) add(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	dir := filepath.ToSlash(filepath.Dir(path))
	p := c.packages[dir]
	if p == nil {
		p = &pkg{name: dir}
		c.packages[dir] = p
	}
	p.files++
	p.code += codeLines(string(text))
	c.files = append(c.files, file{path, strings.Count(string(text), "\n")})
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			p.countFunc(d)
			if d.Body != nil {
				from, to := set.Position(d.Body.Lbrace), set.Position(d.Body.Rbrace)
				m := &measure{}
				ast.Walk(m, d.Body)
				c.funcs = append(c.funcs, function{fmt.Sprintf("%s:%d %s", path, from.Line, d.Name.Name), path, to.Line - from.Line - 1, m.branches + 1, m.deepest})
			}
		case *ast.GenDecl:
			p.countDecl(d)
		}
	}
	return nil
}

// codeLines counts the lines that are neither blank nor comments alone, as
// "//" at their start tells.
func codeLines(text string) (n int) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}

func (p *pkg) countFunc(d *ast.FuncDecl) {
	switch {
	case !d.Name.IsExported():
	case d.Recv == nil:
		p.fncs++
	case ast.IsExported(receiver(d.Recv.List[0].Type)):
		p.methods++
	}
}

func receiver(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.IndexListExpr:
		return receiver(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}

func (p *pkg) countDecl(d *ast.GenDecl) {
	exported := false
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() {
				p.types++
			}
		case *ast.ValueSpec:
			exported = exported || slices.ContainsFunc(s.Names, func(n *ast.Ident) bool { return n.IsExported() })
		}
	}
	if exported { // a block of constants or variables is one declaration, as go doc shows it
		p.consts++
	}
}

// measure walks a function: branches as gocyclo counts them, and how deep
// statements nest.
type measure struct {
	branches, depth, deepest int
}

// Visit implements [ast.Visitor].
func (m *measure) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case nil:
		return nil
	case *ast.IfStmt:
		m.branches++
		m.nest(n.Init, n.Cond)
		m.below(n.Body)
		if n.Else != nil {
			if _, chained := n.Else.(*ast.IfStmt); chained {
				ast.Walk(m, n.Else)
			} else {
				m.below(n.Else)
			}
		}
		return nil
	case *ast.ForStmt:
		m.branches++
		m.nest(n.Init, n.Cond, n.Post)
		m.below(n.Body)
		return nil
	case *ast.RangeStmt:
		m.branches++
		m.nest(n.X)
		m.below(n.Body)
		return nil
	case *ast.SwitchStmt:
		m.nest(n.Init, n.Tag)
		m.below(n.Body)
		return nil
	case *ast.TypeSwitchStmt:
		m.below(n.Body)
		return nil
	case *ast.SelectStmt:
		m.below(n.Body)
		return nil
	case *ast.CaseClause:
		if n.List != nil {
			m.branches++
		}
	case *ast.CommClause:
		if n.Comm != nil {
			m.branches++
		}
	case *ast.BinaryExpr:
		if n.Op == token.LAND || n.Op == token.LOR {
			m.branches++
		}
	case *ast.FuncLit: // its nesting is its own; its branches are the reader's
		depth := m.depth
		m.depth = 0
		ast.Walk(m, n.Body)
		m.depth = depth
		return nil
	}
	return m
}

func (m *measure) nest(parts ...ast.Node) {
	for _, p := range parts {
		if p != nil && !isNil(p) {
			ast.Walk(m, p)
		}
	}
}

func isNil(n ast.Node) bool {
	switch n := n.(type) {
	case ast.Stmt:
		return n == nil
	case ast.Expr:
		return n == nil
	}
	return n == nil
}

func (m *measure) below(n ast.Node) {
	m.depth++
	m.deepest = max(m.deepest, m.depth)
	ast.Walk(m, n)
	m.depth--
}

func (c *counts) print(packages bool) {
	all := slices.SortedFunc(maps(c.packages), func(a, b *pkg) int { return cmp.Compare(a.name, b.name) })
	code, files := 0, 0
	for _, p := range all {
		code, files = code+p.code, files+p.files
		if packages {
			fmt.Printf("%-28s %3d files %6d code lines   %3d types %3d funcs %3d methods %3d const/var blocks\n", p.name, p.files, p.code, p.types, p.fncs, p.methods, p.consts)
		}
	}
	root := c.packages["."]
	fmt.Printf("library proper: %d code lines in %d files (at most %d)\n", code, files, maxCode)
	fmt.Printf("root package: %d files, %d declarations (at most %d) and %d methods\n", root.files, root.types+root.fncs+root.consts, maxRootDeclarations, root.methods)
	c.over("functions above 60 lines", overLines, func(f function) (int, bool) { return f.lines, f.lines > maxLines })
	c.over("functions above cyclomatic 15", overBranches, func(f function) (int, bool) { return f.branches, f.branches > maxBranches })
	c.over("functions above cyclomatic 25", 0, func(f function) (int, bool) { return f.branches, f.branches > worstBranches })
	c.over("functions nested deeper than 4", 0, func(f function) (int, bool) { return f.depth, f.depth > maxDepth })
	for _, f := range c.files {
		if f.lines > maxFile && f.path != frozen {
			fmt.Printf("long file: %s %d lines\n", f.path, f.lines)
		}
	}
}

func (c *counts) over(what string, allowed int, is func(function) (int, bool)) {
	var found []string
	for _, f := range c.funcs {
		if n, over := is(f); over && f.file != frozen {
			found = append(found, fmt.Sprintf("%4d  %s", n, f.where))
		}
	}
	slices.Sort(found)
	fmt.Printf("%s: %d (at most %d)\n", what, len(found), allowed)
	for _, f := range slices.Backward(found) {
		fmt.Println("   ", f)
	}
}

func maps(m map[string]*pkg) func(func(*pkg) bool) {
	return func(yield func(*pkg) bool) {
		for _, p := range m {
			if !yield(p) {
				return
			}
		}
	}
}
