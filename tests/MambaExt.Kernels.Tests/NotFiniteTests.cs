using System.Numerics;
using Xunit;

namespace MambaExt.Kernels.Tests;

/// <summary>What is not finite stays with those that read it: other packed sequences, batch mates and earlier positions keep their bits.</summary>
public sealed unsafe class NotFiniteTests
{
    private static readonly int[] Widths = [128, 256, 512];

    /// <summary>A bad number in the middle of three packed sequences: within a chunk of 64 positions, over the boundary of two, over that of two
    /// segments of a long sequence (1024, 2048), and with channels or states as lanes.</summary>
    [Theory]
    [InlineData(200, 20, 7, 70, 110, float.NaN)]
    [InlineData(200, 20, 7, 64, 128, float.PositiveInfinity)]
    [InlineData(200, 3, 20, 120, 140, float.NaN)]
    [InlineData(4096, 2, 3, 1000, 1050, float.NaN)]
    [InlineData(4096, 2, 3, 2040, 2060, float.NegativeInfinity)]
    public void A_selective_scan_keeps_it_in_its_packed_sequence(int length, int channels, int states, int from, int to, float bad)
    {
        var shape = new SelectiveScanShape { Batch = 1, Length = length, Channels = channels, States = states, Softplus = true };
        int at = (from + to) / 2;
        foreach (int bits in Widths)
        {
            Each<float>(new KernelOptions(1, bits));
            Each<double>(new KernelOptions(2, bits));
        }

        void Each<T>(KernelOptions options)
            where T : unmanaged, IFloatingPointIeee754<T>
        {
            Dictionary<string, T[]> expected = Run<T>("nothing", options);
            foreach (string what in new[] { "u", "delta", "B", "C", "z", "dy" })
            {
                Dictionary<string, T[]> got = Run<T>(what, options);
                foreach (string name in new[] { "out", "du", "ddelta", "dB", "dC", "dz" })
                {
                    int width = expected[name].Length / length;
                    Same(expected[name].AsSpan(0, from * width), got[name].AsSpan(0, from * width), $"{what}, {options}: {name} of the sequence before");
                    Same(expected[name].AsSpan(to * width), got[name].AsSpan(to * width), $"{what}, {options}: {name} of the sequence after");
                }

                Same<T>(expected["last"], got["last"], $"{what}, {options}: last state");
                Same<T>(expected["dh0"], got["dh0"], $"{what}, {options}: gradient of the initial state");
                Same(expected["out"].AsSpan(0, at * channels), got["out"].AsSpan(0, at * channels), $"{what}, {options}: out of earlier positions");
                Assert.True(what == "delta" || got.Values.Any(values => values.Any(value => !T.IsFinite(value))), $"{what} was not read");
            }
        }

        Dictionary<string, T[]> Run<T>(string what, KernelOptions options)
            where T : unmanaged, IFloatingPointIeee754<T>
        {
            using var scan = new ScanHarness<T>(shape, packed: true);
            for (int t = 0; t < length; t++) scan.Inputs.SequenceIndex[t] = t < from ? 0 : t < to ? 1 : 2;
            T nothing = T.Zero;
            *Place(scan, what, at, channels, states, &nothing) = T.CreateChecked(bad);
            scan.Run(options);
            return scan.Snapshot();
        }
    }

