using MambaExt.Kernels;
using MambaExt.Native;
using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>The Mamba-2 scan from torch operations, for a backward that will itself be differentiated. Right, but slow, and it holds
/// every state.</summary>
internal static class ComposedSsd
{
    /// <summary>Gradients with a graph of their own.</summary>
    public static List<Tensor?> Backward(IReadOnlyList<Tensor?> t, StateSpaceDualityShape shape, Tensor? gradOut, Tensor? gradLast)
    {
        // Views with the same history: gradients are asked for these, and flow on through them.
        Tensor?[] inputs = t.Select(x => x is null || !x.is_floating_point() ? x : x.view_as(x)).ToArray();
        var (result, last) = Forward([.. inputs.Select(x => x is null ? null : ComputeTarget.As(x, ComputeTarget.Wide(x.dtype)))], shape);
        return Gradients.Composed([(ComputeTarget.As(result, t[0]!.dtype), gradOut), (last, gradLast)], inputs);
    }

    private static (Tensor Out, Tensor LastState) Forward(IReadOnlyList<Tensor?> t, StateSpaceDualityShape shape)
    {
        Tensor x = t[0]!, dt = t[7] is null ? t[1]! : t[1]! + t[7]!;
        dt = shape.Softplus ? nn.functional.softplus(dt) : dt;
        if (double.IsFinite(shape.LeastStep))
        {
            dt = dt.clamp_min(shape.LeastStep);
        }

        if (double.IsFinite(shape.LargestStep))
        {
            dt = dt.clamp_max(shape.LargestStep);
        }

        long heads = shape.Heads / shape.Groups;
        Tensor state = t[8] ?? zeros([shape.Batch, shape.Heads, shape.HeadWidth, shape.States], x.dtype, x.device);
        var results = new Tensor[shape.Length];
        for (long l = 0; l < shape.Length; l++)
        {
            if (t[9] is not null && l > 0)
            {
                state = state * (t[9]!.select(1, l) == t[9]!.select(1, l - 1)).to_type(state.dtype).view(-1, 1, 1, 1);
            }

            Tensor step = dt.select(1, l).unsqueeze(-1);                                                                        // [B, H, 1]
            Tensor written = (step * x.select(1, l)).unsqueeze(-1) * t[3]!.select(1, l).repeat_interleave(heads, 1).unsqueeze(2);   // [B, H, P, N]
            state = exp(step * t[2]!.unsqueeze(-1)).unsqueeze(-1) * state + written;
            results[l] = (state * t[4]!.select(1, l).repeat_interleave(heads, 1).unsqueeze(2)).sum(-1L);
        }

        Tensor result = shape.Length == 0 ? zeros_like(x) : stack(results, 1);
        if (t[5] is not null)
        {
            result = result + (shape.SkipPerChannel ? t[5]! : t[5]!.unsqueeze(-1)) * x;
        }

        return (t[6] is null ? result : result * nn.functional.silu(t[6]!), state);
    }
}
