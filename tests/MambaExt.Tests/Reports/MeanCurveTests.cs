using MambaExt.Reports;
using Xunit;

namespace MambaExt.Tests.Reports;

public class MeanCurveTests
{
    [Fact]
    public void The_mean_is_over_positions_that_all_runs_have()
    {
        IReadOnlyList<CurvePoint> one = [new(1, 10), new(2, 20), new(3, double.NaN), new(4, 40), new(5, 50)], other = [new(1, 14), new(2, 26), new(3, 1), new(4, 40)];
        IReadOnlyList<MeanPoint> mean = MeanCurve.Of([one, other]);
        Assert.Equal([(1.0, 12.0), (2.0, 23.0), (4.0, 40.0)], mean.Select(p => (p.X, p.Mean)));
        Assert.Equal([Math.Sqrt(8), Math.Sqrt(18), 0], mean.Select(p => p.Deviation));
        Assert.Empty(MeanCurve.Of([one]));
    }

    [Fact]
    public void Thinning_keeps_both_ends_the_order_and_the_extremes()
    {
        CurvePoint[] points = [.. Enumerable.Range(0, 10_000).Select(i => new CurvePoint(i, i == 1234 ? 5 : i == 4321 ? -5 : Math.Sin(i)))];
        IReadOnlyList<CurvePoint> kept = Thinning.Extremes(points, 300);
        Assert.InRange(kept.Count, 250, 300);
        Assert.Equal((points[0], points[^1]), (kept[0], kept[^1]));
        Assert.Contains(points[1234], kept);
        Assert.Contains(points[4321], kept);
        Assert.Equal(kept.OrderBy(p => p.X), kept);
        Assert.Same(points, Thinning.Extremes(points, 10_000));
        Assert.Equal([0, 33, 66, 99], Thinning.Evenly([.. Enumerable.Range(0, 100)], 4));
    }
}
