using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>
/// Causal depthwise convolution of 2 to 4 taps over time, <c>out_t = act(bias + sum_k weight[k] x_(t-W+1+k))</c>, as a differentiable
/// operator; with <c>reverse</c> the taps reach forward, so that a bidirectional layer flips nothing. float32 and float64; bfloat16
/// and half are computed in float32.
/// </summary>
public static class CausalConv1d
{
    /// <summary>Convolves and returns out.</summary>
    /// <param name="x">[B, L, D]</param>
    /// <param name="weight">[D, W], oldest tap first; W is 2, 3 or 4. The published [D, 1, W] is taken too.</param>
    /// <param name="bias">[D]</param>
    /// <param name="silu">apply SiLU; otherwise nothing</param>
    /// <param name="initial_states">the W - 1 inputs before the first position processed, oldest first, [B, W - 1, D]</param>
    /// <param name="seq_idx">int32 [B, L]: a tap that reaches into another sequence reads zero</param>
    /// <param name="reverse">process positions L-1 ... 0</param>
    /// <returns>[B, L, D], of x's type</returns>
    public static Tensor Apply(Tensor x, Tensor weight, Tensor? bias = null, bool silu = true, Tensor? initial_states = null, Tensor? seq_idx = null, bool reverse = false) =>
        Run(x, weight, bias, silu, initial_states, seq_idx, reverse, finalStates: false).Out;

    /// <summary>As <see cref="Apply"/>, and returns the last W - 1 inputs, before the activation, [B, W - 1, D], differentiable too.</summary>
    public static (Tensor Out, Tensor FinalStates) ApplyWithState(
        Tensor x, Tensor weight, Tensor? bias = null, bool silu = true, Tensor? initial_states = null, Tensor? seq_idx = null, bool reverse = false)
    {
        var (result, final) = Run(x, weight, bias, silu, initial_states, seq_idx, reverse, finalStates: true);
        return (result, final!);
    }

    private static (Tensor Out, Tensor? FinalStates) Run(
        Tensor x, Tensor weight, Tensor? bias, bool silu, Tensor? initial, Tensor? seqIdx, bool reverse, bool finalStates)
    {
        BackwardGuard.ThrowPending();
        GradientKeeper.Release();
        using DisposeScope scope = NewDisposeScope();
        Tensor taps = weight.dim() == 3 && weight.shape[1] == 1 ? weight.squeeze(1) : weight;
        CausalConv1dShape shape = Check(x, taps, bias, silu, initial, seqIdx, reverse);
        ScalarType type = x.dtype;
        ComputeTarget target = ComputeTarget.Of(x);
        if (type is ScalarType.BFloat16 or ScalarType.Float16 && !target.TakesNarrow)
        {
            Tensor? Wide(Tensor? t) => t?.to_type(ScalarType.Float32);
            var (wide, last) = Run(Wide(x)!, Wide(taps)!, Wide(bias), silu, Wide(initial), seqIdx, reverse, finalStates);
            return (wide.to_type(type).MoveToOuterDisposeScope(), last?.to_type(type).MoveToOuterDisposeScope());
        }

        Tensor? Whole(Tensor? t) => t is null ? null : ComputeTarget.As(t, ComputeTarget.Wide(type)).contiguous();
        Tensor?[] inputs = [Rows.Of(x), Whole(taps), Whole(bias), Whole(initial), seqIdx?.contiguous()];
        TensorForm?[] forms = inputs.Select(t => t is { requires_grad: true } && t.is_floating_point() ? TensorForm.Of(t) : null).ToArray();
        if (!is_grad_enabled() || forms.All(f => f is null))
        {
            var (result, final) = ConvKernel.Forward(inputs, shape, finalStates, target);
            return (result.MoveToOuterDisposeScope(), Final(final));
        }

        int at = 0;
        var call = new ConvCall(shape, inputs.Select(t => t is null ? -1 : at++).ToArray(), forms, finalStates, target);
        List<Tensor> outputs = CausalConv1dFunction.apply([.. inputs.OfType<Tensor>(), call]);
        return (outputs[0].MoveToOuterDisposeScope(), Final(finalStates ? outputs[1] : null));

        // Inputs of the sequence, and so of its type again.
        Tensor? Final(Tensor? t) => t is null ? null : ComputeTarget.As(t, type).MoveToOuterDisposeScope();
    }

    private static CausalConv1dShape Check(Tensor x, Tensor weight, Tensor? bias, bool silu, Tensor? initial, Tensor? seqIdx, bool reverse)
    {
        if (x.dim() != 3)
        {
            throw Wrong("x", x, "[B, L, D]", "put the batch first, then time, then channels");
        }

        if (x.dtype is not (ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16 or ScalarType.Float16))
        {
            throw new ArgumentException($"x is {x.dtype}; a causal convolution takes float32, float64, bfloat16 or half; convert it with to_type.");
        }

        long[] s = x.shape;
        if (weight.dim() != 2 || weight.shape[0] != s[2] || weight.shape[1] is < 2 or > 4)
        {
            throw Wrong("weight", weight, $"[{s[2]}, W] with W 2, 3 or 4", "it has a row of taps for each channel of x");
        }

        long[] state = [s[0], weight.shape[1] - 1, s[2]];
        foreach (var (name, tensor, expected, advice) in new (string, Tensor?, long[], string)[]
        {
            ("bias", bias, [s[2]], "it has an entry for each channel"),
            ("initial_states", initial, state, "it is the W - 1 inputs before the sequence"),
            ("seq_idx", seqIdx, [s[0], s[1]], "it is a sequence number for each position"),
        })
        {
            if (tensor is not null && !tensor.shape.SequenceEqual(expected))
            {
                throw Wrong(name, tensor, $"[{string.Join(", ", expected)}]", advice);
            }
        }

        bool narrow = x.dtype is ScalarType.BFloat16 or ScalarType.Float16;
        foreach (var (name, tensor) in new[] { ("weight", weight), ("bias", bias), ("initial_states", initial) })
        {
            if (tensor is not null && tensor.dtype != x.dtype && !(narrow && tensor.dtype == ScalarType.Float32))
            {
                throw new ArgumentException($"{name} is {tensor.dtype} beside a {x.dtype} x; convert it with to_type.");
            }
        }

        foreach (var (name, tensor) in new[] { ("weight", weight), ("bias", bias), ("initial_states", initial), ("seq_idx", seqIdx) })
        {
            if (tensor is not null && !ScanArguments.SameDevice(tensor, x))
            {
                throw new ArgumentException($"{name} lies on {tensor.device} and x on {x.device}; move all tensors of a convolution to one device.");
            }
        }

        if (seqIdx is not null && seqIdx.dtype != ScalarType.Int32)
        {
            throw new ArgumentException($"seq_idx is {seqIdx.dtype}; it must be Int32; convert it with to_type.");
        }

        return new CausalConv1dShape(s[0], s[1], s[2], (int)weight.shape[1], silu, reverse);
    }

    private static ArgumentException Wrong(string name, Tensor tensor, string expected, string advice) =>
        new($"{name} has shape [{string.Join(", ", tensor.shape)}], expected {expected}; {advice}.");
}
