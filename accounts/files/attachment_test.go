package files_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts/files"
)

func TestAttachmentName(t *testing.T) {
	t.Parallel()
	both := func(sep string) files.AttachmentNaming {
		return files.AttachmentNaming{Separator: sep, Brand: true, Portfolio: true}
	}
	cases := map[string]struct {
		naming                      files.AttachmentNaming
		brand, portfolio, reference string
		want                        string
		fault                       string
	}{
		"both, dash":                    {both("-"), "Blue", "Power", "C1", "Blue-Power-C1.pdf", ""},
		"both, underscores":             {both("__"), "Blue", "Power_1", "C-1", "Blue__Power_1__C-1.pdf", ""},
		"brand only":                    {files.AttachmentNaming{Separator: "__", Brand: true}, "Blue", "", "C1", "Blue__C1.pdf", ""},
		"portfolio only":                {files.AttachmentNaming{Separator: "-", Portfolio: true}, "", "Power", "C1", "Power-C1.pdf", ""},
		"neither":                       {files.AttachmentNaming{}, "", "", "C-1__2", "C-1__2.pdf", ""},
		"neither, with a separator":     {files.AttachmentNaming{Separator: "-"}, "", "", "C-1", "C-1.pdf", ""},
		"separator in the reference":    {both("-"), "Blue", "Power", "C-1", "", "clientReferenceId"},
		"separator in the brand":        {both("__"), "Bl__ue", "Power", "C1", "", "brand"},
		"an underscore at an edge":      {both("__"), "Blue_", "Power", "C1", "", "brand, portfolio, clientReferenceId"},
		"an underscore at the front":    {both("__"), "Blue", "Power", "_C1", "", "brand, portfolio, clientReferenceId"},
		"no separator":                  {both(""), "Blue", "Power", "C1", "", "Separator"},
		"a slash for a separator":       {both("/"), "Blue", "Power", "C1", "", "Separator"},
		"no brand":                      {both("-"), "", "Power", "C1", "", "brand"},
		"no reference":                  {files.AttachmentNaming{}, "", "", "", "", "clientReferenceId"},
		"a path":                        {files.AttachmentNaming{}, "", "", "../C1", "", "clientReferenceId"},
		"a control character":           {files.AttachmentNaming{}, "", "", "C\x001", "", "clientReferenceId"},
		"white space at the end":        {files.AttachmentNaming{}, "", "", "C1 ", "", "clientReferenceId"},
		"longer than a name can be":     {files.AttachmentNaming{}, "", "", strings.Repeat("é", 126), "", "clientReferenceId"},
		"as long as a reference can be": {files.AttachmentNaming{}, "", "", strings.Repeat("x", 150), strings.Repeat("x", 150) + ".pdf", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := c.naming.Name(c.brand, c.portfolio, c.reference)
			if c.fault != "" {
				assert.Contains(t, paths(t, err), c.fault)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

// FuzzAttachmentName: a name that is made is read back as the parts it was
// made of, and has no folder in it.
func FuzzAttachmentName(f *testing.F) {
	f.Add("Blue", "Power", "C-1", "__")
	f.Add("a_", "b", "_c", "__")
	f.Fuzz(func(t *testing.T, brand, portfolio, reference, separator string) {
		name, err := files.AttachmentNaming{Separator: separator, Brand: true, Portfolio: true}.Name(brand, portfolio, reference)
		if err != nil {
			assert.Empty(t, name)
			return
		}
		assert.Equal(t, []string{brand, portfolio, reference}, strings.Split(strings.TrimSuffix(name, ".pdf"), separator))
		assert.NotContains(t, name, "/")
		assert.NotContains(t, name, `\`)
	})
}

func TestAttachmentFiles(t *testing.T) {
	t.Parallel()
	naming := files.AttachmentNaming{Separator: "__", Brand: true}
	pdf := func(size int) ccr.File {
		return ccr.FileFromBytes("scan.pdf", append([]byte("%PDF-1.7\n"), make([]byte, size)...))
	}
	got, err := naming.Files(
		files.Attachment{Brand: "Blue", ClientReferenceID: "C-1", File: pdf(1)},
		files.Attachment{Brand: "Blue", ClientReferenceID: "C-2", File: pdf(files.MaxAttachmentBytes - 9)},
	)
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, "Blue__C-1.pdf", got[0].Name())
	assert.Equal(t, "Blue__C-2.pdf", got[1].Name())

	_, err = naming.Files(
		files.Attachment{Brand: "Blue", ClientReferenceID: "C-1", File: pdf(1)},
		files.Attachment{Brand: "Blue", ClientReferenceID: "C__2", File: pdf(1)},
		files.Attachment{Brand: "Blue", ClientReferenceID: "C-3", File: ccr.FileFromBytes("scan.pdf", []byte("PK\x03\x04"))},
		files.Attachment{Brand: "Blue", ClientReferenceID: "C-4", File: pdf(files.MaxAttachmentBytes)},
		files.Attachment{Brand: "Blue", ClientReferenceID: "c-1", File: pdf(1)},
		files.Attachment{Brand: "Blue", ClientReferenceID: "C-5", File: ccr.FileFromPath(t.TempDir() + "/none.pdf")},
		files.Attachment{Brand: "Blue", ClientReferenceID: "C-6", File: ccr.FileFromBytes("scan.pdf", nil)},
	)
	assert.Equal(t, []string{
		"attachments[1].clientReferenceId", "attachments[2].file", "attachments[3].file", "attachments[4].clientReferenceId", "attachments[5].file", "attachments[6].file",
	}, paths(t, err))
	assert.NotContains(t, err.Error(), "none.pdf")
}
