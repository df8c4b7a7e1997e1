using System.Diagnostics;
using MambaExt.Checkpoints;
using MambaExt.Fscil.Features;
using MambaExt.Fscil.Methods;
using MambaExt.Fscil.Metrics;
using MambaExt.Fscil.Recipes;
using MambaExt.Runs;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Experiments;

/// <summary>
/// Methods over seeds in one run folder: the backbone of each seed is trained once, and every method works on its maps. Each training is cut and resumed; a
/// method within its protocol, behind any session.
/// </summary>
/// <param name="data">Images and protocol of a seed; the same images for all, and the same protocol where it is not drawn</param>
/// <param name="recipe">Of every method</param>
/// <param name="methods">Their names</param>
/// <param name="seeds">0 or more</param>
/// <param name="maxClasses">Classes that a model can ever hold; 0 for those of the protocol</param>
public sealed class FscilExperiment(Func<int, FscilData> data, FscilRecipe recipe, IReadOnlyList<string> methods, IReadOnlyList<int> seeds, int maxClasses = 0)
{
    private (int Seed, FscilData Data, BaseNetwork? Network, FscilFeatures? Features)? _open;
    private SessionScores? _judged;

    /// <summary>Where backbones and methods are trained; the CPU unless set.</summary>
    public Device? Device { get; init; }

    /// <summary>A run folder whose backbones are taken instead of training them; null to train.</summary>
    public string? BaseFolder { get; init; }

    /// <summary>Told of each epoch of a backbone.</summary>
    public Action<FscilRunKey, EpochReport>? Epoch { get; init; }

    /// <summary>Told of each session of a method.</summary>
    public Action<FscilRunKey, SessionScores>? Session { get; init; }

    /// <summary>Told of each finished training, those of earlier sessions included.</summary>
    public Action<FscilRunKey, FscilRun>? Done { get; init; }

    /// <summary>The trainings in their order.</summary>
    public IReadOnlyList<FscilRunKey> Keys =>
        [.. seeds.SelectMany(seed => (NeedsBase ? new[] { FscilRunKey.Base } : []).Concat(methods).Select(method => new FscilRunKey(method, seed)))];

    private bool NeedsBase => methods.Any(method => method != FscilMethods.Pixels);

    /// <summary>Where the backbone of a seed lies below a run folder.</summary>
    public static string BasePath(int seed) => FormattableString.Invariant($"base/seed-{seed}/network.safetensors");

    /// <summary>Throws unless a run folder holds the backbone of each seed.</summary>
    /// <exception cref="FileNotFoundException">One is missing.</exception>
    public static void RequireBackbones(string folder, IEnumerable<int> seeds)
    {
        if (seeds.Select(seed => Path.Combine(folder, BasePath(seed))).FirstOrDefault(path => !File.Exists(path)) is { } missing)
        {
            throw new FileNotFoundException($"There is no backbone at '{missing}'; give the folder of a run on the same data, with the same seeds, or let it be trained.");
        }
    }

    /// <summary>Trains everything that <paramref name="experiment"/> has not behind it.</summary>
    /// <param name="experiment">Over the run's folder</param>
    /// <param name="folder">For backbones and results</param>
    /// <param name="token">Asked after each step</param>
    /// <returns>A result a method, in their order.</returns>
    public IReadOnlyList<FscilResult> Run(Experiment<FscilRunKey, FscilRun> experiment, string folder, CancellationToken token = default)
    {
        FscilData first = data(seeds[0]);
        recipe.Validate(Classes(first));
        if (first.Protocol.Sessions.Count < 2)
        {
            throw new ArgumentException($"The protocol has {first.Protocol.Summary} and no session behind the base; give one that has.");
        }

        try
        {
            IReadOnlyList<FscilRunKey> keys = Keys;
            IReadOnlyList<FscilRun> runs = experiment.Run(keys, (key, host) => Train(key, host, folder, token), Line, done: Done, token: token);
            FscilRun[] bases = [.. runs.Where(r => r.method == FscilRunKey.Base)];
            return [.. methods.Select(method => FscilResult.Of(first, recipe.training.choose, [.. runs.Where(r => r.method == method)], bases, folder))];
        }
        finally
        {
            Close();
        }
    }

    private int Classes(FscilData of) => maxClasses > 0 ? maxClasses : of.Protocol.ClassCount;

