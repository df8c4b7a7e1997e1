using System.CommandLine;
using System.Reflection;
using System.Text.Json.Nodes;
using MambaExt.Cli.Commands;
using MambaExt.Distributed;
using MambaExt.Kernels.Cpu;
using MambaExt.Runs;
using TorchSharp;

namespace MambaExt.Cli;

/// <summary>What every training command shares: its run folder, new or resumed, and the <c>config.json</c> that makes it repeatable.</summary>
internal sealed class RunSession : IDisposable
{
    // What may differ between the sessions of a run: none of these changes a bit of the result.
    private static readonly string[] Free = ["arguments", "runtime"];

    private RunSession(RunFolder? folder, string path, bool resumed, string command) => (Folder, Path, Resumed, Command) = (folder, path, resumed, command);

    /// <summary>Null on ranks other than 0, which write nothing.</summary>
    public RunFolder? Folder { get; }

    public string Path { get; }

    public bool Resumed { get; }

    private string Command { get; }

    public static Option<string?> ResumeOption { get; } = CommonOptions.Folder("--resume", "Go on with the run of this folder, with the options it was started with; takes no option beside --json.");

    public static Option<bool> DeterministicOption { get; } = new("--deterministic")
    {
        Description = "Keep libtorch at one thread while the kernels use all: the same bytes at any number of threads.",
    };

    public static Option<double> CheckpointOption { get; } = CheckpointSeconds();

    public static Option<bool> DataParallelOption { get; } = new("--data-parallel")
    {
        Description = "Under mpirun: all ranks share each training and average their gradients, instead of taking a seed or split each.",
    };

    /// <summary>The arguments a run is to be made with: those given, or those of the run that --resume names.</summary>
    public static ParseResult Arguments(ParseResult parsed)
    {
        if (parsed.GetValue(ResumeOption) is not { } folder)
        {
            return parsed;
        }

        JsonObject config = RunFolder.Read(folder, "config.json") ?? throw new DirectoryNotFoundException($"'{folder}' holds no run (no config.json); give the folder that a run was started with.");
        if (config["arguments"] is not JsonArray arguments || arguments.Any(a => a is not JsonValue value || !value.TryGetValue(out string? _)))
        {
            throw new InvalidDataException($"The config.json of '{folder}' does not say how the run was started; start it anew.");
        }

        ParseResult before = CommandLine.Parse([.. arguments.Select(a => a!.GetValue<string>())]);
        return before.Errors.Count == 0 && before.GetResult(ResumeOption) is null && before.CommandResult.Command == parsed.CommandResult.Command
            ? before
            : throw new InvalidDataException($"The run of '{folder}' was not started by this command: {string.Join(' ', arguments)}.");
    }

    /// <summary>The number of threads: that of the resumed run, else what the command line says.</summary>
    public static void UseThreads(ParseResult parsed, ParseResult arguments, Option<int> threads)
    {
        if (parsed.GetValue(ResumeOption) is { } folder && RunFolder.Read(folder, "config.json")?["threads"] is JsonValue before && before.TryGetValue(out int count) && count is >= 1 and <= 1024)
        {
            Compute.Threads = count;
            torch.set_num_threads(count);
        }
        else
        {
            threads.Use(arguments);
        }

        if (arguments.GetValue(DeterministicOption))
        {
            int all = Compute.Threads;
            torch.set_num_threads(1);
            Compute.Threads = all;
        }
    }

    /// <summary>Refuses --data-parallel for a process that is alone.</summary>
    public static void RequireRanks(ParseResult arguments, ICommunicator ranks)
    {
        if (arguments.GetValue(DataParallelOption) && ranks.Size == 1)
        {
            throw new ArgumentException($"--data-parallel shares a training between ranks and this process is alone; start it as mpirun -n 2 {CommandLine.Name} ..., or leave the option out.");
        }
    }

    /// <summary>What every config holds: how the run was started and what it was computed with.</summary>
    public static JsonObject Config(ParseResult arguments, string command, IReadOnlyList<Option<string?>> paths, ICommunicator ranks) => new()
    {
        ["command"] = command,

        // Trainings that ranks have for themselves are the same whatever their number is.
        ["ranks"] = arguments.GetValue(DataParallelOption) ? ranks.Size : 1,
        ["arguments"] = new JsonArray([.. Tokens(arguments, paths).Select(t => (JsonNode)t)]),
        ["threads"] = Compute.Threads,
        ["deterministic"] = arguments.GetValue(DeterministicOption),
        ["checkpoint_seconds"] = arguments.GetValue(CheckpointOption),
        ["libtorch_threads"] = torch.get_num_threads(),
        ["vector_bits"] = Compute.Options.VectorBits,
        ["version"] = typeof(RunSession).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion,
        ["libtorch"] = torch.__version__,
        ["runtime"] = Environment.Version.ToString(),
    };

    /// <summary>Makes the run's folder, or opens the one to resume after comparing <paramref name="config"/> with its own.</summary>
    public static RunSession Open(ParseResult parsed, string command, JsonObject config, string newPath, ICommunicator ranks) =>
        Open(System.IO.Path.GetFullPath(parsed.GetValue(ResumeOption) ?? newPath), parsed.GetValue(ResumeOption) is not null, command, config, ranks);

