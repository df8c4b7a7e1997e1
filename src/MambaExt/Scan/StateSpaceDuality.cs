using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>
/// The recurrence of Mamba-2 (Dao and Gu, "Transformers are SSMs", arXiv 2405.21060) as a differentiable operator:
/// <code>
/// d_t = softplus(dt + dt_bias), held within limits       [B, L, H]
/// S_t = exp(d_t A) S_(t-1) + d_t x_t (outer) B_t          [B, H, P, N]
/// y_t = S_t C_t + D x_t,   out = y silu(z)                [B, L, H, P]
/// </code>
/// In chunks, by matrix products, wherever that is faster; short sequences on a CPU position by position. Memory beside inputs and outputs: on a CPU a
/// state every 48 positions, where a gradient is wanted; on a GPU, in three or four kernels forward and about nine back, a state every 64 positions, and
/// as much again backward. float32 and float64; bfloat16 and half are computed in float32 and returned in their own type. Differentiable in every
/// floating-point input, twice if need be.
/// </summary>
public static class StateSpaceDuality
{
    /// <summary>Returns out.</summary>
    /// <param name="x">[B, L, H, P]</param>
    /// <param name="dt">[B, L, H], before bias, softplus and limits</param>
    /// <param name="A">[H], usually negative</param>
    /// <param name="B">[B, L, G, N]; head h uses group h / (H / G)</param>
    /// <param name="C">as B</param>
    /// <param name="D">skip, [H] or [H, P]</param>
    /// <param name="z">gate, [B, L, H, P]</param>
    /// <param name="dt_bias">[H]</param>
    /// <param name="initial_state">state before the first position, [B, H, P, N]</param>
    /// <param name="seq_idx">int32 [B, L]: the state starts from zero where it changes</param>
    /// <param name="dt_softplus">discretize with softplus</param>
    /// <param name="dt_limit">steps are held within these; the gradient is zero outside</param>
    /// <returns>[B, L, H, P], of x's type</returns>
    public static Tensor Apply(
        Tensor x, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor? D = null, Tensor? z = null, Tensor? dt_bias = null,
        Tensor? initial_state = null, Tensor? seq_idx = null, bool dt_softplus = false, (double Least, double Largest)? dt_limit = null) =>
        Run([x, dt, A, B, C, D, z, dt_bias, initial_state, seq_idx], dt_softplus, dt_limit, lastState: false).Out;

    /// <summary>As <see cref="Apply"/>, and returns the state after the last position, [B, H, P, N], differentiable too.</summary>
    public static (Tensor Out, Tensor LastState) ApplyWithState(
        Tensor x, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor? D = null, Tensor? z = null, Tensor? dt_bias = null,
        Tensor? initial_state = null, Tensor? seq_idx = null, bool dt_softplus = false, (double Least, double Largest)? dt_limit = null)
    {
        var (result, last) = Run([x, dt, A, B, C, D, z, dt_bias, initial_state, seq_idx], dt_softplus, dt_limit, lastState: true);
        return (result, last!);
    }

    private static (Tensor Out, Tensor? LastState) Run(Tensor?[] given, bool softplus, (double Least, double Largest)? limit, bool lastState)
    {
        BackwardGuard.ThrowPending();
        GradientKeeper.Release();
        StateSpaceDualityShape shape = SsdArguments.Check(given, softplus, limit);
        ScalarType type = given[0]!.dtype;
        using DisposeScope scope = NewDisposeScope();
        ComputeTarget target = ComputeTarget.Of(given[0]!);
        if (type is ScalarType.BFloat16 or ScalarType.Float16 && !target.TakesNarrow)
        {
            // 16 bits in and out, float32 inside; the state stays float32, as a 16-bit one loses what a slow decay adds up.
            Tensor?[] wideInputs = [.. given.Select(t => t is not null && t.is_floating_point() ? t.to_type(ScalarType.Float32) : t)];
            var (wide, wideLast) = Run(wideInputs, softplus, limit, lastState);
            return (wide.to_type(type).MoveToOuterDisposeScope(), wideLast?.MoveToOuterDisposeScope());
        }

        Tensor?[] inputs = SsdArguments.Layout(given);
        TensorForm?[] forms = [.. inputs.Select(t => t is { requires_grad: true } && t.is_floating_point() ? TensorForm.Of(t) : null)];
        if (!is_grad_enabled() || forms.All(f => f is null))
        {
            var (result, last, _) = SsdKernel.Forward(inputs, shape, lastState, checkpoints: false, target);
            return (result.MoveToOuterDisposeScope(), last?.MoveToOuterDisposeScope());
        }

        int at = 0;
        var call = new SsdCall(shape, [.. inputs.Select(t => t is null ? -1 : at++)], forms, lastState, target);
        List<Tensor> outputs = StateSpaceDualityFunction.apply([.. inputs.OfType<Tensor>(), call]);
        outputs.ForEach(o => o.MoveToOuterDisposeScope());
        return (outputs[0], lastState ? outputs[1] : null);
    }
}
