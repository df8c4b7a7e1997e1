using MambaExt.Fscil.Classifiers;
using MambaExt.Fscil.Features;
using MambaExt.Fscil.Projectors;
using MambaExt.Fscil.Recipes;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Methods;

/// <summary>
/// Nearest class mean on the mean over positions of the maps, by cosine or by Euclid's distance, with or without TEEN's calibration of the novel ones. Nothing is
/// trained. Means may be raised to a power and, before cosines, centred on the base classes.
/// </summary>
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
        Tensor own = _options.Powered(features.Maps.mean([1L, 2L])), means = _options.Powered(ClassMeans());
        if (_euclid)
        {
            return _options.Biased(-cdist(own, means), BaseClasses);
        }

        if (_options.centering)
        {
            Tensor centre = means.narrow(0, 0, BaseClasses).mean([0L]);
            (own, means) = (own - centre, means - centre);
        }

        return _options.Biased(nn.functional.normalize(own, dim: 1).matmul(Teen.Calibrate(means, BaseClasses, _options.teen_tau, _options.teen_alpha).t()), BaseClasses);
    }
}
