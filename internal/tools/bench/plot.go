package main

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	gplot "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// seriesOf are the plots, in the order of the cases.
func seriesOf(results []*result) []string {
	var out []string
	for _, r := range results {
		if r.c.series != "" && !slices.Contains(out, r.c.series) {
			out = append(out, r.c.series)
		}
	}
	return out
}

func plotFile(series string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(series), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-") + ".svg"
}

// plot draws one SVG a series: seconds against size, both logarithmic, a line
// for each variant.
func plot(dir string, results []*result) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, series := range seriesOf(results) {
		if err := plotSeries(filepath.Join(dir, plotFile(series)), series, results); err != nil {
			return fmt.Errorf("plot of %s: %w", series, err)
		}
	}
	return nil
}

func plotSeries(path, series string, results []*result) error {
	p := gplot.New()
	lines := map[string]plotter.XYs{}
	var order []string
	for _, r := range results {
		if r.c.series != series {
			continue
		}
		p.X.Label.Text = r.c.unit
		for _, name := range r.names() {
			m := median(r.all(name, "s"))
			if m == 0 {
				continue
			}
			if lines[name] == nil {
				order = append(order, name)
			}
			lines[name] = append(lines[name], plotter.XY{X: r.c.size, Y: m})
		}
	}
	p.Title.Text, p.Y.Label.Text = series, "seconds"
	p.X.Scale, p.Y.Scale = gplot.LogScale{}, gplot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = decades{}, decades{}
	p.Add(plotter.NewGrid())
	var args []any
	for _, name := range order {
		slices.SortFunc(lines[name], func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
		args = append(args, name, lines[name])
	}
	if err := plotutil.AddLinePoints(p, args...); err != nil {
		return err
	}
	p.Legend.Top, p.Legend.Left = true, true
	return p.Save(18*vg.Centimeter, 12*vg.Centimeter, path)
}

// decades marks 1, 2 and 5 of each power of ten.
type decades struct{}

// Ticks implements plot.Ticker.
func (decades) Ticks(least, most float64) []gplot.Tick {
	var out []gplot.Tick
	for power := math.Pow(10, math.Floor(math.Log10(least))); power <= most; power *= 10 {
		for _, n := range []float64{1, 2, 5} {
			if v := n * power; v >= least && v <= most {
				out = append(out, gplot.Tick{Value: v, Label: fmt.Sprintf("%.4g", v)})
			}
		}
	}
	if len(out) == 0 { // all of it between two marks
		out = []gplot.Tick{{Value: least, Label: fmt.Sprintf("%.3g", least)}, {Value: most, Label: fmt.Sprintf("%.3g", most)}}
	}
	return out
}
