using System.Diagnostics;
using MambaExt.Checkpoints;
using MambaExt.Fscil.Features;
using MambaExt.Fscil.Methods;
using MambaExt.Fscil.Metrics;
using MambaExt.Fscil.Protocol;
using MambaExt.Fscil.Recipes;
using MambaExt.Runs;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Experiments;

/// <summary>
/// Methods over seeds in one run folder: the backbone of each seed is trained once, and every method works on its maps; under each head of its own where the
/// recipe trains projectors together with the backbone. Each training is cut and resumed; a
/// method within its protocol, behind any session.
/// </summary>
/// <param name="data">Images and protocol of a seed; the same images for all, and the same protocol where it is not drawn</param>
/// <param name="recipe">Of every method</param>
/// <param name="methods">Their names</param>
/// <param name="seeds">0 or more</param>
/// <param name="maxClasses">Classes that a model can ever hold; 0 for those of the protocol</param>
/// <param name="trials">Settings that are tried for each method on base classes held back; 1 for the recipe as it is</param>
public sealed class FscilExperiment(Func<int, FscilData> data, FscilRecipe recipe, IReadOnlyList<string> methods, IReadOnlyList<int> seeds, int maxClasses = 0, int trials = 1)
{
    private readonly Dictionary<string, IReadOnlyList<FscilTrial>> _trials = methods.Distinct().ToDictionary(method => method, method => TrialsOf(recipe, method, trials));
    private readonly SeedData _data = new(data);
    private readonly Dictionary<int, int> _trialSeeds = [];
    private (FscilRunKey Base, BaseNetwork Network, FscilFeatures Features)? _open;
    private IReadOnlyList<FscilRun> _finished = [];
    private SessionScores? _judged;

    /// <summary>Where backbones and methods are trained; the CPU unless set.</summary>
    public Device? Device { get; init; }

    /// <summary>A run folder whose backbones are taken instead of training them; those for trials where it has them. Null to train.</summary>
    public string? BaseFolder { get; init; }

    /// <summary>One of <see cref="FscilTrials.Scores"/>.</summary>
    public string TrialScore { get; init; } = FscilTrials.Scores[0];

    /// <summary>Told of each epoch of a backbone.</summary>
    public Action<FscilRunKey, EpochReport>? Epoch { get; init; }

    /// <summary>Told of each session of a method.</summary>
    public Action<FscilRunKey, SessionScores>? Session { get; init; }

    /// <summary>Told of each finished training, those of earlier sessions included.</summary>
    public Action<FscilRunKey, FscilRun>? Done { get; init; }

    /// <summary>The trainings in their order: trials before the runs that they choose the settings of.</summary>
    public IReadOnlyList<FscilRunKey> Keys =>
    [
        .. trials == 1 ? [] : seeds.Where(seed => TrialSeed(seed) == seed).SelectMany(seed => KeysOf(seed, Tried, [.. Enumerable.Range(1, trials)])),
        .. seeds.SelectMany(seed => KeysOf(seed, methods, [0])),
    ];

    // Methods on the same backbone follow one another: its maps are made once.
    private IEnumerable<FscilRunKey> KeysOf(int seed, IEnumerable<string> of, int[] numbers) => of.GroupBy(method => FscilBackbones.Head(recipe, method)).SelectMany(group =>
        (group.Any(method => method != FscilMethods.Pixels) ? new[] { new FscilRunKey(FscilRunKey.Base, seed, numbers[0], group.Key) } : [])
            .Concat(group.SelectMany(method => numbers.Select(trial => new FscilRunKey(method, seed, trial, group.Key)))));

    private IEnumerable<string> Tried => methods.Where(method => _trials[method].Count > 1);

    // Base classes of one seed are novel ones of another where the protocol is drawn: settings are chosen on base classes of the seed itself, once for all seeds
    // that have the same.
    private int TrialSeed(int seed) => _trialSeeds.TryGetValue(seed, out int known) ? known
        : _trialSeeds[seed] = seeds.First(s => s == seed || BaseLabels(s).SetEquals(BaseLabels(seed)));

    private HashSet<int> BaseLabels(int seed)
    {
        FscilProtocol protocol = _data.Of(seed).Protocol;
        return [.. protocol.ClassOrder.Take(protocol.BaseClasses)];
    }

    /// <summary>The settings that are tried for a method: the recipe alone on pixels, where there is nothing to set.</summary>
    public static IReadOnlyList<FscilTrial> TrialsOf(FscilRecipe recipe, string method, int trials) =>
        FscilTrials.Of(FscilBackbones.Under(recipe, FscilBackbones.Head(recipe, method)), method, method == FscilMethods.Pixels ? 1 : trials);

