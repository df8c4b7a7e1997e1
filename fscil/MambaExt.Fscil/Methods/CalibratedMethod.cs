using MambaExt.Fscil.Classifiers;
using MambaExt.Fscil.Features;
using MambaExt.Fscil.Projectors;
using MambaExt.Fscil.Recipes;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Methods;

/// <summary>
/// The library's own combination: Mamba-FSCIL's projector, and beside it class means of the backbone's features in a space where the spread within a base
/// class is alike in all directions:
/// <code>
/// x  = W (mean F)^power,   W = (shrinkage v I + (1 - shrinkage) S)^(-1/2)      S the covariance within base classes, v its mean variance
/// s  = (1 - w) (cos(x, c_k) + bias [k novel]) + w cos(projector(F), m_k)        c calibrated by TEEN
/// </code>
/// Cosines in a whitened space are those of a linear discriminant; few shots say where a class lies, the base classes say how classes spread.
/// </summary>
public sealed class CalibratedMethod : ProjectorMethod
{
    private const string WhiteningName = "whitening";
    private readonly PrototypeOptions _options;

    /// <summary>Makes one; as <see cref="ProjectorMethod"/>.</summary>
    public CalibratedMethod(string name, MapSize map, int maxClasses, FscilRecipe recipe, Projector projector, SimplexEtf? trained = null)
        : base(name, map, maxClasses, recipe, projector, trained)
    {
        _options = recipe.prototypes;
        register_buffer(WhiteningName, eye(map.Channels).DetachFromDisposeScope());
    }

    /// <inheritdoc/>
    protected override void OnBase(FscilFeatures features, MethodContext context)
    {
        using (DisposeScope scope = NewDisposeScope())
        using (no_grad())
        {
            MapSet plain = features.BaseViews[0];
            Tensor x = Powered(plain.Maps.mean([1L, 2L])).to_type(ScalarType.Float64);
            Tensor means = new MapSet(x.to_type(ScalarType.Float32).reshape(plain.Count, 1, 1, -1), plain.Classes).Means(0, BaseClasses).flatten(1).to_type(ScalarType.Float64);
            Tensor within = x - means.index_select(0, plain.Labels());
            get_buffer(WhiteningName)!.copy_(Whitening(within.t().matmul(within) / plain.Count, _options.shrinkage));
        }

        if (_options.projector_weight > 0)
        {
            base.OnBase(features, context);
        }
    }

    /// <inheritdoc/>
    protected override void OnSession(MapSet shots, MethodContext context)
    {
        if (_options.projector_weight > 0)
        {
            base.OnSession(shots, context);
        }
    }

    /// <inheritdoc/>
    protected override Tensor Scores(Tensor maps)
    {
        Tensor x = Whitened(maps.mean([1L, 2L])), prototypes = Teen.Calibrate(Whitened(Memory.mean([1L, 2L])), BaseClasses, _options.teen_tau, _options.teen_alpha);
        Tensor novel = (arange(Seen, device: maps.device) >= BaseClasses).to_type(ScalarType.Float32) * _options.novel_bias;
        Tensor near = nn.functional.normalize(x, dim: 1).matmul(prototypes.t()) + novel;
        return _options.projector_weight > 0 ? (near * (1 - _options.projector_weight)) + (ProjectorScores(maps) * _options.projector_weight) : near;
    }

    /// <summary>(shrinkage v I + (1 - shrinkage) S)^(-1/2) of a symmetric S [C, C] with mean variance v.</summary>
    internal static Tensor Whitening(Tensor covariance, double shrinkage)
    {
        using DisposeScope scope = NewDisposeScope();
        long size = covariance.shape[0];
        Tensor mean = covariance.diagonal().mean().clamp_min(1e-12);
        (Tensor values, Tensor vectors) = linalg.eigh(((1 - shrinkage) * covariance / mean) + (shrinkage * eye(size, dtype: ScalarType.Float64)));
        return vectors.matmul((values.clamp_min(1e-12).rsqrt().unsqueeze(1)) * vectors.t()).to_type(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    private Tensor Whitened(Tensor features) => Powered(features).matmul(get_buffer(WhiteningName)!);

    private Tensor Powered(Tensor features) => _options.power == 1 ? features : features.clamp_min(0).pow(_options.power);
}
