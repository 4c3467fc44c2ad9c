package archtest

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// goTool runs the go command at the root of the module.
func goTool(t *testing.T, env []string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = "../../.."
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "go %s: %s", strings.Join(args, " "), stderr.String())
	return out
}

// seeEverySource makes go test run again, not answer from its cache, after a
// change anywhere in the module: it notes the folders that a test reads, but
// not those that a go command which the test starts does.
func seeEverySource(t *testing.T) {
	t.Helper()
	require.NoError(t, filepath.WalkDir("../../..", func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		return err
	}))
}

func TestArrows(t *testing.T) {
	t.Parallel()
	seeEverySource(t)
	for _, system := range []string{"linux/amd64", "windows/amd64", "darwin/arm64"} {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			goos, goarch, _ := strings.Cut(system, "/")
			env := []string{"GOOS=" + goos, "GOARCH=" + goarch, "CGO_ENABLED=0"}
			g, err := readGraph(bytes.NewReader(goTool(t, env, "list", "-deps", "-json=ImportPath,Imports", "./...")))
			require.NoError(t, err)
			require.Contains(t, g, module, "the root package")
			require.Contains(t, g, "net/http", "the standard library")
			assert.Empty(t, violations(g))
		})
	}
}

// Each rule stops what it is there for.
func TestRulesHaveTeeth(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		imports map[string]string // from → to, below the module unless it has a dot or is of the standard library
		want    []string          // what violations say, by their packages
	}{
		"root imports ours":       {map[string]string{"": "internal/x"}, []string{" → internal/x"}},
		"root imports ssh":        {map[string]string{"": "golang.org/x/crypto/ssh"}, []string{" → golang.org/x/crypto/ssh"}},
		"transport knows auth":    {map[string]string{"internal/transport": "auth"}, []string{"internal/transport → auth", "internal/transport → auth"}},
		"internal knows service":  {map[string]string{"internal/receive": "gateway/bacs"}, []string{"internal/receive → gateway/bacs"}},
		"auth knows a service":    {map[string]string{"auth": "accounts"}, []string{"auth → accounts"}},
		"service knows another":   {map[string]string{"accounts": "sftp"}, []string{"accounts → sftp"}},
		"kit knows another":       {map[string]string{"accounts/accountstest": "gateway"}, []string{"accounts/accountstest → gateway"}},
		"a part knows another":    {map[string]string{"gateway/bacs": "decisioning"}, []string{"gateway/bacs → decisioning"}},
		"http service links sftp": {map[string]string{"gateway": "github.com/pkg/sftp"}, []string{"gateway → github.com/pkg/sftp"}},
		"through internal":        {map[string]string{"gateway": "internal/x", "internal/x": "golang.org/x/crypto/ssh/knownhosts"}, []string{"gateway → internal/x → golang.org/x/crypto/ssh/knownhosts"}},
		"through others":          {map[string]string{"accounts": "example.com/a", "example.com/a": "testing"}, []string{"accounts → example.com/a → testing"}},
		"testify":                 {map[string]string{"decisioning": "github.com/stretchr/testify/assert"}, []string{"decisioning → github.com/stretchr/testify/assert"}},
		"httptest":                {map[string]string{"sftp": "net/http/httptest"}, []string{"sftp → net/http/httptest"}},
		"service links its kit":   {map[string]string{"accounts": "accounts/accountstest"}, []string{"accounts → accounts/accountstest"}},
		"service links testkit":   {map[string]string{"accounts": "internal/testkit"}, []string{"accounts → internal/testkit"}},
		"sftp links auth":         {map[string]string{"sftp": "auth"}, []string{"sftp → auth"}},
		"sftp links oauth":        {map[string]string{"sftp": "golang.org/x/oauth2/clientcredentials"}, []string{"sftp → golang.org/x/oauth2/clientcredentials"}},
		"sftp links the engine":   {map[string]string{"sftp": "github.com/go-json-experiment/json/jsontext"}, []string{"sftp → github.com/go-json-experiment/json/jsontext"}},
		"root links the engine":   {map[string]string{"": "github.com/go-json-experiment/json"}, []string{" → github.com/go-json-experiment/json"}},
		"sftp links jwt":          {map[string]string{"sftp": "github.com/golang-jwt/jwt/v5"}, []string{"sftp → github.com/golang-jwt/jwt/v5"}},
		"bacs links tzdata":       {map[string]string{"gateway/bacs": "time/tzdata"}, []string{"gateway/bacs → time/tzdata"}},
		"ground imports the roof": {map[string]string{"internal/transport": "internal/tools/chaos/proxy"}, []string{"internal/transport → internal/tools/chaos/proxy"}},
		"service knows example":   {map[string]string{"accounts": "examples/quickstart"}, []string{"accounts → examples/quickstart"}},
		"allowed": {map[string]string{
			"examples/quickstart":   "accounts",
			"examples/other":        "accounts/accountstest",
			"accounts":              "auth",
			"auth":                  "internal/transport",
			"internal/transport":    "",
			"accounts/accountstest": "internal/testkit",
			"internal/testkit":      "net/http/httptest",
			"sftp":                  "github.com/pkg/sftp",
			"internal/tools/chaos":  "gateway",
			"gateway/bacs":          "encoding/xml",
		}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := graph{}
			full := func(p string) string {
				switch first, _, _ := strings.Cut(p, "/"); {
				case p == "":
					return module
				case strings.Contains(first, "."), slices.Contains([]string{"net", "testing", "encoding", "time"}, first):
					return p
				}
				return module + "/" + p
			}
			for from, to := range tt.imports {
				g[full(from)] = append(g[full(from)], full(to))
				if _, ok := g[full(to)]; !ok {
					g[full(to)] = nil
				}
			}
			var got []string
			for _, v := range violations(g) {
				_, way, _ := strings.Cut(v, ": ")
				way = strings.ReplaceAll(way, module+"/", "")
				got = append(got, strings.ReplaceAll(way, module, ""))
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestChainIsTheShortest(t *testing.T) {
	t.Parallel()
	g := graph{"a": {"b", "c"}, "b": {"d"}, "c": {"e", "a"}, "d": {"e"}, "e": nil}
	is := func(want string) func(string) bool { return func(p string) bool { return p == want } }
	assert.Equal(t, []string{"a", "c", "e"}, g.chain("a", is("e")))
	assert.Nil(t, g.chain("e", is("a")))
	assert.Equal(t, []string{"a", "b"}, g.chain("a", is("b")))
}

// direct is every dependency that the module may name, and what for. A further
// one needs its reason here and in the commit.
var direct = map[string]string{
	"github.com/hashicorp/go-retryablehttp": "the engine of retries",
	"github.com/go-json-experiment/json":    "encoding/json/v2 until the go line says 1.27",
	"github.com/google/go-querystring":      "queries of lists",
	"github.com/stretchr/testify":           "tests only",
	"github.com/pkg/sftp":                   "the SFTP protocol",
	"golang.org/x/crypto":                   "SSH",
	"golang.org/x/text":                     "the encodings of files that are not UTF-8",
	"github.com/skeema/knownhosts":          "known_hosts files",
	"github.com/gofrs/flock":                "one process at a time on a ledger file",
	"golang.org/x/sys":                      "a rename that never replaces: one atomic step, so that no delivery is lost or comes twice",
}

func TestGoMod(t *testing.T) {
	t.Parallel()
	var mod struct {
		Module  struct{ Path string }
		Go      string
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace, Exclude, Tool []any
		Toolchain              any
	}
	require.NoError(t, json.Unmarshal(goTool(t, nil, "mod", "edit", "-json"), &mod))
	assert.Equal(t, module, mod.Module.Path)
	assert.Regexp(t, `^1\.\d+\.0$`, mod.Go, "a release, never a patch of one: it binds every user")
	for _, r := range mod.Require {
		if !r.Indirect {
			assert.Contains(t, direct, r.Path)
		}
	}
	assert.Empty(t, mod.Replace, "users of the module do not see it")
	assert.Empty(t, mod.Exclude, "users of the module do not see it")
	assert.Empty(t, mod.Tool, "tools run by go run, pinned")
	assert.Nil(t, mod.Toolchain)
}

// What is a module of its own is built from a released version, too: it may
// use only what users can use. The bench is of this repository alone.
func TestNestedModulesImportNoInternalRoom(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..")
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "go.mod" || filepath.Dir(path) == root || strings.Contains(filepath.ToSlash(path), "internal/tools/") {
			return err
		}
		return filepath.WalkDir(filepath.Dir(path), func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" {
				return err
			}
			text, err := os.ReadFile(path)
			assert.NotContains(t, string(text), `"`+module+`/internal/`, "%s", path)
			return err
		})
	}))
}
