// Doccheck fails if an exported name of a public package has no comment, or
// one that says nothing beyond the name. Run it at the root of the module:
//
//	go run ./internal/tools/doccheck
//
// Methods of well-known interfaces need one too: String and Error differ in
// what they print. For a group of constants or variables the group's own
// comment will do, and for the constants of a named type that of the type.
// Fields and the methods of interfaces are checked as well: one comment over
// several that stand together, without a blank line between them, is for all,
// unless it opens with the name of the one below it.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ccr-sdk/ccr/internal/tools/apilist"
)

func main() {
	root := flag.String("root", ".", "the `folder` of the module")
	flag.Parse()
	faults, packages, err := checkModule(*root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "doccheck:", err)
		os.Exit(2)
	}
	for _, f := range faults {
		fmt.Println(f)
	}
	if len(faults) > 0 {
		fmt.Fprintf(os.Stderr, "doccheck: %d exported names of %d packages want a comment\n", len(faults), packages)
		os.Exit(1)
	}
	fmt.Printf("doccheck: every exported name of %d packages has a comment\n", packages)
}

// checkModule checks every public package of the module at root.
func checkModule(root string) (faults []fault, packages int, err error) {
	dirs, err := apilist.Packages(root)
	if err != nil {
		return nil, 0, err
	}
	if len(dirs) == 0 {
		return nil, 0, fmt.Errorf("no package below %s", root)
	}
	for _, dir := range dirs {
		found, err := checkPackage(filepath.Join(root, filepath.FromSlash(dir)))
		if err != nil {
			return nil, 0, err
		}
		faults = append(faults, found...)
	}
	return faults, len(dirs), nil
}
