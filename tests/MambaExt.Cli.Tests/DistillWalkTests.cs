using System.Text.Json.Nodes;
using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

/// <summary>Every option of the distill commands does something: it changes config.json and what a run leaves, or what is printed, or is refused with a sentence.</summary>
public sealed class DistillWalkTests(DistillWalkTests.Runs runs) : IClassFixture<DistillWalkTests.Runs>
{
    private const string Run = "distill run", Compare = "distill compare", Predict = "distill predict", Inspect = "distill inspect";

    private static readonly Entry[] Entries =
    [
        new(Run, "--dataset digit", "did you mean digits"), new(Run, "--data {empty}/none --dataset mnist", "none"), new(Run, "--test-file {empty}/t.gz --dataset mnist --data {empty}", "mnist"),
        new(Run, "--seeds 2"), new(Run, "--first_seed 3"), new(Run, "--out {new}", Kind.Printed), new(Run, "--resume {empty}", "no config.json", Alone: true),
        new(Run, "--checkpoint-seconds 0"), new(Run, "--deterministic", Kind.Configured), new(Run, "--threads 2", Kind.Configured), new(Run, "--json", Kind.Printed),
        new(Run, "--mode residual"), new(Run, "--losses ce:1"), new(Run, "--lambda_solo 0.1"), new(Run, "--reuse true"), new(Run, "--accept 100 --students 4x4x2x1", "No student of seed 0 was kept"),
        new(Run, "--tries 2", "every student is kept"), new(Run, "--clip_logits 0.1 --mode boosted"), new(Run, "--teacher resnet"), new(Run, "--teacher_from {empty} --dataset digits", "holds no run", Alone: true),
        new(Run, "--teacher_size 4x6x2x1"), new(Run, "--scan bidirectional"), new(Run, "--stem_channels 2"), new(Run, "--stem_stride 2 --stem_channels 2"),
        new(Run, "--students 4x8x2x1"), new(Run, "--shares 0.5 --students 4x8x2x1", "--students and --shares were given"), new(Run, "--shares 0.9 --teacher_size 4x16x4x2"), new(Run, "--student_scan cross"), new(Run, "--student_stem_channels 2"), new(Run, "--held_out 0.4"), new(Run, "--image_size 12"), new(Run, "--augmentation shift"), new(Run, "--draws 0", Kind.Configured),
        new(Run, "--single true"), new(Run, "--without_teacher true"), new(Run, "--exit_share 0.9", Kind.Configured), new(Run, "--exit_share 0", "exit_share is 0"), new(Run, "--teacher_epochs 2"), new(Run, "--teacher_learning_rate 0.1"), new(Run, "--teacher_batch_size 64"),
        new(Run, "--teacher_smoothing 0.3"), new(Run, "--epochs 2"), new(Run, "--learning_rate 0.1"), new(Run, "--batch_size 64"), new(Run, "--weight_decay 0.9"), new(Run, "--validate_every 2 --epochs 2"),
        new(Run, "--ema 0.5"),
        new(Compare, "--dataset digit --modes joint", "did you mean digits", Alone: true), new(Compare, "--data {empty}/none --dataset mnist --modes joint", "none", Alone: true),
        new(Compare, "--test-file {empty}/t.gz --dataset mnist --data {empty} --modes joint", "mnist", Alone: true), new(Compare, "--modes joined --dataset digits", "did you mean joint", Alone: true),
        new(Compare, "--seeds 0 --dataset digits --modes joint", "1 to 1000", Alone: true), new(Compare, "--epochs 0 --dataset digits --modes joint", "1 to 1000000", Alone: true),
        new(Compare, "--out {empty} --dataset digit --modes joint", "did you mean digits", Alone: true), new(Compare, "--checkpoint-seconds -1 --dataset digits --modes joint", "0 to 1000000", Alone: true),
        new(Compare, "--threads 0 --dataset digits --modes joint", "1 to 1024", Alone: true), new(Compare, "--json", "--dataset is missing", Alone: true), new(Compare, "--deterministic", "--dataset is missing", Alone: true),
        new(Predict, "--model {empty}", "no model folder"), new(Predict, "--dataset digit", "did you mean digits"), new(Predict, "--data {empty}/none --dataset mnist", "none"),
        new(Predict, "--test-file {empty}/t.gz --dataset mnist --data {empty}", "mnist"), new(Predict, "--prefix 1", Kind.Printed), new(Predict, "--budget 10", "budget of 10"),
        new(Predict, "--deadline_us 0", Kind.Printed), new(Predict, "--early_exit 0.001", Kind.Printed), new(Predict, "--out {new}", Kind.Printed), new(Predict, "--threads 0", "1 to 1024"),
        new(Predict, "--json", Kind.Printed),
        new(Inspect, "--model {empty}", "no model folder", Alone: true), new(Inspect, "--size 14x12", "14x12x8x1", Alone: true), new(Inspect, "--image 3x32x32", Kind.Printed), new(Inspect, "--scan cross", Kind.Printed),
        new(Inspect, "--rounds 49", "50 to 100000"), new(Inspect, "--threads 0", "1 to 1024"), new(Inspect, "--json", Kind.Printed),
    ];

