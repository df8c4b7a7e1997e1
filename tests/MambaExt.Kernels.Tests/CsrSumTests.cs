using CsCheck;
using Xunit;

namespace MambaExt.Kernels.Tests;

public class CsrSumTests
{
    [Theory]
    [InlineData(1, 1, 0)]
    [InlineData(1, 1, 3)]
    [InlineData(7, 5, 30)]
    [InlineData(100, 40, 64)]
    [InlineData(60, 200, 1000)]
    public void Sums_and_gradients_equal_the_definition(int rows, int columns, int arcs)
    {
        foreach (int channels in new[] { 1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 96, 130 })
        {
            var c = new CsrCase(channels, rows, columns, arcs, channels);
            CsrResult expected = Reference(c);
            foreach (int bits in CausalConv1dTests.Widths)
            {
                string what = $"{rows} x {columns}, {arcs} arcs, {channels} channels, {bits} bits";
                AssertClose(expected, CsrRunner.Run<float>(c, new(1, bits)), 2e-6, what);
                AssertClose(expected, CsrRunner.Run<double>(c, new(2, bits)), 1e-14, what);
            }
        }
    }

    [Fact]
    public void Results_are_the_same_bits_at_any_number_of_threads_and_sums_at_any_width()
    {
        var c = new CsrCase(1, rows: 3000, columns: 2000, arcs: 40_000, channels: 45);
        CsrResult one = CsrRunner.Run<float>(c, new(1, 256));
        AssertSame(one, CsrRunner.Run<float>(c, new(2, 256)));
        AssertSame(one, CsrRunner.Run<float>(c, new(5, 256)));
        CsrResult narrow = CsrRunner.Run<float>(c, new(2, 128));
        AssertSame(one, narrow with { DWeights = one.DWeights });
        AssertSame(one, CsrRunner.Run<float>(c, new(2, 512)) with { DWeights = one.DWeights });
    }

    [Fact]
    public void A_row_keeps_its_bits_whatever_other_rows_hold()
    {
        var c = new CsrCase(4, rows: 50, columns: 50, arcs: 400, channels: 33);
        CsrResult before = CsrRunner.Run<float>(c, new(1, 256));
        int last = (int)c.Offsets[25];
        for (int e = last; e < c.Targets.Length; e++)
        {
            c.Targets[e] = (c.Targets[e] + 1) % 50;
            c.Weights[e] = -c.Weights[e];
        }

        CsrResult after = CsrRunner.Run<float>(c, new(1, 256));
        Compare.Same(before.Weighted[..(25 * 33)], after.Weighted[..(25 * 33)], "rows before the change");
        Assert.NotEqual(before.Weighted, after.Weighted);
    }

    [Fact]
    public unsafe void Gradients_over_the_transpose_land_on_the_original_arcs()
    {
        var c = new CsrCase(3, rows: 30, columns: 20, arcs: 100, channels: 11);
        CsrResult straight = CsrRunner.Run<double>(c, new(1, 256));
        using var offsets = new NativeArray<long>(c.Offsets);
        using var targets = new NativeArray<int>(c.Targets);
        using var transpose = new CsrTranspose(new CsrRows(30, 20, offsets.Pointer, targets.Pointer));
        using NativeArray<double> x = NativeArray<double>.Of(c.X), dy = NativeArray<double>.Of(c.DY), dweights = new(100), dgates = new(1100);
        CsrSum.WeightGradient(transpose.Rows, dy.Pointer, x.Pointer, 11, dweights.Pointer, new(1, 256));
        CsrSum.GateGradient(transpose.Rows, dy.Pointer, x.Pointer, 11, dgates.Pointer, new(1, 256));
        Compare.Same(straight.DWeights, dweights.ToDoubles(), "dweights");
        Compare.Same(straight.DGates, dgates.ToDoubles(), "dgates");
    }

    [Fact]
    public void A_hub_is_ordinary()
    {
        var c = new CsrCase(2, rows: 9, columns: 9, arcs: 5000, channels: 12);
        Array.Fill(c.Targets, 4, 0, 2500);
        AssertClose(Reference(c), CsrRunner.Run<double>(c, new(3, 256)), 1e-13, "hub");
    }

