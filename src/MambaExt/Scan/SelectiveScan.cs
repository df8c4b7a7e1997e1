using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>
/// The selective scan (Gu and Dao, "Mamba", arXiv 2312.00752, section 3) as a differentiable operator:
/// <code>
/// dt  = softplus(delta + delta_bias)                     [B, L, D]
/// h_t = exp(dt_t A) h_(t-1) + dt_t u_t B_t               [B, D, N]
/// y_t = sum_n C_t h_t + D u_t,   out = y silu(z)         [B, L, D]
/// </code>
/// One fused kernel each way; memory beside inputs and outputs is a state every 64 positions. float32 and float64; bfloat16 and half
/// are computed in float32 and returned in their own type. Differentiable in every floating-point input, twice if need be.
/// </summary>
public static class SelectiveScan
{
    /// <summary>Scans and returns out.</summary>
    /// <param name="u">[B, L, D]</param>
    /// <param name="delta">[B, L, D], before bias and softplus</param>
    /// <param name="A">[D, N], usually negative</param>
    /// <param name="B">[B, L, N], [B, L, G, N], or constant [D, N]</param>
    /// <param name="C">as B</param>
    /// <param name="D">skip, [D]</param>
    /// <param name="z">gate, [B, L, D]</param>
    /// <param name="delta_bias">[D]</param>
    /// <param name="initial_state">state before the first position processed, [B, D, N]</param>
    /// <param name="seq_idx">int32 [B, L]: the state starts from zero where it changes</param>
    /// <param name="delta_softplus">discretize with softplus</param>
    /// <param name="reverse">process positions L-1 ... 0</param>
    /// <returns>[B, L, D], of u's type</returns>
    public static Tensor Apply(
        Tensor u, Tensor delta, Tensor A, Tensor B, Tensor C, Tensor? D = null, Tensor? z = null, Tensor? delta_bias = null,
        Tensor? initial_state = null, Tensor? seq_idx = null, bool delta_softplus = false, bool reverse = false) =>
        Run(Gather(u, delta, A, B, C, D, z, delta_bias, initial_state, seq_idx), delta_softplus, reverse, states: false, lastState: false).Out;

    /// <summary>As <see cref="Apply"/>, and returns the state after the last position processed, [B, D, N], differentiable too.</summary>
    public static (Tensor Out, Tensor LastState) ApplyWithState(
        Tensor u, Tensor delta, Tensor A, Tensor B, Tensor C, Tensor? D = null, Tensor? z = null, Tensor? delta_bias = null,
        Tensor? initial_state = null, Tensor? seq_idx = null, bool delta_softplus = false, bool reverse = false)
    {
        var (result, last) = Run(Gather(u, delta, A, B, C, D, z, delta_bias, initial_state, seq_idx), delta_softplus, reverse, states: false, lastState: true);
        return (result, last!);
    }

    /// <summary>Scans without C and returns every state, [B, L, D, N].</summary>
    public static Tensor States(
        Tensor u, Tensor delta, Tensor A, Tensor B, Tensor? delta_bias = null,
        Tensor? initial_state = null, Tensor? seq_idx = null, bool delta_softplus = false, bool reverse = false) =>
        Run(Gather(u, delta, A, B, null, null, null, delta_bias, initial_state, seq_idx), delta_softplus, reverse, states: true, lastState: false).Out;

    private static ScanTensors Gather(Tensor u, Tensor delta, Tensor A, Tensor B, Tensor? C, Tensor? D, Tensor? z, Tensor? bias, Tensor? h0, Tensor? seq) =>
        new() { U = u, Delta = delta, A = A, B = B, C = C, D = D, Z = z, DeltaBias = bias, InitialState = h0, SequenceIndex = seq };

    private static (Tensor Out, Tensor? LastState) Run(ScanTensors given, bool softplus, bool reverse, bool states, bool lastState)
    {
        BackwardGuard.ThrowPending();
        GradientKeeper.Release();
        SelectiveScanShape shape = ScanArguments.Check(given, softplus, reverse, states) with { Stateless = given.InitialState is null && !lastState };
        ScalarType type = given.U.dtype;
        ComputeTarget target = ComputeTarget.Of(given.U);
        if (type is ScalarType.BFloat16 or ScalarType.Float16 && !target.TakesNarrow)
        {
            // 16 bits in and out, float32 inside; the state stays float32, as a 16-bit one loses what a slow decay adds up.
            using DisposeScope scope = NewDisposeScope();
            var (wide, last) = Run(given.Map(t => t.is_floating_point() ? t.to_type(ScalarType.Float32) : t), softplus, reverse, states, lastState);
            return (wide.to_type(type).MoveToOuterDisposeScope(), last?.MoveToOuterDisposeScope());
        }

        using DisposeScope own = NewDisposeScope();
        ScanTensors tensors = ScanArguments.Layout(given);
        TensorForm?[] forms = tensors.All.Select(t => t is { requires_grad: true } && t.is_floating_point() ? TensorForm.Of(t) : null).ToArray();
        if (!is_grad_enabled() || forms.All(f => f is null))
        {
            var (result, last, _) = ScanKernel.Forward(tensors, shape, lastState, checkpoints: false, target);
            return (result.MoveToOuterDisposeScope(), last?.MoveToOuterDisposeScope());
        }

        int at = 0;
        int[] slots = tensors.All.Select(t => t is null ? -1 : at++).ToArray();
        var call = new ScanCall(shape, slots, forms, lastState, target);
        List<Tensor> outputs = SelectiveScanFunction.apply([.. tensors.All.OfType<Tensor>(), call]);
        outputs.ForEach(o => o.MoveToOuterDisposeScope());
        return (outputs[0], lastState ? outputs[1] : null);
    }
}