    public enum Kind
    {
        /// <summary>config.json and what a run leaves change.</summary>
        Changed,

        /// <summary>config.json changes; what a run leaves may not.</summary>
        Configured,

        /// <summary>Standard output changes.</summary>
        Printed,

        /// <summary>The sentence says why not.</summary>
        Refused,
    }

    /// <summary>Command and option of each entry.</summary>
    public static IEnumerable<string> Names => Entries.Select(e => $"{e.Command} {e.Given.Split(' ')[0]}").Distinct();

    public static TheoryData<int, string> Numbers => [.. Entries.Select((entry, i) => new TheoryDataRow<int, string>(i, $"{entry.Command} {entry.Given}"))];

    [Theory]
    [MemberData(nameof(Numbers))]
    public async Task Every_option_does_something(int number, string line)
    {
        Entry entry = Entries[number];
        (Answer answer, string folder) = await runs.Run(entry);
        if (entry.Kind == Kind.Refused)
        {
            Assert.InRange(answer.Code, 1, 2);
            Assert.Contains(runs.Fill(entry.Says), answer.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("fault of mambaext", answer.Error, StringComparison.Ordinal);
            return;
        }

        Assert.True(answer.Code == 0, answer.Error);
        (Answer plain, string before) = await runs.Base(entry.Command);
        if (entry.Kind == Kind.Printed)
        {
            // What is counted, without the times that are measured and never the same.
            Assert.NotEqual(Counted(plain.Out), Counted(answer.Out));
            return;
        }

        Assert.True(Config(before) != Config(folder), line);
        if (entry.Kind == Kind.Changed && !entry.Given.StartsWith("--checkpoint", StringComparison.Ordinal))
        {
            Assert.NotEqual(Left(before), Left(folder));
        }
    }

    private static string Counted(string printed) => printed.Split("Prefixes,")[0];

    private static string Config(string folder)
    {
        var config = (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!;
        config.Remove("arguments");
        return config.ToJsonString();
    }

    /// <summary>Metrics and the scores of the test images.</summary>
    private static string Left(string folder)
    {
        JsonNode result = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "result.json")))!;
        return File.ReadAllText(Path.Combine(folder, "metrics.jsonl")) + string.Concat(((JsonArray)result["runs"]!).Select(r => r!["evaluation"]?.ToJsonString()));
    }

    /// <param name="Command">Words of the command</param>
    /// <param name="Given">The option with a value that is not its default, and others under which it has a meaning</param>
    /// <param name="Kind">What it must change</param>
    /// <param name="Says">Part of the refusal</param>
    /// <param name="Alone">The options of the base run are left out</param>
    public sealed record Entry(string Command, string Given, Kind Kind = Kind.Changed, string Says = "", bool Alone = false)
    {
        public Entry(string command, string given, string says, bool Alone = false)
            : this(command, given, Kind.Refused, says, Alone)
        {
        }
    }

    /// <summary>The folders of the walk; each base run is made once.</summary>
    public sealed class Runs : IDisposable
    {
        private static readonly string[][] Small =
        [
            ["--dataset", "digits"], ["--teacher_size", "4x4x2x1"], ["--students", "4x4x2x1,4x6x2x1"], ["--teacher_epochs", "1"], ["--epochs", "1"], ["--validate_every", "1"], ["--teacher_batch_size", "256"],
            ["--batch_size", "256"], ["--single", "false"], ["--without_teacher", "false"], ["--draws", "1"], ["--augmentation", "none"], ["--threads", "1"],
        ];

        private readonly string _folder = Directory.CreateTempSubdirectory("mambaext-").FullName;
        private readonly Dictionary<string, (Answer, string)> _bases = [];
        private int _made;

        public Runs() => Directory.CreateDirectory(Path.Combine(_folder, "empty"));

        public void Dispose() => Directory.Delete(_folder, recursive: true);

        public string Fill(string text) => text.Replace("{empty}", Path.Combine(_folder, "empty"), StringComparison.Ordinal);

        internal async Task<(Answer Answer, string Folder)> Base(string command) =>
            _bases.TryGetValue(command, out (Answer, string) made) ? made : _bases[command] = await Run(new Entry(command, ""));

        internal async Task<(Answer Answer, string Folder)> Run(Entry entry)
        {
            string made = Path.Combine(_folder, $"{++_made}");
            string[] own = [.. Fill(entry.Given).Replace("{new}", made + "-new", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries)];
            string[][] start = entry.Alone ? [] : entry.Command switch
            {
                DistillWalkTests.Run => [.. Small, ["--out", made]],
                Predict => [["--model", (await Base(DistillWalkTests.Run)).Folder], ["--dataset", "digits"], ["--threads", "1"]],
                _ => [["--size", "4x4x2x1"], ["--image", "1x8x8"], ["--rounds", "50"], ["--threads", "1"]],
            };
            string[] words = [.. entry.Command.Split(' '), .. start.Where(option => !own.Contains(option[0]) && !(option[0] == "--students" && own.Contains("--shares"))).SelectMany(option => option), .. own];
            return (await CliRun.Here(words), made);
        }
    }
}
