using MambaExt.Fscil.Features;
using MambaExt.Fscil.Projectors;
using MambaExt.Fscil.Recipes;
using MambaExt.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Methods;

/// <summary>
/// The collapse that this field is about: a linear classifier on the mean of the maps, trained on by cross-entropy with nothing but the shots of the newest
/// session, forgets what came before.
/// </summary>
public sealed class FineTuneMethod : FscilMethod
{
    private readonly Linear head;
    private readonly FscilRecipe _recipe;

    /// <summary>Makes one, with weights from torch's generator.</summary>
    public FineTuneMethod(string name, FeatureSize size, int maxClasses, FscilRecipe recipe)
        : base(name, size, maxClasses)
    {
        _recipe = recipe;
        head = nn.Linear(size.Map.Channels, maxClasses);
        RegisterComponents();
    }

    /// <inheritdoc/>
    protected override void OnBase(FscilFeatures features, MethodContext context)
    {
        ProjectorTraining how = _recipe.projector_training;
        int count = features.BaseViews[0].Count;
        Train(features.BaseViews, count, how.batch_size, how.epochs * Math.Max(1, count / Math.Min(how.batch_size, count)), new TrainingOptions { learning_rate = how.learning_rate, momentum = how.momentum, weight_decay = how.weight_decay }, context);
    }

    /// <inheritdoc/>
    protected override void OnSession(MapSet shots, MethodContext context)
    {
        IncrementalOptions how = _recipe.incremental;
        Train([shots], shots.Count, how.batch_size, how.Iterations(Session), new TrainingOptions { learning_rate = how.learning_rate, momentum = how.momentum, weight_decay = how.weight_decay }, context);
    }

    /// <inheritdoc/>
    protected override Tensor Scores(ImageFeatures features) => Logits(features.Maps);

    private void Train(IReadOnlyList<MapSet> sets, int count, int batchSize, int steps, TrainingOptions how, MethodContext context)
    {
        var task = new TrainingTask<MapBatch>
        {
            Model = head,
            Batches = new MapBatches(sets, [.. Enumerable.Range(0, count)], batchSize, steps, (ulong)context.Seed, Session),
            Loss = batch => nn.functional.cross_entropy(Logits(batch.Maps), batch.Labels),
            Describe = _ => $"{Name}, session {Session}, seed {context.Seed}",
        };

        // Clipping and warm-up in later sessions too are those of the base session.
        ProjectorTraining shape = _recipe.projector_training;
        Trainer.Run(task, how with { epochs = 1, steps = steps, optimizer = "sgd", schedule = "cosine", clip = shape.clip, warmup_steps = shape.WarmupSteps(steps) }, new TransientHost(context.Report), token: context.Token);
    }

    private Tensor Logits(Tensor maps) => head.forward(maps.mean([1L, 2L])).narrow(1, 0, Seen);
}
