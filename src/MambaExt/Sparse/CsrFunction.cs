using MambaExt.Native;
using MambaExt.Scan;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Sparse;

/// <summary>What multiplies a gathered row.</summary>
internal enum CsrKind
{
    /// <summary>Nothing.</summary>
    Plain,

    /// <summary>The matrix's own values.</summary>
    Valued,

    /// <summary>A tensor of weights, [E] or [E, heads].</summary>
    Weighted,

    /// <summary>A tensor of gates, [E, C].</summary>
    Gated,
}

/// <summary>What a recorded sum remembers.</summary>
/// <param name="Matrix">The sparse matrix</param>
/// <param name="Kind">What multiplies a gathered row</param>
/// <param name="Transposed">Sum over the transpose</param>
/// <param name="XForm">The form of x's gradient, if it needs one</param>
/// <param name="FactorForm">The form of the weights' or gates' gradient, if they need one</param>
/// <param name="Target">Where both passes run</param>
internal sealed record CsrCall(CsrMatrix Matrix, CsrKind Kind, bool Transposed, TensorForm? XForm, TensorForm? FactorForm, ComputeTarget Target);

/// <summary>Sums over the rows of a sparse matrix (or of its transpose) as one autograd node; nothing is copied for the backward pass.</summary>
internal sealed class CsrFunction : autograd.SingleTensorFunction<CsrFunction>
{
    public override string Name => nameof(CsrFunction);

    /// <summary>Checks the arguments, then sums; recorded only where a gradient is needed.</summary>
    public static Tensor Apply(CsrMatrix matrix, Tensor x, Tensor? factor, CsrKind kind, bool transposed = false)
    {
        BackwardGuard.ThrowPending();
        GradientKeeper.Release();
        ComputeTarget target = ComputeTarget.Of(x);
        Check(matrix, x, factor, kind, transposed, target);
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = x.is_contiguous() ? x : x.contiguous();
        Tensor? factors = factor is null || factor.is_contiguous() ? factor : factor.contiguous();
        var call = new CsrCall(matrix, kind, transposed, x.requires_grad ? TensorForm.Of(x) : null, factor is { requires_grad: true } ? TensorForm.Of(factor) : null, target);
        if (!is_grad_enabled() || (call.XForm is null && call.FactorForm is null))
        {
            using IDisposable _ = no_grad();
            return CsrKernel.Sum(call, rows, factors).MoveToOuterDisposeScope();
        }

        return (factors is null ? apply(rows, call) : apply(rows, factors, call)).MoveToOuterDisposeScope();
    }

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var call = (CsrCall)vars[^1];
        var x = (Tensor)vars[0];
        Tensor? factor = vars.Length == 3 ? (Tensor)vars[1] : null;
        ctx.save_data("call", call);
        ctx.set_materialize_grads(false);
        ctx.save_for_backward(factor is null ? [] : [x, factor]);
        using IDisposable _ = no_grad();
        return CsrKernel.Sum(call, x, factor);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var call = (CsrCall)ctx.get_data("call");
        bool factored = call.Kind is CsrKind.Weighted or CsrKind.Gated;
        TensorForm?[] forms = factored ? [call.XForm, call.FactorForm, null] : [call.XForm, null];
        bool differentiable = is_grad_enabled();
        List<Tensor> gradients = BackwardGuard.Run(
            () => Gradients.Scoped(() =>
            {
                List<Tensor> saved = ctx.get_saved_variables();
                Tensor? x = factored ? saved[0] : null, factor = factored ? saved[1] : null, dx, dfactor;
                if (Gradients.Arrived(grad_output) is not { } arrived)
                {
                    return forms.Select(form => form?.Zeros()).ToList();
                }

                if (differentiable)
                {
                    dx = call.XForm is null ? null : Apply(call.Matrix, arrived, factor, call.Kind, !call.Transposed);
                    dfactor = call.FactorForm is null ? null : ComposedFactorGradient(call, x!, arrived);
                }
                else
                {
                    using IDisposable _ = no_grad();
                    using Tensor dy = arrived.contiguous();
                    dx = call.XForm is null ? null : CsrKernel.Sum(call with { Transposed = !call.Transposed }, dy, factor);
                    dfactor = call.FactorForm is null ? null : CsrKernel.FactorGradient(call, x!, dy, factor!);
                }

                return factored ? [dx, dfactor, null] : [dx, null];
            }),
            forms);
        grad_output.Dispose();
        return gradients;
    }

    private static Tensor ComposedFactorGradient(CsrCall call, Tensor x, Tensor dy)
    {
        Tensor rows = call.Matrix.EntryRows().to(x.device), columns = call.Matrix.EntryColumns().to(x.device);
        Tensor product = x.index_select(0, call.Transposed ? rows : columns) * dy.index_select(0, call.Transposed ? columns : rows);
        return call.Kind == CsrKind.Gated ? product : call.FactorForm!.Shape.Length == 1 ? product.sum(1L) : product.view(product.shape[0], call.FactorForm.Shape[1], -1).sum(2L);
    }

    /// <summary>Weights an arc: those of [E, heads], 1 of [E].</summary>
    internal static long Heads(Tensor? factor) => factor is null || factor.dim() == 1 ? 1 : factor.shape[1];

    private static void Check(CsrMatrix matrix, Tensor x, Tensor? factor, CsrKind kind, bool transposed, ComputeTarget target)
    {
        long wanted = transposed ? matrix.Rows : matrix.Columns;
        if (x.dim() != 2 || x.shape[0] != wanted || x.shape[1] < 1)
        {
            throw new ArgumentException($"x has shape [{string.Join(", ", x.shape)}]; the sparse matrix is {matrix.Rows} x {matrix.Columns} and takes [{wanted}, C] with at least one channel.");
        }

        bool typed = x.dtype is ScalarType.Float32 or ScalarType.Float64 || (target.TakesNarrow && x.dtype is ScalarType.BFloat16 or ScalarType.Float16);
        if (!typed)
        {
            throw new ArgumentException($"x is {x.dtype} on {x.device}; sparse sums take float32 and float64, and on a GPU bfloat16 and half; convert it with to_type.");
        }

        if (factor is null)
        {
            return;
        }

        bool heads = kind == CsrKind.Weighted && factor.dim() == 2 && factor.shape[1] >= 1 && x.shape[1] % factor.shape[1] == 0;
        long[] shape = heads ? [matrix.EntryCount, factor.shape[1]] : kind == CsrKind.Weighted ? [matrix.EntryCount] : [matrix.EntryCount, x.shape[1]];
        if (!factor.shape.SequenceEqual(shape) || factor.dtype != x.dtype || !ScanArguments.SameDevice(factor, x))
        {
            string what = kind == CsrKind.Weighted ? "The weights" : "The gates";
            throw new ArgumentException($"{what} are {factor.dtype} [{string.Join(", ", factor.shape)}] on {factor.device}; give [{string.Join(", ", shape)}] of x's type, {x.dtype}, on its device.");
        }
    }
}
