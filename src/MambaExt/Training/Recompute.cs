using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Training;

/// <summary>
/// Activation recomputation (Chen et al., arXiv 1604.06174): a block that keeps its input instead of everything inside, and runs forward
/// a second time when its gradient is asked for. Dropout draws the same numbers both times, on a GPU too. Costs one forward pass of the block; saves
/// all it would have kept. Its gradients cannot be differentiated again.
/// </summary>
public sealed class Recompute : nn.Module<Tensor, Tensor>
{
    private readonly nn.Module<Tensor, Tensor> inner;

    /// <summary>Wraps <paramref name="block"/>, whose parameters keep their names below <c>inner</c>.</summary>
    public Recompute(nn.Module<Tensor, Tensor> block)
        : base(nameof(Recompute))
    {
        inner = block;
        RegisterComponents();
    }

    /// <summary>As the block's own.</summary>
    public override Tensor forward(Tensor x) => Run(inner.forward, x);

    /// <summary>The result of <paramref name="block"/>, of which only <paramref name="x"/> is kept for the backward pass.</summary>
    /// <param name="block">Draws at most from torch's own generator; the gradients of the parameters it uses are accumulated by the second run</param>
    /// <param name="x">Its input, any shape</param>
    public static Tensor Run(Func<Tensor, Tensor> block, Tensor x)
    {
        BackwardGuard.ThrowPending();
        if (!is_grad_enabled())
        {
            return block(x);
        }

        using DisposeScope scope = NewDisposeScope();

        // Autograd records a node only where an input wants a gradient; the parameters inside are no inputs of this one.
        Tensor witness = empty(0, requires_grad: true);
        long seed = x.device.type == DeviceType.CUDA ? GpuRandom.Draw() : 0;
        return RecomputeFunction.apply(x, witness, new RecomputeCall(block, get_rng_state().DetachFromDisposeScope(), seed, TensorForm.Of(x), x.requires_grad)).MoveToOuterDisposeScope();
    }

    private sealed record RecomputeCall(Func<Tensor, Tensor> Block, Tensor Random, long GpuSeed, TensorForm Form, bool InputWanted);

    private sealed class RecomputeFunction : autograd.SingleTensorFunction<RecomputeFunction>
    {
        public override string Name => nameof(Recompute);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var call = (RecomputeCall)vars[2];
            ctx.save_data("call", call);
            ctx.save_for_backward([(Tensor)vars[0]]);
            using IDisposable _ = no_grad();
            GpuRandom.Seed(call.Form.Device, call.GpuSeed);
            return call.Block((Tensor)vars[0]);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            var call = (RecomputeCall)ctx.get_data("call");
            bool differentiable = is_grad_enabled();
            List<Tensor> gradients = BackwardGuard.Run(
                () => Gradients.Scoped(() =>
                {
                    if (differentiable)
                    {
                        throw new NotSupportedException("A second derivative through Recompute was asked for, and what it recomputes is not recorded; differentiate without it.");
                    }

                    using Tensor now = get_rng_state();
                    set_rng_state(call.Random);
                    GpuRandom.Seed(call.Form.Device, call.GpuSeed);
                    try
                    {
                        using IDisposable _ = enable_grad();
                        Tensor x = ctx.get_saved_variables()[0].detach().requires_grad_(call.InputWanted);
                        Tensor y = call.Block(x);
                        y.backward([grad_output]);
                        return [x.grad?.clone(), null, null];
                    }
                    finally
                    {
                        set_rng_state(now);
                        if (call.Form.Device.type == DeviceType.CUDA)
                        {
                            // What comes next must not draw what has just been drawn.
                            GpuRandom.Seed(call.Form.Device, GpuRandom.Draw());
                        }
                    }
                }),
                [call.InputWanted ? call.Form : null, null, null]);
            grad_output.Dispose();
            return gradients;
        }
    }
}
