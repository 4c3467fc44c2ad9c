package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/ccr-sdk/ccr"
)

// report collects what each flow did, for the table at the end.
type report struct {
	progress io.Writer
	sections []*section
}

// section is the part of one flow.
type section struct {
	name     string
	progress io.Writer
	rows     [][2]string
	last     time.Time
}

func (r *report) flow(name string) *section {
	for _, s := range r.sections {
		if s.name == name {
			return s
		}
	}
	s := &section{name: name, progress: r.progress}
	r.sections = append(r.sections, s)
	return s
}

func (s *section) add(what, result string) { s.rows = append(s.rows, [2]string{what, result}) }

func (s *section) addf(what, format string, args ...any) { s.add(what, fmt.Sprintf(format, args...)) }

// say prints a line while a step runs.
func (s *section) say(format string, args ...any) {
	fmt.Fprintf(s.progress, "%-12s %s\n", s.name, fmt.Sprintf(format, args...))
}

// follow prints progress of a transfer, at most four lines a second.
func (s *section) follow(p ccr.Progress) {
	if !p.Done && time.Since(s.last) < time.Second/4 {
		return
	}
	s.last = time.Now()
	switch {
	case p.State != "":
		s.say("%s %s: %s", p.Operation, p.Name, p.State)
	case p.TotalBytes > 0:
		s.say("%s %s: %d of %d bytes", p.Operation, p.Name, p.Bytes, p.TotalBytes)
	default:
		s.say("%s %s: %d bytes", p.Operation, p.Name, p.Bytes)
	}
}

func (r *report) print(w io.Writer, took time.Duration) {
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, s := range r.sections {
		name := s.name
		for _, row := range s.rows {
			fmt.Fprintf(t, "%s\t%s\t%s\n", name, row[0], row[1])
			name = ""
		}
	}
	t.Flush()
	fmt.Fprintf(w, "\nDone in %s.\n", took.Round(10*time.Millisecond))
}
