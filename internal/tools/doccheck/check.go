package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// fault is one exported name and what is wrong with its comment.
type fault struct {
	position token.Position
	name     string
	problem  string
}

func (f fault) String() string {
	return fmt.Sprintf("%s:%d: %s %s", f.position.Filename, f.position.Line, f.name, f.problem)
}

// checkPackage reads the Go files of a folder, tests apart and whatever system
// they are for, and returns the faults in the order of the source.
func checkPackage(dir string) ([]fault, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	c := checker{fset: token.NewFileSet(), types: make(map[string]bool)}
	documented := false
	var files []*ast.File
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(c.fset, filepath.Join(dir, e.Name()), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
		documented = documented || says(file.Doc.Text(), file.Name.Name)
		c.remember(file)
	}
	if len(files) > 0 && !documented {
		c.add(files[0].Name, "package "+files[0].Name.Name, "has no package comment")
	}
	for _, file := range files {
		c.file(file)
	}
	return c.faults, nil
}

type checker struct {
	fset   *token.FileSet
	types  map[string]bool // those with a comment
	faults []fault
}

// remember notes the types of a file that have a comment.
func (c *checker) remember(f *ast.File) {
	for _, decl := range f.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range d.Specs {
			if s, ok := spec.(*ast.TypeSpec); ok && (typeComment(d, s) != nil || s.Comment != nil) {
				c.types[s.Name.Name] = true
			}
		}
	}
}

// typeComment is the comment over a type; one over a group of types is none on
// each.
func typeComment(d *ast.GenDecl, s *ast.TypeSpec) *ast.CommentGroup {
	if s.Doc == nil && !d.Lparen.IsValid() {
		return d.Doc
	}
	return s.Doc
}

// isEnum reports whether a constant is one of a group's values of a type that
// has a comment: that comment tells what they are.
func (c *checker) isEnum(d *ast.GenDecl, s *ast.ValueSpec) bool {
	t, ok := s.Type.(*ast.Ident)
	return ok && d.Tok == token.CONST && d.Lparen.IsValid() && c.types[t.Name]
}

func (c *checker) add(at ast.Node, name, problem string) {
	c.faults = append(c.faults, fault{c.fset.Position(at.Pos()), name, problem})
}

// comment checks the comments that may stand for the name.
func (c *checker) comment(at ast.Node, name string, groups ...*ast.CommentGroup) {
	last := name[strings.LastIndex(name, ".")+1:]
	problem := "has no comment"
	for _, g := range groups {
		text := strings.TrimSpace(g.Text())
		if text == "" {
			continue
		}
		if says(text, last) {
			return
		}
		problem = "has a comment that only repeats its name"
	}
	c.add(at, name, problem)
}

func (c *checker) file(f *ast.File) {
	for _, decl := range f.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			c.function(d)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() {
						c.comment(s.Name, s.Name.Name, typeComment(d, s), s.Comment)
						c.members(s.Name.Name, s.Type)
					}
				case *ast.ValueSpec:
					for _, name := range s.Names {
						if name.IsExported() && !c.isEnum(d, s) {
							c.comment(name, name.Name, s.Doc, s.Comment, d.Doc)
						}
					}
				}
			}
		}
	}
}

func (c *checker) function(d *ast.FuncDecl) {
	if !d.Name.IsExported() {
		return
	}
	name := d.Name.Name
	if d.Recv != nil {
		receiver := receiverName(d.Recv)
		if !ast.IsExported(receiver) {
			return
		}
		name = receiver + "." + name
	}
	c.comment(d.Name, name, d.Doc)
}

func receiverName(recv *ast.FieldList) string {
	if len(recv.List) == 0 {
		return ""
	}
	t := recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.ParenExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// members checks the exported fields or methods of a type, those of anonymous
// structs within it too. Embedded types have their own comments. A comment
// over members that stand together, without a blank line, is for all of them;
// but one that opens with the name of its member is for that one, and for
// those that it names.
func (c *checker) members(prefix string, t ast.Expr) {
	switch x := t.(type) {
	case *ast.StructType:
		c.fields(prefix, x.Fields)
	case *ast.InterfaceType:
		c.fields(prefix, x.Methods)
	case *ast.StarExpr:
		c.members(prefix, x.X)
	case *ast.ArrayType:
		c.members(prefix, x.Elt)
	case *ast.MapType:
		c.members(prefix, x.Value)
	}
}

func (c *checker) fields(prefix string, list *ast.FieldList) {
	var above *ast.CommentGroup // the comment over the members that stand together
	var first *ast.Field        // the member right below it
	end := 0
	for _, field := range list.List {
		start := field.Pos()
		if field.Doc != nil {
			start = field.Doc.Pos()
		}
		if field.Doc != nil || c.fset.Position(start).Line > end+1 {
			above, first = field.Doc, field
		}
		end = c.fset.Position(field.End()).Line
		for _, name := range field.Names {
			if name.IsExported() {
				over := above
				if field != first && !covers(above.Text(), first, name.Name) {
					over = nil
				}
				c.comment(name, prefix+"."+name.Name, field.Comment, over)
				c.members(prefix+"."+name.Name, field.Type)
			}
		}
	}
}

// covers reports whether the comment over the first member of some that stand
// together is for a later one, too.
func covers(text string, first *ast.Field, name string) bool {
	in := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(in) == 0 || !slices.ContainsFunc(first.Names, func(n *ast.Ident) bool { return n.Name == in[0] }) {
		return true
	}
	return slices.Contains(in, name)
}

// filler is what a comment can be made of without saying anything.
var filler = []string{"a", "an", "the", "is", "are", "of", "for", "this", "that", "type", "func", "function", "method", "field", "value", "it", "its", "package"}

// says reports whether the text has a word that is neither filler nor part of
// the name.
func says(text, name string) bool {
	known := slices.Concat(filler, words(name), []string{strings.ToLower(name)})
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if !slices.Contains(known, word) && !slices.Contains(known, strings.TrimSuffix(word, "s")) {
			return true
		}
	}
	return false
}

// words splits a name such as MaxHTTPBody into its words in lower case.
func words(name string) []string {
	var out []string
	runes := []rune(name)
	start := 0
	for i := 1; i <= len(runes); i++ {
		if i < len(runes) {
			lowUp := !unicode.IsUpper(runes[i-1]) && unicode.IsUpper(runes[i])
			acronymEnds := i+1 < len(runes) && unicode.IsUpper(runes[i-1]) && unicode.IsUpper(runes[i]) && unicode.IsLower(runes[i+1])
			if !lowUp && !acronymEnds {
				continue
			}
		}
		out = append(out, strings.ToLower(string(runes[start:i])))
		start = i
	}
	return out
}
