using MambaExt.Kernels;
using MambaExt.Native;
using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>The causal convolution from torch operations, for a backward that will itself be differentiated.</summary>
internal static class ComposedConv
{
    /// <summary>Gradients with a graph of their own.</summary>
    public static List<Tensor?> Backward(IReadOnlyList<Tensor?> t, CausalConv1dShape shape, Tensor? gradOut, Tensor? gradFinal)
    {
        Tensor?[] inputs = t.Select(x => x is null || !x.is_floating_point() ? x : x.view_as(x)).ToArray();
        var (result, final) = Forward([.. inputs.Select(x => x is null ? null : ComputeTarget.As(x, ComputeTarget.Wide(x.dtype)))], shape);
        return Gradients.Composed([(ComputeTarget.As(result, t[0]!.dtype), gradOut), (final, gradFinal)], inputs);
    }

    private static (Tensor Out, Tensor FinalStates) Forward(IReadOnlyList<Tensor?> t, CausalConv1dShape shape)
    {
        Tensor x = shape.Reverse ? t[0]!.flip(1) : t[0]!;
        Tensor? sequence = t[4] is null || shape.Length == 0 ? null : Runs(shape.Reverse ? t[4]!.flip(1) : t[4]!);
        Tensor before = t[3] ?? zeros([shape.Batch, shape.Width - 1, shape.Channels], x.dtype, x.device);
        Tensor all = cat([before, x], 1);                                       // [B, W - 1 + L, D]

        // The initial states belong to the first sequence processed.
        Tensor? numbers = sequence is null ? null : cat([sequence.narrow(1, 0, 1).expand(-1, shape.Width - 1), sequence], 1);
        Tensor? sum = null;
        for (int k = 0; k < shape.Width; k++)
        {
            Tensor tap = all.narrow(1, k, shape.Length) * t[1]!.select(1, k);   // [B, L, D]
            if (numbers is not null)
            {
                tap = tap * Same(k, shape.Length).to_type(tap.dtype).unsqueeze(-1);
            }

            sum = sum is null ? tap : sum + tap;
        }

        sum = t[2] is null ? sum! : sum! + t[2]!;
        Tensor result = shape.Silu ? nn.functional.silu(sum) : sum;

        // Packed or not: the last inputs as they are.
        return (shape.Reverse ? result.flip(1) : result, all.narrow(1, shape.Length, shape.Width - 1));

        Tensor Same(int k, long length) => numbers!.narrow(1, k, length) == numbers!.narrow(1, shape.Width - 1, length);
    }

    /// <summary>Numbers the sequences 0, 1, ... so that a number that comes back later is another sequence.</summary>
    private static Tensor Runs(Tensor numbers)
    {
        long length = numbers.shape[1];
        Tensor begins = (numbers.narrow(1, 1, length - 1) != numbers.narrow(1, 0, length - 1)).to_type(ScalarType.Int64);
        return cat([zeros([numbers.shape[0], 1], ScalarType.Int64, numbers.device), begins], 1).cumsum(1);
    }
}
