package ccr

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// The format of a ledger file. The first line is the header:
//
//	{"ccr":"ledger","format":1,"end":"00000000000000000123","last":"89abcdef","sum":"01234567"}
//
// end is a length that the file has at least, last the checksum of the line
// that ends there, sum the checksum of the header. Each further line is a
// [LedgerEntry] in JSON whose last member is the checksum (CRC-32C, in
// hexadecimal) of the line before and of the line up to there.

const (
	ledgerHeaderStart = `{"ccr":"ledger","format":1,"end":"`
	ledgerHeaderSize  = int64(len(ledgerHeaderStart) + 20 + len(`","last":"00000000"`) + sumSize)
	sumSize           = len(`,"sum":"00000000"}` + "\n")
	// maxLedgerLine bounds a line: names and attributes are small.
	maxLedgerLine = 1 << 20
)

// ledgerStates are the states that the index tells apart without reading the line.
var ledgerStates = [...]string{"", StateIntent, StateResolving, StateUnknown, StateSent, StateRefused, StateStaged, StateDelivered, StateArchived}

func stateCode(state string) uint8 { return uint8(max(0, slices.Index(ledgerStates[:], state))) } //nolint:gosec // nine

// keyHash stands for a key in the index.
type keyHash [16]byte

func hashKey(key string) keyHash {
	sum := sha256.Sum256([]byte(key))
	return keyHash(sum[:16])
}

// LedgerDamagedError says that a ledger file is not as it was written. Nothing
// is lost unnoticed: it says what is certain and what is in doubt. The file is
// left as it is.
type LedgerDamagedError struct {
	Line    int    // the first damaged one; the header is 1
	Certain int    // entries in lines that are whole
	Damaged int    // lines that are not
	Missing int64  // bytes that the end of the file lacks, at least
	Reason  string // what is wrong, without content
}

// Error is one line for a person.
func (e *LedgerDamagedError) Error() string {
	s := fmt.Sprintf("line %d is damaged (%s); %d entries are whole", e.Line, e.Reason, e.Certain)
	if e.Damaged > 0 {
		s += fmt.Sprintf(", %d lines are in doubt, and each of them may have been the latest state of an entry", e.Damaged)
	}
	if e.Missing > 0 {
		s += fmt.Sprintf(", %d bytes are missing at the end", e.Missing)
	}
	return s + "; restore the file from a copy, or move it away after settling with the vendor what it held"
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal appends the checksum member to a line's body, which lacks its last brace.
func seal(buf []byte, from int, chain uint32) ([]byte, uint32) {
	sum := checksum(chain, buf[from:])
	return fmt.Appendf(buf, `,"sum":"%08x"}`+"\n", sum), sum
}

func checksum(chain uint32, body []byte) uint32 {
	before := [4]byte{byte(chain >> 24), byte(chain >> 16), byte(chain >> 8), byte(chain)}
	return crc32.Update(crc32.Checksum(before[:], castagnoli), castagnoli, body)
}

func sealLines(lines []ledgerLine, chain uint32) ([]byte, uint32) {
	size := 0
	for _, l := range lines {
		size += sealedSize(l.body)
	}
	buf := make([]byte, 0, size)
	for _, l := range lines {
		from := len(buf)
		buf, chain = seal(append(buf, l.body...), from, chain)
	}
	return buf, chain
}

func sealedSize(body []byte) int { return len(body) + sumSize }

func ledgerHeader(end int64, chain uint32) []byte {
	buf, _ := seal(fmt.Appendf(nil, `%s%020d","last":"%08x"`, ledgerHeaderStart, end, chain), 0, 0)
	return buf
}

// ledgerBody encodes the next version of an entry, without the last brace.
func ledgerBody(e LedgerEntry) ([]byte, error) {
	if !validText(e) { // JSON would change it, and what is read back would be another entry
		return nil, errors.New("the entry holds text that is not UTF-8; escape it")
	}
	e.Version++
	body, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	if len(body) > maxLedgerLine/2 {
		return nil, errors.New("the entry is too large")
	}
	return body[:len(body)-1], nil
}

func validText(e LedgerEntry) bool {
	for k, v := range e.Attributes {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return false
		}
	}
	return utf8.ValidString(e.Key + e.State + e.Service + e.Environment + e.Name + e.SHA256 + e.Owner + e.Token)
}

