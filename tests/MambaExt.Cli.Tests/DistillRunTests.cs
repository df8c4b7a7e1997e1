using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

/// <summary>A whole run on the digits, small enough for seconds.</summary>
public sealed class DistillRunTests(DistillRunTests.Whole whole) : IClassFixture<DistillRunTests.Whole>
{
    private static readonly string[] Small =
    [
        "distill", "run", "--dataset", "digits", "--teacher_size", "4x8x4x1", "--students", "4x4x2x1,4x8x2x1", "--teacher_epochs", "6", "--epochs", "6", "--validate_every", "2", "--draws", "2", "--threads", "1",
    ];

    [Fact]
    public void Document_has_the_keys_of_the_contract()
    {
        using JsonDocument document = JsonShape.AssertGolden("distill-run.txt", whole.Answer.Out);
        JsonElement result = document.RootElement;
        JsonElement[] prefixes = [.. result.GetProperty("prefixes").EnumerateArray()];
        Assert.Equal([1, 2], prefixes.Select(p => p.GetProperty("students").GetInt32()));
        Assert.Equal(prefixes[0].GetProperty("accuracy").GetDouble(), prefixes[0].GetProperty("solo_accuracy").GetDouble(), 6);
        Assert.True(prefixes[1].GetProperty("flops").GetInt64() == prefixes.Sum(p => p.GetProperty("solo_flops").GetInt64()));
        Assert.All(prefixes, p => Assert.Equal(p.GetProperty("flops").GetDouble() / result.GetProperty("teacher").GetProperty("flops").GetDouble(), p.GetProperty("flops_fraction").GetDouble(), 9));
        Assert.Equal(1, result.GetProperty("test_reads").GetInt32());
    }

    [Fact]
    public void Every_part_of_the_loss_is_in_the_metrics()
    {
        JsonNode[] lines = [.. File.ReadLines(Path.Combine(whole.Run, "metrics.jsonl")).Select(line => JsonNode.Parse(line)!)];
        JsonNode student = lines.First(l => (string?)l["model"] == "student-2");
        Assert.Equal(["prefix.ce", "prefix.kd", "solo.ce", "solo.kd"], ((JsonObject)student["terms"]!).Select(t => t.Key));
        double sum = 0.5 * (Term("prefix.ce") + Term("prefix.kd")) + (0.25 * (Term("solo.ce") + Term("solo.kd")));
        Assert.Equal((double)student["train_loss"]!, sum, 1e-4);

        double Term(string name) => (double)student["terms"]![name]!;
    }

