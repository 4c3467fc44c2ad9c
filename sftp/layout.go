package sftp

import (
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/safetext"
)

// The published hosts of the two gateways. No port is published for either;
// 22 is used where an address names none.
const (
	CreditClearHost = "sft.creditclear.com.au" // "Client Data Integration Options"
	ClearDebitHost  = "cdd1.cleardebit.co.uk"  // "SFTP documentation" of the bureau
)

// Policy says how a file appears in an upload folder.
type Policy string

const (
	// PolicyRename writes under a temporary name in the same folder and
	// renames when everything has been checked: the final name never shows
	// half a file. It is the default.
	PolicyRename Policy = "rename"
	// PolicyStaging writes in another folder ([UploadFolder.Staging]) on the
	// same server and renames into the upload folder, for folders whose
	// processing picks up temporary names, too.
	PolicyStaging Policy = "staging"
	// PolicyDirect writes under the final name at once, for servers that
	// allow no rename or show a file only when it is closed (object stores).
	// A failure in the middle leaves a part under the final name: such an
	// error has outcome unknown.
	PolicyDirect Policy = "direct"
	// PolicyMarker writes like PolicyDirect and then an empty marker file
	// (name + [UploadFolder.Marker]), for consumers that wait for it.
	PolicyMarker Policy = "marker"
)

// UploadFolder is one folder that takes files.
type UploadFolder struct {
	Path    string // relative to [Layout.Root]
	Policy  Policy // default PolicyRename
	Staging string // PolicyStaging: the folder to write in, relative to Root
	Marker  string // PolicyMarker: the suffix; default ".done"
	// TempPrefix and TempSuffix go around the temporary name
	// (prefix + name + "." + id + suffix). Defaults "." and ".ccr-part":
	// consumers ignore at least one of a hidden file and a foreign extension.
	TempPrefix, TempSuffix string
}

// Layout is how a vendor arranges the folders. Change its fields after the
// constructor where your account differs.
type Layout struct {
	// Vendor names the vendor in ledger keys: letters, digits and -.
	Vendor string
	// Root is the folder that holds the others; "" is the folder that the
	// server puts the user in.
	Root string
	// Uploads are the folders that take files. Upload uses the first, unless
	// its options name another by its Path.
	Uploads []UploadFolder
	// Downloads is the folder of return files and reports, relative to Root.
	Downloads string
	// InOrder says that the server takes each file in order of offset only, as
	// gateways to object stores do: no upload uses more than one channel.
	InOrder bool
	// CheckName is the vendor's own rule for names of files that go out. It
	// returns what is wrong ("must not hold …"), without the name, or "".
	// Names with path separators or control characters, hidden ones and
	// temporary ones are refused for every vendor.
	CheckName func(name string) string
}

// CreditClear is the layout of Credit Clear's current text: "uploads" is
// processed automatically, "downloads" holds returns and reports.
func CreditClear() Layout {
	return Layout{Vendor: "creditclear", Uploads: []UploadFolder{{Path: "uploads"}}, Downloads: "downloads"}
}

// Processing chooses between the two upload folders of Credit Clear's older
// text, which lead to different departments. There is no default.
type Processing string

const (
	// ManualImport is "uploads": staff of ARMA import the file.
	ManualImport Processing = "uploads"
	// AutomatedImport is "uploads-automated": CCR Digital processes the file
	// on its own.
	AutomatedImport Processing = "uploads-automated"
)

// CreditClearOlder is the layout of Credit Clear's older text: "uploads",
// "uploads-automated" and "downloads". Uploads go where the caller says; the
// other folder can be named in [UploadOptions.Folder]. The same text also
// speaks of a "download" folder inside the client's: set Downloads and Root
// if yours looks like that (Diagnose tells).
func CreditClearOlder(to Processing) Layout {
	l := Layout{Vendor: "creditclear", Downloads: "downloads"}
	switch to {
	case ManualImport:
		l.Uploads = []UploadFolder{{Path: string(ManualImport)}, {Path: string(AutomatedImport)}}
	case AutomatedImport:
		l.Uploads = []UploadFolder{{Path: string(AutomatedImport)}, {Path: string(ManualImport)}}
	}
	return l // without folders, which Validate refuses, if the choice is unknown
}

