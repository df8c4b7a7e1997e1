using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>What a recorded scan remembers beside its tensors.</summary>
/// <param name="Shape">Sizes and switches</param>
/// <param name="Slots">For each slot of <see cref="ScanTensors"/>, its place among the tensors that are there, or -1</param>
/// <param name="Needed">Which slots need a gradient</param>
/// <param name="LastState">The last state is an output too</param>
/// <param name="Options">Threads and vector width: the checkpoints depend on the width</param>
internal sealed record ScanCall(SelectiveScanShape Shape, int[] Slots, bool[] Needed, bool LastState, KernelOptions Options)
{
    /// <summary>Temporaries of forward that must outlive it; disposed by the caller of apply.</summary>
    public List<Tensor> Temporaries { get; } = [];
}

/// <summary>The selective scan as one autograd node. It keeps its inputs and a state every few positions, nothing of size B L D N.</summary>
internal sealed class SelectiveScanFunction : autograd.MultiTensorFunction<SelectiveScanFunction>
{
    public override string Name => nameof(SelectiveScanFunction);

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var call = (ScanCall)vars[^1];
        ScanTensors tensors = Unpack(call, vars.Take(vars.Length - 1).Cast<Tensor>().ToArray());
        var (result, last, checkpoints) = ScanKernel.Forward(tensors, call.Shape, call.LastState, checkpoints: true, call.Options);
        ctx.save_data("call", call);

        // Wrapped by native code only after this method has returned: a scope or finalizer must not take it before.
        checkpoints!.DetachFromDisposeScope();
        call.Temporaries.Add(checkpoints);
        ctx.save_for_backward([.. vars.Take(vars.Length - 1).Cast<Tensor>(), checkpoints]);
        return last is null ? [result] : [result, last];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        var call = (ScanCall)ctx.get_data("call");
        List<Tensor> saved = ctx.get_saved_variables();
        Tensor[] inputs = saved.Take(saved.Count - 1).ToArray();
        bool differentiable = is_grad_enabled();
        List<Tensor> gradients = BackwardGuard.Run(
            () =>
            {
                ScanTensors tensors = Unpack(call, inputs);
                Tensor? gradLast = call.LastState ? grad_outputs[1] : null;
                List<Tensor?> slots = differentiable
                    ? ComposedScan.Backward(tensors, call, grad_outputs[0], gradLast)
                    : ScanKernel.Backward(tensors, call.Shape, saved[^1], grad_outputs[0], gradLast, call.Needed, call.Options);

                // One entry for each tensor that was passed, and one for the call itself.
                return [.. Enumerable.Range(0, ScanTensors.Slots).Where(i => call.Slots[i] >= 0).Select(i => slots[i]), null];
            },
            [.. inputs, null]);
        if (!differentiable)
        {
            saved.ForEach(s => s.Dispose());
        }

        return gradients;
    }

    private static ScanTensors Unpack(ScanCall call, IReadOnlyList<Tensor> present) =>
        ScanTensors.FromSlots(call.Slots.Select(i => i < 0 ? null : present[i]).ToArray());
}