    /// <summary>Trains everything that <paramref name="experiment"/> has not behind it.</summary>
    /// <param name="experiment">Over the run's folder</param>
    /// <param name="folder">For backbones and results</param>
    /// <param name="token">Asked after each step</param>
    /// <returns>A result a method, in their order.</returns>
    public IReadOnlyList<FscilResult> Run(Experiment<FscilRunKey, FscilRun> experiment, string folder, CancellationToken token = default)
    {
        FscilData first = _data.Of(seeds[0]);
        recipe.Validate(Classes(first));
        if (first.Protocol.Sessions.Count < 2)
        {
            throw new ArgumentException($"The protocol has {first.Protocol.Summary} and no session behind the base; give one that has.");
        }

        string?[] heads = FscilBackbones.Heads(recipe, methods);
        if (BaseFolder is { } other)
        {
            FscilBackbones.Require(other, recipe, methods, seeds);
            foreach (var (seed, head) in seeds.SelectMany(seed => heads.Select(head => (seed, head))))
            {
                BaseDescription.Of(_data.Of(seed), FscilBackbones.Under(recipe, head), Classes(first), seed).RequireOf(Path.Combine(other, FscilBackbones.PathOf(seed, head: head)));
            }
        }
        else if (heads.Length > 0 && recipe.backbone.weights is { } weights && !File.Exists(weights))
        {
            throw new FileNotFoundException($"The weights '{weights}' do not exist; give a safetensors file with torchvision's names by backbone.weights.");
        }

        try
        {
            if (trials > 1)
            {
                // Too few base classes are found before anything is trained.
                _ = _data.Of(seeds[0], heldBack: true);
            }

            IReadOnlyList<FscilRunKey> keys = Keys;
            _finished = experiment.Finished;
            (FscilRunKey Key, FscilRun Run)[] runs = [.. keys.Zip(experiment.Run(keys, (key, host) => Train(key, host, folder, token), Line, done: Done, token: token))];
            return
            [
                .. methods.Select(method => FscilResult.Of(first, FscilBackbones.Under(recipe, FscilBackbones.Head(recipe, method)).training, Of(method, method), Of(FscilRunKey.Base, method), folder)
                    with { trials = [.. seeds.Where(seed => TrialSeed(seed) == seed).SelectMany(seed => TrialScores(method, seed))] }),
            ];

            // The runs of a method, or those of the backbones that it works on.
            FscilRun[] Of(string name, string method) => [.. runs.Where(r => r.Key.Method == name && r.Key.Trial == 0 && r.Key.Head == FscilBackbones.Head(recipe, method)).Select(r => r.Run)];
        }
        finally
        {
            Close();
        }
    }

    /// <summary>What came of the settings of a method so far, on base classes of a seed.</summary>
    private IReadOnlyList<FscilTrialScore> TrialScores(string method, int seed)
    {
        FscilScores[] tried = [.. Keys.Zip(_finished).Where(r => r.First.Method == method && r.First.Seed == seed && r.First.Trial > 0).Select(r => r.Second.scores!)];
        int best = tried.Length == 0 ? 0 : Enumerable.Range(0, tried.Length).MaxBy(i => FscilTrials.Score(TrialScore, tried[i]));
        return [.. tried.Select((s, i) => new FscilTrialScore(_trials[method][i].Change, s.average, s.harmonic_mean, i == best) { seed = seed })];
    }

    private FscilRecipe RecipeOf(FscilRunKey key)
    {
        IReadOnlyList<FscilTrialScore> tried = key.Trial > 0 || trials == 1 ? [] : TrialScores(key.Method, TrialSeed(key.Seed));
        return _trials[key.Method][key.Trial > 0 ? key.Trial - 1 : Math.Max(0, tried.ToList().FindIndex(t => t.chosen))].Recipe;
    }

    private FscilData DataOf(FscilRunKey key) => _data.Of(key.Seed, heldBack: key.Trial > 0);

    private int Classes(FscilData of) => maxClasses > 0 ? maxClasses : of.Protocol.ClassCount;

    private FscilRun Train(FscilRunKey key, ITrainingHost host, string folder, CancellationToken token)
    {
        if (key.Method == FscilRunKey.Base)
        {
            return TrainBase(key, host, token);
        }

        FscilData of = DataOf(key);
        if (key.Method == FscilMethods.Pixels)
        {
            using FscilFeatures pixels = FeatureExtractor.Pixels(of, recipe.backbone.image_size, token);
            using FscilMethod floor = FscilMethods.Create(key.Method, recipe, pixels.Size, Classes(of));
            return Judge(key, floor, pixels, host, token);
        }

        FscilRecipe own = RecipeOf(key);
        FscilFeatures features = Open(key, of, folder, token);

        // A projector that was trained with the backbone is changed by the method that takes it over: each gets its own.
        using BaseNetwork? trained = recipe.training.head == "cosine" ? null : Load(of, Path.Combine(folder, FscilBackbones.PathOf(key)), key.Head);
        manual_seed(key.Seed);
        using FscilMethod method = FscilMethods.Create(key.Method, own, features.Size, Classes(of), trained);
        method.to(Device ?? CPU);
        FscilRun run = Judge(key, method, features, host, token);
        if (key.Trial == 0)
        {
            foreach (var (name, content) in FscilClassifier.Files(_open!.Value.Network, method, of, own, key.Seed))
            {
                host.Attach(FormattableString.Invariant($"models/{key.Method}-seed-{key.Seed}/{name}"), content);
            }
        }

        return run;
    }

