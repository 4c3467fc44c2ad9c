package ccr

// Progress reports how far a long operation is. Zero totals are unknown.
type Progress struct {
	Operation  string // "Upload", "Receive", "SubmitAccounts", "Poll"
	Name       string // the file, batch or resource it is about
	Bytes      int64  // bytes done
	TotalBytes int64  // 0 if unknown
	Items      int64  // files, rows or polls done
	TotalItems int64  // 0 if unknown
	State      string // the vendor's status word, where there is one
	Done       bool   // the last report for Name
}

// ProgressFunc receives progress. Calls for one Name come in order; calls for
// different names may come from several goroutines at once. It must return
// quickly: the transfer waits for it.
type ProgressFunc func(Progress)
