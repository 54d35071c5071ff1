package bench

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

const (
	barWidth    = 12
	groupWidth  = 5 * barWidth
	chartHeight = 260
)

// chart draws each case's throughput, a bar for each server, as a share of the best one: cases differ by
// orders of magnitude, and the comparison within each is what matters.
func (s Section) chart(path string) error {
	p := plot.New()
	p.Title.Text = s.Title
	p.Y.Label.Text = "throughput, share of the best server"
	p.Y.Min, p.Y.Max = 0, 1.25
	names := s.servers()
	var labels []string
	for _, r := range s.Rows {
		labels = append(labels, r.Case.Label)
	}
	for i, name := range names {
		var v plotter.Values
		for _, r := range s.Rows {
			best := 0.0
			for _, n := range names {
				best = max(best, r.By[n].TPS)
			}
			if best == 0 {
				best = 1
			}
			v = append(v, r.By[name].TPS/best)
		}
		bars, err := plotter.NewBarChart(v, vg.Points(barWidth))
		if err != nil {
			return err
		}
		bars.LineStyle.Width = 0
		bars.Color = plotutil.Color(i)
		bars.Offset = vg.Points((float64(i) - float64(len(names)-1)/2) * barWidth)
		p.Add(bars)
		p.Legend.Add(name, bars)
	}
	p.Legend.Top = true
	p.NominalX(labels...)
	p.X.Tick.Label.Rotation = 0.35
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = -1, -0.5
	return p.Save(vg.Points(float64(max(4, len(labels))*(groupWidth+30))), vg.Points(chartHeight), path)
}
