using System.CommandLine;
using System.Text.Json.Nodes;
using MambaExt.Distributed;
using MambaExt.Fscil;
using MambaExt.Fscil.Experiments;
using MambaExt.Fscil.Methods;
using MambaExt.Fscil.Recipes;
using MambaExt.Reports;
using MambaExt.Runs;
using static TorchSharp.torch;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext fscil run</c> and <c>compare</c>: one method, or several on the same backbones, over seeds.</summary>
internal sealed class FscilRunCommand
{
    private readonly string _name;
    private readonly bool _several;
    private readonly FscilDataChoice _data = new();
    private readonly Option<string[]> _methods = CommonOptions.List("--methods", $"Required: methods, one or several: {string.Join(", ", FscilMethods.Names)}; ablations of mamba-fscil: {string.Join(", ", FscilMethods.Ablations.Keys)}.");
    private readonly Option<string> _method = CommonOptions.Choice("--method", "The method.", FscilMethods.Names.Concat(FscilMethods.Ablations.Keys));
    private readonly Option<int> _seeds = CommonOptions.Number("--seeds", "N", "N seeds, of weights and data order, and of the order of classes where the protocol is drawn.", 1, 1000);
    private readonly Option<int> _firstSeed = CommonOptions.FirstSeed();
    private readonly Option<string> _profile = CommonOptions.Choice("--profile", "Sizes and trainings: cpu (default), or paper, the published ones.", FscilRecipes.Profiles);
    private readonly Option<int> _maxClasses = CommonOptions.Number("--max-classes", "N", "Classes that a model can ever hold (default: those of the protocol).", 2, 1_000_000);
    private readonly Option<string[]> _set = CommonOptions.List("--set", "Values of the recipe: NAME=VALUE, training.epochs=20 say, one or several.");
    private readonly Option<int> _trials = CommonOptions.Number("--trials", "N", "Settings to try for each method on base classes held back as if they were novel; 1: its recipe.", 1, FscilTrials.Most);
    private readonly Option<string> _trialScore = CommonOptions.Choice("--trial-score", "What chooses among them: balanced (default), the mean of average and harmonic mean, or average, the average alone.", FscilTrials.Scores);
    private readonly Option<string?> _against = new("--against") { Description = $"The method that all others are compared with, seed by seed (default: {FscilMethods.Best}, else the first of --methods).", HelpName = "METHOD" };
    private readonly Option<string?> _base = CommonOptions.Folder("--base", "A run folder whose backbones are taken instead of training them, those with classes held back too where it has them.");
    private readonly Option<string?> _out = CommonOptions.Folder("--out", "Run folder (default: a new one below ./runs).");
    private readonly Option<string> _where = DeviceOption.Create();
    private readonly Option<int> _threads = CommonOptions.Threads();
    private readonly Option<bool> _json = CommonOptions.Json();

    private FscilRunCommand(bool several) => (_several, _name) = (several, several ? "fscil compare" : "fscil run");

    public static Command Create(bool several) => new FscilRunCommand(several).Create();

