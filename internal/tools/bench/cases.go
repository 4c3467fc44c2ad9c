package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr/internal/tools/bench/work"
)

// allCases are the cases in the order of the table: the core, then the
// services. What the targets are to be is said beside each.
func allCases(cfg config) []benchCase {
	return slices.Concat(coreCases(cfg), accountsCases(cfg), gatewayCases(cfg), decisioningCases(cfg), sftpCases(cfg))
}

// jobs are what client processes can be asked to do.
func jobs() map[string]job {
	return map[string]job{"call": callJob, "open-ledger": openLedgerJob}
}

// servers are what server processes can be.
func servers() map[string]server {
	return map[string]server{"json": jsonServer, "delay": delayServer}
}

// of is a case that a package's own benchmark is.
func of(name string, p packageBenchmark, targets ...target) benchCase {
	return benchCase{name: name, variants: []variant{p.variant()}, targets: targets}
}

// at makes a case a point of a plot.
func (c benchCase) at(series string, size float64, unit string) benchCase {
	c.series, c.size, c.unit = series, size, unit
	return c
}

func coreCases(cfg config) []benchCase {
	turns := "200x"
	if cfg.short {
		turns = "20x"
	}
	return []benchCase{
		of("core: one call through the pipeline", packageBenchmark{pkg: "internal/transport", name: "BenchmarkCall", time: turns},
			atMost("x-time", "", 1.15).to("bare net/http"), atMost("more-allocs", "", 20).to("bare net/http")),
		callCase(cfg),
		of("core: 2,000 entries into a ledger", packageBenchmark{pkg: ".", name: "BenchmarkFileLedgerStore", disk: true},
			atLeast("x-plain", "", 2.3).to("a sync a line")),
		openLedgerCase(cfg),
		of("core: 200 files received, one at a time", packageBenchmark{pkg: "internal/receive", name: "BenchmarkRun/concurrency=1", disk: true},
			atMost("x-plain-time", "", 4.5).to("write, sync, rename")),
		of("core: 200 files received, 16 at a time", packageBenchmark{pkg: "internal/receive", name: "BenchmarkRun/concurrency=16", disk: true},
			atMost("x-plain-time", "", 2.2).to("write, sync, rename")),
	}
}

func accountsCases(cfg config) []benchCase {
	rows := []int{1_000, 10_000, 100_000, 1_000_000}
	if cfg.short {
		rows = rows[1:2]
	}
	var out []benchCase
	for _, n := range rows {
		var targets []target
		if n == 1_000_000 {
			targets = []target{
				atLeast("x-rate-of-types", "", 2).to("serial loop of the same types"),
				atMost("x-cpu-of-types", "", 0.5).to("serial loop of the same types"),
				atLeast("x-rate-with-rows", "", 0.9).to("the same job without row results"),
				atMost("peak-MiB", "", 128),
			}
		}
		out = append(out, of(fmt.Sprintf("accounts: %s rows from CSV", thousands(n)),
			packageBenchmark{pkg: "accounts", name: "BenchmarkSubmitMillion", env: fmt.Sprint("CCR_BENCH_ROWS=", n)}, targets...).
			at("accounts, CSV to server", float64(n), "rows"))
	}
	read := rows[len(rows)-1]
	return append(out, of(fmt.Sprintf("accounts: read %s rows", thousands(read)),
		packageBenchmark{pkg: "accounts/files", name: "BenchmarkReadMillion", env: fmt.Sprint("CCR_BENCH_ROWS=", read)},
		atLeast("x-rate", "", 0.8).to("encoding/csv"),
		atMost("peak-MiB", "", 128)))
}

func gatewayCases(cfg config) []benchCase {
	sizes := []int{1, 8, 64, 258, 512} // MiB; 258 is the 256 of the target, rounded up to whole blocks of the XML
	if cfg.short {
		sizes = sizes[1:2]
	}
	var out []benchCase
	for _, way := range []struct{ does, benchmark, series string }{
		{"upload", "BenchmarkUpload", "gateway, upload"},
		{"receive a binary", "BenchmarkReceive/binary", "gateway, receive"},
		{"receive an XML report", "BenchmarkReceive/xml", ""},
	} {
		for _, n := range sizes {
			if way.series == "" && n%3 != 0 {
				continue
			}
			var targets []target
			if n == 258 {
				targets = []target{
					atLeast("speed/plain", "", 0.9).to("plain streaming code"),
					atMost("heap-MiB", "", 32),
				}
			}
			c := of(fmt.Sprintf("gateway: %s, %d MiB", way.does, n),
				packageBenchmark{pkg: "gateway", name: way.benchmark, env: fmt.Sprint("CCR_BENCH_MIB=", n)}, targets...)
			if way.series != "" {
				c = c.at(way.series, float64(n), "MiB")
			}
			out = append(out, c)
		}
	}
	return append(out, of("gateway/bacs: ARUDD of 100,000 items", packageBenchmark{pkg: "gateway/bacs", name: "BenchmarkARUDD100k"},
		atLeast("x-xml.Token", "", 2).to("encoding/xml, tokens alone")),
		of("gateway/bacs: memory of a report", packageBenchmark{pkg: "gateway/bacs", name: "BenchmarkARUDDHeap"}))
}