// readLedgerLine reads one line. Claims on disk are those of earlier holders.
func readLedgerLine(f io.ReaderAt, off int64, size int) (e LedgerEntry, err error) {
	line := make([]byte, size)
	if _, err = f.ReadAt(line, off); err == nil {
		err = json.Unmarshal(line, &e)
	}
	e.Owner, e.Until = "", time.Time{}
	return e, err
}

// ledgerScan is what a ledger file was found to be.
type ledgerScan struct {
	end    int64 // of the last whole line
	lines  int   // that are whole
	chain  uint32
	damage LedgerDamagedError
}

var errNoLedger = errors.New("the file is not a ledger; it was left as it is")

// scanLedger reads a ledger file and calls each for every line that is whole.
func scanLedger(f io.Reader, each func(line ledgerLine, off int64, size int)) (ledgerScan, error) {
	r := bufio.NewReaderSize(f, 256<<10)
	end, last, err := readHeader(r)
	if err != nil {
		return ledgerScan{}, err
	}
	s := ledgerScan{end: ledgerHeaderSize}
	off, torn := ledgerHeaderSize, false
	for n := 2; !torn; n++ {
		text, err := readLine(r)
		if err != nil && !errors.Is(err, io.EOF) {
			return s, err
		}
		if len(text) == 0 {
			break
		}
		line, sum, ok := parseLedgerLine(text, s.chain)
		switch begin := off; {
		case ok:
			each(line, off, len(text))
			s.damage.Certain++
		case begin < end: // acknowledged, so no crash can have torn it
			s.damage.mark(n, "its checksum is wrong")
		default:
			torn = true
		}
		if sum != nil && !torn {
			s.chain = *sum // right or wrong: the next line chains to it
		}
		before := off
		if off += int64(len(text)); ok {
			s.lines++
			s.end = off
		}
		if before < end && off >= end && (off > end || s.chain != last) && s.damage.Line == 0 {
			s.damage.mark(n, "it is not the line that was written there")
		}
	}
	if off < end {
		s.damage.mark(1, "the file was cut off")
		s.damage.Missing = end - off
	}
	if s.damage.Line > 0 {
		return s, &s.damage
	}
	return s, nil
}

func (e *LedgerDamagedError) mark(line int, reason string) {
	if e.Line == 0 {
		e.Line, e.Reason = line, reason
	}
	if line > 1 {
		e.Damaged++
	}
}

// readHeader returns what the header says. A file that does not begin like a
// ledger is none.
func readHeader(r *bufio.Reader) (end int64, last uint32, err error) {
	head, err := r.Peek(int(ledgerHeaderSize))
	if len(head) == 0 && errors.Is(err, io.EOF) {
		return 0, 0, errors.New("the file is empty, which a ledger never is; remove it to begin a new one")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, 0, err
	}
	if !bytes.HasPrefix(head, []byte(ledgerHeaderStart[:len(`{"ccr":"led`)])) {
		return 0, 0, errNoLedger
	}
	if len(head) == int(ledgerHeaderSize) {
		rest := head[len(ledgerHeaderStart):]
		end, err = strconv.ParseInt(string(rest[:20]), 10, 64)
		sum, serr := strconv.ParseUint(string(rest[20+len(`","last":"`):][:8]), 16, 32)
		last = uint32(sum) //nolint:gosec // 32 bits were asked for
		if err == nil && serr == nil && bytes.Equal(head, ledgerHeader(end, last)) {
			_, err = r.Discard(len(head))
			return end, last, err
		}
	}
	return 0, 0, &LedgerDamagedError{Line: 1, Reason: "the header is not as it was written"}
}

// readLine returns a line with its end. One that is too long is returned in
// part, which no checksum fits.
func readLine(r *bufio.Reader) ([]byte, error) {
	text, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return text, err
	}
	long := slices.Clone(text)
	for errors.Is(err, bufio.ErrBufferFull) && len(long) < maxLedgerLine {
		text, err = r.ReadSlice('\n')
		long = append(long, text...)
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		err = nil
	}
	return long, err
}

