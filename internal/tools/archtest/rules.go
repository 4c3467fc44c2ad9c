package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// rule forbids packages to reach others.
type rule struct {
	says string // what the rule is for, as the end of a sentence
	from func(rel string) bool
	to   func(pkg string) bool
}

var (
	services     = []string{"accounts", "gateway", "decisioning", "sftp"}
	httpServices = []string{"accounts", "gateway", "decisioning"}
	allSSH       = []string{"github.com/pkg/sftp", "golang.org/x/crypto/ssh", "github.com/skeema/knownhosts"}
	allTesting   = []string{"testing", "net/http/httptest", "github.com/stretchr/testify"}
	jsonEngine   = []string{"github.com/go-json-experiment/json"}
	allOAuth     = []string{module + "/auth", "golang.org/x/oauth2", "github.com/golang-jwt/jwt"}
)

// rules are the arrows. Test files are not looked at.
func rules() []rule {
	list := []rule{
		{says: "the root package imports leaf rooms only", from: is(""), to: anyOfOursBut("internal/wait", "internal/fsync", "internal/option", "internal/safetext")},
		{says: "a leaf room imports nothing of the module", from: library("internal/wait", "internal/fsync", "internal/option", "internal/safetext"), to: anyOfOursBut()},
		{says: "the crash record knows no service and no transport", from: library("internal/ledger"), to: anyOfOursBut("", "internal/wait", "internal/fsync", "internal/option", "internal/safetext")},
		{says: "what is internal serves the packages above it and knows none", from: library("internal"), to: ofModule(append(services, "auth", "examples")...)},
		{says: "internal/transport defines the credential, auth satisfies it", from: library("internal/transport"), to: ofModule("auth")},
		{says: "auth serves every service and knows none", from: library("auth"), to: ofModule(services...)},
		{says: "nothing of the ground imports the roof", from: func(rel string) bool { return !inside(rel, "internal/tools") }, to: ofModule("internal/tools")},
		{says: "nothing imports an example", from: func(rel string) bool { return !inside(rel, "examples") }, to: ofModule("examples")},
		{says: "no SSH is linked", from: library(append(httpServices, "auth", "")...), to: foreign(allSSH...)},
		{says: "no test library is linked", from: library(append(services, "auth", "")...), to: foreign(allTesting...)},
		{says: "no test server is linked", from: library(append(services, "auth", "")...), to: testKit},
		{says: "only decisioning and gateway link the JSON engine", from: library("", "auth", "internal/transport", "accounts", "sftp"), to: foreign(jsonEngine...)},
		{says: "no OAuth is linked", from: library("sftp"), to: foreign(allOAuth...)},
		{says: "time-zone data is the program's to link", from: library(append(services, "auth", "")...), to: foreign("time/tzdata")},
	}
	for _, service := range services {
		others := slices.DeleteFunc(slices.Clone(services), func(s string) bool { return s == service })
		list = append(list, rule{
			says: "services never import each other", from: func(rel string) bool { return inside(rel, service) }, to: ofModule(others...),
		})
	}
	return list
}

// is accepts one path.
func is(path string) func(string) bool { return func(rel string) bool { return rel == path } }

// library accepts what lies at or below the paths ("" is the root package
// alone) and is neither a test kit nor a program that drives the services.
func library(paths ...string) func(string) bool {
	return func(rel string) bool {
		if isTestKit(rel) || inside(rel, "internal/tools") {
			return false
		}
		return slices.ContainsFunc(paths, func(path string) bool {
			return rel == path || path != "" && inside(rel, path)
		})
	}
}

// anyOfOursBut accepts what is of the module, the given packages apart.
func anyOfOursBut(leaves ...string) func(string) bool {
	return func(pkg string) bool {
		rel, ok := relative(pkg)
		return ok && !slices.Contains(leaves, rel)
	}
}

func testKit(pkg string) bool { rel, ok := relative(pkg); return ok && isTestKit(rel) }

// ofModule accepts packages at or below the paths of the module.
func ofModule(paths ...string) func(string) bool {
	return func(pkg string) bool {
		rel, ok := relative(pkg)
		return ok && slices.ContainsFunc(paths, func(path string) bool { return inside(rel, path) })
	}
}

// foreign accepts the import paths and what lies below them, of any major version.
func foreign(paths ...string) func(string) bool {
	return func(pkg string) bool {
		return slices.ContainsFunc(paths, func(path string) bool { return inside(pkg, path) })
	}
}

// violations lists every arrow that goes the wrong way, with the chain of
// imports that shows it.
func violations(g graph) []string {
	var out []string
	for _, r := range rules() {
		for _, rel := range g.ours() {
			if !r.from(rel) {
				continue
			}
			if way := g.chain(path.Join(module, rel), r.to); way != nil {
				out = append(out, fmt.Sprintf("%s: %s", r.says, strings.Join(way, " → ")))
			}
		}
	}
	return out
}
