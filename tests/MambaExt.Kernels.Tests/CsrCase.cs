namespace MambaExt.Kernels.Tests;

/// <summary>Random sparse rows in managed memory and the sums over them in double, arc by arc.</summary>
internal sealed class CsrCase
{
    public CsrCase(int seed, int rows, int columns, int arcs, int channels)
    {
        var random = new Random(seed);
        Rows = rows;
        Columns = columns;
        Channels = channels;
        int[] sources = [.. Enumerable.Range(0, arcs).Select(_ => random.Next(rows) / (1 + random.Next(2))).Order()];
        Offsets = new long[rows + 1];
        Array.ForEach(sources, v => Offsets[v + 1]++);
        for (int v = 0; v < rows; v++)
        {
            Offsets[v + 1] += Offsets[v];
        }

        Sources = sources;
        Targets = [.. Enumerable.Range(0, arcs).Select(_ => random.Next(columns))];
        X = Compare.Random(random, columns * channels);
        DY = Compare.Random(random, rows * channels);
        Weights = Compare.Random(random, arcs);
        Gates = Compare.Random(random, arcs * channels);
    }

    public int Rows { get; }

    public int Columns { get; }

    public int Channels { get; }

    public long[] Offsets { get; }

    /// <summary>Row of each arc.</summary>
    public int[] Sources { get; }

    /// <summary>Column of each arc.</summary>
    public int[] Targets { get; }

    public double[] X { get; }

    public double[] DY { get; }

    public double[] Weights { get; }

    public double[] Gates { get; }

    /// <summary>y, or dx if <paramref name="transposed"/>; what multiplies arc e at channel c is <paramref name="factor"/>.</summary>
    public double[] Sum(Func<int, int, double> factor, bool transposed)
    {
        var result = new double[(transposed ? Columns : Rows) * Channels];
        for (int e = 0; e < Targets.Length; e++)
        {
            int to = transposed ? Targets[e] : Sources[e], from = transposed ? Sources[e] : Targets[e];
            for (int c = 0; c < Channels; c++)
            {
                result[(to * Channels) + c] += factor(e, c) * (transposed ? DY : X)[(from * Channels) + c];
            }
        }

        return result;
    }

    public double[] GateGradient() =>
        [.. Enumerable.Range(0, Targets.Length * Channels).Select(i => ArcProduct(i / Channels, i % Channels))];

    public double[] WeightGradient() =>
        [.. Enumerable.Range(0, Targets.Length).Select(e => Enumerable.Range(0, Channels).Sum(c => ArcProduct(e, c)))];

    private double ArcProduct(int e, int c) => DY[(Sources[e] * Channels) + c] * X[(Targets[e] * Channels) + c];
}
