using MambaExt.Fscil.Classifiers;
using MambaExt.Fscil.Features;
using MambaExt.Fscil.Projectors;
using MambaExt.Fscil.Recipes;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Methods;

/// <summary>Nearest class mean on the mean over positions of the maps, by cosine or by Euclid's distance, with or without TEEN's calibration of the novel ones. Nothing is trained.</summary>
public sealed class PrototypeMethod : FscilMethod
{
    private readonly bool _euclid;
    private readonly PrototypeOptions _options;

    /// <summary>Makes one.</summary>
    /// <param name="name">As it is called in results</param>
    /// <param name="size">What there is of each image</param>
    /// <param name="maxClasses">Classes that it can ever hold</param>
    /// <param name="euclid">Euclid's distance instead of the cosine</param>
    /// <param name="options">Calibration; an alpha of 0 is the plain nearest class mean</param>
    public PrototypeMethod(string name, FeatureSize size, int maxClasses, bool euclid, PrototypeOptions options)
        : base(name, size, maxClasses)
    {
        (_euclid, _options) = (euclid, options);
        RegisterComponents();
    }

    /// <inheritdoc/>
    protected override void OnBase(FscilFeatures features, MethodContext context)
    {
    }

    /// <inheritdoc/>
    protected override void OnSession(MapSet shots, MethodContext context)
    {
    }

    /// <inheritdoc/>
    protected override Tensor Scores(ImageFeatures features)
    {
        Tensor own = features.Maps.mean([1L, 2L]), means = Memory.mean([1L, 2L]);
        return _euclid
            ? -cdist(own, means)
            : nn.functional.normalize(own, dim: 1).matmul(Teen.Calibrate(means, BaseClasses, _options.teen_tau, _options.teen_alpha).t());
    }
}
