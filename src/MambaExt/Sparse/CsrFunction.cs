using System.Numerics;
using MambaExt.Kernels;
using MambaExt.Native;
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
internal sealed record CsrCall(CsrMatrix Matrix, CsrKind Kind, bool Transposed, TensorForm? XForm, TensorForm? FactorForm);

/// <summary>Sums over the rows of a sparse matrix (or of its transpose) as one autograd node; nothing is copied for the backward pass.</summary>
internal sealed class CsrFunction : autograd.SingleTensorFunction<CsrFunction>
{
    public override string Name => nameof(CsrFunction);

    /// <summary>Checks the arguments, then sums; recorded only where a gradient is needed.</summary>
    public static Tensor Apply(CsrMatrix matrix, Tensor x, Tensor? factor, CsrKind kind, bool transposed = false)
    {
        BackwardGuard.ThrowPending();
        GradientKeeper.Release();
        Check(matrix, x, factor, kind, transposed);
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = x.is_contiguous() ? x : x.contiguous();
        Tensor? factors = factor is null || factor.is_contiguous() ? factor : factor.contiguous();
        var call = new CsrCall(matrix, kind, transposed, x.requires_grad ? TensorForm.Of(x) : null, factor is { requires_grad: true } ? TensorForm.Of(factor) : null);
        if (!is_grad_enabled() || (call.XForm is null && call.FactorForm is null))
        {
            using IDisposable _ = no_grad();
            return Compute(call, rows, factors).MoveToOuterDisposeScope();
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
        return Compute(call, x, factor);
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
                    dx = call.XForm is null ? null : Compute(call with { Transposed = !call.Transposed }, dy, factor);
                    dfactor = call.FactorForm is null ? null : FactorGradient(call, x!, dy, factor!);
                }

                return factored ? [dx, dfactor, null] : [dx, null];
            }),
            forms);
        grad_output.Dispose();
        return gradients;
    }

    private static Tensor Compute(CsrCall call, Tensor x, Tensor? factor)
    {
        CsrMatrix matrix = call.Matrix;
        Tensor y = empty([call.Transposed ? matrix.Columns : matrix.Rows, x.shape[1]], x.dtype);
        if (x.dtype == ScalarType.Float32)
        {
            Compute<float>(call, x, factor, y);
        }
        else
        {
            Compute<double>(call, x, factor, y);
        }

        return y;
    }

    private static unsafe void Compute<T>(CsrCall call, Tensor x, Tensor? factor, Tensor y)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        CsrRows rows = call.Transposed ? call.Matrix.Transposed : call.Matrix.Forward;
        long channels = x.shape[1];
        T* from = (T*)TensorPointer.Of(x), to = (T*)TensorPointer.Of(y);
        T* weights = call.Kind == CsrKind.Valued ? call.Matrix.Values<T>() : factor is null ? null : (T*)TensorPointer.Of(factor);
        KernelOptions options = MambaExt.Compute.Options;
        switch (call.Kind)
        {
            case CsrKind.Plain: CsrSum.Plain(rows, from, channels, to, options); break;
            case CsrKind.Gated: CsrSum.Gated(rows, from, channels, weights, to, options); break;
            default: CsrSum.Weighted(rows, from, channels, weights, to, options, Heads(factor)); break;
        }

        // The kernel knows addresses only: a finalizer must not free a tensor that nobody will use again while it runs.
        GC.KeepAlive(x);
        GC.KeepAlive(factor);
    }

    private static Tensor FactorGradient(CsrCall call, Tensor x, Tensor dy, Tensor factor)
    {
        Tensor gradient = empty(factor.shape, factor.dtype);
        if (x.dtype == ScalarType.Float32)
        {
            FactorGradient<float>(call, x, dy, gradient);
        }
        else
        {
            FactorGradient<double>(call, x, dy, gradient);
        }

        return gradient;
    }

    private static unsafe void FactorGradient<T>(CsrCall call, Tensor x, Tensor dy, Tensor gradient)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        // Over the transpose the roles of what is gathered and what arrives are exchanged, arc by arc.
        T* gathered = (T*)TensorPointer.Of(call.Transposed ? dy : x), arriving = (T*)TensorPointer.Of(call.Transposed ? x : dy);
        T* target = (T*)TensorPointer.Of(gradient);
        if (call.Kind == CsrKind.Weighted)
        {
            CsrSum.WeightGradient(call.Matrix.Forward, gathered, arriving, x.shape[1], target, MambaExt.Compute.Options, Heads(gradient));
        }
        else
        {
            CsrSum.GateGradient(call.Matrix.Forward, gathered, arriving, x.shape[1], target, MambaExt.Compute.Options);
        }

        GC.KeepAlive(x);
        GC.KeepAlive(dy);
    }

    private static Tensor ComposedFactorGradient(CsrCall call, Tensor x, Tensor dy)
    {
        Tensor rows = call.Matrix.EntryRows(), columns = call.Matrix.EntryColumns();
        Tensor product = x.index_select(0, call.Transposed ? rows : columns) * dy.index_select(0, call.Transposed ? columns : rows);
        return call.Kind == CsrKind.Gated ? product : call.FactorForm!.Shape.Length == 1 ? product.sum(1L) : product.view(product.shape[0], call.FactorForm.Shape[1], -1).sum(2L);
    }

    private static long Heads(Tensor? factor) => factor is null || factor.dim() == 1 ? 1 : factor.shape[1];

    private static void Check(CsrMatrix matrix, Tensor x, Tensor? factor, CsrKind kind, bool transposed)
    {
        long wanted = transposed ? matrix.Rows : matrix.Columns;
        if (x.dim() != 2 || x.shape[0] != wanted || x.shape[1] < 1)
        {
            throw new ArgumentException($"x has shape [{string.Join(", ", x.shape)}]; the sparse matrix is {matrix.Rows} x {matrix.Columns} and takes [{wanted}, C] with at least one channel.");
        }

        if (x.dtype is not (ScalarType.Float32 or ScalarType.Float64) || x.device.type != DeviceType.CPU)
        {
            throw new ArgumentException($"x is {x.dtype} on {x.device}; sparse sums take float32 and float64 on the CPU; convert it with to_type or cpu.");
        }

        if (factor is null)
        {
            return;
        }

        bool heads = kind == CsrKind.Weighted && factor.dim() == 2 && factor.shape[1] >= 1 && x.shape[1] % factor.shape[1] == 0;
        long[] shape = heads ? [matrix.EntryCount, factor.shape[1]] : kind == CsrKind.Weighted ? [matrix.EntryCount] : [matrix.EntryCount, x.shape[1]];
        if (!factor.shape.SequenceEqual(shape) || factor.dtype != x.dtype || factor.device.type != x.device.type)
        {
            string what = kind == CsrKind.Weighted ? "The weights" : "The gates";
            throw new ArgumentException($"{what} are {factor.dtype} [{string.Join(", ", factor.shape)}] on {factor.device}; give [{string.Join(", ", shape)}] of x's type, {x.dtype}, on its device.");
        }
    }
}