func decisioningCases(cfg config) []benchCase {
	sizes := []int{1_000, 10_000, 100_000}
	list := 100_000
	if cfg.short {
		sizes, list = sizes[:1], 5_000
	}
	var out []benchCase
	for _, n := range sizes {
		var targets []target
		if n == 10_000 {
			targets = []target{atMost("x-encoding/json", "", 0.65).to("encoding/json, bare structs")}
		}
		out = append(out, of(fmt.Sprintf("decisioning: decode %s transactions", thousands(n)),
			packageBenchmark{pkg: "decisioning", name: "BenchmarkDecode", time: "5x", env: fmt.Sprint("CCR_BENCH_TRANSACTIONS=", n)}, targets...).
			at("decisioning, decode transactions", float64(n), "transactions"))
	}
	return append(out, of(fmt.Sprintf("decisioning: list %s transactions, 20 ms a page", thousands(list)),
		packageBenchmark{pkg: "decisioning", name: "BenchmarkReadAhead", env: fmt.Sprint("CCR_BENCH_TRANSACTIONS=", list)},
		atMost("x-one-after-the-other", "", 0.4).to("one page after the other"),
		atMost("heap-MiB", "", 32)))
}

const mib = 1 << 20

func sftpCases(cfg config) []benchCase {
	all := []string{"ccr", "own", "sftp(1)", "pkg/sftp", "rclone"}
	two := []string{"ccr 2ch", "own 2ch", "ccr 4ch", "own 4ch", "sftp(1)"}
	four := []string{"ccr 4ch", "own 4ch", "sftp(1)"}
	one := []string{"ccr 1ch", "own", "sftp(1)"} // pkg/sftp's defaults would take minutes
	const rtt = 20 * time.Millisecond
	large := func(size int64, down bool, rtt time.Duration, clients []string, targets ...target) benchCase {
		name := fmt.Sprintf("sftp: %d MiB %s", size, direction(down))
		if _, channels, ok := strings.Cut(clients[0], " "); ok {
			name += ", " + strings.Replace(strings.TrimSuffix(channels, "ch")+" channels", "1 channels", "1 channel", 1)
		}
		if rtt > 0 {
			name += ", " + rtt.String() + " away"
		}
		c := transferCase(name, work.Transfer{Down: down, Size: size * mib}, rtt, clients, targets...)
		for i, t := range c.targets {
			if t.over == "sftp(1)" && size >= 1024 {
				why := "client and server share the cores"
				if down {
					why += ", and all reading and decrypting of a connection is one goroutine's, in the SSH library"
				}
				c.targets[i] = t.because(why)
			}
		}
		if rtt == 0 && clients[0] == "ccr" {
			c = c.at("sftp, one file "+direction(down), float64(size), "MiB")
		}
		return c
	}
	many := func(n int, down bool, rtt time.Duration, clients []string, targets ...target) benchCase {
		name := fmt.Sprintf("sftp: %s × 4 KiB %s", thousands(n), direction(down))
		if rtt > 0 {
			name += ", " + rtt.String() + " away"
		}
		c := transferCase(name, work.Transfer{Down: down, Size: 4 << 10, Files: n}, rtt, clients, targets...)
		if rtt == 0 {
			c = c.at("sftp, files of 4 KiB "+direction(down), float64(n), "files")
		}
		return c
	}
	// The targets are of throughput; the figures are of time.
	faster := func(unit string, sftp, own float64) []target {
		return []target{atLeast(unit, "sftp(1)", sftp), atLeast(unit, "own", own)}
	}
	with := func(t []target, more ...target) []target { return append(t, more...) }
	memory := atMost("peak-MiB", "", 32)
	up, down := false, true
	if cfg.short {
		small := []string{"ccr", "own", "sftp(1)", "pkg/sftp"}
		return append([]benchCase{
			large(16, up, 0, small), large(16, down, 0, small), large(16, down, rtt, four),
			many(100, up, 0, small), many(100, down, 0, small),
		}, optionless(true)...)
	}
	fourWays := []target{atLeast("MB/s", "sftp(1)", 2.2), atLeast("MB/s", "own 4ch", 0.9)}
	return append([]benchCase{
		large(1, up, 0, all), large(1, down, 0, all),
		large(16, up, 0, all), large(16, down, 0, all),
		large(256, up, 0, all, with(faster("MB/s", 1.25, 0.9), memory)...),
		large(256, down, 0, all, with(faster("MB/s", 1.15, 0.9), memory)...),
		large(1024, up, 0, all, with(faster("MB/s", 1.1, 0.9), memory)...),
		large(1024, down, 0, all, with(faster("MB/s", 0.85, 0.9), memory)...),
		large(1024, up, 0, two, atLeast("MB/s", "sftp(1)", 1), atLeast("MB/s", "own 2ch", 0.9)),
		large(1024, down, 0, two, atLeast("MB/s", "sftp(1)", 1), atLeast("MB/s", "own 2ch", 0.9)),
		large(256, up, rtt, one, with(faster("MB/s", 1, 0.9), memory)...),
		large(256, down, rtt, one, with(faster("MB/s", 1, 0.9), memory)...),
		large(256, up, rtt, four, fourWays...),
		large(256, down, rtt, four, fourWays...),
		many(1, up, 0, all), many(1, down, 0, all),
		many(100, up, 0, all), many(100, down, 0, all),
		many(2000, up, 0, all, with(faster("files/s", 3, 0.9), memory)...),
		many(2000, down, 0, all, with(faster("files/s", 5, 0.9), memory)...),
		many(5000, up, 0, all), many(5000, down, 0, all),
		many(500, up, rtt, []string{"ccr", "own", "sftp(1)"}, with(faster("files/s", 25, 0.9), memory)...),
		many(500, down, rtt, []string{"ccr", "own", "sftp(1)"}, with(faster("files/s", 38, 0.9), memory)...),
	}, optionless(false)...)
}

