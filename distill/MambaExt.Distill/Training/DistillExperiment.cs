using MambaExt.Distill.Accounting;
using MambaExt.Distill.Inference;
using MambaExt.Distill.Stages;
using MambaExt.Runs;
using MambaExt.Training;

namespace MambaExt.Distill.Training;

/// <summary>Teacher, students, baselines and evaluation of every seed, one training after the other in one run folder; cut and resumed between any two steps.</summary>
/// <param name="task">Data and recipe</param>
/// <param name="seeds">How many seeds</param>
/// <param name="first">The first of them</param>
public sealed class DistillExperiment(DistillTask task, int seeds, int first = 0)
{
    /// <summary>Told of each epoch that is reported.</summary>
    public Action<DistillKey, EpochReport>? Epoch { get; init; }

    /// <summary>Told of each training, those of earlier sessions included.</summary>
    public Action<DistillKey, DistillPart>? Done { get; init; }

    /// <summary>What is trained, in order.</summary>
    public IReadOnlyList<DistillKey> Keys { get; } = [.. Enumerable.Range(first, seeds).SelectMany(seed => OfSeed(task.Recipe, seed))];

    /// <summary>Runs everything that <paramref name="experiment"/> has not behind it, and measures what came of it.</summary>
    /// <param name="experiment">Over the run's folder</param>
    /// <param name="folder">The run's folder</param>
    /// <param name="token">Asked after each step</param>
    public DistillResult Run(Experiment<DistillKey, DistillPart> experiment, string folder, CancellationToken token = default) => Result(Train(experiment, folder, token), folder);

    /// <summary>The trainings and evaluations alone, in the order of <see cref="Keys"/>.</summary>
    /// <inheritdoc cref="Run"/>
    internal IReadOnlyList<DistillPart> Train(Experiment<DistillKey, DistillPart> experiment, string folder, CancellationToken token = default)
    {
        TeacherSource.Require(task, Enumerable.Range(first, seeds));
        SeedState? state = null;
        try
        {
            return experiment.Run(
                Keys,
                (key, host) =>
                {
                    if (state?.Seed != key.Seed)
                    {
                        state?.Dispose();
                        state = new SeedState(task, key.Seed, folder, experiment.Finished.Where(p => p.seed == key.Seed));
                    }

                    return state.Train(key, host, token);
                },
                Line,
                Keep,
                Done,
                token);
        }
        finally
        {
            state?.Dispose();
        }

        object Line(DistillKey key, EpochReport report)
        {
            Epoch?.Invoke(key, report);
            return new
            {
                model = $"{key.Part}{(key.Student > 0 ? $"-{key.Student}" : "")}", seed = key.Seed, attempt = key.Try, epoch = report.Epoch, train_loss = report.TrainLoss,
                val_loss = report.Validation?.Loss, val = report.Validation?.Score * 100, learning_rate = report.LearningRate, terms = state!.Terms,
            };
        }

        // The folder keeps the group of the seed that the held-out images like best; every other model has a folder of its own.
        bool Keep(DistillKey key, DistillPart part) => key.Part != DistillKey.Evaluation
            || part.held_out!.accuracy > experiment.Finished.Where(p => p.part == DistillKey.Evaluation).Select(p => p.held_out!.accuracy).DefaultIfEmpty(double.NegativeInfinity).Max();
    }

    private static IEnumerable<DistillKey> OfSeed(DistillRecipe recipe, int seed)
    {
        int students = recipe.Ladder().Count;
        yield return new DistillKey(seed, DistillKey.Teacher);
        for (int t = 1; t <= students; t++)
        {
            for (int attempt = 0; attempt < recipe.distill.tries; attempt++)
            {
                yield return new DistillKey(seed, DistillKey.OfStudent, t, attempt);
            }
        }

        if (recipe.single)
        {
            yield return new DistillKey(seed, DistillKey.Single);
        }

        for (int t = 1; t <= students && recipe.without_teacher; t++)
        {
            yield return new DistillKey(seed, DistillKey.WithoutTeacher, t);
        }

        yield return new DistillKey(seed, DistillKey.Evaluation);
    }