    private Command Create()
    {
        _method.DefaultValueFactory = _ => FscilMethods.Best;
        _profile.DefaultValueFactory = _ => FscilRecipes.Profiles[0];
        _trialScore.DefaultValueFactory = _ => FscilTrials.Scores[0];
        _seeds.DefaultValueFactory = _trials.DefaultValueFactory = _ => 1;
        var command = new Command(
            _several ? "compare" : "run",
            _several ? "Several methods on the same backbones: one table of what each keeps of the base classes and learns of the novel ones." : "Train on the base classes, then session after session on a few images of new ones; report accuracy on base and on novel classes after each.")
        {
            _several ? _methods : _method, _seeds, _firstSeed, _profile, _maxClasses, _set, _base, _out, RunSession.ResumeOption, RunSession.CheckpointOption, RunSession.DeterministicOption, _where, _threads, _json,
        };
        foreach (Option option in _several ? [.. _data.All, _trials, _trialScore, _against] : _data.All)
        {
            command.Add(option);
        }

        command.Validators.Add(result =>
        {
            RunSession.RefuseBesideResume(result, _json);
            if (result.GetResult(RunSession.ResumeOption) is not null)
            {
                return;
            }

            _data.Check(result);
            if (_several && result.GetResult(_trialScore) is { Implicit: false } && result.GetResult(_trials) is null or { Implicit: true })
            {
                result.AddError("--trial-score chooses among the settings of --trials; give --trials 8 too.");
            }

            if (_several && result.GetResult(_methods) is null)
            {
                result.AddError($"--methods is missing; known are {string.Join(", ", FscilMethods.Names)}.");
            }
        });
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), token));
        return command;
    }

    private int Run(ParseResult parsed, CancellationToken token)
    {
        using ICommunicator ranks = Communicators.FromEnvironment();
        if (ranks.Size > 1)
        {
            throw new ArgumentException($"{_name} runs in one process and was started in {ranks.Size}; start it without mpirun.");
        }

        ParseResult arguments = RunSession.Arguments(parsed);
        RunSession.UseThreads(parsed, arguments, _threads);
        Device? device = _where.Read(arguments);
        string[] changes = arguments.GetValue(_set) ?? [];
        Func<int, FscilData> data = _data.Load(arguments, FscilDataChoice.PhotoSize(arguments.GetValue(_profile)!, _data.Name(arguments), changes));
        int[] seeds = [.. Enumerable.Range(arguments.GetValue(_firstSeed), arguments.GetValue(_seeds))];
        FscilData first = data(seeds[0]);
        string[] methods = _several ? [.. arguments.GetValue(_methods)!.Distinct().Select(Known)] : [arguments.GetValue(_method)!];
        string against = arguments.GetValue(_against) is { } other && _several ? AmongThem(other, methods) : methods.Contains(FscilMethods.Best) ? FscilMethods.Best : methods[0];
        int classes = arguments.GetResult(_maxClasses) is { Implicit: false } ? arguments.GetValue(_maxClasses) : first.Protocol.ClassCount;
        if (classes < first.Protocol.ClassCount)
        {
            throw new ArgumentException($"--max-classes is {classes} and the protocol has {first.Protocol.ClassCount} classes; give as many or more.");
        }

        FscilRecipe recipe = changes.Aggregate(
            FscilRecipes.For(arguments.GetValue(_profile)!, first.Name, first.Train.Channels, first.Train.Size, classes), RecipeChange.Apply);
        recipe.Validate(classes);
        int trials = _several ? arguments.GetValue(_trials) : 1;
        string trialScore = _several ? arguments.GetValue(_trialScore)! : FscilTrials.Scores[0];
        if (arguments.GetValue(_base) is { } before)
        {
            FscilBackbones.Require(before, recipe, methods, seeds);
        }

        JsonObject config = RunSession.Config(arguments, _name, [.. _data.Paths, _base], ranks);
        config["device"] = arguments.GetValue(_where);
        foreach (var (key, value) in (JsonObject)JsonResult.Node(Describe(first, recipe, methods, seeds, classes, trials)))
        {
            config[key] = value?.DeepClone();
        }

        if (_several)
        {
            config["against"] = against;
            config["trial_score"] = trialScore;
        }

        string path = arguments.GetValue(_out) ?? RunFolder.NewPath("runs", $"fscil-{first.Name}");
        using RunSession session = RunSession.Open(parsed, _name, config, path, ranks);
        Console.Error.WriteLine(first.Summary);
        foreach (string note in first.Notes)
        {
            Console.Error.WriteLine(note);
        }

        var view = new FscilProgressView(recipe.training.epochs, Console.Error, !Console.IsErrorRedirected, TimeProvider.System);
        var experiment = new Experiment<FscilRunKey, FscilRun>(session.Folder, TimeSpan.FromSeconds(arguments.GetValue(RunSession.CheckpointOption)), Console.Error.WriteLine);
        if (session.Resumed)
        {
            experiment.Resume();
        }

        IReadOnlyList<FscilResult> results = session.Guard(() => new FscilExperiment(data, recipe, methods, seeds, classes, trials)
        {
            Device = device, BaseFolder = arguments.GetValue(_base), TrialScore = trialScore, Epoch = view.Epoch, Session = view.Session, Done = view.Done,
        }.Run(experiment, session.Path, token));
        IReadOnlyList<PairedDifference> paired = PairedDifference.Of(results, against);
        object result = _several ? new { results, paired, run_dir = session.Path } : results[0];
        session.Folder!.WriteResult(result);
        FscilTables.Write(session.Path, results);
        RunReport.Write([session.Path], Path.Combine(session.Path, RunReport.FileName));
        if (parsed.GetValue(_json))
        {
            JsonResult.Write(result);
        }
        else
        {
            FscilProgressView.Print(results, paired);
            Console.WriteLine($"Run: {session.Path}");
            Console.WriteLine($"Report: {Path.Combine(session.Path, RunReport.FileName)}");
        }

        return ExitCode.Done;
    }

    private static string Known(string method)
    {
        string[] known = [.. FscilMethods.Names, .. FscilMethods.Ablations.Keys];
        return known.Contains(method)
            ? method
            : throw new ArgumentException($"--methods names '{method}'; known are {string.Join(", ", known)}{(NameSuggestion.Nearest(method, known) is { } near ? $" (did you mean {near}?)" : "")}.");
    }

    private static string AmongThem(string method, string[] methods) => methods.Contains(method)
        ? method
        : throw new ArgumentException($"--against names '{method}', which is not among --methods; give one of {string.Join(", ", methods)}{(NameSuggestion.Nearest(method, methods) is { } near ? $" (did you mean {near}?)" : "")}.");

    private static object Describe(FscilData data, FscilRecipe recipe, string[] methods, int[] seeds, int classes, int trials) => new
    {
        dataset = data.Name,
        files = data.Files.Select(f => new { f.Name, f.Bytes, f.Sha256, f.Official }),
        variant = data.Variant.ToString().ToLowerInvariant(),
        protocol = data.Protocol.Summary,
        notes = data.Notes,
        classes = data.ClassNames,
        max_classes = classes,
        methods,
        recipe,
        trials = methods.ToDictionary(method => method, method => FscilExperiment.TrialsOf(recipe, method, trials).Select(trial => trial.Change)),
        runs = seeds.Select(seed => new { seed }),
    };
}