    private FscilRun Judge(FscilRunKey key, FscilMethod method, FscilFeatures features, ITrainingHost host, CancellationToken token)
    {
        FscilRun run = SessionRunner.Run(
            method, features, key.Seed, host,
            scores =>
            {
                _judged = scores;
                Session?.Invoke(key, scores);
                host.Report(new EpochReport(scores.session, features.Protocol.Sessions.Count - 1, scores.session, double.NaN, null, double.NaN, double.NaN));
            },
            token);
        if (key.Trial == 0)
        {
            (string path, byte[] content) = FscilTables.Confusion(run);
            host.Attach(path, content);
        }

        return run;
    }

    private FscilRun TrainBase(FscilRunKey key, ITrainingHost host, CancellationToken token)
    {
        FscilData of = DataOf(key);
        FscilRecipe own = FscilBackbones.Under(recipe, key.Head);
        long start = Stopwatch.GetTimestamp();
        FscilRun run;
        BaseNetwork network;
        if (BaseFolder is { } other && Path.Combine(other, FscilBackbones.PathOf(key)) is var path && (key.Trial == 0 || File.Exists(path)))
        {
            BaseDescription.Of(of, own, Classes(of), key.Seed).RequireOf(path);
            network = Load(of, path, key.Head);
            run = new FscilRun(key.Method, key.Seed, null, null, 0, 0, Stopwatch.GetElapsedTime(start).TotalSeconds, 0, network.Backbone.ParameterCount);
        }
        else
        {
            (network, TrainingOutcome outcome) = BaseTrainer.Run(of, own, Classes(of), key.Seed, host, Device, token);
            run = new FscilRun(
                key.Method, key.Seed, null, outcome.Best?.Score * 100, outcome.Epochs, outcome.BestEpoch, outcome.Seconds, 0, network.Backbone.ParameterCount);
        }

        using (network)
        {
            using var parameters = new MemoryStream();
            SafetensorsTensors.SaveModule(network, parameters);
            string place = FscilBackbones.PathOf(key);
            host.Attach(place, parameters.ToArray());
            host.Attach(BaseDescription.PathBeside(place), BaseDescription.Of(of, own, Classes(of), key.Seed).Content());
        }

        return run;
    }

    /// <summary>The maps of a backbone, kept until others are asked for.</summary>
    private FscilFeatures Open(FscilRunKey key, FscilData of, string folder, CancellationToken token)
    {
        FscilRunKey from = new(FscilRunKey.Base, key.Seed, Math.Min(key.Trial, 1), key.Head);
        if (_open is { } open && open.Base == from)
        {
            return open.Features;
        }

        Close();
        BaseNetwork network = Load(of, Path.Combine(folder, FscilBackbones.PathOf(from)), key.Head);
        network.to(Device ?? CPU);
        bool read = methods.Any(method => FscilBackbones.Head(recipe, method) == key.Head && _trials[method].Any(trial => FscilMethods.ReadsViews(method, trial.Recipe)));
        _open = (from, network, FeatureExtractor.Run(of, read ? recipe : recipe with { views = 1 }, network, key.Seed, token));
        return _open.Value.Features;
    }

    private BaseNetwork Load(FscilData of, string path, string? head)
    {
        var network = new BaseNetwork(FscilBackbones.Under(recipe, head) with { backbone = recipe.backbone with { weights = null } }, of.Protocol.BaseClasses, Classes(of));
        SafetensorsTensors.LoadInto(network, path);
        network.eval();
        return network;
    }

    private void Close()
    {
        _open?.Features.Dispose();
        _open?.Network.Dispose();
        _open = null;
    }

    private object Line(FscilRunKey key, EpochReport report)
    {
        if (key.Method != FscilRunKey.Base)
        {
            SessionScores s = _judged!;
            return new { model = key.Name, seed = key.Seed, s.session, s.classes, s.overall, @base = s.@base, s.novel, s.old_novel, s.newest, s.harmonic };
        }

        Epoch?.Invoke(key, report);
        return new
        {
            model = key.Name, seed = key.Seed, epoch = report.Epoch, train_loss = report.TrainLoss, val_loss = report.Validation?.Loss ?? double.NaN,
            val = report.Validation?.Score * 100 ?? double.NaN, learning_rate = report.LearningRate,
        };
    }
}
