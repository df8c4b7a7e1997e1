using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>What a recorded scan remembers beside its tensors.</summary>
/// <param name="Shape">Sizes and switches</param>
/// <param name="Slots">For each slot of <see cref="ScanTensors"/>, its place among the tensors that are there, or -1</param>
/// <param name="Forms">The form of the gradient of each slot that needs one</param>
/// <param name="LastState">The last state is an output too</param>
/// <param name="Target">Where both passes run</param>
internal sealed record ScanCall(SelectiveScanShape Shape, int[] Slots, TensorForm?[] Forms, bool LastState, ComputeTarget Target);

/// <summary>The selective scan as one autograd node. It keeps its inputs and a state every few positions, nothing of size B L D N.
/// Applied inside a dispose scope that ends right after: TorchSharp makes a copy of each output's memory that is of no use here.</summary>
internal sealed class SelectiveScanFunction : autograd.MultiTensorFunction<SelectiveScanFunction>
{
    public override string Name => nameof(SelectiveScanFunction);

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var call = (ScanCall)vars[^1];
        Tensor[] present = vars.Take(vars.Length - 1).Cast<Tensor>().ToArray();
        var (result, last, checkpoints) = ScanKernel.Forward(Unpack(call, present), call.Shape, call.LastState, checkpoints: true, call.Target);
        ctx.save_data("call", call);
        ctx.set_materialize_grads(false);

        // Wrapped by native code only after this method has returned: no scope may end before.
        ctx.save_for_backward([.. present, checkpoints!]);
        return last is null ? [result] : [result, last];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        var call = (ScanCall)ctx.get_data("call");
        bool differentiable = is_grad_enabled();

        // One entry for each tensor that was passed, and one for the call itself.
        int[] passed = Enumerable.Range(0, ScanTensors.Slots).Where(i => call.Slots[i] >= 0).ToArray();
        List<Tensor> gradients = BackwardGuard.Run(
            () => Gradients.Scoped(() =>
            {
                List<Tensor> saved = ctx.get_saved_variables();
                ScanTensors tensors = Unpack(call, saved);
                Tensor? gradOut = Gradients.Arrived(grad_outputs[0]), gradLast = call.LastState ? Gradients.Arrived(grad_outputs[1]) : null;
                List<Tensor?> slots = differentiable
                    ? ComposedScan.Backward(tensors, call.Shape, gradOut, gradLast)
                    : ScanKernel.Backward(tensors, call.Shape, saved[^1], gradOut, gradLast, call.Forms, call.Target);
                return [.. passed.Select(i => slots[i]), null];
            }),
            [.. passed.Select(i => call.Forms[i]), null]);
        grad_outputs.ForEach(g => g.Dispose());
        return gradients;
    }

    private static ScanTensors Unpack(ScanCall call, IReadOnlyList<Tensor> present) =>
        ScanTensors.FromSlots(call.Slots.Select(i => i < 0 ? null : present[i]).ToArray());
}
