using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Data;
using MambaExt.Data.Images;
using MambaExt.Fscil.Experiments;
using MambaExt.Fscil.Features;
using MambaExt.Fscil.Metrics;
using MambaExt.Fscil.Protocol;
using MambaExt.Fscil.Recipes;
using MambaExt.Fscil.Tests.Support;
using MambaExt.Runs;
using MambaExt.Tests.Shared;

namespace MambaExt.Fscil.Tests.Experiments;

public sealed class ExperimentTests : TensorTests
{
    private static readonly string[] Methods = ["mambaext", "mamba-fscil", "nc-fscil", "ncm-cosine", "ncm-pixels"];

    [Fact]
    public void A_run_on_images_leaves_models_that_predict_and_learn_more()
    {
        using var folder = new TemporaryFolder();
        IReadOnlyList<FscilResult> results = Run(folder.Path, out _);
        Assert.Equal(Methods, results.Select(r => r.method));
        FscilResult best = results[0];
        Assert.Equal([4, 6, 8], best.sessions.Select(s => s.classes));
        Assert.True(best.sessions[0].overall > 60, $"{best.sessions[0].overall:f1}");
        Assert.True(best.harmonic_last > 20, $"{best.harmonic_last:f1}");

        FscilData data = Digits.Data(0);
        string saved = Path.Combine(folder.Path, "models", "mambaext-seed-0");
        using FscilClassifier model = FscilClassifier.Load(saved);
        Assert.Equal(data.ClassNames, model.Labels);
        Assert.Equal((10, 1, "mambaext"), (model.MaxClasses, model.Channels, model.Method));

        // What the run was judged by: the same answers.
        int[] test = [.. data.Protocol.Sessions.SelectMany(s => s.Test)];
        float[][] scores = model.Scores(Subset(data.Test, test));
        double right = 100.0 * test.Where((image, i) => Array.IndexOf(scores[i], scores[i].Max()) == data.TestClass(image)).Count() / test.Length;
        Assert.Equal(best.sessions[^1].overall, right, 1e-9);

        // The two labels that the protocol leaves out come as new classes.
        int[] left = [.. Enumerable.Range(0, 10).Where(label => data.Protocol.ClassOf(label) < 0)];
        int[] shots = [.. left.SelectMany(label => Enumerable.Range(0, data.Train.Count).Where(i => data.Train.Labels[i] == label).Take(5))];
        MemoryImages added = Subset(data.Train, shots, label => Array.IndexOf(left, label));
        using (var cancelled = new CancellationTokenSource())
        {
            cancelled.Cancel();
            float[][] asBefore = model.Scores(added);
            Assert.ThrowsAny<OperationCanceledException>(() => { model.Add(added, ["one more", "another"], token: cancelled.Token); });
            Assert.Equal(asBefore.SelectMany(row => row), model.Scores(added).SelectMany(row => row));
            Assert.Equal(8, model.Labels.Count);
        }

        model.Add(added, ["one more", "another"]);
        Assert.Equal(10, model.Labels.Count);
        string grown = Path.Combine(folder.Path, "grown");
        model.Save(grown);
        using FscilClassifier again = FscilClassifier.Load(grown);
        Assert.Equal(model.Labels, again.Labels);
        float[][] one = model.Scores(added), other = again.Scores(added);
        Assert.Equal(one.SelectMany(row => row), other.SelectMany(row => row));
        Assert.True(one.Where((row, i) => Array.IndexOf(row, row.Max()) == 8 + added.Labels[i]).Count() >= 7);

        Refusal.Of<ArgumentException>(() => model.Add(added, ["one more", "x"]), "'one more' is known");
        Refusal.Of<ArgumentException>(() => model.Add(added, ["x", "y", "z"]), "'z' has no image");
        Refusal.Of<ArgumentException>(() => model.Add(added, ["x", "y"]), "2 classes were to be added to 10", "--max-classes");
        Refusal.Of<ArgumentException>(() => model.Scores(new MemoryImages(new byte[12], 3, new ImageSize(2, 2), [0])), "3 channel(s)");
        string config = Path.Combine(grown, "config.json"), whole = File.ReadAllText(config);
        foreach (var (key, value) in new (string, string)[]
            { ("recipe", "null"), ("mean", "null"), ("deviation", "[]"), ("max_classes", "2000000000"), ("session", "-5"), ("method", "\"x\""), ("recipe", "{\"backbone\":null}"), ("recipe", "{\"incremental\":{\"base_copies\":null}}") })
        {
            var damaged = (JsonObject)JsonNode.Parse(whole)!;
            damaged[key] = JsonNode.Parse(value);
            File.WriteAllText(config, damaged.ToJsonString());
            Assert.Contains("config.json", Assert.Throws<InvalidDataException>(() => FscilClassifier.Load(grown)).Message, StringComparison.Ordinal);
        }

        File.WriteAllText(config, whole);
        File.WriteAllText(Path.Combine(grown, "labels.json"), "[\"a\"]");
        Assert.Contains("1 names for 10", Assert.Throws<InvalidDataException>(() => FscilClassifier.Load(grown)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_of_negatives_turns_the_files_that_it_is_given_over()
    {
        using var folder = new TemporaryFolder();
        FscilData data = Digits.Data(0) with { Inverted = true };
        FscilRecipe recipe = Digits.Recipe() with { training = Digits.Recipe().training with { epochs = 3 } };
        using (var run = new RunFolder(folder.Path))
        {
            new FscilExperiment(_ => data, recipe, ["ncm-cosine"], [0]).Run(new Experiment<FscilRunKey, FscilRun>(run, TimeSpan.FromHours(1)), folder.Path);
        }

        // Ink is 255 in the data and 0 in files.
        using FscilClassifier model = FscilClassifier.Load(Path.Combine(folder.Path, "models", "ncm-cosine-seed-0"));
        int[] test = data.Protocol.Sessions[0].Test;
        MemoryImages own = Subset(data.Test, test), files = new([.. own.Pixels.ToArray().Select(v => (byte)(255 - v))], 1, new ImageSize(8, 8), own.Labels);
        Assert.True(Right(files) > 60, $"{Right(files):f1}");
        Assert.True(Right(own) < Right(files) - 20, $"{Right(own):f1} and {Right(files):f1}");

        double Right(MemoryImages images) => 100.0 * model.Scores(images).Where((row, i) => Array.IndexOf(row[..4], row[..4].Max()) == data.TestClass(test[i])).Count() / test.Length;
    }

    [Fact]
    public void Cut_at_any_place_and_resumed_a_run_writes_the_same_lines_and_scores()
    {
        using TemporaryFolder whole = new(), cut = new();
        JsonNode expected = Scores(Run(whole.Path, out _));
        string lines = File.ReadAllText(Path.Combine(whole.Path, "metrics.jsonl"));

        // Within the base session, behind it, within a method's sessions, between methods.
        foreach (int after in new[] { 1, 4, 3, 4 })
        {
            using var stop = new CancellationTokenSource();
            int seen = 0;
            Assert.ThrowsAny<OperationCanceledException>(() => Run(cut.Path, out _, stop.Token, () =>
            {
                if (++seen == after)
                {
                    stop.Cancel();
                }
            }));
        }

        Assert.True(JsonNode.DeepEquals(expected, Scores(Run(cut.Path, out _))));
        Assert.Equal(lines, File.ReadAllText(Path.Combine(cut.Path, "metrics.jsonl")));

        // Weights to the byte, of the backbone and of every model.
        string[] written = [.. new[] { "base", "models" }.SelectMany(part => Directory.GetFiles(Path.Combine(whole.Path, part), "*", SearchOption.AllDirectories)).Select(path => Path.GetRelativePath(whole.Path, path))];
        Assert.Equal(2 + (3 * (Methods.Length - 1)), written.Length);
        Assert.All(written, name => Assert.True(File.ReadAllBytes(Path.Combine(whole.Path, name)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(cut.Path, name))), name));
    }

    [Fact]
    public void The_pixel_floor_of_the_cifar_subset_is_the_reference()
    {
        string root = SharedData.Require("data", "fscil", "cifar100");
        using var folder = new TemporaryFolder();
        Func<int, FscilData> data = FscilDataSets.Load(new FscilDataOptions("cifar100", root));
        using var run = new RunFolder(folder.Path);
        FscilResult floor = new FscilExperiment(data, FscilRecipes.Cpu("cifar100", 3, new ImageSize(32, 32), 100), ["ncm-pixels"], [0])
            .Run(new Experiment<FscilRunKey, FscilRun>(run, TimeSpan.FromHours(1)), folder.Path)[0];
        Assert.Equal([15.29, 14.27, 13.46, 12.73, 12.03, 11.32, 10.72, 10.21, 9.68], floor.sessions.Select(s => Math.Round(s.overall, 2)));
        Assert.Equal((13.79, 3.5), (Math.Round(floor.sessions[^1].@base, 2), Math.Round(floor.sessions[^1].novel!.Value, 2)));
    }

    [Fact]
    public void Settings_can_be_tried_on_base_classes_that_are_held_back()
    {
        FscilData data = Digits.Data(0);
        FscilData pseudo = new FscilData(data.Name, data.Variant, data.Train, data.Test, data.Labels,
            DrawnProtocol.Draw(data.Train.Labels, data.Test.Labels, 10, new ProtocolOptions(8, 1, 5, 3)), data.Files, []).Pseudo(1);
        Assert.Same(pseudo.Train, pseudo.Test);
        Assert.Equal("6 + 2 x 1 classes, 5 shots (base classes held back, seed 1)", pseudo.Protocol.Summary);
        Assert.Empty(pseudo.Protocol.Sessions.SelectMany(s => s.Train).Intersect(pseudo.Protocol.Sessions.SelectMany(s => s.Test)));
        Assert.Contains("too few to hold", Assert.Throws<ArgumentException>(() => data.Pseudo(0).Pseudo(0).Pseudo(0)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("balanced")]
    [InlineData("average")]
    public void Every_method_tries_as_many_settings_on_held_back_classes_and_takes_the_best(string score)
    {
        using var folder = new TemporaryFolder();
        using var run = new RunFolder(folder.Path);
        FscilRecipe recipe = Digits.Recipe() with { training = Digits.Recipe().training with { epochs = 2 } };
        var experiment = new FscilExperiment(Digits.Data, recipe, ["mambaext", "ncm-cosine", "ncm-pixels"], [0], maxClasses: 10, trials: 3) { TrialScore = score };
        Assert.Equal(
            ["base, classes held back", "mambaext, trial 1", "mambaext, trial 2", "mambaext, trial 3", "ncm-cosine, trial 1", "ncm-cosine, trial 2", "ncm-cosine, trial 3", "base", "mambaext", "ncm-cosine", "ncm-pixels"],
            experiment.Keys.Select(k => k.Name));
        IReadOnlyList<FscilResult> results = experiment.Run(new Experiment<FscilRunKey, FscilRun>(run, TimeSpan.FromHours(1)), folder.Path);
        foreach (FscilResult result in results.Take(2))
        {
            Assert.Equal(result.method == "mambaext" ? ["recipe", "last level alone", "teen_alpha 0.5"] : ["recipe", "centering", "power 0.5"], result.trials.Select(t => t.change));
            FscilTrialScore chosen = Assert.Single(result.trials, t => t.chosen);
            Assert.Equal(result.trials.Max(Of), Of(chosen));
        }

        // On pixels there is nothing to try.
        Assert.Empty(results[2].trials);

        FscilScores scores = results[0].runs[0].scores!;
        Assert.Equal(score == "average" ? scores.average : (scores.average + scores.harmonic_mean) / 2, FscilTrials.Score(score, scores), 1e-12);

        double Of(FscilTrialScore of) => score == "average" ? of.average : of.average + of.harmonic_mean;
    }

    [Fact]
    public void Settings_are_tried_on_base_classes_of_each_seed_whose_classes_are_its_own()
    {
        FscilData one = Digits.Data(0);
        FscilRunKey[] drawn = Trials(Digits.Data), listed = Trials(_ => one);
        Assert.Equal([0, 1], drawn.Select(k => k.Seed).Distinct());
        Assert.Equal([0], listed.Select(k => k.Seed).Distinct());
        Assert.All(drawn.Select(k => k.Seed).Distinct(), seed =>
        {
            FscilData of = Digits.Data(seed);
            int[] tried = [.. of.Pseudo(seed).Protocol.ClassOrder], novel = [.. of.Protocol.ClassOrder.Skip(of.Protocol.BaseClasses)];
            Assert.Empty(tried.Intersect(novel));
        });

        static FscilRunKey[] Trials(Func<int, FscilData> data) => [.. new FscilExperiment(data, Digits.Recipe(), ["mambaext"], [0, 1], trials: 2).Keys.Where(k => k.Trial > 0)];
    }

    [Theory]
    [InlineData("validation", 1, 1)]
    [InlineData("last", 1, 1)]
    [InlineData("test", 1, 1 + 3)]
    [InlineData("test", 2, 1 + 2)]
    public void How_often_the_test_images_are_read_is_said_truly(string choose, int every, int reads)
    {
        using var folder = new TemporaryFolder();
        using var run = new RunFolder(folder.Path);
        FscilRecipe recipe = Digits.Recipe() with { training = Digits.Recipe().training with { epochs = 3, choose = choose, validate_every = every } };
        int judged = 0;
        FscilResult result = new FscilExperiment(Digits.Data, recipe, ["ncm-cosine"], [0], maxClasses: 10) { Epoch = (_, e) => judged += e.Validation is null ? 0 : 1 }
            .Run(new Experiment<FscilRunKey, FscilRun>(run, TimeSpan.FromHours(1)), folder.Path)[0];
        Assert.Equal((choose, reads), (result.chosen_by, result.test_reads));

        // The base test images were looked at as often as epochs were judged on them.
        Assert.Equal(choose == "last" ? 0 : choose == "test" ? reads - 1 : 3, judged);
    }

    [Fact]
    public void Images_that_choose_the_epoch_are_not_trained_on_and_are_the_same_part_of_each_class()
    {
        FscilData data = Digits.Data(0);
        int[] all = data.Protocol.Sessions[0].Train;
        BaseTraining how = new() { validation = 0.2 };
        (int[] train, int[] validation) = BaseTrainer.Split(data, how, 3);
        Assert.Empty(train.Intersect(validation));
        Assert.Equal(all.Order(), train.Concat(validation).Order());
        foreach (IGrouping<int, int> of in all.GroupBy(data.TrainClass))
        {
            Assert.Equal((int)Math.Round(of.Count() * 0.2), of.Intersect(validation).Count());
        }

        Assert.NotEqual(validation, BaseTrainer.Split(data, how, 4).Validation);
        Assert.Empty(BaseTrainer.Split(data, how with { choose = "last" }, 3).Validation);
    }

    private static IReadOnlyList<FscilResult> Run(string path, out int reports, CancellationToken token = default, Action? reported = null)
    {
        bool resumes = File.Exists(Path.Combine(path, "config.json"));
        using RunFolder folder = resumes ? RunFolder.Open(path) : new RunFolder(path);
        folder.WriteConfig(new { });
        var experiment = new Experiment<FscilRunKey, FscilRun>(folder, TimeSpan.Zero);
        if (resumes)
        {
            experiment.Resume();
        }

        int count = 0;
        IReadOnlyList<FscilResult> results = new FscilExperiment(Digits.Data, Digits.Recipe(), Methods, [0], maxClasses: 10) { Epoch = (_, _) => Count(), Session = (_, _) => Count() }.Run(experiment, path, token);
        reports = count;
        return results;

        void Count()
        {
            count++;
            reported?.Invoke();
        }
    }

    private static JsonNode Scores(IReadOnlyList<FscilResult> results) => JsonSerializer.SerializeToNode(results.Select(r => r.runs.Select(run => run.scores)))!;

    private static MemoryImages Subset(ImageSamples images, int[] chosen, Func<int, int>? label = null)
    {
        var pixels = new List<byte>();
        byte[] scratch = [];
        foreach (int i in chosen)
        {
            pixels.AddRange(images.Read(i, ref scratch).Pixels.ToArray());
        }

        return new MemoryImages([.. pixels], images.Channels, images.Size!.Value, [.. chosen.Select(i => label?.Invoke(images.Labels[i]) ?? images.Labels[i])]);
    }
}