    /// <summary>Several short sequences of a batch are walked as one where nothing is carried: six entries of ten positions here. A huge step is unusual too:
    /// no decay that goes with it may be computed in another way beside it.</summary>
    [Theory]
    [InlineData(20, 7, float.NaN)]
    [InlineData(20, 7, float.PositiveInfinity)]
    [InlineData(20, 7, 1e4f)]
    [InlineData(3, 20, float.NaN)]
    [InlineData(3, 20, 1e4f)]
    public void A_selective_scan_keeps_it_from_batch_mates(int channels, int states, float bad)
    {
        const int Batch = 13, Length = 10, Bad = 7, At = (Bad * Length) + 4;
        var shape = new SelectiveScanShape { Batch = Batch, Length = Length, Channels = channels, States = states, Softplus = true };
        foreach (int bits in Widths)
        {
            var options = new KernelOptions(1, bits);
            Dictionary<string, float[]> expected = Run("nothing", options);
            foreach (string what in new[] { "u", "delta", "B", "C", "z", "dy" })
            {
                Dictionary<string, float[]> got = Run(what, options);
                foreach (string name in new[] { "out", "du", "ddelta", "dB", "dC", "dz" })
                {
                    int entry = expected[name].Length / Batch;
                    Same(expected[name].AsSpan(0, Bad * entry), got[name].AsSpan(0, Bad * entry), $"{what}, {options}: {name} of the entries before");
                    Same(expected[name].AsSpan((Bad + 1) * entry), got[name].AsSpan((Bad + 1) * entry), $"{what}, {options}: {name} of the entries after");
                }
            }
        }

        Dictionary<string, float[]> Run(string what, KernelOptions options)
        {
            using var scan = new ScanHarness<float>(shape, h0: false, last: false);
            float nothing = 0;
            *Place(scan, what, At, channels, states, &nothing) = bad;
            scan.Run(options);
            return scan.Snapshot();
        }
    }

    /// <summary>A bad number just before or behind the boundary of two packed sequences, in what goes in or in the gradient that comes back.</summary>
    [Theory]
    [InlineData(false, double.NaN)]
    [InlineData(true, double.PositiveInfinity)]
    public void A_convolution_keeps_it_in_its_packed_sequence(bool reverse, double bad)
    {
        const int Length = 150, Channels = 19, Boundary = 65;
        foreach (int width in new[] { 2, 3, 4 })
        {
            ConvResult expected = Run(null, 0, 256);
            foreach (int bits in Widths)
            {
                foreach (int at in new[] { Boundary - 1, Boundary })
                {
                    int first = at < Boundary ? Boundary * Channels : 0, end = at < Boundary ? Length * Channels : Boundary * Channels;
                    foreach (string what in new[] { "x", "dout" })
                    {
                        ConvResult got = Run(what, at, bits);
                        Compare.Same(expected.Out[first..end], got.Out[first..end], $"{what} {at}, {width} taps, {bits} bits: out of the other sequence");
                        Compare.Same(expected.DX[first..end], got.DX[first..end], $"{what} {at}, {width} taps, {bits} bits: dx of the other sequence");
                        Assert.Contains(what == "x" ? got.Out : got.DX, value => !double.IsFinite(value));
                    }
                }
            }

            ConvResult Run(string? what, int at, int bits)
            {
                ConvCase c = ConvCase.Random(8, new CausalConv1dShape(1, Length, Channels, width, Silu: true, reverse), bias: true, initial: false, final: false, packed: true);
                for (int t = 0; t < Length; t++) c.SeqIdx![t] = t < Boundary ? 0 : 1;
                if (what is not null) (what == "x" ? c.X : c.DOut)[(at * Channels) + 5] = bad;
                return CausalConv1dRunner.Run<float>(c, new(1, bits));
            }
        }
    }

    private static T* Place<T>(ScanHarness<T> scan, string what, int at, int channels, int states, T* nothing)
        where T : unmanaged, IFloatingPointIeee754<T> => what switch
        {
            "u" => scan.Inputs.U + (at * channels) + 1,
            "delta" => scan.Inputs.Delta + (at * channels),
            "B" => scan.Inputs.B + (at * states) + 2,
            "C" => scan.Inputs.C + (at * states) + 2,
            "z" => scan.Inputs.Z + (at * channels),
            "dy" => scan.Gradients.Out + (at * channels) + 1,
            _ => nothing,
        };

    private static void Same<T>(ReadOnlySpan<T> expected, ReadOnlySpan<T> got, string what)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int same = expected.CommonPrefixLength(got);
        Assert.True(same == expected.Length && same == got.Length, same < expected.Length ? $"{what}: element {same} of {expected.Length} is {got[same]:R}, not {expected[same]:R}" : what);
    }
}
