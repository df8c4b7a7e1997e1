using System.CommandLine;
using System.CommandLine.Help;
using System.Text.Json.Nodes;
using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

/// <summary>
/// Every option of every command does something: given another value than its default it changes config.json and something that a run
/// leaves, or it is refused with a sentence. An option that has no entry here fails <see cref="Every_option_has_an_entry"/>.
/// </summary>
public sealed class OptionWalkTests(OptionWalkTests.Runs runs) : IClassFixture<OptionWalkTests.Runs>
{
    private const string Train = "graph train", Compare = "graph compare", Predict = "graph predict", Tokens = "graph tokens", Verify = "verify", Bench = "bench scan", BenchGraph = "bench graph", Comm = "bench comm", Report = "report", List = "data list", Get = "data get", Check = "data check";
    private const string FscilRun = "fscil run", FscilCompare = "fscil compare", FscilSplit = "fscil split", FscilPredict = "fscil predict";
    private const string Scans = "--model deep-mamba --layers 4 --conv gcn";
    private const string Gmb = "--model gmb --layers 1 --eval_orders 1";
    private const string Cora = "--dataset cora --data {data}";
    private const string Mutag = "--dataset mutag --data {data}";

    private static readonly Entry[] Entries =
    [
        Changed("--d_model 6"), Changed("--d_state 3"), Changed("--d_conv 3"), Changed("--expand 2"), Changed("--M 2"), Changed("--m 2"), Changed("--s 2"),
        Changed("--token_encoder rwf"), Changed("--encoder_layers 2", "--token_encoder gatedgcn"), Changed("--direction forward"), Changed("--parts 3"), Changed("--accumulate 2", "--parts 3"),
        Changed("--token_layers 2"), Changed("--node_layers 0"), Changed("--readout mean"), Changed("--layer_scale 0.5"), Changed("--scan_norm false"),
        new(Train, "--recompute true", Kind.Configured),
        Changed("--order random"), Changed("--mpnn gcn"), Changed("--mpnn_layers 2"), Changed("--mpnn_residual false"), Changed("--teleport 0.3", "--mpnn appnp --mpnn_residual false"),
        Changed("--order_noise true"), Changed("--eval_orders 2"), Changed("--form paper", Gmb), Changed("--edge_states true", Gmb), Changed("--encoder_bias false", Gmb),
        Changed("--lap_pe 1"), Changed("--lap_eigs 3", "--lap_pe 1"), Changed("--rwse 1"), Changed("--rwse_steps 3", "--rwse 1"), Changed("--label_inputs 0.5"), Changed("--vertex_dropout 0.5"), Changed("--consistency 1"), Changed("--consistency_draws 3", "--consistency 1"), Changed("--consistency_temperature 1", "--consistency 1"),
        Changed("--dropout 0.4"), Changed("--propagate_scan true", "--mpnn appnp --mpnn_residual false"), Changed("--late_fusion true"), Changed("--input_dropout 0.2"),
        Changed("--conv sage", "--model deep-mamba --layers 4"), Changed("--layers 3", "--model gcn"), Changed("--alpha 0.3", "--model gcn2 --layers 3"), Changed("--theta 1", "--model gcn2 --layers 3"), Changed("--heads 2", "--model gat --layers 2"), Changed("--norm layer", "--model gcn --layers 2"),
        Changed("--norm_place pre", "--model gcn --layers 2"), Changed("--residual identity", "--model gcn --layers 2"), Changed("--activation gelu", "--model gcn --layers 2"),
        Changed("--mlp true", "--model gcn --layers 2"), Changed("--feed_forward true", "--model gcn --layers 2"), Changed("--attention true", "--model gcn --layers 1"),
        Changed("--jumping true", "--model gcn --layers 2"), Changed("--scan_every 2", Scans), Changed("--depth_scan 1", Scans), Changed("--token_stage true", Scans), Changed("--class_weights balanced"),
        Changed("--pool mean", Mutag), Changed("--batch_size 20", Mutag),
        Changed("--epochs 3"), Changed("--patience 1", "--epochs 6 --learning_rate 0.5 --late_fusion true"), Changed("--validate_every 2"), Changed("--steps 1"), Changed("--optimizer sgd"),
        Changed("--learning_rate 0.02"), Changed("--weight_decay 0.5"), Changed("--momentum 0.5", "--optimizer sgd"), Changed("--nesterov true", "--optimizer sgd"), Changed("--schedule cosine"), Changed("--warmup_steps 2"),
        Changed("--final_learning_rate 0.5", "--schedule cosine"), Changed("--decay_epochs 1", "--schedule step"), Changed("--decay_factor 0.5", "--schedule step --decay_epochs 1"),
        Changed("--clip 0.0001"), Changed("--ema 0.5"), Changed("--normalise_features true", Cora),
        Changed("--model no-scan"), Changed("--ablations"), Changed("--seeds 2"), Changed("--splits 2"), Changed("--checkpoint-seconds 0"),

        // Our kernels give the same bits at any number of threads, and at this size libtorch does too.
        new(Train, "--threads 2", Kind.Configured), new(Train, "--deterministic", Kind.Configured, "", "--threads 2"),
        Refused(Train, "--dataset cora", "cora"), Refused(Train, "--data {empty}", "{empty}", "--dataset cora"), Refused(Train, "--resume {empty}", "no config.json", replaces: true),
        Refused(Train, "--data-parallel", "mpirun -n 2"),
        new(Train, "--json", Kind.Printed), new(Train, "--out {new}", Kind.Printed),
        Refused(Compare, "--datasets coar", "did you mean cora"), Refused(Compare, "--models gcnn", "did you mean gcn"), Refused(Compare, "--data {empty}", "{empty}", "--datasets cora"),
        new(Compare, "--seeds 2", Kind.Changed), new(Compare, "--splits 2", Kind.Changed), new(Compare, "--trials 2", Kind.Changed), new(Compare, "--trial-splits 2", Kind.Changed, "", "--trials 2"),
        new(Compare, "--epochs 2", Kind.Changed), new(Compare, "--checkpoint-seconds 0", Kind.Changed, "", "--epochs 3"), new(Compare, "--threads 2", Kind.Configured),
        new(Compare, "--deterministic", Kind.Configured, "", "--threads 2"), new(Compare, "--out {new}", Kind.Printed), new(Compare, "--json", Kind.Printed),
        Refused(Predict, "--model {empty}", "no model folder", replaces: true), Refused(Predict, "--dataset none", "none"), Refused(Predict, "--data {empty}", "{empty}", "--dataset cora"),
        new(Predict, "--out {new}", Kind.Printed), new(Predict, "--json", Kind.Printed), Refused(Predict, "--threads 0", "1 to 1024"),
        new(Tokens, "--M 2", Kind.Key, "M"), new(Tokens, "--m 2", Kind.Key, "lengths"), new(Tokens, "--s 2", Kind.Key, "tokens_per_vertex"), new(Tokens, "--seed 1", Kind.Key, "entries", "--M 3 --m 2"),
        new(Tokens, "--vertex 17", Kind.Key, "vertex"), new(Tokens, "--out {new}.csv", Kind.Printed), new(Tokens, "--json", Kind.Printed), Refused(Tokens, "--threads 0", "1 to 1024"),
        Refused(Tokens, "--dataset coar", "did you mean cora"), Refused(Tokens, "--data {empty}", "{empty}", "--dataset cora"), Refused(Tokens, "--graph {own}/e.csv", "--dataset"), Refused(Tokens, "--header yes", "--graph FILE"),
        new(Verify, "--vector-bits 128", Kind.Printed), new(Verify, "--json", Kind.Printed), Refused(Verify, "--threads 0", "1 to 1024"),
        new(Bench, "--dtype float64", Kind.Key, "dtype"), new(Bench, "--threads 2", Kind.Key, "threads"), new(Bench, "--shape 1x8x4x3", Kind.Key, "shape"), new(Bench, "--json", Kind.Printed),
        Refused(Bench, "--rounds 0", "1 to 1000", replaces: true), Refused(Bench, "--suite", "--shape"),

        new(BenchGraph, "--sizes 300", Kind.Key, "sizes"), new(BenchGraph, "--threads 2", Kind.Key, "threads"), new(BenchGraph, "--json", Kind.Printed), Refused(BenchGraph, "--rounds 0", "1 to 1000", replaces: true),

        // What it changes is seen on a machine with a GPU: tests/gpu/check.sh and DeviceTests.
        Refused(Train, "--device tpu", "allowed are cpu, cuda"), Refused(Compare, "--device tpu", "allowed are cpu, cuda"), Refused(Predict, "--device tpu", "allowed are cpu, cuda"),
        Refused(Verify, "--device tpu", "allowed are cpu, cuda"), Refused(Bench, "--device tpu", "allowed are cpu, cuda"),

        // What they change is seen under mpirun: BenchCommTests.
        Refused(Comm, "--rounds 0", "1 to 1000", replaces: true), Refused(Comm, "--json", "mpirun", replaces: true),

        // The grid's own splits are the random ones of seed 0.
        new(Train, "--split random", Kind.Configured), Changed("--split-seed 1", "--split random"), Refused(Train, "--graph {own}/e.csv", "--dataset"), Refused(Train, "--features {own}/f.csv", "--graph FILE"),
        Refused(Train, "--labels {own}/l.csv", "--graph FILE"), Refused(Train, "--split-file {own}/s.csv", "--graph FILE"), Refused(Train, "--header yes", "--graph FILE"), Refused(Train, "--metric roc-auc", "--graph FILE"),
        Refused(Predict, "--graph {empty}/e.csv", "does not exist"), Refused(Predict, "--features {own}/f.csv", "--graph FILE"), Refused(Predict, "--header yes", "--graph FILE"),
        new(List, "--data {own}", Kind.Printed), new(List, "--json", Kind.Printed), Refused(Get, "--data {empty}", "cannot be downloaded", "cora --from http://127.0.0.1:1/"),
        Refused(Get, "--from http://127.0.0.1:1/", "127.0.0.1:1", "cora --data {empty}"), Refused(Get, "--json", "No data set"),
        Refused(Check, "--data {empty}", "{empty}", "cora"), Refused(Check, "--json", "No data set"),
        new(Report, "--out {new}.html", Kind.Printed), new(Report, "--json", Kind.Printed),
        .. Fscil(FscilRun, "--method ncm-pixels"), .. Fscil(FscilCompare, "--methods ncm-pixels"),
        Refused(FscilPredict, "--add {empty}", "no model folder", "{own}", replaces: true), Refused(FscilPredict, "--save {empty}", "--add DIR", "{own} x.png", replaces: true),
        Refused(FscilPredict, "--seed 1", "--add DIR", "{own} x.png", replaces: true), Refused(FscilPredict, "--threads 0", "1 to 1024", "{own} x.png", replaces: true),
        Refused(FscilPredict, "--json", "no model folder", "{own} x.png", replaces: true),
        new(FscilRun, "--method teen", Kind.Changed), Refused(FscilCompare, "--methods tean", "did you mean teen"), new(FscilCompare, "--trials 2", Kind.Changed),
        new(FscilCompare, "--trial-score average", Kind.Changed, "", "--trials 2"),
        new(FscilCompare, "--against teen", Kind.Changed, "", "--methods ncm-cosine teen"),
        Refused(FscilSplit, "--dataset digit", "did you mean digits", replaces: false), Refused(FscilSplit, "--data {own}/none", "does not exist", "--dataset mnist"), new(FscilSplit, "--base-classes 6", Kind.Printed),
        new(FscilSplit, "--ways 3", Kind.Printed), new(FscilSplit, "--shots 3", Kind.Printed), new(FscilSplit, "--seed 1", Kind.Printed), new(FscilSplit, "--out {new}", Kind.Printed), new(FscilSplit, "--json", Kind.Printed),
    ];

