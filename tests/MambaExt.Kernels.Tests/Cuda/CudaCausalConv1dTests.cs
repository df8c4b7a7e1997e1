using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>The CUDA convolution, emulated, against the definition and the CPU kernel.</summary>
public sealed class CudaCausalConv1dTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(31)]
    [InlineData(33)]
    [InlineData(130)]
    [Trait("Emulator", "address")]
    public void Forward_and_gradients_equal_the_definition_over_channels_and_lengths(int length)
    {
        using EmulatedGpu gpu = Gpu();
        var random = new Random(length);
        foreach (int channels in new[] { 1, 3, 8, 31, 33, 130 })
        {
            for (int width = 2; width <= 4; width++)
            {
                int draw = random.Next(1 << 20);
                var shape = new CausalConv1dShape(draw % 4, length, channels, width, Silu: (draw & 4) == 0, Reverse: (draw & 8) == 0);
                ConvCase c = ConvCase.Random(draw, shape, (draw & 16) == 0, (draw & 32) == 0, (draw & 64) == 0, (draw & 128) == 0);
                AssertEqualsDefinition<float>(gpu, c, draw % 3);
                AssertEqualsDefinition<double>(gpu, c, draw % 3);
                AssertEqualsDefinition<BFloat16>(gpu, c, draw % 3);
                AssertEqualsDefinition<Half>(gpu, c, draw % 3);
            }
        }
    }

    [Fact]
    [Trait("Emulator", "address")]
    public void Forward_and_gradients_equal_the_definition_for_every_combination_of_options()
    {
        using EmulatedGpu gpu = Gpu();
        for (int options = 0; options < 64; options++)
        {
            bool Has(int bit) => (options >> bit & 1) == 1;
            for (int width = 2; width <= 4; width++)
            {
                var shape = new CausalConv1dShape(2, 37, 13, width, Silu: Has(0), Reverse: Has(1));
                ConvCase c = ConvCase.Random(options, shape, bias: Has(2), initial: Has(3), final: Has(4), packed: Has(5));
                AssertEqualsDefinition<float>(gpu, c, options % 2);
                AssertEqualsDefinition<double>(gpu, c, options % 2);
            }
        }
    }

    [Theory]
    [InlineData(2, 300, 40, false)]
    [InlineData(1, 700, 200, true)]
    [InlineData(33, 300, 1400, false)]
    [InlineData(1, 140_001, 1, true)]
    public void Results_are_the_same_bits_in_whatever_order_blocks_run_and_near_the_CPU_kernel(int batch, int length, int channels, bool packed)
    {
        using EmulatedGpu gpu = Gpu(), reversed = EmulatedGpu.Require(KernelSource.CausalConv1d, CudaCausalConv1d.Instances, reverse: true);
        var shape = new CausalConv1dShape(batch, length, channels, 4, Silu: true);
        ConvCase c = ConvCase.Random(5, shape, bias: true, initial: true, final: true, packed);
        ConvResult one = CudaConvRunner.Run<float>(gpu, c);
        CausalConv1dRunner.AssertSame(one, CudaConvRunner.Run<float>(gpu, c), "again");
        CausalConv1dRunner.AssertSame(one, CudaConvRunner.Run<float>(reversed, c), "reversed");
        CudaConvRunner.AssertClose<float>(CausalConv1dRunner.Run<float>(c, new(2, 256)), one, shape.ToString());
    }

    [Fact]
    public void Batch_mates_do_not_change_a_bit()
    {
        using EmulatedGpu gpu = Gpu();
        var shape = new CausalConv1dShape(3, 75, 20, 3, Silu: true);
        ConvCase all = ConvCase.Random(8, shape, bias: true, initial: true, final: true, packed: false);
        ConvResult together = CudaConvRunner.Run<float>(gpu, all);
        double[] First(double[]? values) => values![..(values!.Length / 3)];
        ConvResult alone = CudaConvRunner.Run<float>(gpu, new ConvCase
        {
            Shape = shape with { Batch = 1 },
            X = First(all.X),
            Weight = all.Weight,
            Bias = all.Bias,
            Initial = First(all.Initial),
            DOut = First(all.DOut),
            DFinal = First(all.DFinal),
        });
        Compare.Same(First(together.Out), alone.Out, "out");
        Compare.Same(First(together.DX), alone.DX, "dx");
        Compare.Same(First(together.DInitial), alone.DInitial, "dinitial");
    }

    /// <summary>No number in what goes in or in the gradient that comes back, in the earlier or in the later of two packed sequences.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Another_sequence_of_the_row_changes_nothing_even_if_it_is_no_number(bool reverse)
    {
        const int Length = 90, Boundary = 35 * 5;
        using EmulatedGpu gpu = Gpu();
        var shape = new CausalConv1dShape(1, Length, 5, 4, Silu: true, reverse);
        ConvResult clean = CudaConvRunner.Run<float>(gpu, Case());
        foreach (bool gradient in new[] { false, true })
        {
            foreach (Range bad in new[] { ..Boundary, Boundary.. })
            {
                ConvCase c = Case();
                (gradient ? c.DOut : c.X).AsSpan(bad).Fill(double.NaN);
                ConvResult dirty = CudaConvRunner.Run<float>(gpu, c);
                Range other = bad.Equals(..Boundary) ? Boundary.. : ..Boundary;
                Compare.Same(clean.Out[other], dirty.Out[other], $"gradient {gradient}: out");
                Compare.Same(clean.DX[other], dirty.DX[other], $"gradient {gradient}: dx");
                Assert.All((gradient ? dirty.DX : dirty.Out)[bad], value => Assert.True(double.IsNaN(value)));
            }
        }

        ConvCase Case()
        {
            ConvCase c = ConvCase.Random(8, shape, bias: true, initial: false, final: false, packed: true);
            for (int t = 0; t < Length; t++) c.SeqIdx![t] = t * 5 < Boundary ? 0 : 1;
            return c;
        }
    }

    [Fact]
    public unsafe void Gradients_that_are_not_wanted_may_be_null()
    {
        using EmulatedGpu gpu = Gpu();
        using var x = GpuArray<float>.Of(gpu, [1, 2, 3, 4]);
        using var weight = GpuArray<float>.Of(gpu, [0.5, 2]);
        using GpuArray<float> dx = new(gpu, 4), dbias = new(gpu, 1);
        var inputs = new CausalConv1dInputs<float> { X = x.Pointer, Weight = weight.Pointer };
        var arriving = new CausalConv1dOutputGradients<float> { DOut = x.Pointer };
        var shape = new CausalConv1dShape(1, 4, 1, 2, Silu: false);
        using var workspace = new GpuArray<byte>(gpu, CudaCausalConv1d.BackwardWorkspaceBytes<float>(shape));
        CudaCausalConv1d.Backward(gpu, shape, inputs, arriving, default, 0);
        CudaCausalConv1d.Backward(gpu, shape, inputs, arriving, new() { DX = dx.Pointer }, 0);
        CudaCausalConv1d.Backward(gpu, shape, inputs, arriving, new() { DBias = dbias.Pointer }, (nint)workspace.Pointer);
        Assert.Equal([3, 5.5, 8, 8], dx.ToDoubles());
        Assert.Equal([10], dbias.ToDoubles());
    }

    [Fact]
    public unsafe void Wrong_arguments_are_refused_as_on_the_CPU()
    {
        using EmulatedGpu gpu = Gpu();
        using var data = new GpuArray<float>(gpu, 64);
        var good = new CausalConv1dShape(1, 2, 4, 4, Silu: true);
        var inputs = new CausalConv1dInputs<float> { X = data.Pointer, Weight = data.Pointer };
        var outputs = new CausalConv1dOutputs<float> { Out = data.Pointer + 32 };
        void Refused(string part, CausalConv1dShape shape, CausalConv1dInputs<float> given, CausalConv1dOutputs<float> wanted) =>
            Assert.Contains(part, Assert.ThrowsAny<ArgumentException>(() => CudaCausalConv1d.Forward(gpu, shape, given, wanted)).Message);

        Refused("5 taps", good with { Width = 5 }, inputs, outputs);
        Refused("D are", good with { Channels = 0 }, inputs, outputs);
        Refused("Weight is null", good, inputs with { Weight = null }, outputs);
        Refused("Out is null", good, inputs, default);
        Refused("row stride of X is 3", good, inputs with { XRowStride = 3 }, outputs);
        Refused("so split the batch", good with { Batch = 1L << 40 }, inputs, outputs);
        Assert.Contains("workspace is null", Assert.ThrowsAny<ArgumentException>(() => CudaCausalConv1d.Backward(
            gpu, good, inputs, new() { DOut = data.Pointer }, new() { DBias = data.Pointer }, 0)).Message);
        Assert.Contains("Int32", Assert.ThrowsAny<ArgumentException>(() => CudaCausalConv1d.Forward<int>(gpu, good, default, default)).Message);
    }

    private static void AssertEqualsDefinition<T>(EmulatedGpu gpu, ConvCase c, int gap)
        where T : unmanaged
    {
        ConvCase rounded = CudaConvRunner.Rounded<T>(c);
        string what = $"{typeof(T).Name}, {c.Shape}, bias {c.Bias is not null}, initial {c.Initial is not null}, final {c.DFinal is not null}, packed {c.SeqIdx is not null}";
        CudaConvRunner.AssertClose<T>(CausalConv1dReference.Run(rounded), CudaConvRunner.Run<T>(gpu, rounded, gap), what);
    }

    private static EmulatedGpu Gpu() => EmulatedGpu.Require(KernelSource.CausalConv1d, CudaCausalConv1d.Instances);
}
