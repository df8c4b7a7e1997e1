using System.Numerics;
using MambaExt.Kernels;
using MambaExt.Native;
using static TorchSharp.torch;

namespace MambaExt.Normalization;

/// <summary>
/// <c>y = dropout(relu(norm(x)))</c>, x [R, C], as one node that keeps x alone. With gain and shift given and no statistics it is batch norm over
/// the rows at hand; <see cref="Mean"/> and <see cref="Variance"/> then hold what it saw. Without them there is no norm.
/// </summary>
/// <param name="activation">What follows the norm</param>
/// <param name="normed">Inputs are x, gain and shift, else x alone</param>
/// <param name="eps">Added to the variance</param>
/// <param name="running">Mean and variance to use instead of those of x</param>
internal sealed class ChannelNormCall(ChannelActivation activation, bool normed, double eps, (double[] Mean, double[] Variance)? running) : KernelCall("A fused norm")
{
    /// <summary>[C]; set by forward where there is a norm.</summary>
    public double[] Mean { get; private set; } = [];

    /// <summary>[C], divisor R.</summary>
    public double[] Variance { get; private set; } = [];

    public override Tensor Forward(IReadOnlyList<Tensor> inputs, List<Tensor> save)
    {
        save.AddRange(inputs);
        Tensor y = empty_like(inputs[0]);
        if (y.dtype == ScalarType.Float32)
        {
            Forward<float>(inputs, y);
        }
        else
        {
            Forward<double>(inputs, y);
        }

        return y;
    }

    public override List<Tensor?> Backward(IReadOnlyList<Tensor> saved, Tensor dy) =>
        dy.dtype == ScalarType.Float32 ? Backward<float>(saved, dy) : Backward<double>(saved, dy);

    private unsafe void Forward<T>(IReadOnlyList<Tensor> inputs, Tensor y)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Tensor x = inputs[0];
        long rows = x.shape[0], channels = x.shape[1];
        if (normed)
        {
            (Mean, Variance) = running ?? (new double[channels], new double[channels]);
            if (running is null)
            {
                fixed (double* mean = Mean, variance = Variance)
                {
                    ChannelNorm.Statistics((T*)TensorPointer.Of(x), rows, channels, mean, variance, Compute.Options);
                }
            }
        }

        T[] affine = normed ? Affine<T>(inputs) : [];
        fixed (T* scale = affine)
        {
            ChannelNorm.Forward((T*)TensorPointer.Of(x), rows, channels, scale, scale == null ? null : scale + channels, activation, (T*)TensorPointer.Of(y), Compute.Options);
        }

        GC.KeepAlive(inputs);
    }

    private unsafe List<Tensor?> Backward<T>(IReadOnlyList<Tensor> saved, Tensor dy)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Tensor x = saved[0], g = empty_like(x);
        long rows = x.shape[0], channels = x.shape[1];
        T[] affine = normed ? Affine<T>(saved) : [];
        var sums = new double[normed ? 2 * channels : 0];
        fixed (T* scale = affine)
        fixed (double* total = sums)
        {
            ChannelNorm.Backward(
                (T*)TensorPointer.Of(x), (T*)TensorPointer.Of(dy), rows, channels, scale, scale == null ? null : scale + channels, activation, (T*)TensorPointer.Of(g), total, Compute.Options);
        }

        if (!normed)
        {
            GC.KeepAlive(dy);
            return [g];
        }

        // With h = (x - mean) r: dshift = sum g, dgain = sum g h, dx = gain r (g - (dshift + h dgain) / R), a line in g and x a channel.
        double[] dgain = new double[channels], dshift = new double[channels];
        var factors = new T[3 * channels];
        for (long c = 0; c < channels; c++)
        {
            double r = 1 / Math.Sqrt(Variance[c] + eps), slope = double.CreateTruncating(affine[c]);
            dshift[c] = sums[c];
            dgain[c] = r * (sums[channels + c] - (Mean[c] * sums[c]));
            double own = running is null ? slope / rows : 0;
            factors[c] = affine[c];
            factors[channels + c] = T.CreateTruncating(-own * r * dgain[c]);
            factors[(2 * channels) + c] = T.CreateTruncating(-own * (dshift[c] - (Mean[c] * r * dgain[c])));
        }

        if (Forms[0] is not null)
        {
            fixed (T* factor = factors)
            {
                ChannelNorm.Combine((T*)TensorPointer.Of(x), rows, channels, factor, (T*)TensorPointer.Of(g), Compute.Options);
            }
        }

        GC.KeepAlive(saved);
        GC.KeepAlive(dy);
        return [Forms[0] is null ? null : g, Form(1, dgain), Form(2, dshift)];

        Tensor? Form(int input, double[] values) => Forms[input] is { } form ? tensor(values, form.Type) : null;
    }

    /// <summary>Scale and shift of x, [2, C]: gain r and shift - mean gain r.</summary>
    private T[] Affine<T>(IReadOnlyList<Tensor> inputs)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int channels = Mean.Length;
        T[] gain = inputs[1].data<T>().ToArray(), shift = inputs[2].data<T>().ToArray();
        var affine = new T[2 * channels];
        for (int c = 0; c < channels; c++)
        {
            double scale = double.CreateTruncating(gain[c]) / Math.Sqrt(Variance[c] + eps);
            affine[c] = T.CreateTruncating(scale);
            affine[channels + c] = T.CreateTruncating(double.CreateTruncating(shift[c]) - (Mean[c] * scale));
        }

        return affine;
    }
}
