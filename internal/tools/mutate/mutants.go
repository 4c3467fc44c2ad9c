package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// mutant is one change of a file.
type mutant struct {
	path, rel  string // of the file; rel as it is printed
	source     string
	start, end int // bytes of source that are replaced
	by         string
	line       int
}

func (m *mutant) text() string { return m.source[:m.start] + m.by + m.source[m.end:] }

// diff is the change as lines; without line numbers, so that it stays the same
// when the file changes elsewhere.
func (m *mutant) diff() string {
	from := strings.LastIndexByte(m.source[:m.start], '\n') + 1
	to := len(m.source)
	if i := strings.IndexByte(m.source[m.end:], '\n'); i >= 0 {
		to = m.end + i
	}
	out := "--- " + m.rel
	for _, half := range []struct{ sign, text string }{{"-", m.source[from:to]}, {"+", m.source[from:m.start] + m.by + m.source[m.end:to]}} {
		for line := range strings.SplitSeq(half.text, "\n") {
			if strings.TrimSpace(line) != "" {
				out += "\n" + half.sign + line
			}
		}
	}
	return out
}

// finder collects the mutants of one file.
type finder struct {
	fset    *token.FileSet
	base    mutant
	results [][]string // types of the results of the functions around
	found   []*mutant
}

func mutantsOf(path, rel, source string) ([]*mutant, error) {
	f := &finder{fset: token.NewFileSet(), base: mutant{path: path, rel: rel, source: source}}
	file, err := parser.ParseFile(f.fset, path, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, d := range file.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
			f.function(fn.Type, fn.Body)
		}
	}
	return f.found, nil
}

func (f *finder) function(t *ast.FuncType, body *ast.BlockStmt) {
	var types []string
	if t.Results != nil {
		for _, r := range t.Results.List {
			for range max(1, len(r.Names)) {
				types = append(types, f.text(r.Type))
			}
		}
	}
	f.results = append(f.results, types)
	ast.Inspect(body, f.visit)
	f.results = f.results[:len(f.results)-1]
}

func (f *finder) offset(p token.Pos) int { return f.fset.Position(p).Offset }

func (f *finder) text(n ast.Node) string { return f.base.source[f.offset(n.Pos()):f.offset(n.End())] }

func (f *finder) replace(from, to token.Pos, by string) {
	m := f.base
	m.start, m.end, m.by, m.line = f.offset(from), f.offset(to), by, f.fset.Position(from).Line
	f.found = append(f.found, &m)
}

func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncLit:
		f.function(n.Type, n.Body)
		return false
	case *ast.BlockStmt:
		f.deletions(n.List)
	case *ast.CaseClause:
		f.deletions(n.Body)
	case *ast.CommClause:
		f.deletions(n.Body)
	case *ast.IfStmt:
		f.negate(n.Cond)
	case *ast.ForStmt:
		if n.Cond != nil {
			f.negate(n.Cond)
		}
	case *ast.BinaryExpr:
		if by, ok := neighbours[n.Op]; ok {
			f.replace(n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), by.String())
		}
	case *ast.ReturnStmt:
		f.returns(n)
	}
	return true
}

var neighbours = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.LAND: token.LOR, token.LOR: token.LAND, token.ADD: token.SUB, token.SUB: token.ADD,
}

func (f *finder) negate(cond ast.Expr) {
	f.replace(cond.Pos(), cond.End(), "!("+f.text(cond)+")")
}

// deletions deletes statements; one without which a variable is not used does
// not build, and is left out later.
func (f *finder) deletions(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.SendStmt, *ast.DeferStmt, *ast.GoStmt, *ast.BranchStmt:
		default:
			continue
		}
		f.replace(s.Pos(), s.End(), "")
	}
}

func (f *finder) returns(r *ast.ReturnStmt) {
	types := f.results[len(f.results)-1]
	if len(types) != len(r.Results) {
		return
	}
	for i, e := range r.Results {
		was, by := f.text(e), ""
		switch types[i] {
		case "error":
			by = "nil"
		case "bool":
			by = "!(" + was + ")"
		case "string":
			by = `""`
		case "int", "int64":
			by = fmt.Sprintf("(%s)+1", was)
		}
		if by != "" && by != was {
			f.replace(e.Pos(), e.End(), by)
		}
	}
}
