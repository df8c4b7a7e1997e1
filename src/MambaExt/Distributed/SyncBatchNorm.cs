using MambaExt.Native;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Distributed;

/// <summary>
/// Batch norm (Ioffe and Szegedy, arXiv 1502.03167) over the batches of all ranks, for [N, C] and [N, C, ...]. Parameters, buffers and
/// their names are those of torch's batch norms, one and two dimensional alike, and so are the results where there is one rank. In training
/// mode <c>forward</c> and <c>backward</c> are collective: every rank calls them for every step, if need be with a batch of no samples.
/// <para>Each rank's backward gives input gradients of the <em>sum</em> of all ranks' losses, and of weight and bias the rank's own part:
/// <see cref="GradientAverager"/> makes a mean of both.</para>
/// </summary>
public sealed class SyncBatchNorm : BatchNorm
{
    private readonly ICommunicator _communicator;

    /// <summary>Starts with weight 1, bias 0, mean 0 and variance 1.</summary>
    /// <param name="num_features">C</param>
    /// <param name="communicator">The ranks</param>
    /// <param name="eps">Added to the variance</param>
    /// <param name="momentum">What a batch contributes to the running statistics</param>
    /// <param name="affine">Has weight and bias</param>
    /// <param name="track_running_stats">Keeps running statistics for evaluation; otherwise each batch has its own, in evaluation over
    /// the one rank's</param>
    /// <param name="device">Where the parameters lie</param>
    /// <param name="dtype">The parameters' type</param>
    public SyncBatchNorm(
        long num_features, ICommunicator communicator, double eps = 1e-5, double momentum = 0.1, bool affine = true, bool track_running_stats = true, Device? device = null, ScalarType? dtype = null)
        : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, nameof(SyncBatchNorm)) => _communicator = communicator;

    /// <summary>[N, C] or [N, C, ...] to the same shape and type.</summary>
    /// <exception cref="ArgumentException">Another shape; or in training all ranks together have but one value a channel.</exception>
    public override Tensor forward(Tensor x)
    {
        ValidateInputDimensions(x);

        // Torch's own pass is the faster one, and with one rank or without batch statistics over ranks the same.
        return _communicator.Size == 1 || !training ? base.forward(x) : Synchronized(x);
    }

    /// <inheritdoc/>
    protected override void ValidateInputDimensions(Tensor x)
    {
        if (x.dim() < 2 || x.shape[1] != num_features || !x.is_floating_point())
        {
            throw new ArgumentException($"x is {x.dtype} [{string.Join(", ", x.shape)}], expected a floating-point [N, {num_features}] or [N, {num_features}, ...]; make the norm with the size of x's second dimension.");
        }
    }

    private Tensor Synchronized(Tensor x)
    {
        BackwardGuard.ThrowPending();
        GradientKeeper.Release();
        using DisposeScope scope = NewDisposeScope();
        bool narrow = x.dtype is ScalarType.BFloat16 or ScalarType.Float16;
        Tensor wide = narrow ? x.to_type(ScalarType.Float32) : x;
        BatchStatistics statistics;
        using (no_grad())
        {
            statistics = BatchStatistics.Over(wide.detach(), eps, _communicator);
            Track(statistics);
        }

        Tensor gain = affine ? weight.to_type(wide.dtype) : ones(num_features, wide.dtype, wide.device), shift = affine ? bias!.to_type(wide.dtype) : zeros(num_features, wide.dtype, wide.device);
        var call = new SyncBatchNormCall(statistics.Count, _communicator, [Form(wide), Form(gain), Form(shift), null, null, null]);
        Tensor y = is_grad_enabled() && call.Forms.Any(f => f is not null)
            ? SyncBatchNormFunction.apply(wide, gain, shift, statistics.Mean, statistics.InverseDeviation, call)
            : SyncBatchNormFunction.Normalize(wide, gain, shift, statistics.Mean, statistics.InverseDeviation);
        return (narrow ? y.to_type(x.dtype) : y).MoveToOuterDisposeScope();
    }

    /// <summary>Moves the running statistics towards those of this batch, with the unbiased variance, as torch does.</summary>
    private void Track(BatchStatistics statistics)
    {
        if (!track_running_stats)
        {
            return;
        }

        num_batches_tracked!.add_(1);
        double share = momentum ?? 1 / num_batches_tracked.to_type(ScalarType.Float64).item<double>();
        running_mean!.mul_(1 - share).add_(statistics.Mean.to_type(running_mean.dtype), alpha: share);
        running_var!.mul_(1 - share).add_(statistics.Variance.to_type(running_var.dtype), alpha: share * statistics.Count / (statistics.Count - 1));
    }

    private static TensorForm? Form(Tensor tensor) => tensor.requires_grad ? TensorForm.Of(tensor) : null;
}
