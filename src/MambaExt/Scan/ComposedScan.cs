using MambaExt.Kernels;
using MambaExt.Native;
using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>
/// The scan from torch operations, step by step. Used in one place: a backward that will itself be differentiated
/// (<c>create_graph: true</c>), for which the fused kernel has no graph. Right, but slow, and it holds every state.
/// </summary>
internal static class ComposedScan
{
    /// <summary>Gradients with a graph of their own, in the order of <see cref="ScanTensors"/>.</summary>
    public static List<Tensor?> Backward(ScanTensors t, SelectiveScanShape shape, Tensor? gradOut, Tensor? gradLast)
    {
        // Views with the same history: gradients are asked for these, and flow on through them.
        ScanTensors inputs = t.Map(x => x.is_floating_point() ? x.view_as(x) : x);
        var (result, last) = Forward(inputs.Map(x => ComputeTarget.As(x, ComputeTarget.Wide(x.dtype))), shape);
        return Gradients.Composed([(ComputeTarget.As(result, t.U.dtype), gradOut), (last, gradLast)], inputs.All);
    }

    /// <summary>out and the last state, recorded by autograd.</summary>
    public static (Tensor Out, Tensor LastState) Forward(ScanTensors t, SelectiveScanShape shape)
    {
        Tensor dt = t.DeltaBias is null ? t.Delta : t.Delta + t.DeltaBias;
        if (shape.Softplus)
        {
            dt = nn.functional.softplus(dt);
        }

        Tensor h = t.InitialState ?? zeros([shape.Batch, shape.Channels, shape.States], t.U.dtype, t.U.device);
        Tensor[] results = new Tensor[shape.Length];
        long previous = -1;
        for (long i = 0; i < shape.Length; i++)
        {
            long l = shape.Reverse ? shape.Length - 1 - i : i;
            if (t.SequenceIndex is not null && previous >= 0)
            {
                h = h * (t.SequenceIndex.select(1, l) == t.SequenceIndex.select(1, previous)).to_type(h.dtype).view(-1, 1, 1);
            }

            Tensor step = dt.select(1, l).unsqueeze(-1);                                            // [B, D, 1]
            h = exp(step * t.A) * h + step * t.U.select(1, l).unsqueeze(-1) * At(t.B, l, shape);    // [B, D, N]
            results[l] = shape.ReturnStates ? h : (h * At(t.C!, l, shape)).sum(-1L);
            previous = l;
        }

        long[] size = shape.ReturnStates ? [shape.Batch, 0, shape.Channels, shape.States] : [shape.Batch, 0, shape.Channels];
        Tensor result = shape.Length == 0 ? zeros(size, t.U.dtype, t.U.device) : stack(results, 1);
        if (t.D is not null)
        {
            result = result + t.D * t.U;
        }

        return (t.Z is null ? result : result * nn.functional.silu(t.Z), h);
    }

    /// <summary>B or C of position l for every channel: [B, D, N] or [D, N].</summary>
    private static Tensor At(Tensor parameter, long l, SelectiveScanShape shape)
    {
        if (parameter.dim() == 2)
        {
            return parameter;
        }

        Tensor row = parameter.select(1, l);
        return (row.dim() == 2 ? row.unsqueeze(1) : row).repeat_interleave(shape.Channels / shape.Groups, 1);
    }
}
