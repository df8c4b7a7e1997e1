using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace MambaExt.Native;

/// <summary>
/// An exception that leaves a custom backward crosses native frames and aborts the process. It is kept here instead: the gradients of
/// that call are not a number, so that no optimizer can use them unnoticed, and the next call of any operator throws it.
/// </summary>
internal static class BackwardGuard
{
    private static ExceptionDispatchInfo? _pending;

    /// <summary>Throws what an earlier backward could not.</summary>
    public static void ThrowPending() => Interlocked.Exchange(ref _pending, null)?.Throw();

    /// <summary>Runs <paramref name="backward"/>; should it throw, returns gradients that are not a number.</summary>
    /// <param name="backward">Everything that can fail, the unpacking of saved tensors too: it throws where one was changed in place</param>
    /// <param name="gradients">The form of each gradient, known since forward; null where none is returned</param>
    public static List<Tensor> Run(Func<List<Tensor?>> backward, IReadOnlyList<TensorForm?> gradients)
    {
        try
        {
            // Native code has taken over what the previous node of this thread returned.
            GradientKeeper.Release();
            return GradientKeeper.Hold(backward());
        }
        catch (Exception e)
        {
            // The first fault is the cause; those behind it follow from its gradients.
            Interlocked.CompareExchange(ref _pending, ExceptionDispatchInfo.Capture(e), null);
            return GradientKeeper.Hold(gradients.Select(NotANumber).ToList());
        }
    }

    private static Tensor? NotANumber(TensorForm? form)
    {
        try
        {
            using IDisposable _ = no_grad();
            return form is null ? null : full(form.Shape, double.NaN, form.Type, form.Device);
        }
        catch (Exception)
        {
            // No memory even for this: the gradient is missing, and the next operator call still throws.
            return null;
        }
    }
}
