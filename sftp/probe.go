package sftp

import (
	"context"
	"crypto/rand"
	"os"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp/internal/engine"
)

// verdict says what an account may do.
func verdict(reads, writes, tried bool) string {
	switch {
	case reads && writes:
		return "the account may send and receive"
	case writes:
		return "the account may only send: the folder of downloads cannot be listed"
	case reads && tried:
		return "the account may only receive: sending was refused"
	case reads:
		return "the account may receive; whether it may send, ProbeWrite tells"
	case tried:
		return "the account may neither send nor receive"
	}
	return "the account cannot list the folder of downloads; whether it may send, ProbeWrite tells"
}

// needs tries with a temporary file what an upload that is large or cut needs,
// beside what the probe itself does. Refusals cost time, not bytes.
func (g *diagnosing) needs(ch *engine.Channel, l Layout, u UploadFolder) {
	if !u.renames() {
		return
	}
	temp := l.tempPath(u, "TEST-ccr-probe.txt", strings.ToLower(rand.Text()[:16]))
	f, err := ch.Open(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return // the probe says why
	}
	may := func(err error, yes, no string) string {
		if err == nil {
			return yes
		}
		return no
	}
	text := []byte("TEST")
	order := f.WriteAt(text, int64(len(text)))
	if order == nil {
		order = f.WriteAt(text, 0)
	} else if g.d.Suggestion != nil {
		g.d.Suggestion.InOrder = true
	}
	said := []string{may(order, "writes in any order", "writes in order only: set Layout.InOrder"), may(f.Close(), "close", "no close")}
	again, err := ch.Open(temp, os.O_WRONLY)
	if err == nil {
		err = again.Close()
	}
	said = append(said, may(err, "open again", "no file is opened again: an upload that is cut starts over"),
		may(ch.Remove(temp), "remove", "nothing is removed: what is cut leaves temporary files, such as "+temp))
	g.check("probe rights", strings.Join(said, "; "), nil)
}

// probe uploads one file that says what it is.
func (g *diagnosing) probe(ctx context.Context, c *Client, folder string) bool {
	name := "TEST-ccr-probe-" + strings.ToLower(rand.Text()[:8]) + ".txt"
	up, err := c.Upload(ctx, ccr.FileFromBytes(name, []byte("TEST. This file checks a transfer; it holds no data and can be deleted.\n")), UploadOptions{Folder: folder})
	detail := ""
	if err == nil {
		detail = up.Path + " is there now (" + string(up.Verification) + "); it was not removed"
	}
	return g.check("probe write", detail, err)
}
