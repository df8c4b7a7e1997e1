using System.Numerics;
using Xunit;

namespace MambaExt.Kernels.Tests;

/// <summary>Runs the kernel on a case: rows further apart than their channels if asked, guards around and between.</summary>
internal static unsafe class CausalConv1dRunner
{
    public static ConvResult Run<T>(ConvCase c, KernelOptions options, int gap = 0)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        long rows = c.Shape.Batch * c.Shape.Length, channels = c.Shape.Channels, stride = channels + gap;
        long states = c.Shape.Batch * (c.Shape.Width - 1) * channels;
        using NativeArray<T> x = Spread<T>(c.X, rows, channels, gap), dout = Spread<T>(c.DOut, rows, channels, gap);
        using NativeArray<T> weight = NativeArray<T>.Of(c.Weight), bias = NativeArray<T>.Of(c.Bias ?? []);
        using NativeArray<T> initial = NativeArray<T>.Of(c.Initial ?? []), dfinal = NativeArray<T>.Of(c.DFinal ?? []);
        using var seqIdx = new NativeArray<int>(c.SeqIdx ?? []);
        using NativeArray<T> output = new(rows * stride), dx = new(rows * stride), final = new(states), dinitial = new(states);
        using NativeArray<T> dweight = new(channels * c.Shape.Width), dbias = new(channels);

        var inputs = new CausalConv1dInputs<T>
        {
            X = x.Pointer,
            XRowStride = gap == 0 ? 0 : stride,
            Weight = weight.Pointer,
            Bias = c.Bias is null ? null : bias.Pointer,
            InitialStates = c.Initial is null ? null : initial.Pointer,
            SeqIdx = c.SeqIdx is null ? null : seqIdx.Pointer,
        };
        CausalConv1d.Forward(
            c.Shape, inputs, new CausalConv1dOutputs<T> { Out = output.Pointer, OutRowStride = stride, FinalStates = final.Pointer }, options);
        CausalConv1d.Backward(
            c.Shape,
            inputs,
            new CausalConv1dOutputGradients<T>
            {
                DOut = dout.Pointer, DOutRowStride = stride, DFinalStates = c.DFinal is null ? null : dfinal.Pointer,
            },
            new CausalConv1dInputGradients<T>
            {
                DX = dx.Pointer, DXRowStride = stride, DWeight = dweight.Pointer, DBias = dbias.Pointer, DInitialStates = dinitial.Pointer,
            },
            options);
        return new ConvResult(
            Gather(output, rows, channels, gap), final.ToDoubles(), Gather(dx, rows, channels, gap),
            dweight.ToDoubles(), dbias.ToDoubles(), dinitial.ToDoubles());
    }

    public static void AssertClose(ConvResult expected, ConvResult actual, bool single, string what)
    {
        Compare.Close(expected.Out, actual.Out, single ? 2e-6 : 1e-12, what + " out");
        Compare.Close(expected.Final, actual.Final, 0, what + " final");
        Compare.Close(expected.DX, actual.DX, single ? 5e-6 : 1e-12, what + " dx");
        Compare.Close(expected.DInitial, actual.DInitial, single ? 5e-6 : 1e-12, what + " dinitial");
        Compare.Close(expected.DWeight, actual.DWeight, single ? 1e-5 : 1e-12, what + " dweight");
        Compare.Close(expected.DBias, actual.DBias, single ? 1e-5 : 1e-12, what + " dbias");
    }

    public static void AssertSame(ConvResult expected, ConvResult actual, string what)
    {
        Compare.Same(expected.Out, actual.Out, what + " out");
        Compare.Same(expected.Final, actual.Final, what + " final");
        Compare.Same(expected.DX, actual.DX, what + " dx");
        Compare.Same(expected.DInitial, actual.DInitial, what + " dinitial");
        Compare.Same(expected.DWeight, actual.DWeight, what + " dweight");
        Compare.Same(expected.DBias, actual.DBias, what + " dbias");
    }

    private static NativeArray<T> Spread<T>(double[] dense, long rows, long channels, int gap)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var array = new NativeArray<T>(rows * (channels + gap));
        for (long i = 0; i < rows * channels; i++)
        {
            array.Pointer[i + (i / channels * gap)] = T.CreateChecked(dense[i]);
        }

        return array;
    }

    private static double[] Gather<T>(NativeArray<T> array, long rows, long channels, int gap)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var dense = new double[rows * channels];
        for (long row = 0; row < rows; row++)
        {
            T* from = array.Pointer + (row * (channels + gap));
            for (long d = 0; d < channels + gap; d++)
            {
                if (d < channels)
                {
                    dense[(row * channels) + d] = double.CreateChecked(from[d]);
                }
                else
                {
                    Assert.True(T.IsNaN(from[d]), $"the gap after row {row} was written");
                }
            }
        }

        return dense;
    }
}