    /// <summary>As the other, for a run whose command knows by itself whether it goes on.</summary>
    public static RunSession Open(string path, bool resumed, string command, JsonObject config, ICommunicator ranks)
    {
        if (ranks.Rank != 0)
        {
            return new RunSession(null, path, resumed, command);
        }

        if (!resumed)
        {
            var made = new RunFolder(path);
            try
            {
                made.WriteConfig(config);
            }
            catch
            {
                made.Dispose();
                throw;
            }

            return new RunSession(made, path, resumed, command);
        }

        JsonObject before = RunFolder.Read(path, "config.json")!;
        RequireSame(path, before, config, config.Select(p => p.Key).Union(before.Select(p => p.Key)).Except(Free));
        return new RunSession(RunFolder.Open(path), path, resumed, command);
    }

    /// <summary>Refuses a run whose config differs from <paramref name="config"/> in one of the members <paramref name="names"/>.</summary>
    public static void RequireSame(string path, JsonObject before, JsonObject config, IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            if (!JsonNode.DeepEquals(Plain(config[name]), before[name]))
            {
                (string where, JsonNode? was, JsonNode? now) = Difference(name, before[name], Plain(config[name]));
                throw new InvalidDataException($"'{path}' cannot be resumed: {where} was {Text(was)} and is {Text(now)}; restore what it was, or start a new run.");
            }
        }
    }

    /// <summary>Runs <paramref name="work"/>; an interruption says how to go on.</summary>
    public T Guard<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (OperationCanceledException)
        {
            throw new InterruptedRunException($"Interrupted; the run is saved. Go on with: {CommandLine.Name} {Command} --resume {Path}");
        }
    }

    public void Dispose() => Folder?.Dispose();

    /// <summary>Adds the error of an option beside --resume.</summary>
    public static void RefuseBesideResume(System.CommandLine.Parsing.CommandResult result, Option json)
    {
        if (result.GetResult(ResumeOption) is not null && result.Children.OfType<System.CommandLine.Parsing.OptionResult>().FirstOrDefault(o => !o.Implicit && o.Option != ResumeOption && o.Option != json) is { } other)
        {
            result.AddError($"{other.Option.Name} was given beside --resume, which goes on with the options the run was started with; leave it out.");
        }
    }

    private static Option<double> CheckpointSeconds()
    {
        Option<double> option = CommonOptions.Value<double>("--checkpoint-seconds", "Least time between two checkpoints; 0: after every step (default: 30).");
        option.DefaultValueFactory = _ => 30;
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is var seconds && !(seconds is >= 0 and <= 1e6))
            {
                result.AddError($"--checkpoint-seconds is {seconds}; give 0 to 1000000.");
            }
        });
        return option;
    }

    /// <summary>The command line as it would have to be typed anywhere else: paths in full, without what belongs to one session.</summary>
    private static IEnumerable<string> Tokens(ParseResult arguments, IReadOnlyList<Option<string?>> paths)
    {
        string[] tokens = [.. arguments.Tokens.Select(t => t.Value)];
        bool named = false;
        for (int i = 0; i < tokens.Length; i++)
        {
            if (tokens[i] == "--json")
            {
                i += i + 1 < tokens.Length && bool.TryParse(tokens[i + 1], out _) ? 1 : 0;
                continue;
            }

            if (tokens[i] == "--out")
            {
                i++;
            }
            else if (paths.Any(option => option.Name == tokens[i]))
            {
                named |= tokens[i] is GraphDataOptions.DataName or GraphDataOptions.GraphName;
                yield return tokens[i++];
                yield return System.IO.Path.GetFullPath(tokens[i]);
            }
            else
            {
                yield return tokens[i];
            }
        }

        if (!named && Environment.GetEnvironmentVariable("MAMBAEXT_DATA") is { Length: > 0 } folder)
        {
            yield return GraphDataOptions.DataName;
            yield return System.IO.Path.GetFullPath(folder);
        }
    }

    /// <summary>The first member of two objects, or element of two lists, that differs: the option or the data file by its name.</summary>
    private static (string Where, JsonNode? Was, JsonNode? Now) Difference(string name, JsonNode? was, JsonNode? now)
    {
        if (was is JsonObject before && now is JsonObject after)
        {
            string key = before.Select(p => p.Key).Union(after.Select(p => p.Key)).First(k => !JsonNode.DeepEquals(before[k], after[k]));
            return Difference($"{name}.{key}", before[key], after[key]);
        }

        if (was is JsonArray list && now is JsonArray other && list.Count == other.Count)
        {
            int i = Enumerable.Range(0, list.Count).First(k => !JsonNode.DeepEquals(list[k], other[k]));
            return ($"{name}[{i}]", list[i], other[i]);
        }

        return (name, was, now);
    }

    // As it comes back from a file: 0.1f and 0.1 are different nodes, and so are 1 and 1L.
    private static JsonNode? Plain(JsonNode? node) => node is null ? null : JsonNode.Parse(node.ToJsonString());

    private static string Text(JsonNode? node)
    {
        string text = node?.ToJsonString() ?? "absent";
        return text.Length > 200 ? text[..200] + "..." : text;
    }
}
