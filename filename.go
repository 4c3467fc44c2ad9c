package ccr

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// maxFileName is what common file systems allow, less room for our suffix.
const maxFileName = 200

// reservedName reports whether Windows takes name for a device, whatever its extension.
func reservedName(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	if len(stem) < 4 || (stem[:3] != "COM" && stem[:3] != "LPT") {
		return false
	}
	return strings.Trim(stem[3:], "0123456789¹²³") == ""
}

// safeFileName maps a server's name to a file name. Different names give
// different file names: everything unsafe is written as %XX, '%' included.
func safeFileName(name string) (string, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsRune(name, 0) {
		return "", errors.New(`ccr: the vendor's file name is empty, ".", ".." or holds a NUL; refused`)
	}
	reserved := reservedName(name)
	var b strings.Builder
	for i, r := range name {
		last := i == len(name)-1
		switch {
		case r == '\uFFFD', hidden(r), strings.ContainsRune(`/\<>:"|?*%`, r),
			i == 0 && (reserved || r == '.'), last && (r == '.' || r == ' '):
			size := max(1, len(string(r)))
			if r == '\uFFFD' { // perhaps one invalid byte, not three valid ones
				size = invalidSize(name[i:])
			}
			for _, c := range []byte(name[i : i+size]) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		default:
			b.WriteRune(r)
		}
	}
	safe := b.String()
	if len(safe) > maxFileName {
		sum := sha256.Sum256([]byte(name))
		cut := strings.ToValidUTF8(safe[:maxFileName-40], "")
		safe = cut + "%~" + hex.EncodeToString(sum[:16])
	}
	return safe, nil
}

// invalidSize is 3 for an encoded U+FFFD and 1 for a byte that is not UTF-8.
func invalidSize(s string) int {
	if strings.HasPrefix(s, "\uFFFD") {
		return 3
	}
	return 1
}
