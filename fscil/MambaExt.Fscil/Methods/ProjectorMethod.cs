using MambaExt.Fscil.Classifiers;
using MambaExt.Fscil.Features;
using MambaExt.Fscil.Losses;
using MambaExt.Fscil.Projectors;
using MambaExt.Fscil.Recipes;
using MambaExt.Training;
using MambaExt.Vision;
using MambaExt.Vision.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Methods;

/// <summary>
/// A projector under a fixed simplex: NC-FSCIL with the MLP, Mamba-FSCIL with the dual branches (arXiv 2302.03004 and 2407.06136). The base session trains the
/// projector on the base maps by dot-regression, unless it comes trained together with the backbone; each later session trains it on the mean maps of the
/// classes before and the maps of the shots.
/// </summary>
public class ProjectorMethod : FscilMethod
{
    private readonly Projector? projector;
    private readonly SimplexEtf? etf;
    private readonly FscilRecipe _recipe;
    private readonly bool _trained;
    private readonly bool _teen;

    /// <summary>Makes one, with weights from torch's generator.</summary>
    /// <param name="name">As it is called in results</param>
    /// <param name="size">What there is of each image</param>
    /// <param name="maxClasses">Classes that it can ever hold: columns of the simplex</param>
    /// <param name="recipe">Projector and trainings</param>
    /// <param name="projector">Taken over; null for none, where a class derived from this one does without</param>
    /// <param name="trained">A simplex of a training together with the backbone, taken over; null where the base session trains the projector</param>
    /// <param name="teen">Score by the cosine with calibrated prototypes in the projector's space instead of the simplex</param>
    public ProjectorMethod(string name, FeatureSize size, int maxClasses, FscilRecipe recipe, Projector? projector, SimplexEtf? trained = null, bool teen = false)
        : base(name, size, maxClasses)
    {
        (_recipe, this.projector, _trained, _teen) = (recipe, projector, trained is not null, teen);
        if (projector is null)
        {
            return;
        }

        etf = trained ?? new SimplexEtf(recipe.projector.width, maxClasses);

        // By name: what is private here is not seen from a class that derives from this one.
        register_module(nameof(projector), projector);
        register_module(nameof(etf), etf);
    }

    /// <summary>The projector.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public Projector Projector => projector ?? throw new InvalidOperationException($"{Name} was made without a projector; give it a weight above 0.");

    /// <summary>The simplex.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public SimplexEtf Etf => etf ?? throw new InvalidOperationException($"{Name} was made without a projector; give it a weight above 0.");

    /// <inheritdoc/>
    protected override void OnBase(FscilFeatures features, MethodContext context)
    {
        if (_trained)
        {
            return;
        }

        ProjectorTraining how = _recipe.projector_training;
        int count = features.BaseViews[0].Count, steps = how.epochs * Math.Max(1, count / Math.Min(how.batch_size, count));
        var training = new TrainingOptions
        {
            epochs = 1, steps = steps, optimizer = "sgd", learning_rate = how.learning_rate, momentum = how.momentum, weight_decay = how.weight_decay, clip = how.clip,
            schedule = "cosine", warmup_steps = how.WarmupSteps(steps),
        };
        Train(new MapBatches(features.BaseViews, [.. Enumerable.Range(0, count)], how.batch_size, steps, (ulong)context.Seed, draw: 0), training, null, new FeatureMixup(how.mixup), balanced: false, context, null);
    }

    /// <inheritdoc/>
    protected override void OnSession(MapSet shots, MethodContext context)
    {
        IncrementalOptions how = _recipe.incremental;
        Projector.BeginIncrements(how.freeze, how.zero_start);
        using DisposeScope scope = NewDisposeScope();
        int steps = how.Iterations(Session), old = shots.Classes.Min();
        var data = new MapSet(cat([Memory.narrow(0, 0, old), shots.Maps], 0), [.. Enumerable.Range(0, old), .. shots.Classes]);
        var training = new TrainingOptions
        {
            epochs = 1, steps = steps, optimizer = "sgd", learning_rate = how.learning_rate, momentum = how.momentum, weight_decay = how.weight_decay, clip = how.clip,
        };
        Train(new MapBatches([data], how.Rows(Session, BaseClasses, old, shots.Count), how.batch_size, steps, (ulong)context.Seed, draw: Session), training, new CoolDown(steps).Factor, new FeatureMixup(how.feature_mixup), how.balanced, context,
            name => Projector.Share(name, how.base_share));
    }

    /// <inheritdoc/>
    protected override Tensor Scores(ImageFeatures features) => ProjectorScores(features.Maps);

    /// <summary>Cosines of the projected maps with the columns, or prototypes, of the classes seen so far.</summary>
    protected Tensor ProjectorScores(Tensor maps)
    {
        Projector.eval();
        Tensor features = Projector.forward(maps);
        return _teen
            ? nn.functional.normalize(features, dim: 1).matmul(
                Teen.Calibrate(Projector.forward(Memory), BaseClasses, _recipe.prototypes.teen_tau, _recipe.prototypes.teen_alpha).t())
            : Etf.forward(features).narrow(1, 0, Seen);
    }

    private void Train(MapBatches batches, TrainingOptions training, Func<long, double>? schedule, FeatureMixup mixup, bool balanced, MethodContext context, Func<string, double>? rateOf)
    {
        var task = new TrainingTask<MapBatch>
        {
            Model = Projector,
            Batches = batches,
            Loss = batch => Loss(batch, mixup, (ulong)context.Seed, balanced),
            Schedule = schedule,
            RateOf = rateOf,
            Describe = _ => $"{Name}, session {Session}, seed {context.Seed}",
        };
        Trainer.Run(task, training, new TransientHost(context.Report), token: context.Token);
    }

    private Tensor Loss(MapBatch batch, FeatureMixup mixup, ulong seed, bool balanced)
    {
        var (features, signals, baseSignals) = Projector.ForwardWithSignals(batch.Maps);
        ScanLossOptions how = _recipe.incremental.scan_losses;
        Tensor loss = Dot(Etf, features, batch.Labels, mixup.Mix(features, batch.Labels, seed, batch.Step), balanced), novel = batch.Labels >= BaseClasses;
        loss = signals is not null && ScanLosses.Total(Recorded(signals, _recipe), novel, how) is { } more ? loss + more : loss;
        return baseSignals is not null && ScanLosses.Separation(Recorded(baseSignals, _recipe), novel, how.separate_base) is { } apart ? loss + apart : loss;
    }

    /// <summary>As published the scan with shared weights is judged by its plain row-major pass alone.</summary>
    internal static Scan2dSignals Recorded(Scan2dSignals signals, FscilRecipe recipe) => recipe.projector.branch == "ssm" && recipe.incremental.scan_losses.form == "published"
        ? signals with { dt_low = signals.dt_low.narrow(1, 0, 1), B = signals.B.narrow(1, 0, 1), C = signals.C.narrow(1, 0, 1) }
        : signals;

    /// <summary>Dot-regression of a batch, or of its features mixed with those of another order of it, for whose classes it counts the rest.</summary>
    internal static Tensor Dot(SimplexEtf etf, Tensor features, Tensor labels, MixedFeatures? mixed, bool balanced)
    {
        if (mixed is null)
        {
            return DotRegression.Loss(features, etf.Of(labels), labels, balanced);
        }

        return (DotRegression.Loss(mixed.Features, etf.Of(labels), labels, balanced) * mixed.Weight)
            + (DotRegression.Loss(mixed.Features, etf.Of(mixed.PartnerLabels), mixed.PartnerLabels, balanced) * (1 - mixed.Weight));
    }
}