// ClearDebit is the layout of the Clear Direct Debit bureau: "/uploads/" for
// submissions, "/reports/" for reports, and its rule for file names.
func ClearDebit() Layout {
	return Layout{
		Vendor: "cleardebit", Root: "/", Uploads: []UploadFolder{{Path: "uploads"}}, Downloads: "reports",
		CheckName: checkClearDebitName,
	}
}

func (l Layout) validate(f *ccr.Faults) {
	if l.Vendor == "" || safetext.Token(l.Vendor) == "" || strings.ContainsAny(l.Vendor, "/:") {
		f.Add("Layout.Vendor", "must be a short name; use CreditClear, CreditClearOlder or ClearDebit, or fill in a Layout")
	}
	if len(l.Uploads) == 0 && l.Downloads == "" {
		f.Add("Layout", "has no folders")
	}
	faultyFolder(f, "Layout.Root", l.Root)
	faultyFolder(f, "Layout.Downloads", l.Downloads)
	seen := map[string]bool{}
	for i, u := range l.Uploads {
		at := "Layout.Uploads[" + itoa(i) + "]"
		faultyFolder(f, at+".Path", u.Path)
		if seen[u.Path] {
			f.Add(at+".Path", "is listed twice")
		}
		seen[u.Path] = true
		u.validate(f, at)
	}
}

func faultyFolder(f *ccr.Faults, at, dir string) {
	if msg := checkFolder(dir); msg != "" {
		f.Add(at, msg)
	}
}

// validate checks all but the path.
func (u UploadFolder) validate(f *ccr.Faults, at string) {
	switch u.Policy {
	case "", PolicyRename, PolicyDirect, PolicyMarker:
	case PolicyStaging:
		if u.Staging == "" || join(u.Staging) == join(u.Path) {
			f.Add(at+".Staging", "must be another folder than the upload folder")
		}
		faultyFolder(f, at+".Staging", u.Staging)
	default:
		f.Add(at+".Policy", "is not a known policy")
	}
	for name, part := range map[string]string{".TempPrefix": u.TempPrefix, ".TempSuffix": u.TempSuffix, ".Marker": u.Marker} {
		if strings.ContainsAny(part, "/\\\x00\r\n") {
			f.Add(at+name, "must not hold path separators or control characters")
		}
		if len(part) > 20 {
			f.Add(at+name, "is longer than 20 bytes")
		}
	}
}

const tempSuffix = ".ccr-part"

// withDefaults fills in what the zero fields stand for.
func (u UploadFolder) withDefaults() UploadFolder {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	if u.Policy == "" {
		u.Policy = PolicyRename
	}
	def(&u.Marker, ".done")
	def(&u.TempPrefix, ".")
	def(&u.TempSuffix, tempSuffix)
	return u
}

// renames reports whether files grow under a temporary name.
func (u UploadFolder) renames() bool { return u.Policy == PolicyRename || u.Policy == PolicyStaging }

// tempPath is where a file of this name grows.
func (l Layout) tempPath(u UploadFolder, name, id string) string {
	dir := u.Path
	if u.Policy == PolicyStaging {
		dir = u.Staging
	}
	return join(l.Root, dir, u.TempPrefix+name+"."+id+u.TempSuffix)
}

// upload finds a folder by its Path; "" is the first.
func (l Layout) upload(path string) (UploadFolder, bool) {
	for _, u := range l.Uploads {
		if path == "" || join(u.Path) == join(path) {
			return u.withDefaults(), true
		}
	}
	return UploadFolder{}, false
}