// parseLedgerLine checks a line and takes the facts for the index from it. sum
// is the checksum that the line has, right or not, as the next one chains to
// it; nil if it has none.
func parseLedgerLine(text []byte, chain uint32) (line ledgerLine, sum *uint32, ok bool) {
	at := len(text) - sumSize
	if at < 0 || !bytes.HasPrefix(text[at:], []byte(`,"sum":"`)) || !bytes.HasSuffix(text, []byte("\"}\n")) {
		return line, nil, false
	}
	stored, err := strconv.ParseUint(string(text[at+len(`,"sum":"`):][:8]), 16, 32)
	if err != nil {
		return line, nil, false
	}
	sum = new(uint32(stored)) //nolint:gosec // 32 bits were asked for
	body := text[:at]
	if checksum(chain, body) != *sum {
		return line, sum, false
	}
	line, ok = indexFacts(body)
	return line, sum, ok
}

// indexFacts reads key, version and state, which come first in this order. The
// checksum says that a writer of this format wrote them.
func indexFacts(body []byte) (line ledgerLine, ok bool) {
	rest, ok := bytes.CutPrefix(body, []byte(`{"key":"`))
	if !ok {
		return line, false
	}
	key, rest, ok := bytes.Cut(rest, []byte(`"`))
	if !ok || bytes.IndexByte(key, '\\') >= 0 {
		return indexFactsSlow(body)
	}
	rest, ok = bytes.CutPrefix(rest, []byte(`,"version":`))
	if !ok {
		return line, false
	}
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		line.version = line.version*10 + int64(rest[digits]-'0')
		digits++
	}
	sum := sha256.Sum256(key)
	line.key = keyHash(sum[:16])
	if rest, ok = bytes.CutPrefix(rest[digits:], []byte(`,"state":"`)); ok {
		state, _, _ := bytes.Cut(rest, []byte(`"`))
		line.state = stateCode(string(state))
	}
	return line, line.version > 0
}

func indexFactsSlow(body []byte) (line ledgerLine, ok bool) {
	var e LedgerEntry
	if json.Unmarshal(append(slices.Clone(body), '}'), &e) != nil || e.Key == "" {
		return line, false
	}
	return ledgerLine{key: hashKey(e.Key), version: e.Version, state: stateCode(e.State)}, e.Version > 0
}

// file is what a ledgerWriter needs of one.
type file interface {
	io.Writer
	io.WriterAt
	Sync() error
}

// ledgerWriter writes a file anew.
type ledgerWriter struct {
	f     file
	buf   []byte
	index map[keyHash]spot
	end   int64 // of what is in the file and in buf
	chain uint32
}

// copy copies the current line of an entry, if it is to be kept.
func (w *ledgerWriter) copy(from io.ReaderAt, key keyHash, s spot, keep func(LedgerEntry) bool) error {
	line := make([]byte, s.size)
	if _, err := from.ReadAt(line, s.off); err != nil {
		return err
	}
	var e LedgerEntry
	if err := json.Unmarshal(line, &e); err != nil || hashKey(e.Key) != key {
		return errors.New("the file was changed by another program")
	}
	if !keep(e) {
		return nil
	}
	if w.end == 0 {
		w.buf, w.end = append(w.buf, ledgerHeader(ledgerHeaderSize, 0)...), ledgerHeaderSize
	}
	at := len(w.buf)
	w.buf, w.chain = seal(append(w.buf, line[:len(line)-sumSize]...), at, w.chain)
	s.off, s.size = w.end, uint32(len(w.buf)-at) //nolint:gosec // as long as it was
	w.index[key], w.end = s, w.end+int64(s.size)
	if len(w.buf) >= 1<<20 {
		return w.flush()
	}
	return nil
}

func (w *ledgerWriter) flush() error {
	_, err := w.f.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}

// finish makes the file durable.
func (w *ledgerWriter) finish() error {
	if w.end == 0 {
		w.buf, w.end = ledgerHeader(ledgerHeaderSize, 0), ledgerHeaderSize
	}
	err := w.flush()
	if err == nil {
		_, err = w.f.WriteAt(ledgerHeader(w.end, w.chain), 0)
	}
	return errors.Join(err, w.f.Sync())
}
