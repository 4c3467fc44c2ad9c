package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/ccrtest/bacssample"
)

// browser is a headless Chromium, or skips the test where there is none.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CCR_CI_REQUIRE") != "" {
		t.Fatal("no Chromium, and CCR_CI_REQUIRE is set: install the package chromium")
	}
	t.Skip("SKIPPED: no Chromium to render the page with; install the package chromium")
	return ""
}

func TestPage(t *testing.T) {
	t.Parallel()
	chromium := browser(t)
	dir := t.TempDir()
	for _, s := range bacssample.Of("ARUDD", "DDIC", "Input") {
		put(t, filepath.Join(dir, s.Name), s.Data)
	}
	r := ccrRun(t, nil, "bacs", "show", "-html", dir)
	require.Equal(t, exitDone, r.code, r.err)
	assert.Empty(t, r.err)
	for _, no := range []string{"<script", "http://", "https://", "src=", "LOAN-000001", "url("} {
		assert.NotContains(t, r.out, no, "self-contained, masked, without a script")
	}
	page := put(t, filepath.Join(dir, "page.html"), []byte(r.out))
	shot := filepath.Join(dir, "page.png")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--enable-logging=stderr", "--window-size=1000,1400", "--screenshot="+shot, "file://"+page).CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.NotContains(t, string(out), "CONSOLE", "what a page logs or is refused has this mark")
	st, err := os.Stat(shot)
	require.NoError(t, err)
	assert.Greater(t, st.Size(), int64(20_000), "something is drawn")
	if *update {
		data, err := os.ReadFile(shot)
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll("docs", 0o755))
		require.NoError(t, os.WriteFile("docs/bacs-show.png", data, 0o644))
	}

	// The check sees what it is there for.
	bad := put(t, filepath.Join(dir, "bad.html"), []byte(strings.Replace(r.out, "</body>", `<img src="https://nobody.invalid/x.png"></body>`, 1)))
	out, err = exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir="+filepath.Join(dir, "profile2"), "--enable-logging=stderr", "--screenshot="+filepath.Join(dir, "bad.png"), "file://"+bad).CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), "CONSOLE")
}
