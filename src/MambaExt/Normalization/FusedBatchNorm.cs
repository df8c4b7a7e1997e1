using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Normalization;

/// <summary>
/// Batch norm over rows (Ioffe and Szegedy, arXiv 1502.03167) with what usually follows it, <c>dropout(relu(norm(x)))</c>, x [R, C], in one node
/// that keeps nothing but x. Parameters, buffers, names and results are those of torch's batch norm.
/// </summary>
public sealed class FusedBatchNorm : BatchNorm
{
    private readonly bool _relu;
    private readonly double _dropout;

    /// <summary>Starts with weight 1, bias 0, mean 0 and variance 1.</summary>
    /// <param name="channels">C</param>
    /// <param name="relu">ReLU after the norm</param>
    /// <param name="dropout">Dropout after that, in training</param>
    /// <param name="eps">Added to the variance</param>
    /// <param name="momentum">What a batch contributes to the running statistics</param>
    public FusedBatchNorm(long channels, bool relu = false, double dropout = 0, double eps = 1e-5, double momentum = 0.1)
        : base(channels, eps, momentum, affine: true, track_running_stats: true, null, null, nameof(FusedBatchNorm)) => (_relu, _dropout) = (relu, dropout);

    /// <summary>[R, C] to [R, C]. In training the statistics are those of x, which needs two rows; in evaluation the running ones.</summary>
    public override Tensor forward(Tensor x)
    {
        ValidateInputDimensions(x);
        if (training && x.shape[0] < 2)
        {
            throw new ArgumentException($"x has {x.shape[0]} rows, which have no variance; give batch norm at least 2 in training, or evaluate the model.");
        }

        if (x.device.type != DeviceType.CPU)
        {
            using DisposeScope other = NewDisposeScope();
            if (training)
            {
                using IDisposable _ = no_grad();
                num_batches_tracked!.add_(1);
            }

            double share = momentum ?? 1 / (double)num_batches_tracked!.item<long>();
            Tensor normed = nn.functional.batch_norm(x, running_mean!, running_var!, weight, bias, training, share, eps);
            return FusedDropout.Apply(normed, _dropout, training, _relu).MoveToOuterDisposeScope();
        }

        using DisposeScope scope = NewDisposeScope();
        bool drops = training && _dropout > 0;
        var running = training ? default((double[], double[])?) : (Values(running_mean!), Values(running_var!));
        var call = new ChannelNormCall(new ChannelActivation(_relu, drops ? _dropout : 0, drops ? FusedDropout.Seed() : 0), normed: true, eps, running);
        Tensor y = KernelFunction.Apply(call, x, weight, bias!);
        if (training)
        {
            Track(call, x.shape[0]);
        }

        return y.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void ValidateInputDimensions(Tensor x)
    {
        FusedDropout.Require(x);
        if (x.dim() != 2 || x.shape[1] != num_features || x.dtype != weight.dtype)
        {
            throw new ArgumentException($"x is {x.dtype} [{string.Join(", ", x.shape)}], expected {weight.dtype} [R, {num_features}]; make the norm with the size of x's second dimension.");
        }
    }

    private static double[] Values(Tensor tensor) => tensor.dtype == ScalarType.Float32 ? Array.ConvertAll(tensor.data<float>().ToArray(), v => (double)v) : tensor.data<double>().ToArray();

    /// <summary>Moves the running statistics towards those of this batch, with the unbiased variance, as torch does.</summary>
    private void Track(ChannelNormCall call, long rows)
    {
        using IDisposable _ = no_grad();
        num_batches_tracked!.add_(1);
        double share = momentum ?? 1 / (double)num_batches_tracked.item<long>();
        running_mean!.mul_(1 - share).add_(tensor(call.Mean, running_mean.dtype), alpha: share);
        running_var!.mul_(1 - share).add_(tensor(call.Variance, running_var.dtype), alpha: share * rows / (rows - 1));
    }
}
