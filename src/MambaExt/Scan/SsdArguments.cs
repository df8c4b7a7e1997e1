using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>Checks the tensors of a Mamba-2 scan before anything is computed: what was given, what is allowed, what to do.</summary>
internal static class SsdArguments
{
    /// <summary>The tensors in the order in which autograd sees them.</summary>
    public static readonly string[] Names = ["x", "dt", "A", "B", "C", "D", "z", "dt_bias", "initial_state", "seq_idx"];

    private static readonly ScalarType[] Types = [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16];

    public static StateSpaceDualityShape Check(IReadOnlyList<Tensor?> t, bool softplus, (double Least, double Largest)? limit)
    {
        Tensor x = t[0]!, b = t[3]!;
        if (x.dim() != 4)
        {
            throw Wrong(0, x, "[B, L, H, P]", "put the batch first, then time, then heads, then the channels of a head");
        }

        if (!Types.Contains(x.dtype))
        {
            throw new ArgumentException($"x is {x.dtype}; a Mamba-2 scan takes float32, float64, bfloat16 or half; convert it with to_type.");
        }

        long[] s = x.shape;
        if (b.dim() != 4 || b.shape[0] != s[0] || b.shape[1] != s[1])
        {
            throw Wrong(3, b, $"[{s[0]}, {s[1]}, G, N]", "it has a row for each position and group");
        }

        long groups = b.shape[2], states = b.shape[3];
        bool perChannel = t[5]?.dim() == 2;
        (int Slot, long[] Shape, string Advice)[] expected =
        [
            (1, [s[0], s[1], s[2]], "it has a step for each position and head"), (2, [s[2]], "it has an entry for each head"), (4, b.shape, "it has B's shape"),
            (5, perChannel ? [s[2], s[3]] : [s[2]], "it has an entry for each head, or for each channel of each head"), (6, s, "the gate has x's shape"),
            (7, [s[2]], "it has an entry for each head"), (8, [s[0], s[2], s[3], states], "it is a state for each batch entry and head"),
            (9, [s[0], s[1]], "it is a sequence number for each position"),
        ];
        foreach (var (slot, shape, advice) in expected)
        {
            if (t[slot] is { } tensor && !tensor.shape.SequenceEqual(shape))
            {
                throw Wrong(slot, tensor, $"[{string.Join(", ", shape)}]", advice);
            }
        }

        bool narrow = x.dtype is ScalarType.BFloat16 or ScalarType.Float16;
        for (int i = 1; i < t.Count; i++)
        {
            if (t[i] is not { } tensor)
            {
                continue;
            }

            bool typed = i == 9 ? tensor.dtype == ScalarType.Int32 : tensor.dtype == x.dtype || (narrow && tensor.dtype == ScalarType.Float32);
            if (!typed)
            {
                string allowed = i == 9 ? "Int32" : narrow ? $"{x.dtype} or Float32" : $"{x.dtype}";
                throw new ArgumentException($"{Names[i]} is {tensor.dtype} beside a {x.dtype} x; it must be {allowed}; convert it with to_type.");
            }

            if (!ScanArguments.SameDevice(tensor, x))
            {
                throw new ArgumentException($"{Names[i]} lies on {tensor.device} and x on {x.device}; move all tensors of a scan to one device.");
            }
        }

        var result = new StateSpaceDualityShape
        {
            Batch = s[0], Length = s[1], Heads = checked((int)s[2]), HeadWidth = checked((int)s[3]), Groups = checked((int)groups), States = checked((int)states),
            Softplus = softplus, SkipPerChannel = perChannel,
            LeastStep = limit?.Least ?? double.NegativeInfinity, LargestStep = limit?.Largest ?? double.PositiveInfinity,
        };
        result.Validate();
        return result;
    }

    /// <summary>Sequences in rows and of x's type, the rest contiguous and, beside 16 bits, float32; a tensor that already is stays as it is.</summary>
    public static Tensor?[] Layout(IReadOnlyList<Tensor?> t)
    {
        ScalarType type = t[0]!.dtype, wide = ComputeTarget.Wide(type);
        return [.. t.Select((tensor, i) => tensor is null ? null : i is 0 or 1 or 3 or 4 or 6 ? Rows.Of(ComputeTarget.As(tensor, type)) : Whole(ComputeTarget.As(tensor, wide)))];

        static Tensor Whole(Tensor tensor) => tensor.is_contiguous() ? tensor : tensor.contiguous();
    }

    private static ArgumentException Wrong(int slot, Tensor tensor, string expected, string advice) =>
        new($"{Names[slot]} has shape [{string.Join(", ", tensor.shape)}], expected {expected}; {advice}.");
}
