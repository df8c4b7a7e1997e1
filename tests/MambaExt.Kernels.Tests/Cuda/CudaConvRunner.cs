using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>Runs the CUDA convolution on a case, in memory whose ends are watched; rows further apart than their channels if asked.</summary>
internal static unsafe class CudaConvRunner
{
    /// <summary>The case with sequences rounded to T: what the kernel is really given.</summary>
    public static ConvCase Rounded<T>(ConvCase c)
        where T : unmanaged => new()
        {
            Shape = c.Shape,
            X = Round<T>(c.X),
            Weight = c.Weight,
            Bias = c.Bias,
            Initial = c.Initial,
            SeqIdx = c.SeqIdx,
            DOut = Round<T>(c.DOut),
            DFinal = c.DFinal,
        };

    public static ConvResult Run<T>(EmulatedGpu gpu, ConvCase c, int gap = 0)
        where T : unmanaged => typeof(T) == typeof(double) ? Run<T, double>(gpu, c, gap) : Run<T, float>(gpu, c, gap);

    public static void AssertClose<T>(ConvResult expected, ConvResult actual, string what)
        where T : unmanaged
    {
        // A sequence is rounded once, when it is stored.
        double stored = typeof(T) == typeof(BFloat16) ? 1.0 / 256 : typeof(T) == typeof(Half) ? 1.0 / 2048 : 0;
        bool exact = typeof(T) == typeof(double);
        Compare.Close(expected.Out, actual.Out, stored + (exact ? 1e-12 : 2e-6), what + " out");
        Compare.Close(expected.DX, actual.DX, stored + (exact ? 1e-12 : 5e-6), what + " dx");
        Compare.Close(expected.Final, actual.Final, 0, what + " final");
        Compare.Close(expected.DInitial, actual.DInitial, exact ? 1e-12 : 5e-6, what + " dinitial");
        // What is summed is of the order of 1, though the sum may be small.
        Compare.Close([1, .. expected.DWeight], [1, .. actual.DWeight], exact ? 1e-12 : 1e-5, what + " dweight");
        Compare.Close([1, .. expected.DBias], [1, .. actual.DBias], exact ? 1e-12 : 1e-5, what + " dbias");
    }

    private static ConvResult Run<T, TWide>(EmulatedGpu gpu, ConvCase c, int gap)
        where T : unmanaged
        where TWide : unmanaged
    {
        long rows = c.Shape.Batch * c.Shape.Length, channels = c.Shape.Channels, stride = channels + gap;
        long states = c.Shape.Batch * (c.Shape.Width - 1) * channels;
        using GpuArray<T> x = Spread<T>(gpu, c.X, channels, gap), dout = Spread<T>(gpu, c.DOut, channels, gap);
        using GpuArray<TWide> weight = GpuArray<TWide>.Of(gpu, c.Weight);
        using GpuArray<TWide>? bias = GpuArray<TWide>.OfOptional(gpu, c.Bias), initial = GpuArray<TWide>.OfOptional(gpu, c.Initial);
        using GpuArray<TWide>? dfinal = GpuArray<TWide>.OfOptional(gpu, c.DFinal);
        using GpuArray<int>? seqIdx = c.SeqIdx is null ? null : new(gpu, c.SeqIdx);
        using GpuArray<T> output = new(gpu, rows * stride), dx = new(gpu, rows * stride);
        using GpuArray<TWide> final = new(gpu, states), dinitial = new(gpu, states);
        using GpuArray<TWide> dweight = new(gpu, channels * c.Shape.Width), dbias = new(gpu, channels);
        using GpuArray<byte> workspace = new(gpu, CudaCausalConv1d.BackwardWorkspaceBytes<T>(c.Shape));

        var inputs = new CausalConv1dInputs<T>
        {
            X = x.Pointer,
            XRowStride = gap == 0 ? 0 : stride,
            Weight = (T*)weight.Pointer,
            Bias = bias is null ? null : (T*)bias.Pointer,
            InitialStates = initial is null ? null : (T*)initial.Pointer,
            SeqIdx = seqIdx is null ? null : seqIdx.Pointer,
        };
        CudaCausalConv1d.Forward(
            gpu, c.Shape, inputs, new CausalConv1dOutputs<T> { Out = output.Pointer, OutRowStride = stride, FinalStates = (T*)final.Pointer });
        CudaCausalConv1d.Backward(
            gpu,
            c.Shape,
            inputs,
            new CausalConv1dOutputGradients<T> { DOut = dout.Pointer, DOutRowStride = stride, DFinalStates = dfinal is null ? null : (T*)dfinal.Pointer },
            new CausalConv1dInputGradients<T>
            {
                DX = dx.Pointer, DXRowStride = stride, DWeight = (T*)dweight.Pointer, DBias = (T*)dbias.Pointer, DInitialStates = (T*)dinitial.Pointer,
            },
            (nint)workspace.Pointer);
        return new ConvResult(
            Gather(output, channels, gap), final.ToDoubles(), Gather(dx, channels, gap), dweight.ToDoubles(), dbias.ToDoubles(), dinitial.ToDoubles());
    }

    private static double[] Round<T>(double[] values)
        where T : unmanaged => Array.ConvertAll(values, v => GpuArray<T>.ToDouble(GpuArray<T>.FromDouble(v)));

    private static GpuArray<T> Spread<T>(EmulatedGpu gpu, double[] dense, long channels, int gap)
        where T : unmanaged =>
        GpuArray<T>.Of(gpu, [.. dense.Chunk((int)channels).SelectMany(row => row.Concat(Enumerable.Repeat(double.NaN, gap)))]);

    private static double[] Gather<T>(GpuArray<T> array, long channels, int gap)
        where T : unmanaged
    {
        double[][] rows = [.. array.ToDoubles().Chunk((int)channels + gap)];
        Assert.All(rows, row => Assert.All(row[(int)channels..], v => Assert.True(double.IsNaN(v), "the gap after a row was written")));
        return [.. rows.SelectMany(row => row[..(int)channels])];
    }
}