    [Fact]
    public unsafe void Transpose_lists_every_arc_once_by_column_then_row() =>
        Gen.Select(Gen.Int[1, 30], Gen.Int[1, 30], Gen.Int[0, 200], Gen.Int[0, 1000]).Sample(
            (rows, columns, arcs, seed) =>
            {
                var c = new CsrCase(seed, rows, columns, arcs, 1);
                using var offsets = new NativeArray<long>(c.Offsets);
                using var targets = new NativeArray<int>(c.Targets);
                using var transpose = new CsrTranspose(new CsrRows(rows, columns, offsets.Pointer, targets.Pointer));
                CsrRows back = transpose.Rows;
                long[] order = [.. Enumerable.Range(0, arcs).OrderBy(e => c.Targets[e]).Select(e => (long)e)];
                Assert.Equal(order, new Span<long>(back.Arcs, arcs).ToArray());
                Assert.Equal(order.Select(e => c.Sources[e]), new Span<int>(back.Columns, arcs).ToArray());
                for (int column = 0; column <= columns; column++)
                {
                    Assert.Equal(c.Targets.Count(t => t < column), back.Offsets[column]);
                }
            },
            iter: 100,
            seed: "0000Ivu7GFp2");

    [Fact]
    public unsafe void Wrong_arguments_are_refused_with_what_to_do()
    {
        using var offsets = new NativeArray<long>([0L, 2, 3]);
        using var falling = new NativeArray<long>([0L, 3, 2]);
        using var targets = new NativeArray<int>([0, 4, 1]);
        using var x = NativeArray<float>.Of(new double[16]);
        long* good = offsets.Pointer, bad = falling.Pointer;
        int* columns = targets.Pointer;
        float* values = x.Pointer;
        static void Refused(string part, Action action) => Assert.Contains(part, Assert.ThrowsAny<ArgumentException>(action).Message);

        Refused("both are 0 or more", () => _ = new CsrRows(-1, 2, good, columns));
        Refused("Offsets is null", () => _ = new CsrRows(2, 2, null, columns));
        Refused("Columns is null", () => _ = new CsrRows(2, 2, good, null));
        Refused("from 2 to", () => _ = new CsrRows(1, 2, good + 1, columns));
        Refused("Offset 2 is 2", () => new CsrRows(2, 5, bad, columns).Validate());
        Refused("column 4", () => _ = new CsrTranspose(new CsrRows(2, 4, good, columns)));
        Refused("C is 0", () => CsrSum.Plain(new CsrRows(2, 5, good, columns), values, 0, values + 8, new(1, 256)));
        Refused("Weights is null", () => CsrSum.Weighted(new CsrRows(2, 5, good, columns), values, 1, null, values + 8, new(1, 256)));
        Refused("Offsets is null", () => CsrSum.Plain(default, values, 1, values + 8, new(1, 256)));
        Refused("VectorBits", () => CsrSum.Plain(new CsrRows(2, 5, good, columns), values, 1, values + 8, new(1, 64)));
    }

    internal static CsrResult Reference(CsrCase c) => new(
        c.Sum((_, _) => 1, false),
        c.Sum((e, _) => c.Weights[e], false),
        c.Sum((e, channel) => c.Gates[(e * c.Channels) + channel], false),
        c.Sum((_, _) => 1, true),
        c.Sum((e, _) => c.Weights[e], true),
        c.Sum((e, channel) => c.Gates[(e * c.Channels) + channel], true),
        c.WeightGradient(),
        c.GateGradient());

    private static void AssertClose(CsrResult expected, CsrResult actual, double tolerance, string what)
    {
        foreach ((double[] wanted, double[] given, string name) in Pairs(expected, actual))
        {
            // A dot product over the channels may cancel; the sums over arcs here hardly do.
            Compare.Close(wanted, given, name == "dweights" ? 10 * tolerance : tolerance, $"{what}: {name}");
        }
    }

    private static void AssertSame(CsrResult expected, CsrResult actual)
    {
        foreach ((double[] wanted, double[] given, string name) in Pairs(expected, actual))
        {
            Compare.Same(wanted, given, name);
        }
    }

    internal static IEnumerable<(double[] Expected, double[] Actual, string Name)> Pairs(CsrResult a, CsrResult b) =>
    [
        (a.Plain, b.Plain, "plain"), (a.Weighted, b.Weighted, "weighted"), (a.Gated, b.Gated, "gated"),
        (a.DXPlain, b.DXPlain, "dx, plain"), (a.DXWeighted, b.DXWeighted, "dx, weighted"), (a.DXGated, b.DXGated, "dx, gated"),
        (a.DWeights, b.DWeights, "dweights"), (a.DGates, b.DGates, "dgates"),
    ];
}
