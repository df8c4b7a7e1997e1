using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Native;

/// <summary>One call of an operator with one result: what it computes, and what it remembers beside its tensors.</summary>
/// <param name="name">Of the operator, for messages</param>
internal abstract class KernelCall(string name)
{
    /// <summary>Of the operator.</summary>
    public string Name => name;

    /// <summary>The form of each input's gradient, null where it needs none; set by <see cref="KernelFunction.Apply"/>.</summary>
    protected internal TensorForm?[] Forms { get; internal set; } = [];

    /// <summary>The result. Runs without gradients.</summary>
    /// <param name="inputs">Contiguous</param>
    /// <param name="save">Takes what backward wants, in a form of its own: never the result itself, but an alias of it</param>
    public abstract Tensor Forward(IReadOnlyList<Tensor> inputs, List<Tensor> save);

    /// <summary>A gradient an input, null where <see cref="Forms"/> asks for none. Runs without gradients.</summary>
    /// <param name="saved">What forward saved</param>
    /// <param name="dy">Contiguous</param>
    public abstract List<Tensor?> Backward(IReadOnlyList<Tensor> saved, Tensor dy);
}

/// <summary>A <see cref="KernelCall"/> as one autograd node. It has no second derivative: asked for one, it says so.</summary>
internal sealed class KernelFunction : autograd.SingleTensorFunction<KernelFunction>
{
    public override string Name => nameof(KernelFunction);

    /// <summary>Computes; recorded only where a gradient is needed.</summary>
    public static Tensor Apply(KernelCall call, params IReadOnlyList<Tensor> inputs)
    {
        BackwardGuard.ThrowPending();
        GradientKeeper.Release();
        using DisposeScope scope = NewDisposeScope();
        Tensor[] rows = [.. inputs.Select(t => t.is_contiguous() ? t : t.contiguous())];
        call.Forms = [.. inputs.Select(t => t.requires_grad ? TensorForm.Of(t) : null)];
        if (!is_grad_enabled() || call.Forms.All(form => form is null))
        {
            using IDisposable _ = no_grad();
            return call.Forward(rows, []).MoveToOuterDisposeScope();
        }

        return apply([.. rows, call]).MoveToOuterDisposeScope();
    }

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var call = (KernelCall)vars[^1];
        ctx.save_data("call", call);
        ctx.set_materialize_grads(false);
        using IDisposable _ = no_grad();
        var saved = new List<Tensor>();
        Tensor result = call.Forward([.. vars.Take(vars.Length - 1).Cast<Tensor>()], saved);
        ctx.save_for_backward(saved);
        return result;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var call = (KernelCall)ctx.get_data("call");
        bool differentiable = is_grad_enabled();
        TensorForm?[] forms = [.. call.Forms, null];
        List<Tensor> gradients = BackwardGuard.Run(
            () => Gradients.Scoped(() =>
            {
                List<Tensor> saved = ctx.get_saved_variables();
                if (differentiable)
                {
                    throw new NotSupportedException($"{call.Name} has no second derivative; call backward without create_graph.");
                }

                if (Gradients.Arrived(grad_output) is not { } arrived)
                {
                    return forms.Select(form => form?.Zeros()).ToList();
                }

                using IDisposable _ = no_grad();
                return [.. call.Backward(saved, arrived.contiguous()), null];
            }),
            forms);
        grad_output.Dispose();
        return gradients;
    }
}
