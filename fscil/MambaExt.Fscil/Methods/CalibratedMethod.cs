using MambaExt.Fscil.Classifiers;
using MambaExt.Fscil.Features;
using MambaExt.Fscil.Projectors;
using MambaExt.Fscil.Recipes;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Methods;

/// <summary>
/// The library's own combination: class means at several levels of the backbone, each in a space where the spread within a base class is alike in all
/// directions, and beside them, where its weight w is above 0, Mamba-FSCIL's projector:
/// <code>
/// x_l = W_l (f_l^power - c_l),   W_l = (shrinkage v I + (1 - shrinkage) S_l)^(-1/2)     S_l the covariance within base classes, v its mean variance, c_l the mean
/// x   = the x_l, each normalized, side by side
/// s   = (1 - w) (cos(x, mean of class k) + bias [k novel]) + w cos(projector(F), m_k)    means calibrated by TEEN
/// </code>
/// Cosines in a whitened space are those of a linear discriminant: few shots say where a class lies, the base classes say how classes spread. What early
/// levels see depends less on which classes the backbone was trained on than what the last one sees.
/// </summary>
public sealed class CalibratedMethod : ProjectorMethod
{
    private const string Centre = "centre", Whitener = "whitening";
    private readonly PrototypeOptions _options;
    private readonly int[] _used;

    /// <summary>Makes one; as <see cref="ProjectorMethod"/>.</summary>
    /// <param name="name">As it is called in results</param>
    /// <param name="size">What there is of each image</param>
    /// <param name="maxClasses">Classes that it can ever hold</param>
    /// <param name="recipe">Prototypes, projector and trainings</param>
    /// <param name="projector">Taken over; null where its weight is 0: it would be built and counted for nothing</param>
    /// <param name="trained">Its simplex, where both were trained with the backbone</param>
    public CalibratedMethod(string name, FeatureSize size, int maxClasses, FscilRecipe recipe, Projector? projector, SimplexEtf? trained = null)
        : base(name, size, maxClasses, recipe, projector, trained)
    {
        _options = recipe.prototypes;
        _used = [.. Enumerable.Range(0, size.Levels.Count).Where(l => _options.levels.Length == 0 || _options.levels.Contains(recipe.backbone.levels[l]))];
        register_buffer(Centre, zeros(size.Total).DetachFromDisposeScope());
        foreach (int l in _used)
        {
            register_buffer(Whitener + l, eye(size.Levels[l]).DetachFromDisposeScope());
        }
    }

    /// <inheritdoc/>
    protected override void OnBase(FscilFeatures features, MethodContext context)
    {
        using (DisposeScope scope = NewDisposeScope())
        using (no_grad())
        {
            MapSet plain = features.BaseViews[0];
            Tensor x = _options.Powered(plain.Levels).to_type(ScalarType.Float64), means = plain.Means(x, 0, BaseClasses), within = x - means.index_select(0, plain.Labels());
            get_buffer(Centre)!.copy_(means.mean([0L]));
            Tensor[] parts = Split(within);
            foreach (int l in _used)
            {
                get_buffer(Whitener + l)!.copy_(Whitening(parts[l].t().matmul(parts[l]) / plain.Count, _options.shrinkage));
            }
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
    protected override Tensor Scores(ImageFeatures features)
    {
        Tensor x = Whitened(features.Levels), prototypes = Teen.Calibrate(Whitened(LevelMemory), BaseClasses, _options.teen_tau, _options.teen_alpha);
        Tensor near = _options.Biased(nn.functional.normalize(x, dim: 1).matmul(prototypes.t()), BaseClasses);
        return _options.projector_weight > 0 ? (near * (1 - _options.projector_weight)) + (ProjectorScores(features.Maps) * _options.projector_weight) : near;
    }

    /// <summary>(shrinkage v I + (1 - shrinkage) S)^(-1/2) of a symmetric S [C, C] with mean variance v, both divided by v.</summary>
    internal static Tensor Whitening(Tensor covariance, double shrinkage)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor mean = covariance.diagonal().mean().clamp_min(1e-12);
        (Tensor values, Tensor vectors) = linalg.eigh(((1 - shrinkage) * covariance / mean) + (shrinkage * eye(covariance.shape[0], dtype: ScalarType.Float64, device: covariance.device)));
        return vectors.matmul(values.clamp_min(1e-12).rsqrt().unsqueeze(1) * vectors.t()).to_type(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>Each level that is looked at, whitened and normalized, side by side.</summary>
    private Tensor Whitened(Tensor levels)
    {
        Tensor[] parts = Split(_options.Powered(levels) - get_buffer(Centre)!);
        return cat([.. _used.Select(l => nn.functional.normalize(parts[l].matmul(get_buffer(Whitener + l)!), dim: 1))], 1);
    }

    private Tensor[] Split(Tensor levels) => levels.split([.. Size.Levels.Select(e => (long)e)], dim: 1);
}