    private FscilRun Train(FscilRunKey key, ITrainingHost host, string folder, CancellationToken token)
    {
        if (key.Method == FscilRunKey.Base)
        {
            return TrainBase(key, host, token);
        }

        FscilData of = data(key.Seed);
        if (key.Method == FscilMethods.Pixels)
        {
            using FscilFeatures pixels = FeatureExtractor.Pixels(of, recipe.backbone.image_size, token);
            using FscilMethod floor = FscilMethods.Create(key.Method, recipe, pixels.Size, Classes(of));
            return Judge(key, floor, pixels, host, token);
        }

        FscilFeatures features = Open(key.Seed, folder, token);
        manual_seed(key.Seed);

        // A projector that was trained with the backbone is changed by the method that takes it over: each gets its own.
        using BaseNetwork? own = recipe.training.head == "cosine" ? null : Load(of, Path.Combine(folder, BasePath(key.Seed)));
        manual_seed(key.Seed);
        using FscilMethod method = FscilMethods.Create(key.Method, recipe, features.Size, Classes(of), own);
        method.to(Device ?? CPU);
        FscilRun run = Judge(key, method, features, host, token);
        foreach (var (name, content) in FscilClassifier.Files(_open!.Value.Network!, method, of, recipe, key.Seed))
        {
            host.Attach(FormattableString.Invariant($"models/{key.Method}-seed-{key.Seed}/{name}"), content);
        }

        return run;
    }

    private FscilRun Judge(FscilRunKey key, FscilMethod method, FscilFeatures features, ITrainingHost host, CancellationToken token) => SessionRunner.Run(
        method, features, key.Seed, host,
        scores =>
        {
            _judged = scores;
            Session?.Invoke(key, scores);
            host.Report(new EpochReport(scores.session, features.Protocol.Sessions.Count - 1, scores.session, double.NaN, null, double.NaN, double.NaN));
        },
        token);

    private FscilRun TrainBase(FscilRunKey key, ITrainingHost host, CancellationToken token)
    {
        FscilData of = data(key.Seed);
        long start = Stopwatch.GetTimestamp();
        FscilRun run;
        BaseNetwork network;
        if (BaseFolder is { } other)
        {
            RequireBackbones(other, [key.Seed]);
            network = Load(of, Path.Combine(other, BasePath(key.Seed)));
            run = new FscilRun(key.Method, key.Seed, null, null, 0, 0, Stopwatch.GetElapsedTime(start).TotalSeconds, 0, network.Backbone.ParameterCount);
        }
        else
        {
            (network, TrainingOutcome outcome) = BaseTrainer.Run(of, recipe, Classes(of), key.Seed, host, Device, token);
            run = new FscilRun(
                key.Method, key.Seed, null, outcome.Best?.Score * 100, outcome.Epochs, outcome.BestEpoch, outcome.Seconds, 0, network.Backbone.ParameterCount);
        }

        using (network)
        {
            using var parameters = new MemoryStream();
            SafetensorsTensors.SaveModule(network, parameters);
            host.Attach(BasePath(key.Seed), parameters.ToArray());
        }

        return run;
    }

    /// <summary>The maps of a seed, kept until another seed is asked for.</summary>
    private FscilFeatures Open(int seed, string folder, CancellationToken token)
    {
        if (_open is { } open && open.Seed == seed)
        {
            return open.Features!;
        }

        Close();
        FscilData of = data(seed);
        BaseNetwork network = Load(of, Path.Combine(folder, BasePath(seed)));
        network.to(Device ?? CPU);
        FscilFeatures features = FeatureExtractor.Run(of, recipe, network, seed, token);
        _open = (seed, of, network, features);
        return features;
    }

    private BaseNetwork Load(FscilData of, string path)
    {
        var network = new BaseNetwork(recipe with { backbone = recipe.backbone with { weights = null } }, of.Protocol.BaseClasses, Classes(of));
        SafetensorsTensors.LoadInto(network, path);
        network.eval();
        return network;
    }

    private void Close()
    {
        _open?.Features?.Dispose();
        _open?.Network?.Dispose();
        _open = null;
    }

    private object Line(FscilRunKey key, EpochReport report)
    {
        if (key.Method != FscilRunKey.Base)
        {
            SessionScores s = _judged!;
            return new { method = key.Method, key.Seed, s.session, s.classes, s.overall, @base = s.@base, s.novel, s.old_novel, s.newest, s.harmonic };
        }

        Epoch?.Invoke(key, report);
        return new
        {
            method = key.Method, seed = key.Seed, epoch = report.Epoch, train_loss = report.TrainLoss, val_loss = report.Validation?.Loss ?? double.NaN,
            val = report.Validation?.Score * 100 ?? double.NaN, learning_rate = report.LearningRate,
        };
    }
}
