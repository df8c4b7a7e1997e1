using MambaExt.Graph.Training;

namespace MambaExt.Cli.Tests;

public class GraphProgressViewTests
{
    [Fact]
    public void Piped_progress_is_a_line_every_ten_seconds_and_one_a_run()
    {
        var clock = new Clock();
        var error = new StringWriter();
        var view = new GraphProgressView(runs: 2, epochs: 100, error, live: false, clock);
        for (int epoch = 1; epoch <= 50; epoch++)
        {
            clock.Seconds += 1;
            view.Epoch(new NodeEpoch("graph-mamba", 0, 0, epoch, 0.5, 0.6, 80 + epoch / 10.0, 85, 0.01));
        }

        view.Done(new NodeRunKey("graph-mamba", 0, 0), new NodeRun(0, 0, 85, 84.5, 50, 50, 50, []));
        string[] lines = error.ToString().ReplaceLineEndings("\n").TrimEnd().Split('\n');
        Assert.Equal(6, lines.Length);
        Assert.Equal("graph-mamba, run 1 of 2, epoch 10 of 100: loss 0.500, validation 81.00 (best 85.00), 1.0 epochs/s, at most 3:10 left", lines[0]);
        Assert.Equal("graph-mamba, run 1 of 2 (seed 0, split 0): validation 85.00, test 84.50, 50 epochs in 50.0 s", lines[5]);
    }

    [Fact]
    public void Live_progress_stays_on_one_line()
    {
        var clock = new Clock();
        var error = new StringWriter();
        var view = new GraphProgressView(runs: 1, epochs: 100_000, error, live: true, clock);
        clock.Seconds += 5;
        view.Epoch(new NodeEpoch("graph-mamba", 0, 0, 1, 0.5, 0.6, 80, 85, 0.01));
        Assert.StartsWith("\r\x1b[K", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.ToString());
    }

    private sealed class Clock : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => (long)(Seconds * 1000);
    }
}
