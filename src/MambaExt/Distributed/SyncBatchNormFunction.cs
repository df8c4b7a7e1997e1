using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distributed;

/// <summary>What a recorded batch norm over ranks remembers beside its tensors.</summary>
/// <param name="Count">Values a channel, over all ranks</param>
/// <param name="Communicator">The ranks</param>
/// <param name="Forms">The form of the gradient of each argument that needs one</param>
internal sealed record SyncBatchNormCall(double Count, ICommunicator Communicator, TensorForm?[] Forms);

/// <summary>
/// The batch norm over ranks as one autograd node: <c>y = gain h + shift</c>, <c>h = (x - mean) r</c>. It keeps x, no normalized copy. With
/// <c>sum</c> over batch and space, of all ranks where marked with a star,
/// <code>
/// dgain = sum(dy h),  dshift = sum(dy)
/// dx    = gain r (dy - (sum*(dy) + h sum*(dy h)) / count)
/// </code>
/// </summary>
internal sealed class SyncBatchNormFunction : autograd.SingleTensorFunction<SyncBatchNormFunction>
{
    public override string Name => nameof(SyncBatchNormFunction);

    /// <summary>y of x [N, C, ...] and four [C].</summary>
    public static Tensor Normalize(Tensor x, Tensor gain, Tensor shift, Tensor mean, Tensor r)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor factor = gain * r;
        return ((x - Channels(mean, x)) * Channels(factor, x) + Channels(shift, x)).MoveToOuterDisposeScope();
    }

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, gain, shift, mean, r) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (Tensor)vars[3], (Tensor)vars[4]);
        ctx.save_data("call", vars[5]);
        ctx.set_materialize_grads(false);
        ctx.save_for_backward([x, gain, mean, r]);
        using IDisposable _ = no_grad();
        return Normalize(x, gain, shift, mean, r);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var call = (SyncBatchNormCall)ctx.get_data("call");
        bool differentiable = is_grad_enabled();
        List<Tensor> gradients = BackwardGuard.Run(
            () => Gradients.Scoped(() =>
            {
                List<Tensor> saved = ctx.get_saved_variables();
                if (differentiable)
                {
                    throw new NotSupportedException($"{nameof(SyncBatchNorm)} has no second derivative over ranks; call backward without create_graph, or train with one process.");
                }

                using IDisposable _ = no_grad();
                return Backward(call, saved[0], saved[1], saved[2], saved[3], Gradients.Arrived(grad_output));
            }),
            call.Forms);
        grad_output.Dispose();
        return gradients;
    }

    private static List<Tensor?> Backward(SyncBatchNormCall call, Tensor x, Tensor gain, Tensor mean, Tensor r, Tensor? arrived)
    {
        // A rank on which nothing depends on y still takes part in the sums.
        Tensor dy = arrived ?? zeros_like(x);
        long[] dimensions = BatchStatistics.Dimensions(x);
        Tensor h = (x - Channels(mean, x)).mul_(Channels(r, x));
        Tensor dshift = dy.sum(dimensions), dgain = (dy * h).sum(dimensions);                       // [C]
        Tensor sums = stack([dshift, dgain]).to(ScalarType.Float64, CPU);                           // [2, C]
        call.Communicator.AllReduceSum(sums);
        Tensor means = (sums / call.Count).to(x.dtype, x.device);
        Tensor? dx = call.Forms[0] is null ? null : h.mul_(-Channels(means[1], x)).add_(dy).sub_(Channels(means[0], x)).mul_(Channels(gain * r, x));
        return [dx, call.Forms[1] is null ? null : dgain, call.Forms[2] is null ? null : dshift, null, null, null];
    }

    /// <summary>[C] in the place of x's channels, [C, 1, ...].</summary>
    private static Tensor Channels(Tensor channel, Tensor x) => channel.view([-1, .. Enumerable.Repeat(1L, (int)x.dim() - 2)]);
}
