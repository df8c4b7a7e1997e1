using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>What a recorded convolution remembers beside its tensors; as <see cref="ScanCall"/>.</summary>
internal sealed record ConvCall(CausalConv1dShape Shape, int[] Slots, bool[] Needed, bool FinalStates, KernelOptions Options);

/// <summary>The causal convolution as one autograd node. It keeps its inputs and nothing else.</summary>
internal sealed class CausalConv1dFunction : autograd.MultiTensorFunction<CausalConv1dFunction>
{
    public override string Name => nameof(CausalConv1dFunction);

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var call = (ConvCall)vars[^1];
        Tensor[] present = vars.Take(vars.Length - 1).Cast<Tensor>().ToArray();
        ctx.save_data("call", call);
        ctx.save_for_backward([.. present]);
        var (result, final) = ConvKernel.Forward(Unpack(call, present), call.Shape, call.FinalStates, call.Options);
        return final is null ? [result] : [result, final];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        var call = (ConvCall)ctx.get_data("call");
        List<Tensor> saved = ctx.get_saved_variables();
        bool differentiable = is_grad_enabled();
        List<Tensor> gradients = BackwardGuard.Run(
            () =>
            {
                Tensor?[] inputs = Unpack(call, saved);
                Tensor? gradFinal = call.FinalStates ? grad_outputs[1] : null;
                List<Tensor?> slots = differentiable
                    ? ComposedConv.Backward(inputs, call, grad_outputs[0], gradFinal)
                    : ConvKernel.Backward(inputs, call.Shape, grad_outputs[0], gradFinal, call.Needed, call.Options);
                return [.. Enumerable.Range(0, inputs.Length).Where(i => call.Slots[i] >= 0).Select(i => slots[i]), null];
            },
            [.. saved, null]);
        if (!differentiable)
        {
            saved.ForEach(s => s.Dispose());
        }

        return gradients;
    }

    private static Tensor?[] Unpack(ConvCall call, IReadOnlyList<Tensor> present) => call.Slots.Select(i => i < 0 ? null : present[i]).ToArray();
}
