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

    /// <summary>Runs <paramref name="backward"/>; should it throw, returns gradients that are not a number, shaped like <paramref name="inputs"/>.</summary>
    public static List<Tensor> Run(Func<List<Tensor?>> backward, IReadOnlyList<Tensor?> inputs)
    {
        try
        {
            return GradientKeeper.Hold(backward());
        }
        catch (Exception e)
        {
            _pending = ExceptionDispatchInfo.Capture(e);
            return GradientKeeper.Hold(inputs.Select(i => i is { } t && t.is_floating_point() ? full_like(t, double.NaN) : null).ToList());
        }
    }
}
