using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Training;

/// <summary>Clipping by the norm over all gradients (Pascanu et al., arXiv 1211.5063). <c>clip_grad_norm_</c> multiplies every gradient by a norm that is
/// no number; here they stay as they are then, so that the first offender can still be found.</summary>
internal static class GradientNorm
{
    /// <summary>Scales the gradients down to <paramref name="most"/>.</summary>
    /// <returns>False, with nothing changed, where the norm is not finite.</returns>
    public static bool Clip(IReadOnlyList<Parameter> parameters, double most)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        Tensor[] gradients = [.. parameters.Select(p => p.grad).OfType<Tensor>()];
        if (gradients.Length == 0)
        {
            return true;
        }

        double norm = (gradients.Length == 1 ? gradients[0].norm() : stack([.. gradients.Select(g => g.norm())]).norm()).ToDouble();
        if (!double.IsFinite(norm))
        {
            return false;
        }

        // Below it clip_grad_norm_ multiplies by 1; the margin is for its own rounding.
        if (norm > most * (1 - 1e-5))
        {
            nn.utils.clip_grad_norm_(parameters, most);
        }

        return true;
    }
}