    [Fact]
    public async Task Predictions_of_the_saved_group_are_those_of_the_run()
    {
        var result = (JsonObject)JsonNode.Parse(whole.Answer.Out)!;
        for (int t = 1; t <= 2; t++)
        {
            Answer answer = await CliRun.Here("distill", "predict", "--model", whole.Run, "--dataset", "digits", "--prefix", $"{t}", "--threads", "1", "--json");
            using JsonDocument document = JsonShape.AssertGolden("distill-predict.txt", answer.Out);
            Assert.Equal((double)result["prefixes"]![t - 1]!["accuracy"]!, document.RootElement.GetProperty("accuracy").GetDouble(), 6);
            Assert.Equal((double)result["prefixes"]![t - 1]!["flops"]!, document.RootElement.GetProperty("mean_flops").GetDouble(), 6);
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    public async Task A_budget_is_answered_by_the_longest_prefix_that_it_pays_for(int more, int students)
    {
        var prefixes = (JsonArray)((JsonObject)JsonNode.Parse(whole.Answer.Out)!)["prefixes"]!;
        long budget = (long)prefixes[1]!["flops"]! - 1 + more;
        Answer answer = await CliRun.Here("distill", "predict", "--model", whole.Run, "--dataset", "digits", "--budget", $"{budget}", "--threads", "1", "--json");
        JsonNode document = JsonNode.Parse(answer.Out)!;
        Assert.All((JsonArray)document["students"]!, count => Assert.Equal(students, (int)count!));
        Assert.Equal((double)prefixes[students - 1]!["accuracy"]!, (double)document["accuracy"]!, 6);
        Assert.Equal((double)prefixes[students - 1]!["flops"]!, (double)document["mean_flops"]!, 6);
    }

    [Fact]
    public async Task Early_exit_at_0_takes_the_thresholds_that_were_calibrated()
    {
        var config = (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(whole.Run, "models", "group", "config.json")))!;
        double theta = (double)config["thresholds"]![0]!;
        JsonNode[] prefixes = [await Prefix(1), await Prefix(2)];
        (int[] classes, int[] students) = ([], []);
        for (int i = 0; i < ((JsonArray)prefixes[0]["classes"]!).Count; i++)
        {
            int t = ((JsonArray)prefixes[0]["probabilities"]![i]!).Max(p => (double)p!) >= theta ? 1 : 2;
            (classes, students) = ([.. classes, (int)prefixes[t - 1]["classes"]![i]!], [.. students, t]);
        }

        Answer answer = await CliRun.Here("distill", "predict", "--model", whole.Run, "--dataset", "digits", "--early_exit", "0", "--threads", "1", "--json");
        JsonNode document = JsonNode.Parse(answer.Out)!;
        Assert.Equal(students, ((JsonArray)document["students"]!).Select(n => (int)n!));
        Assert.Equal(classes, ((JsonArray)document["classes"]!).Select(n => (int)n!));
        Assert.Equal(2, students.Distinct().Count());

        // Another threshold, given to each student, lets fewer leave.
        Answer surer = await CliRun.Here("distill", "predict", "--model", whole.Run, "--dataset", "digits", "--early_exit", "0.999", "--threads", "1", "--json");
        Assert.True((double)JsonNode.Parse(surer.Out)!["mean_flops"]! > (double)document["mean_flops"]!);

        async Task<JsonNode> Prefix(int t) =>
            JsonNode.Parse((await CliRun.Here("distill", "predict", "--model", whole.Run, "--dataset", "digits", "--prefix", $"{t}", "--threads", "1", "--json")).Out)!;
    }

    [Fact]
    public async Task A_test_file_is_predicted_in_the_place_of_the_test_part()
    {
        using var folder = new TemporaryFolder();
        Idx("train", 40, 1);
        Idx("t10k", 30, 2);
        Idx("own", 7, 3);
        string data = folder.Path, run = folder.File("run", "x")[..^2];
        Answer trained = await CliRun.Here(
            "distill", "run", "--dataset", "mnist", "--data", data, "--teacher_size", "14x4x2x1", "--students", "14x4x2x1", "--teacher_epochs", "1", "--epochs", "1", "--single", "false", "--without_teacher", "false",
            "--held_out", "0.2", "--threads", "1", "--out", run);
        Assert.True(trained.Code == 0, trained.Error);
        JsonNode there = await Predicted(), own = await Predicted("--test-file", Path.Combine(data, "own-images-idx3-ubyte"));
        Assert.Equal((30, 7), (((JsonArray)there["classes"]!).Count, ((JsonArray)own["classes"]!).Count));

        // The same file as data set of its own gives the same answers.
        using var copied = new TemporaryFolder();
        foreach (string file in Directory.GetFiles(data, "*ubyte"))
        {
            File.Copy(file, copied.File(Path.GetFileName(file)));
        }

        foreach (string kind in new[] { "images-idx3", "labels-idx1" })
        {
            File.Copy(Path.Combine(data, $"own-{kind}-ubyte"), Path.Combine(copied.Path, $"t10k-{kind}-ubyte"), overwrite: true);
        }

        data = copied.Path;
        Assert.True(JsonNode.DeepEquals(own, await Predicted()));

        async Task<JsonNode> Predicted(params string[] more)
        {
            Answer answer = await CliRun.Here(["distill", "predict", "--model", run, "--dataset", "mnist", "--data", data, "--threads", "1", "--json", .. more]);
            Assert.True(answer.Code == 0, answer.Error);
            return JsonNode.Parse(answer.Out)!;
        }

        void Idx(string part, int count, int seed)
        {
            var random = new Random(seed);
            byte[] pixels = new byte[count * 28 * 28];
            random.NextBytes(pixels);
            File.WriteAllBytes(folder.File($"{part}-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0, 0, (byte)count, 0, 0, 0, 28, 0, 0, 0, 28, .. pixels]);
            File.WriteAllBytes(folder.File($"{part}-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, (byte)count, .. Enumerable.Range(0, count).Select(i => (byte)(i % 10))]);
        }
    }

    [Fact]
    public async Task Predictions_of_single_classifiers_are_those_of_the_run()
    {
        var result = (JsonObject)JsonNode.Parse(whole.Answer.Out)!;
        foreach (var (model, expected) in new[]
        {
            ("teacher", result["teacher"]!["accuracy"]!), ("single", result["single_student"]!["accuracy"]!), ("without-teacher-1", result["prefixes"]![0]!["without_teacher_accuracy"]!),
            ("without-teacher-2", result["prefixes"]![1]!["without_teacher_accuracy"]!), ("student-2", result["prefixes"]![1]!["solo_accuracy"]!),
        })
        {
            Answer answer = await CliRun.Here("distill", "predict", "--model", Path.Combine(whole.Run, "models", "seed-0", model), "--dataset", "digits", "--threads", "1", "--json");
            Assert.True(answer.Code == 0, answer.Error);
            Assert.Equal((double)expected, (double)JsonNode.Parse(answer.Out)!["accuracy"]!, 6);
        }
    }

    [Fact]
    public async Task A_classifier_that_does_not_say_how_images_are_normalized_is_refused()
    {
        using var folder = new TemporaryFolder();
        foreach (string file in Directory.GetFiles(Path.Combine(whole.Run, "models", "seed-0", "teacher")))
        {
            File.Copy(file, folder.File(Path.GetFileName(file)));
        }

        string path = folder.File("config.json");
        var config = (JsonObject)JsonNode.Parse(File.ReadAllText(path))!;
        config["deviation"] = new JsonArray(0);
        await Refused("deviations above 0");
        config.Remove("mean");
        config.Remove("deviation");
        await Refused("does not say how images are normalized");

        async Task Refused(string sentence)
        {
            File.WriteAllText(path, config.ToJsonString());
            Answer answer = await CliRun.Here("distill", "predict", "--model", folder.Path, "--dataset", "digits", "--threads", "1");
            Assert.InRange(answer.Code, 1, 2);
            Assert.Contains(sentence, answer.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Teachers_of_another_run_are_taken_where_they_saw_the_same_images()
    {
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run");
        int trained = Array.IndexOf(Small, "--teacher_epochs");
        string[] taken = [.. Small[..trained], .. Small[(trained + 2)..], "--single", "false", "--without_teacher", "false", "--teacher_from", whole.Run];
        Answer answer = await CliRun.Here([.. taken, "--out", run, "--json"]);
        Assert.True(answer.Code == 0, answer.Error);
        JsonNode result = JsonNode.Parse(answer.Out)!, before = JsonNode.Parse(whole.Answer.Out)!;
        Assert.False((bool)result["runs"]![0]!["trained"]!);
        Assert.False(Directory.Exists(Path.Combine(run, "models", "seed-0", "teacher")));
        Assert.Equal((double)before["teacher"]!["accuracy"]!, (double)result["teacher"]!["accuracy"]!);
        Assert.Equal((double)before["prefixes"]![1]!["accuracy"]!, (double)result["prefixes"]![1]!["accuracy"]!);

        await Refused("number of training images", "--held_out", "0.3");
        await Refused("kind", "--teacher", "resnet");
        await Refused("no teacher of seed 1", "--seeds", "2");
        await Refused("is a 4x8x4x1", "--teacher_size", "4x4x4x1");
        foreach (string option in new[] { "--teacher_epochs", "--teacher_batch_size", "--teacher_smoothing" })
        {
            await Refused($"{option} says how a teacher is trained and --teacher_from takes trained ones; leave one of them out.", option, "1");
        }

        async Task Refused(string sentence, params string[] more)
        {
            string[] words = [.. taken.Where((_, i) => !more.Contains(taken[i]) && !(i > 0 && more.Contains(taken[i - 1]))), .. more, "--out", Path.Combine(folder.Path, sentence)];
            Answer refused = await CliRun.Here(words);
            Assert.InRange(refused.Code, 1, 2);
            Assert.Contains(sentence, refused.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Inspect_counts_what_the_run_counts()
    {
        Answer answer = await CliRun.Here("distill", "inspect", "--model", whole.Run, "--rounds", "50", "--threads", "1", "--json");
        using JsonDocument document = JsonShape.AssertGolden("distill-inspect.txt", answer.Out);
        var result = (JsonObject)JsonNode.Parse(whole.Answer.Out)!;
        Assert.Equal(
            ((JsonArray)result["prefixes"]!).Select(p => ((long)p!["flops"]!, (long)p["parameters"]!)),
            document.RootElement.GetProperty("students").EnumerateArray().Select(s => (s.GetProperty("prefix_flops").GetInt64(), s.GetProperty("prefix_parameters").GetInt64())));
        Answer teacher = await CliRun.Here("distill", "inspect", "--model", Path.Combine(whole.Run, "models", "seed-0", "teacher"), "--rounds", "50", "--threads", "1");
        Assert.True(teacher.Code == 0, teacher.Error);
        Assert.Contains("4x8x4x1", teacher.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Report_and_table_are_written()
    {
        string report = File.ReadAllText(Path.Combine(whole.Run, "report.html"));
        Assert.Contains("Accuracy at every budget", report, StringComparison.Ordinal);
        Assert.Contains("each student trained without a teacher", report, StringComparison.Ordinal);
        Assert.Contains("early exit, thresholds from held-out images", report, StringComparison.Ordinal);
        Assert.Equal(Environment.ProcessorCount > 1, report.Contains("Accuracy against time of 64 images", StringComparison.Ordinal));
        JsonNode result = JsonNode.Parse(whole.Answer.Out)!;
        JsonNode[] exits = [.. ((JsonArray)result["early_exit"]!).Select(e => e!)];
        string[][] rows = [.. File.ReadAllLines(Path.Combine(whole.Run, "prefixes.csv")).Select(row => row.Replace("prefix, own", "prefix own", StringComparison.Ordinal).Split(','))];
        Assert.Equal(11 + exits.Length, rows.Length);
        Assert.All(rows, row => Assert.Equal(rows[0].Length, row.Length));

        // A line of the curve is a row, and the columns of times are those of the document.
        string[][] curve = [.. rows.Where(row => row[3] == "\"early exit\"" || row[3] == "early exit")];
        Assert.Equal(exits.Select(e => ((double)e["theta"]!).ToString("g6", System.Globalization.CultureInfo.InvariantCulture)), curve.Select(row => row[^1]));
        Assert.Equal(exits.Select(e => ((double)e["accuracy"]!).ToString("g6", System.Globalization.CultureInfo.InvariantCulture)), curve.Select(row => row[Array.IndexOf(rows[0], "accuracy")]));
        foreach (var (model, name, students) in new[] { (result["teacher"]!, "\"teacher\"", "0"), (result["single_student"]!, "\"one student\"", "1"), (result["prefixes"]![1]!, "\"prefix\"", "2") })
        {
            string[] row = Assert.Single(rows, r => r[3] == name && r[4] == students);
            var points = (JsonArray)model["latency"]!;
            Assert.Equal([1, Environment.ProcessorCount], ((int[])[.. points.Select(p => (int)p!["threads"]!)]).Distinct().Concat([Environment.ProcessorCount]).Distinct());
            Assert.Equal([1, 64], points.Select(p => (int)p!["batch"]!).Distinct());
            Assert.Equal(points.Where(p => (int)p!["threads"]! == 1).Select(Time), row[^5..^3]);
            Assert.Equal(points.Where(p => (int)p!["threads"]! == Environment.ProcessorCount).Select(Time), row[^3..^1]);

            // The run has one thread, and its own columns are those of one.
            Assert.Equal((double)model["latency_b1_us"]!, (double)points[0]!["median_us"]!);
        }

        static string Time(JsonNode? point) => ((double)point!["median_us"]!).ToString("f1", System.Globalization.CultureInfo.InvariantCulture);
    }

    [Theory]
    [InlineData("teacher", 2, "")]
    [InlineData("student-2", 4, "")]
    [InlineData("without-teacher-1", 4, "")]
    [InlineData("teacher", 2, "--teacher resnet")]
    [InlineData("student-2", 4, "--ema 0.9")]
    public async Task A_run_that_is_cut_ends_with_the_same_numbers(string model, int epoch, string more)
    {
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run");
        string[] given = more.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        using (var process = new CliProcess([.. Small, .. given, "--checkpoint-seconds", "0", "--out", run]))
        {
            string metrics = Path.Combine(run, "metrics.jsonl"), wanted = $"\"model\":\"{model}\",\"seed\":0,\"attempt\":0,\"epoch\":{epoch},";
            Assert.True(process.Until(() => File.Exists(metrics) && Read(metrics).Contains(wanted, StringComparison.Ordinal)), "the run ended first");
            process.Kill();
        }

        Assert.False(File.Exists(Path.Combine(run, "result.json")));
        Answer resumed = await CliRun.Here("distill", "run", "--resume", run, "--json");
        Assert.True(resumed.Code == 0, resumed.Error);
        Assert.Contains("Resumed", resumed.Error, StringComparison.Ordinal);
        (string metricsThere, string resultThere) = await whole.EveryEpoch(more);
        Assert.Equal(metricsThere, File.ReadAllText(Path.Combine(run, "metrics.jsonl")));
        Assert.Equal(resultThere, Evaluations(resumed.Out));
    }

    private static string Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return new StreamReader(stream).ReadToEnd();
    }

    private static string Evaluations(string json) => string.Concat(((JsonArray)JsonNode.Parse(json)!["runs"]!).Select(r => r!["evaluation"]?.ToJsonString()));

    public sealed class Whole : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly Dictionary<string, (string Metrics, string Evaluations)> _every = [];

        public Whole()
        {
            Run = Path.Combine(_folder.Path, "run");
            Answer = CliRun.Here([.. Small, "--out", Run, "--json"]).GetAwaiter().GetResult();
            Assert.True(Answer.Code == 0, Answer.Error);
        }

        public string Run { get; }

        internal Answer Answer { get; }

        /// <summary>Metrics and evaluations of the run with more options that looks at the held-out images each epoch, uncut.</summary>
        public async Task<(string Metrics, string Evaluations)> EveryEpoch(string more)
        {
            if (!_every.TryGetValue(more, out var every))
            {
                string run = Path.Combine(_folder.Path, $"every{_every.Count}");
                Answer answer = await CliRun.Here([.. Small, .. more.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--checkpoint-seconds", "0", "--out", run, "--json"]);
                Assert.True(answer.Code == 0, answer.Error);
                _every[more] = every = (File.ReadAllText(Path.Combine(run, "metrics.jsonl")), Evaluations(answer.Out));
            }

            return every;
        }

        public void Dispose() => _folder.Dispose();
    }
}
