using MambaExt.Distill.Students;
using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>A student and the scales that its stage has learned: <c>F_t = a F_(t-1) + b s_t</c>.</summary>
/// <param name="Model">In evaluation mode</param>
/// <param name="PrefixScale">a</param>
/// <param name="StudentScale">b</param>
public sealed record TrainedStudent(PatchMamba Model, double PrefixScale, double StudentScale)
{
    /// <summary>Own logits, [B, K], of a student that may read the feature of the one before it.</summary>
    /// <param name="images">[B, C, H, W]</param>
    /// <param name="before">The student before it; null for the first</param>
    public Tensor Logits(Tensor images, TrainedStudent? before)
    {
        using var scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        Tensor? read = Model.Options.reuse > 0 ? before!.Model.Features(images) : null;
        return Model.Logits(Model.Features(images), read).MoveToOuterDisposeScope();
    }

    /// <summary>a and b as a tensor, [2].</summary>
    internal Tensor Scales() => tensor(new[] { (float)PrefixScale, (float)StudentScale });
}
