using static TorchSharp.torch;

namespace MambaExt.Native;

/// <summary>
/// Holds the managed wrappers of gradients that a custom backward has returned. Native code reads only their handles, after the managed
/// method has ended: a finalizer could free them in between. They are kept until the thread's next backward or forward call, then
/// disposed, so that a training loop without a dispose scope does not pile up memory.
/// </summary>
internal static class GradientKeeper
{
    [ThreadStatic]
    private static List<Tensor>? _held;

    /// <summary>Disposes what the previous backward call returned and keeps <paramref name="gradients"/>.</summary>
    public static List<Tensor> Hold(List<Tensor?> gradients)
    {
        Release();
        _held = gradients.OfType<Tensor>().ToList();
        foreach (Tensor gradient in _held)
        {
            gradient.DetachFromDisposeScope();
        }

        return gradients!;
    }

    /// <summary>Disposes what the previous backward call returned.</summary>
    public static void Release()
    {
        if (_held is { } held)
        {
            _held = null;
            held.ForEach(gradient => gradient.Dispose());
        }
    }
}