    public enum Kind
    {
        /// <summary>config.json (not merely the words of the command line) and metrics, result or files change.</summary>
        Changed,

        /// <summary>config.json changes; what a run leaves may not.</summary>
        Configured,

        /// <summary>The sentence says why not.</summary>
        Refused,

        /// <summary>Standard output changes.</summary>
        Printed,

        /// <summary>That key of the JSON document changes.</summary>
        Key,
    }

    public static TheoryData<int, string> Numbers => [.. Entries.Select((entry, i) => new TheoryDataRow<int, string>(i, $"{entry.Command} {entry.Given}"))];

    [Fact]
    public void Every_option_has_an_entry()
    {
        string[] there = [.. Options(CommandLine.Tree, "").Order(StringComparer.Ordinal)];
        string[] walked = [.. Entries.Select(e => $"{e.Command} {e.Given.Split(' ')[0]}").Concat(DistillWalkTests.Names).Order(StringComparer.Ordinal)];
        Assert.Equal(there, walked);
        Assert.True(there.Length > 50);
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public async Task Every_option_does_something(int number, string line)
    {
        Entry entry = Entries[number];
        Assert.SkipWhen(entry.Context.Contains("{data}", StringComparison.Ordinal) && SharedData.Find("data") is null, "shared/data is not beside this checkout");
        switch (entry.Kind)
        {
            case Kind.Refused:
                Answer refusal = await CliRun.Here(runs.Arguments(entry, withBase: !entry.Replaces));
                Assert.InRange(refusal.Code, 1, 2);
                Assert.Contains(runs.Fill(entry.Says), refusal.Error, StringComparison.Ordinal);
                Assert.Single(refusal.Error.TrimEnd().Split('\n'));
                break;
            case Kind.Printed:
                Assert.NotEqual((await runs.Base(entry)).Printed, (await runs.Run(entry)).Printed);
                break;
            case Kind.Key:
                JsonNode was = JsonNode.Parse((await runs.Base(entry)).Printed)!, now = JsonNode.Parse((await runs.Run(entry)).Printed)!;
                Assert.False(JsonNode.DeepEquals(was[entry.Says], now[entry.Says]), line);
                break;
            case Kind.Configured:
                Outcome one = await runs.Base(entry), other = await runs.Run(entry);
                Assert.NotEqual(one.Config, other.Config);
                Assert.Equal(one.Left, other.Left);
                break;
            default:
                Outcome before = await runs.Base(entry), after = await runs.Run(entry);
                Assert.NotEqual(before.Config, after.Config);
                Assert.NotEqual(before.Left, after.Left);
                break;
        }
    }

    private static IEnumerable<string> Options(Command command, string path) =>
        command.Options.Where(o => o is not HelpOption and not VersionOption).Select(o => $"{path} {o.Name}")
            .Concat(command.Subcommands.SelectMany(s => Options(s, path.Length == 0 ? s.Name : $"{path} {s.Name}")));

    /// <summary>What both commands have.</summary>
    /// <param name="command">run or compare</param>
    /// <param name="pixels">What makes it work on pixels, where no training rounds as the threads say</param>
    private static IEnumerable<Entry> Fscil(string command, string pixels) =>
    [
        new(command, "--seeds 2", Kind.Changed), new(command, "--first_seed 1", Kind.Changed), new(command, "--max-classes 12", Kind.Configured), new(command, "--set training.epochs=2", Kind.Changed), new(command, "--base-classes 6", Kind.Changed),
        new(command, "--ways 3", Kind.Changed), new(command, "--shots 3", Kind.Changed), new(command, "--checkpoint-seconds 0", Kind.Changed), new(command, "--threads 2", Kind.Configured, "", pixels),
        new(command, "--deterministic", Kind.Configured, "", pixels + " --threads 2"), new(command, "--out {new}", Kind.Printed), new(command, "--json", Kind.Printed),
        Refused(command, "--profile paper", "no published recipe"), Refused(command, "--base {empty}", "no backbone"), Refused(command, "--resume {empty}", "no config.json", replaces: true),
        Refused(command, "--device tpu", "allowed are cpu, cuda"), Refused(command, "--dataset digit", "did you mean digits"), Refused(command, "--data {own}/none", "does not exist", "--dataset mnist"),
        Refused(command, "--lists {empty}", "--base-classes draws one"),
    ];

    private static Entry Changed(string given, string context = "") => new(Train, given, Kind.Changed, "", context);

    private static Entry Refused(string command, string given, string says, string context = "", bool replaces = false) => new(command, given, Kind.Refused, says, context, replaces);

    /// <param name="Command">Words of the command</param>
    /// <param name="Given">The option with a value that is not its default</param>
    /// <param name="Kind">What it must change</param>
    /// <param name="Says">Key, or part of the refusal</param>
    /// <param name="Context">Other options under which it has a meaning; they are given to the base run too</param>
    /// <param name="Replaces">The options of the base run are left out</param>
    public sealed record Entry(string Command, string Given, Kind Kind, string Says = "", string Context = "", bool Replaces = false);

    /// <param name="Printed">Standard output</param>
    /// <param name="Config">config.json but for the words of the command line</param>
    /// <param name="Left">Metrics, result but for times and memory, and names of files</param>
    public sealed record Outcome(string Printed, string Config, string Left);

    /// <summary>The folders of the walk; each base run is made once.</summary>
    public sealed class Runs : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("mambaext-").FullName;
        private readonly Dictionary<string, Outcome> _bases = [];
        private int _made;

        public Runs()
        {
            Directory.CreateDirectory(Empty);
            OwnFiles.Write(Own);
        }

        private string Empty => Path.Combine(_folder, "empty");

        private string Own => Path.Combine(_folder, "own");

        public void Dispose() => Directory.Delete(_folder, recursive: true);

        public string Fill(string text) => text.Replace("{empty}", Empty, StringComparison.Ordinal).Replace("{own}", Own, StringComparison.Ordinal).Replace("{data}", SharedData.Find("data") ?? "", StringComparison.Ordinal);

        public async Task<Outcome> Base(Entry entry)
        {
            string key = $"{entry.Command} {entry.Context} {entry.Kind}";
            return _bases.TryGetValue(key, out Outcome? made) ? made : _bases[key] = await Run(entry with { Given = "" });
        }

        public async Task<Outcome> Run(Entry entry)
        {
            string[] words = Arguments(entry, withBase: true);
            Answer answer = await CliRun.Here(words);
            Assert.True(answer.Code == 0, answer.Error);
            if (entry.Kind is not (Kind.Changed or Kind.Configured))
            {
                return new Outcome(answer.Out, "", "");
            }

            string folder = words[Array.IndexOf(words, "--out") + 1];
            folder = entry.Command == Compare ? Path.Combine(folder, "minesweeper-grid", "mlp") : folder;
            var config = (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!;
            config.Remove("arguments");
            string files = string.Join('\n', Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder, f)).Order(StringComparer.Ordinal));
            return new Outcome(answer.Out, config.ToJsonString(), Result(folder) + File.ReadAllText(Path.Combine(folder, "metrics.jsonl")) + files);
        }

