using MambaExt.Fscil.Features;
using MambaExt.Fscil.Projectors;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Methods;

/// <summary>The floor: nearest class mean by cosine on the pixels themselves, less the mean image of the base session. Its maps are the images.</summary>
public sealed class PixelMethod : FscilMethod
{
    private readonly Tensor centre;

    /// <summary>Makes one for images of a size.</summary>
    public PixelMethod(string name, FeatureSize size, int maxClasses)
        : base(name, size, maxClasses)
    {
        centre = zeros(size.Map.Shape).DetachFromDisposeScope();
        RegisterComponents();
    }

    /// <inheritdoc/>
    protected override void OnBase(FscilFeatures features, MethodContext context)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        centre.copy_(features.BaseViews[0].Maps.mean([0L]));
    }

    /// <inheritdoc/>
    protected override void OnSession(MapSet shots, MethodContext context)
    {
    }

    /// <inheritdoc/>
    protected override Tensor Scores(ImageFeatures features) =>
        nn.functional.normalize((features.Maps - centre).flatten(1), dim: 1).matmul(nn.functional.normalize((Memory - centre).flatten(1), dim: 1).t());
}
