using CsCheck;
using Xunit;

namespace MambaExt.Kernels.Tests;

public class CausalConv1dTests
{
    public static readonly int[] Widths = [128, 256, 512];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(1000)]
    public void Forward_and_gradients_equal_the_definition_over_channels_and_lengths(int length)
    {
        foreach (int channels in new[] { 1, 7, 8, 9, 15, 16, 17, 31, 33, 96 })
        {
            for (int width = 2; width <= 4; width++)
            {
                int draw = HashCode(length, channels, width);
                var shape = new CausalConv1dShape(2, length, channels, width, Silu: (draw & 1) == 0, Reverse: (draw & 2) == 0);
                ConvCase c = ConvCase.Random(draw, shape, (draw & 4) == 0, (draw & 8) == 0, (draw & 16) == 0, (draw & 32) == 0);
                ConvResult expected = CausalConv1dReference.Run(c);
                int bits = Widths[draw % 3];
                string what = $"case {draw}: {shape}, {bits} bits";
                CausalConv1dRunner.AssertClose(expected, CausalConv1dRunner.Run<float>(c, new(1, bits), draw % 4), single: true, what);
                CausalConv1dRunner.AssertClose(expected, CausalConv1dRunner.Run<double>(c, new(2, bits), draw % 4), single: false, what);
            }
        }
    }

    [Fact]
    public void Forward_and_gradients_equal_the_definition_for_every_combination_of_options()
    {
        for (int options = 0; options < 64; options++)
        {
            bool Has(int bit) => (options >> bit & 1) == 1;
            for (int width = 2; width <= 4; width++)
            {
                var shape = new CausalConv1dShape(2, 21, 13, width, Silu: Has(0), Reverse: Has(1));
                ConvCase c = ConvCase.Random(options, shape, bias: Has(2), initial: Has(3), final: Has(4), packed: Has(5));
                ConvResult expected = CausalConv1dReference.Run(c);
                foreach (int bits in Widths)
                {
                    string what = $"{shape} bias {Has(2)} initial {Has(3)} final {Has(4)} packed {Has(5)} {bits} bits";
                    CausalConv1dRunner.AssertClose(expected, CausalConv1dRunner.Run<float>(c, new(1, bits)), single: true, what);
                    CausalConv1dRunner.AssertClose(expected, CausalConv1dRunner.Run<double>(c, new(1, bits)), single: false, what);
                }
            }
        }
    }

    [Theory]
    [InlineData(1, 1000, 70)]
    [InlineData(2, 9, 2100)]
    [InlineData(700, 2, 5)]
    [InlineData(3, 300, 33)]
    public void Results_are_the_same_bits_at_any_number_of_threads_and_any_width(int batch, int length, int channels)
    {
        var shape = new CausalConv1dShape(batch, length, channels, 4, Silu: true);
        ConvCase c = ConvCase.Random(5, shape, bias: true, initial: true, final: true, packed: length == 300);
        ConvResult one = CausalConv1dRunner.Run<float>(c, new(1, 256));
        CausalConv1dRunner.AssertClose(CausalConv1dReference.Run(c), one, single: true, shape.ToString());
        CausalConv1dRunner.AssertSame(one, CausalConv1dRunner.Run<float>(c, new(2, 256)), "2 threads");
        CausalConv1dRunner.AssertSame(one, CausalConv1dRunner.Run<float>(c, new(5, 128)), "5 threads, 128 bits");
        CausalConv1dRunner.AssertSame(one, CausalConv1dRunner.Run<float>(c, new(2, 512)), "2 threads, 512 bits");
    }

    [Theory]
    [InlineData(37, 9)]
    [InlineData(300, 20)]
    public void Batch_mates_do_not_change_a_bit(int length, int channels)
    {
        var shape = new CausalConv1dShape(3, length, channels, 3, Silu: true);
        ConvCase all = ConvCase.Random(8, shape, bias: true, initial: true, final: true, packed: false);
        ConvResult together = CausalConv1dRunner.Run<float>(all, new(2, 256));
        for (int b = 0; b < 3; b++)
        {
            double[] Entry(double[]? values) => values![(b * values.Length / 3)..((b + 1) * values.Length / 3)];
            var alone = new ConvCase
            {
                Shape = shape with { Batch = 1 },
                X = Entry(all.X),
                Weight = all.Weight,
                Bias = all.Bias,
                Initial = Entry(all.Initial),
                DOut = Entry(all.DOut),
                DFinal = Entry(all.DFinal),
            };
            ConvResult result = CausalConv1dRunner.Run<float>(alone, new(1, 256));
            Compare.Same(Entry(together.Out), result.Out, "out");
            Compare.Same(Entry(together.Final), result.Final, "final");
            Compare.Same(Entry(together.DX), result.DX, "dx");
            Compare.Same(Entry(together.DInitial), result.DInitial, "dinitial");
        }
    }

    [Fact]
    public void Gradients_equal_central_differences()
    {
        var shape = new CausalConv1dShape(2, 6, 3, 4, Silu: true, Reverse: true);
        ConvCase c = ConvCase.Random(3, shape, bias: true, initial: true, final: true, packed: true);
        ConvResult result = CausalConv1dRunner.Run<double>(c, new(1, 256));
        double Loss()
        {
            ConvResult r = CausalConv1dRunner.Run<double>(c, new(1, 256));
            return r.Out.Zip(c.DOut, (a, b) => a * b).Sum() + r.Final.Zip(c.DFinal!, (a, b) => a * b).Sum();
        }

        double[] Differences(double[] input) => [.. Enumerable.Range(0, input.Length).Select(i =>
        {
            double kept = input[i];
            input[i] = kept + 1e-5;
            double above = Loss();
            input[i] = kept - 1e-5;
            double below = Loss();
            input[i] = kept;
            return (above - below) / 2e-5;
        })];

        Compare.Close(Differences(c.X), result.DX, 1e-8, "dx");
        Compare.Close(Differences(c.Weight), result.DWeight, 1e-8, "dweight");
        Compare.Close(Differences(c.Bias!), result.DBias, 1e-8, "dbias");
        Compare.Close(Differences(c.Initial!), result.DInitial, 1e-8, "dinitial");
    }

    [Fact]
    public void Whole_equals_two_halves_joined_by_the_state() => Gen.Select(Gen.Int[0, 40], Gen.Int[0, 40], Gen.Int[2, 4], Gen.Int[0, 1000])
        .Sample(
            (first, second, width, seed) =>
            {
                var shape = new CausalConv1dShape(1, first + second, 6, width, Silu: true);
                ConvCase whole = ConvCase.Random(seed, shape, bias: true, initial: true, final: false, packed: false);
                ConvCase Part(int from, int count, double[] initial) => new()
                {
                    Shape = shape with { Length = count },
                    X = whole.X[(from * 6)..((from + count) * 6)],
                    Weight = whole.Weight,
                    Bias = whole.Bias,
                    Initial = initial,
                    DOut = new double[count * 6],
                };
                ConvResult all = CausalConv1dRunner.Run<float>(whole, new(1, 256));
                ConvResult start = CausalConv1dRunner.Run<float>(Part(0, first, whole.Initial!), new(1, 256));
                ConvResult end = CausalConv1dRunner.Run<float>(Part(first, second, start.Final), new(1, 256));
                Compare.Same(all.Out, [.. start.Out, .. end.Out], "out");
                Compare.Same(all.Final, end.Final, "final");
            },
            iter: 60,
            seed: "0000Ivu7GFp2");

    [Fact]
    public unsafe void Gradients_that_are_not_wanted_may_be_null()
    {
        using var x = NativeArray<float>.Of([1, 2, 3, 4]);
        using var weight = NativeArray<float>.Of([0.5, 2]);
        using var dx = new NativeArray<float>(4);
        var inputs = new CausalConv1dInputs<float> { X = x.Pointer, Weight = weight.Pointer };
        var arriving = new CausalConv1dOutputGradients<float> { DOut = x.Pointer };
        var shape = new CausalConv1dShape(1, 4, 1, 2, Silu: false);
        CausalConv1d.Backward(shape, inputs, arriving, default, KernelOptions.Default);
        CausalConv1d.Backward(shape, inputs, arriving, new() { DX = dx.Pointer }, KernelOptions.Default);
        Assert.Equal([3, 5.5, 8, 8], dx.ToDoubles());
    }

    [Fact]
    public unsafe void Wrong_arguments_are_refused_with_what_to_do()
    {
        using var data = NativeArray<float>.Of(new double[64]);
        var good = new CausalConv1dShape(1, 2, 4, 4, Silu: true);
        var inputs = new CausalConv1dInputs<float> { X = data.Pointer, Weight = data.Pointer };
        var outputs = new CausalConv1dOutputs<float> { Out = data.Pointer + 32 };
        void Refused(string part, CausalConv1dShape shape, CausalConv1dInputs<float> given, CausalConv1dOutputs<float> wanted) =>
            Assert.Contains(part, Assert.ThrowsAny<ArgumentException>(() => CausalConv1d.Forward(shape, given, wanted, new(1, 256))).Message);

        Refused("5 taps", good with { Width = 5 }, inputs, outputs);
        Refused("D are", good with { Channels = 0 }, inputs, outputs);
        Refused("D are", good with { Length = -1 }, inputs, outputs);
        Refused("Weight is null", good, inputs with { Weight = null }, outputs);
        Refused("X is null", good, inputs with { X = null }, outputs);
        Refused("Out is null", good, inputs, default);
        Refused("row stride of X is 3", good, inputs with { XRowStride = 3 }, outputs);
        Assert.ThrowsAny<ArgumentException>(() => CausalConv1d.Forward(good, inputs, outputs, new(0, 256)));
        Assert.Contains("Half", Assert.ThrowsAny<ArgumentException>(
            () => CausalConv1d.Forward<Half>(good, default, default, new(1, 256))).Message);
    }

    /// <summary>A fixed number for a combination; the framework's own hash differs from run to run.</summary>
    private static int HashCode(int a, int b, int c) => (int)((((uint)a * 2654435761u) ^ ((uint)b * 2246822519u) ^ ((uint)c * 3266489917u)) >> 7);
}
