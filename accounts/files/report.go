package files

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
)

// WriteReport writes one line for each result of a job, in the order of its
// source: row, line and file of the source, the row's reference, what became
// of it (Sent, Processed), the reference of its batch, its faults, and Credit
// Clear's messages about it, or the error if there are neither. It keeps no
// rows in memory. RFC 4180, CRLF; cells that a spreadsheet would run are
// guarded as those of [Writer].
//
// The error is that of the job, after the rows that it had, or of w: without
// one, the report is whole. References and messages are personal data: keep
// the report as you keep the file that was loaded.
func WriteReport(w io.Writer, results iter.Seq2[accounts.RowResult, error]) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	err := out.Write([]string{"Row", "Line", "File", "Reference", "Sent", "Processed", "Batch", "Faults", "Messages"})
	for r, failed := range results {
		if err == nil {
			err = failed
		}
		if err != nil {
			break
		}
		err = out.Write(reportLine(&r))
	}
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	if err != nil {
		return fmt.Errorf("accounts: the report ends short: %w", err)
	}
	return nil
}

func reportLine(r *accounts.RowResult) []string {
	line, batch, messages := "", "", strings.Join(r.Messages, "; ")
	if r.Line > 0 {
		line = strconv.Itoa(r.Line)
	}
	if r.Batch != nil {
		batch = r.Batch.Reference
	}
	if len(r.Faults)+len(r.Messages) == 0 && r.Err != nil {
		messages = r.Err.Error()
	}
	return []string{
		strconv.FormatInt(r.Row, 10), line, guard(r.File), guard(r.Reference), string(r.Sent), string(r.Processed), guard(batch), guard(faultList(r.Faults)), guard(messages),
	}
}

// faultList is the faults without the row in their paths: accounts[3].dueDate
// is dueDate.
func faultList(faults []ccr.FieldError) string {
	var b strings.Builder
	for i, f := range faults {
		if i > 0 {
			b.WriteString("; ")
		}
		_, path, ok := strings.Cut(f.Path, ".")
		if !ok {
			path = "row"
		}
		b.WriteString(path + " " + f.Message)
	}
	return b.String()
}
