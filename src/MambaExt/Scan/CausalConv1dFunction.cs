using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>What a recorded convolution remembers beside its tensors; as <see cref="ScanCall"/>.</summary>
internal sealed record ConvCall(CausalConv1dShape Shape, int[] Slots, TensorForm?[] Forms, bool FinalStates, ComputeTarget Target);

/// <summary>The causal convolution as one autograd node. It keeps its inputs and nothing else.</summary>
internal sealed class CausalConv1dFunction : autograd.MultiTensorFunction<CausalConv1dFunction>
{
    public override string Name => nameof(CausalConv1dFunction);

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var call = (ConvCall)vars[^1];
        Tensor[] present = vars.Take(vars.Length - 1).Cast<Tensor>().ToArray();
        ctx.save_data("call", call);
        ctx.set_materialize_grads(false);
        ctx.save_for_backward([.. present]);
        var (result, final) = ConvKernel.Forward(Unpack(call, present), call.Shape, call.FinalStates, call.Target);
        return final is null ? [result] : [result, final];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        var call = (ConvCall)ctx.get_data("call");
        bool differentiable = is_grad_enabled();
        int[] passed = Enumerable.Range(0, call.Slots.Length).Where(i => call.Slots[i] >= 0).ToArray();
        List<Tensor> gradients = BackwardGuard.Run(
            () => Gradients.Scoped(() =>
            {
                Tensor?[] inputs = Unpack(call, ctx.get_saved_variables());
                Tensor? gradOut = Gradients.Arrived(grad_outputs[0]), gradFinal = call.FinalStates ? Gradients.Arrived(grad_outputs[1]) : null;
                List<Tensor?> slots = differentiable
                    ? ComposedConv.Backward(inputs, call.Shape, gradOut, gradFinal)
                    : ConvKernel.Backward(inputs, call.Shape, gradOut, gradFinal, call.Forms, call.Target);
                return [.. passed.Select(i => slots[i]), null];
            }),
            [.. passed.Select(i => call.Forms[i]), null]);
        grad_outputs.ForEach(g => g.Dispose());
        return gradients;
    }

    private static Tensor?[] Unpack(ConvCall call, IReadOnlyList<Tensor> present) => call.Slots.Select(i => i < 0 ? null : present[i]).ToArray();
}
