using MambaExt.Distill.Accounting;

namespace MambaExt.Distill.Tests.Accounting;

public sealed class LatencyMeterTests
{
    [Fact]
    public void Median_and_percentile_are_of_the_calls_behind_the_warm_up()
    {
        var clock = new Clock();
        int calls = 0;
        Latency latency = LatencyMeter.Measure(
            () =>
            {
                // 12 calls of 9 ms pass the warm-up of 0.1 s; those behind it take each of 0, 1, 4, ... 100^2 microseconds once, in another order.
                long root = (calls - 12) * 37 % 101;
                clock.Now += calls < 12 ? 9_000_000 : root * root * 1000;
                calls++;
            },
            101,
            clock);
        Assert.Equal(12 + 101, calls);
        Assert.Equal((2500, 9025, 101), (latency.median_us, latency.p95_us, latency.rounds));
    }

    [Fact]
    public void Ten_calls_warm_up_however_long_they_take()
    {
        var clock = new Clock();
        int calls = 0;
        LatencyMeter.Measure(
            () =>
            {
                clock.Now += 1_000_000_000;
                calls++;
            },
            50,
            clock);
        Assert.Equal(60, calls);
        Assert.Throws<ArgumentOutOfRangeException>(() => LatencyMeter.Measure(() => { }, 49));
    }

    private sealed class Clock : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => 1_000_000_000;

        public override long GetTimestamp() => Now;
    }
}