    /// <summary>The table: means over seeds, and how long each model takes on this machine.</summary>
    internal DistillResult Result(IReadOnlyList<DistillPart> parts, string folder)
    {
        Evaluation[] seeds = [.. parts.Select(p => p.evaluation).OfType<Evaluation>()];
        DistillRecipe recipe = task.Recipe;
        LayerCost teacher = recipe.TeacherCost;
        long whole = teacher.flops;
        int common = seeds.Min(s => s.prefixes.Count);
        DistillPart[] singles = [.. parts.Where(p => p.part == DistillKey.Single && p.trained)];
        string? single = singles.Length == 0 ? null : Path.Combine(folder, "models", new DistillKey(singles[0].seed, DistillKey.Single).Folder);
        IReadOnlyList<ModelLatencies> times = ModelLatencies.Measure(Path.Combine(folder, "models", "group"), TeacherFolder(folder), single, recipe.teacher_options);
        LayerCost[] costs = [.. singles.Select(p => FlopCount.Total(recipe.teacher_options.WithSize(p.size!)))];
        return new DistillResult(
            task.Data.Name, task.Data.Variant.ToString().ToLowerInvariant(), recipe.distill.mode, FlopCount.Convention,
            Model(seeds.Select(s => s.teacher), whole, teacher.parameters, recipe.TeacherSize, m => m.Teacher),
            [.. Enumerable.Range(0, common).Select(t => Prefix([.. seeds.Select(s => s.prefixes[t])], whole, times))],
            singles.Length == 0 ? null : Model(
                seeds.Select(s => s.single).OfType<Scores>(), (long)costs.Average(c => c.flops), (long)costs.Average(c => c.parameters), Sizes(singles.Select(p => p.size!)),
                m => m.Single!.Value),
            seeds.Average(s => s.right_then_wrong), Exits(seeds), parts, seeds.Length, folder)
        {
            latency_threads = times[0].Threads,
        };

        ModelResult Model(IEnumerable<Scores> scores, long flops, long parameters, string? size, Func<ModelLatencies, LatencyPair> of)
        {
            (Latency one, Latency many) = (of(times[0]).One, of(times[0]).Many);
            MeanDeviation accuracy = Metrics.MeanAndDeviation([.. scores.Select(s => s.accuracy)]);
            return new ModelResult(accuracy.Mean, accuracy.Deviation, flops, (double)flops / whole, parameters, size, one.median_us, one.p95_us, many.median_us, many.p95_us, ModelLatencies.Points(times, of));
        }
    }

    private string TeacherFolder(string folder) => Path.Combine(task.Recipe.teacher_from ?? folder, "models", new DistillKey(first, DistillKey.Teacher).Folder);

    /// <summary>Seeds of a run that widens students may have students of different sizes: all are named.</summary>
    private static string Sizes(IEnumerable<string> all) => string.Join('/', all.Distinct());

    private static PrefixResult Prefix(PrefixEvaluation[] seeds, long whole, IReadOnlyList<ModelLatencies> times)
    {
        int t = seeds[0].students - 1;
        (Latency one, Latency many, Latency aloneOne, Latency aloneMany) = (Of(times[0]).One, Of(times[0]).Many, Alone(times[0]).One, Alone(times[0]).Many);
        long flops = Mid(s => s.flops);
        MeanDeviation accuracy = Mean(s => s.scores.accuracy), solo = Mean(s => s.solo.accuracy);
        MeanDeviation? without = seeds.All(s => s.without_teacher is not null) ? Mean(s => s.without_teacher!.accuracy) : null;
        return new PrefixResult
        {
            students = seeds[0].students, size = Sizes(seeds.Select(s => s.size)), accuracy = accuracy.Mean, accuracy_std = accuracy.Deviation, flops = flops, flops_fraction = (double)flops / whole,
            parameters = Mid(s => s.parameters), solo_accuracy = solo.Mean, solo_accuracy_std = solo.Deviation, without_teacher_accuracy = without?.Mean, without_teacher_accuracy_std = without?.Deviation,
            solo_flops = Mid(s => s.solo_flops), weight = seeds.Average(s => s.weight), own_accuracy = seeds.Average(s => s.own.accuracy), nll = seeds.Average(s => s.scores.nll),
            ece = seeds.Average(s => s.scores.ece), agreement = seeds.Average(s => s.scores.agreement!.Value), kl = seeds.Average(s => s.scores.kl!.Value),
            latency_b1_us = one.median_us, latency_b1_p95_us = one.p95_us, latency_b64_us = many.median_us, latency_b64_p95_us = many.p95_us,
            solo_latency_b1_us = aloneOne.median_us, solo_latency_b1_p95_us = aloneOne.p95_us, solo_latency_b64_us = aloneMany.median_us, solo_latency_b64_p95_us = aloneMany.p95_us,
            latency = ModelLatencies.Points(times, Of), solo_latency = ModelLatencies.Points(times, Alone),
        };

        // The saved group is of one seed, which may have fewer students than it was asked for.
        LatencyPair Of(ModelLatencies m) => m.Prefixes[Math.Min(t, m.Prefixes.Count - 1)];

        LatencyPair Alone(ModelLatencies m) => m.Alone[Math.Min(t, m.Alone.Count - 1)];

        long Mid(Func<PrefixEvaluation, long> of) => (long)seeds.Average(of);

        MeanDeviation Mean(Func<PrefixEvaluation, double> of) => Metrics.MeanAndDeviation([.. seeds.Select(of)]);
    }

    private static IReadOnlyList<ExitPoint> Exits(Evaluation[] seeds) =>
        [.. Enumerable.Range(0, seeds.Min(s => s.early_exit.Count)).Select(i => new ExitPoint(
            seeds.Average(s => s.early_exit[i].theta), seeds.Average(s => s.early_exit[i].mean_flops), seeds.Average(s => s.early_exit[i].accuracy)))];
}