        /// <summary>Options of the base run that the entry or its context do not give, then theirs.</summary>
        public string[] Arguments(Entry entry, bool withBase)
        {
            string made = Path.Combine(_folder, $"{++_made}");
            string[] own = [.. Split(entry.Context), .. Split(entry.Given.Replace("{new}", made + "-new", StringComparison.Ordinal))];
            string[][] start = !withBase ? [] : entry.Command switch
            {
                Train =>
                [
                    ["--dataset", "minesweeper-grid"], ["--epochs", "2"], ["--validate_every", "1"], ["--d_model", "4"], ["--threads", "1"], ["--out", made],

                    // Another model has not all of these.
                    .. own.Contains("--model") ? [] : new string[][] { ["--d_state", "2"], ["--M", "1"], ["--m", "1"], ["--mpnn_layers", "1"] },
                ],
                Compare => [["--datasets", "minesweeper-grid"], ["--models", "mlp"], ["--epochs", "1"], ["--threads", "1"], ["--out", made]],
                FscilRun => [["--dataset", "digits"], ["--method", "ncm-cosine"], ["--set", "training.epochs=1"], ["--base-classes", "4"], ["--ways", "2"], ["--shots", "5"], ["--threads", "1"], ["--out", made]],
                FscilCompare => [["--dataset", "digits"], ["--methods", "ncm-cosine"], ["--set", "training.epochs=1"], ["--base-classes", "4"], ["--ways", "2"], ["--shots", "5"], ["--threads", "1"], ["--out", made]],
                FscilSplit => [["--dataset", "digits"], ["--base-classes", "4"], ["--ways", "2"], ["--shots", "5"], ["--out", made]],
                Report => [[Model()]],
                List or Get or Check => [],
                Predict => [["--model", Model()], ["--threads", "1"]],
                Tokens => [["--dataset", "minesweeper-grid"], ["--M", "1"], ["--m", "1"], ["--threads", "1"], .. entry.Kind == Kind.Key ? new string[][] { ["--json"] } : []],
                Verify => [[Golden()], ["--threads", "1"]],
                BenchGraph => [["--sizes", "200"], ["--rounds", "1"], ["--threads", "1"], .. entry.Kind == Kind.Key ? new string[][] { ["--json"] } : []],
                _ => entry.Kind == Kind.Key ? [["--shape", "1x8x4x2"], ["--rounds", "1"], ["--threads", "1"], ["--json"]] : [["--shape", "1x8x4x2"], ["--rounds", "1"], ["--threads", "1"]],
            };
            return [.. Split(entry.Command), .. start.Where(option => !own.Contains(option[0])).SelectMany(option => option), .. own];

            string[] Split(string text) => [.. Fill(text).Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        }

        private static string Result(string folder)
        {
            JsonNode result = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "result.json")))!;
            foreach (JsonNode model in (IEnumerable<JsonNode>)[result, .. Parts("ablations"), .. Parts("results")])
            {
                model["peak_bytes"] = model["run_dir"] = model["seconds_per_epoch"] = model["seconds"] = null;
                foreach (JsonNode? run in model["runs"] as JsonArray ?? [])
                {
                    run!["seconds"] = run["base_seconds"] = run["session_seconds"] = run["costs"] = null;
                }
            }

            IEnumerable<JsonNode> Parts(string name) => (result[name] as JsonArray)?.Select(part => part!) ?? [];

            return result.ToJsonString();
        }

        private string Model()
        {
            string folder = Path.Combine(_folder, "model");
            if (!Directory.Exists(folder))
            {
                Answer answer = CliRun.Here("graph", "train", "--dataset", "minesweeper-grid", "--epochs", "1", "--d_model", "4", "--M", "1", "--m", "1", "--mpnn_layers", "1", "--out", folder).GetAwaiter().GetResult();
                Assert.True(answer.Code == 0, answer.Error);
            }

            return folder;
        }

        private string Golden()
        {
            string folder = Path.Combine(_folder, "golden");
            if (!Directory.Exists(folder))
            {
                string file = Directory.EnumerateFiles(SharedData.Require("golden", "scan"), "conv_*.safetensors").Order(StringComparer.Ordinal).First();
                Directory.CreateDirectory(folder);
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            }

            return folder;
        }
    }
}
