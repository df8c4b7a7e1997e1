using System.Globalization;
using MambaExt.Reports;
using Xunit;

namespace MambaExt.Tests.Reports;

public class AxisTests
{
    [Theory]
    [InlineData(1, 200, "0 50 100 150 200")]
    [InlineData(1, 3, "1 2 3")]
    [InlineData(150, 200, "150 160 170 180 190 200")]
    [InlineData(7, 7, "7 8")]
    public void Counts_have_whole_ticks(double low, double high, string ticks) =>
        Assert.Equal(ticks, string.Join(' ', Axis.Of(low, high, 0, 100, 5, whole: true).Ticks.Select(t => t.Label)));

    [Theory]
    [InlineData(0.2, 2.1, "0.5 1.0 1.5 2.0")]
    [InlineData(81.2, 83.9, "81.5 82.0 82.5 83.0 83.5 84.0")]
    [InlineData(20, 99.5, "20 40 60 80 100")]
    [InlineData(1e-7, 3e-7, "1e-7 1.5e-7 2e-7 2.5e-7 3e-7")]
    public void Values_have_ticks_of_one_two_and_five(double low, double high, string ticks) =>
        Assert.Equal(ticks, string.Join(' ', Axis.Of(low, high, 0, 100, 5, percent: true).Ticks.Select(t => t.Label)));

    [Fact]
    public void Three_decades_are_logarithmic()
    {
        Axis axis = Axis.Of(1e-5, 1, 0, 100, 5, mayBeLogarithmic: true);
        Assert.True(axis.Logarithmic);
        Assert.Equal([0, 20, 40, 60, 80, 100], axis.Ticks.Select(t => Math.Round(axis.At(t.Value), 6)));
        Assert.Equal(["1e-5", "1e-4", "0.001", "0.01", "0.1", "1"], axis.Ticks.Select(t => t.Label));
        Assert.Equal(0, axis.At(-3));
        Assert.False(Axis.Of(0, 1, 0, 100, 5, mayBeLogarithmic: true).Logarithmic);
        Assert.False(Axis.Of(1e-5, 1, 0, 100, 5).Logarithmic);
    }

    [Fact]
    public void Every_tick_lies_on_the_axis_and_percentages_end_at_100()
    {
        Axis axis = Axis.Of(95, 100, 300, 10, 5, percent: true);
        Assert.Equal(10, axis.At(100));
        Assert.All(axis.Ticks, tick => Assert.InRange(axis.At(tick.Value), 10, 300));
        Assert.All(axis.Ticks, tick => Assert.Equal(tick.Value, double.Parse(tick.Label, CultureInfo.InvariantCulture), 1e-9));
    }
}
