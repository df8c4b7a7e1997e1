using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Normalization;

/// <summary>
/// Dropout (Srivastava et al. 2014), with ReLU before it if wanted, in one pass that keeps no mask: the dropped elements are a function of
/// one number, drawn from torch's generator at each call, and are drawn again in the backward pass. Several times faster on a CPU than torch's own, which
/// draws one number after another.
/// </summary>
public static class FusedDropout
{
    /// <summary>dropout(relu(x)), of x's shape. Differentiable once.</summary>
    /// <param name="x">float32 or float64 on the CPU, torch's own dropout elsewhere; any shape</param>
    /// <param name="p">Probability of 0, from 0 to below 1</param>
    /// <param name="training">Otherwise nothing is dropped</param>
    /// <param name="relu">ReLU first</param>
    public static Tensor Apply(Tensor x, double p, bool training, bool relu = false)
    {
        if (!(p is >= 0 and < 1))
        {
            throw new ArgumentException($"The probability of dropout is {p}; give 0 up to, not with, 1.");
        }

        Require(x);
        bool drops = training && p > 0;
        if (x.numel() == 0 || (!drops && !relu))
        {
            return x.alias();
        }

        using DisposeScope scope = NewDisposeScope();
        if (x.device.type != DeviceType.CPU)
        {
            // Other devices draw as fast as they read.
            Tensor kept = relu ? x.relu() : x;
            return (drops ? nn.functional.dropout(kept, p, training: true) : kept).MoveToOuterDisposeScope();
        }

        var call = new ChannelNormCall(new ChannelActivation(relu, drops ? p : 0, drops ? Seed() : 0), normed: false, 0, null);
        long[] shape = x.shape;
        Tensor rows = shape.Length == 2 ? x : x.reshape(-1, shape.Length == 0 ? 1 : shape[^1]);
        return KernelFunction.Apply(call, rows).view(shape).MoveToOuterDisposeScope();
    }

    /// <summary>The next seed of torch's generator, which belongs to a training and its checkpoints.</summary>
    internal static ulong Seed()
    {
        using DisposeScope scope = NewDisposeScope();
        return (ulong)randint(0, long.MaxValue, [1L], ScalarType.Int64).item<long>();
    }

    internal static void Require(Tensor x)
    {
        if (x.device.type == DeviceType.CPU && x.dtype is not (ScalarType.Float32 or ScalarType.Float64))
        {
            throw new ArgumentException($"x is {x.dtype} on {x.device}; fused norms and dropout take float32 and float64 on the CPU; convert it with to_type or cpu.");
        }
    }
}
