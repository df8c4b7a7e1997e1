using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>What a recorded Mamba-2 scan remembers beside its tensors; as <see cref="ScanCall"/>.</summary>
internal sealed record SsdCall(StateSpaceDualityShape Shape, int[] Slots, TensorForm?[] Forms, bool LastState, ComputeTarget Target);

/// <summary>The Mamba-2 scan as one autograd node. It keeps its inputs and a state a chunk.</summary>
internal sealed class StateSpaceDualityFunction : autograd.MultiTensorFunction<StateSpaceDualityFunction>
{
    public override string Name => nameof(StateSpaceDualityFunction);

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var call = (SsdCall)vars[^1];
        Tensor[] present = vars.Take(vars.Length - 1).Cast<Tensor>().ToArray();
        var (result, last, checkpoints) = SsdKernel.Forward(Unpack(call, present), call.Shape, call.LastState, checkpoints: true, call.Target);
        ctx.save_data("call", call);
        ctx.set_materialize_grads(false);

        // Wrapped by native code only after this method has returned: no scope may end before.
        ctx.save_for_backward([.. present, checkpoints!]);
        return last is null ? [result] : [result, last];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        var call = (SsdCall)ctx.get_data("call");
        bool differentiable = is_grad_enabled();
        int[] passed = Enumerable.Range(0, call.Slots.Length).Where(i => call.Slots[i] >= 0).ToArray();
        List<Tensor> gradients = BackwardGuard.Run(
            () => Gradients.Scoped(() =>
            {
                List<Tensor> saved = ctx.get_saved_variables();
                Tensor?[] inputs = Unpack(call, saved);
                Tensor? gradOut = Gradients.Arrived(grad_outputs[0]), gradLast = call.LastState ? Gradients.Arrived(grad_outputs[1]) : null;
                List<Tensor?> slots = differentiable
                    ? ComposedSsd.Backward(inputs, call.Shape, gradOut, gradLast)
                    : SsdKernel.Backward(inputs, call.Shape, saved[^1], gradOut, gradLast, call.Forms, call.Target);
                return [.. passed.Select(i => slots[i]), null];
            }),
            [.. passed.Select(i => call.Forms[i]), null]);
        grad_outputs.ForEach(g => g.Dispose());
        return gradients;
    }

    private static Tensor?[] Unpack(SsdCall call, IReadOnlyList<Tensor> present) => call.Slots.Select(i => i < 0 ? null : present[i]).ToArray();
}