// optionless are the cases in which a user sets nothing, at four distances.
// rclone has its defaults, too; sftp(1) knows no others.
func optionless(short bool) []benchCase {
	clients, shapes := []string{"ccr", "sftp(1)", "rclone"}, []work.Transfer{{Size: 16 * mib}, {Size: 256 * mib}, {Size: 4 << 10, Files: 500}}
	if short { // rclone would have to be built
		clients, shapes = clients[:2], []work.Transfer{{Size: 1 * mib}, {Size: 5 * mib}, {Size: 4 << 10, Files: 5}}
	}
	var out []benchCase
	for _, ms := range []int{0, 20, 100, 250} {
		if short && ms >= 100 {
			clients = clients[:1] // sftp(1) has shown by now that it works
		}
		for _, t := range shapes {
			for _, t.Down = range []bool{false, true} {
				t.Defaults = true
				what := fmt.Sprintf("%d MiB", t.Size/mib)
				if t.Files > 0 {
					what = fmt.Sprintf("%d × 4 KiB", t.Files)
				}
				name := fmt.Sprintf("sftp: no options, %s %s, %d ms away", what, direction(t.Down), ms)
				c := transferCase(name, t, time.Duration(ms)*time.Millisecond, clients, optionlessTargets(t, ms)...)
				if t.Files > 0 && ms >= 100 {
					c.most, c.warm = 1, false
				}
				out = append(out, c)
			}
		}
	}
	return out
}

// optionlessTargets are those of the large file: what several channels are
// for. At 250 ms their windows are the bound, as everybody's are.
func optionlessTargets(t work.Transfer, ms int) []target {
	if t.Size < 256*mib {
		return nil
	}
	memory := atMost("peak-MiB", "", 96)
	switch {
	case ms == 0:
		return []target{atLeast("MB/s", "sftp(1)", 1.15), atLeast("MB/s", "rclone", 1.15), memory}
	case ms == 20:
		return []target{atLeast("MB/s", "sftp(1)", 2.4), atLeast("MB/s", "rclone", 1.25), memory}
	case ms == 100 && t.Down:
		return []target{atLeast("MB/s", "sftp(1)", 4), atLeast("MB/s", "rclone", 2), memory}
	case ms == 100:
		return []target{atLeast("MB/s", "sftp(1)", 4), memory}
	}
	return []target{memory}
}

func direction(down bool) string {
	if down {
		return "down"
	}
	return "up"
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
