using System.Text.Json.Nodes;
using MambaExt.Runs;
using MambaExt.Tests.Shared;
using MambaExt.Tests.Training;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Runs;

/// <summary>Two trainings in a folder, cut at every place where something happens, end as if they had not been.</summary>
public sealed class ExperimentTests : TensorTests
{
    private static readonly int[] Keys = [3, 8];

    // Batches of 6, 6, 6 and 2 samples; three epochs, two trainings.
    private static readonly TrainingOptions Rich = new() { epochs = 3, patience = 0, learning_rate = 0.05, ema = 0.6, accumulate = 2, schedule = "cosine", warmup_steps = 1 };

    [Theory]
    [InlineData("adamw", "killed", 0)]
    [InlineData("adam", "cancelled", 0)]
    [InlineData("sgd", "cancelled", 0)]
    [InlineData("patience", "killed", 0)]
    [InlineData("bfloat16", "cancelled", 1e6)]
    [InlineData("plain", "killed", 1e6)]
    public void A_run_cut_anywhere_and_resumed_equals_one_that_was_not(string recipe, string kind, double every)
    {
        TrainingOptions options = recipe switch
        {
            "sgd" or "adam" => Rich with { optimizer = recipe },
            "patience" => Rich with { epochs = 8, patience = 1, learning_rate = 0.5 },
            "bfloat16" => Rich with { precision = "bfloat16" },
            "plain" => Rich with { ema = 0, accumulate = 1, steps = 10 },
            _ => Rich,
        };
        using var whole = new TemporaryFolder();
        int events = 0;
        IReadOnlyList<ToyResult> expected = Session(whole.Path, options, every, () => events++);
        byte[] lines = File.ReadAllBytes(Path.Combine(whole.Path, "metrics.jsonl"));
        Assert.True(events > 20);
        if (recipe == "patience")
        {
            Assert.All(expected, r => Assert.InRange(r.Epochs, 2, 7));
        }

        for (int cut = 1; cut <= events; cut++)
        {
            using var folder = new TemporaryFolder();
            using var stop = new CancellationTokenSource();
            int seen = 0;
            try
            {
                Session(folder.Path, options, every, () => Cut(ref seen, cut), token: stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or Killed)
            {
                // The next session goes on.
            }

            // What came to the disk after the last checkpoint is of no use.
            File.AppendAllText(Path.Combine(folder.Path, "metrics.jsonl"), "{\"half");
            List<string> notices = [];
            Equal(expected, Session(folder.Path, options, every, () => { }, resume: true, notices.Add), cut);
            Assert.Equal(lines, File.ReadAllBytes(Path.Combine(folder.Path, "metrics.jsonl")));
            Assert.Matches(@"^Resumed behind training \d( and step \d+ of the next)?\.$", Assert.Single(notices));

            void Cut(ref int count, int at)
            {
                if (++count == at)
                {
                    if (kind == "killed")
                    {
                        throw new Killed();
                    }

                    stop.Cancel();
                }
            }
        }
    }

    [Fact]
    public void A_run_cut_again_and_again_gets_to_its_end_and_repeats_no_step_but_the_one_it_was_cut_in()
    {
        using TemporaryFolder whole = new(), folder = new();
        int steps = 0, all = 0;
        IReadOnlyList<ToyResult> expected = Session(whole.Path, Rich with { accumulate = 1 }, 0, () => { }, loss: () => steps++);
        IReadOnlyList<ToyResult>? result = null;
        int sessions = 0;
        while (result is null)
        {
            int own = 0;
            try
            {
                result = Session(folder.Path, Rich with { accumulate = 1 }, 0, () => { }, resume: sessions++ > 0, loss: () =>
                {
                    all++;
                    if (++own == 3)
                    {
                        throw new Killed();
                    }
                });
            }
            catch (Killed)
            {
                Assert.True(sessions < 100);
            }
        }

        Equal(expected, result, 0);
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole.Path, "metrics.jsonl")), File.ReadAllBytes(Path.Combine(folder.Path, "metrics.jsonl")));

        // The third step of each session is done again, and the last step of a training, which is followed by no checkpoint, perhaps.
        Assert.InRange(all, steps + sessions - 1, steps + sessions + 1);
    }

    [Fact]
    public void A_last_line_that_was_torn_from_under_the_checkpoint_is_put_back()
    {
        using TemporaryFolder whole = new(), folder = new();
        IReadOnlyList<ToyResult> expected = Session(whole.Path, Rich, 0, () => { });
        int lines = 0;
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => Session(
            folder.Path, Rich, 0, () => { }, token: stop.Token, line: () =>
            {
                if (++lines == 2)
                {
                    stop.Cancel();
                }
            }));
        using (FileStream metrics = File.OpenWrite(Path.Combine(folder.Path, "metrics.jsonl")))
        {
            metrics.SetLength(metrics.Length - 7);
        }

        Equal(expected, Session(folder.Path, Rich, 0, () => { }, resume: true), 0);
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole.Path, "metrics.jsonl")), File.ReadAllBytes(Path.Combine(folder.Path, "metrics.jsonl")));
    }

    [Fact]
    public void Without_a_checkpoint_the_run_starts_at_its_beginning_and_says_so()
    {
        using TemporaryFolder whole = new(), folder = new();
        IReadOnlyList<ToyResult> expected = Session(whole.Path, Rich, 0, () => { });
        Session(folder.Path, Rich, 0, () => { });
        Directory.Delete(Path.Combine(folder.Path, "checkpoint"), recursive: true);
        List<string> notices = [];
        Equal(expected, Session(folder.Path, Rich, 0, () => { }, resume: true, notices.Add), 0);
        Assert.Equal(["There is no checkpoint: the run starts at its beginning."], notices);
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole.Path, "metrics.jsonl")), File.ReadAllBytes(Path.Combine(folder.Path, "metrics.jsonl")));
    }

    [Fact]
    public void Results_of_earlier_sessions_are_told_again()
    {
        using var folder = new TemporaryFolder();
        Session(folder.Path, Rich, 0, () => { });
        List<int> told = [];
        Session(folder.Path, Rich, 0, () => throw new Killed(), resume: true, done: told.Add);
        Assert.Equal(Keys, told);
    }

    [Fact]
    public void A_result_that_is_no_number_survives_a_resume()
    {
        using var folder = new TemporaryFolder();
        using (var run = new RunFolder(folder.Path))
        {
            run.WriteConfig(new { });
            new Experiment<int, ToyResult>(run, TimeSpan.Zero).Run([1], (_, _) => new ToyResult([double.NaN], 0, double.NegativeInfinity, 1, 1), (_, _) => new { });
        }

        using RunFolder again = RunFolder.Open(folder.Path);
        var experiment = new Experiment<int, ToyResult>(again, TimeSpan.Zero);
        experiment.Resume();
        ToyResult result = Assert.Single(experiment.Finished);
        Assert.Equal((double.NaN, double.NegativeInfinity), (result.Weights[0], result.Score));
    }

    [Theory]
    [InlineData("metrics_bytes", "absent", "no 'experiment.metrics_bytes'")]
    [InlineData("metrics_bytes", "-5", "-5")]
    [InlineData("metrics_bytes", "\"x\"", "\"x\"")]
    [InlineData("finished", "absent", "experiment.finished")]
    [InlineData("finished", "[null]", "results")]
    [InlineData("finished", "[3]", "results")]
    [InlineData("finished", "[{\"Weights\":7}]", "results")]
    [InlineData("finished", "{}", "list of results")]
    public void A_checkpoint_of_something_else_is_refused_in_a_sentence(string key, string value, string words)
    {
        using var folder = new TemporaryFolder();
        using var run = new RunFolder(folder.Path);
        run.WriteConfig(new { });
        using var state = new StateBag { Values = new() { ["experiment.finished"] = new JsonArray(), ["experiment.metrics_bytes"] = 0 } };
        state.Values.Remove("experiment." + key);
        if (value != "absent")
        {
            state.Values["experiment." + key] = JsonNode.Parse(value);
        }

        run.Checkpoints.Save(state);
        Refusal.Of<InvalidDataException>(() => new Experiment<int, ToyResult>(run, TimeSpan.Zero).Resume(), words, "anew");
    }

    [Fact]
    public void More_results_than_trainings_are_refused()
    {
        using var folder = new TemporaryFolder();
        Session(folder.Path, Rich, 0, () => { });
        using RunFolder run = RunFolder.Open(folder.Path);
        var experiment = new Experiment<int, ToyResult>(run, TimeSpan.Zero);
        experiment.Resume();
        Refusal.Of<InvalidDataException>(() => experiment.Run([3], (_, _) => throw new Killed(), (_, _) => new { }), "2 results", "1 training");
    }

    [Fact]
    public void A_state_of_another_model_is_refused_in_a_sentence()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<Killed>(() => Session(folder.Path, Rich, 0, () => { }, loss: Fault(5)));
        using RunFolder run = RunFolder.Open(folder.Path);
        var experiment = new Experiment<int, ToyResult>(run, TimeSpan.Zero);
        experiment.Resume();
        Refusal.Of<InvalidDataException>(
            () => experiment.Run(
                Keys,
                (_, host) =>
                {
                    using var other = nn.Linear(2, 1);
                    Trainer.Run(Toy.Task(other), Rich, host);
                    return new ToyResult([], 0, 0, 0, 0);
                },
                (_, _) => new { }),
            "no 'model.weight'");
    }

    private static Action Fault(int at)
    {
        int seen = 0;
        return () =>
        {
            if (++seen == at)
            {
                throw new Killed();
            }
        };
    }

    /// <summary>One process' worth of the run. <paramref name="happens"/> is called at every loss, validation, line and result.</summary>
    private static IReadOnlyList<ToyResult> Session(
        string path, TrainingOptions options, double every, Action happens, bool resume = false, Action<string>? notice = null, Action? loss = null, Action? line = null, Action<int>? done = null, CancellationToken token = default)
    {
        using RunFolder folder = resume ? RunFolder.Open(path) : new RunFolder(path);
        if (!resume)
        {
            folder.WriteConfig(new { });
        }

        var experiment = new Experiment<int, ToyResult>(folder, TimeSpan.FromSeconds(every), notice);
        if (resume)
        {
            experiment.Resume();
        }

        return experiment.Run(Keys, Train, Line, done: (key, _) => done?.Invoke(key), token: token);

        ToyResult Train(int key, ITrainingHost host)
        {
            using nn.Module<Tensor, Tensor> model = Toy.Model(dropout: 0.3);
            manual_seed(key);
            TrainingTask<int[]> toy = Toy.Task(model);
            var task = new TrainingTask<int[]>
            {
                Model = model,
                Batches = toy.Batches,
                Weight = toy.Weight,
                Loss = batch =>
                {
                    happens();
                    loss?.Invoke();
                    return toy.Loss(batch);
                },
                Validate = () =>
                {
                    happens();
                    return toy.Validate!();
                },
            };
            TrainingOutcome outcome = Trainer.Run(task, options, host, token: token);
            happens();
            return new ToyResult(Toy.Weights(model), outcome.BestEpoch, outcome.Best!.Value.Score, outcome.Epochs, outcome.Steps);
        }

        object Line(int key, EpochReport e)
        {
            happens();
            line?.Invoke();
            return new { key, e.Epoch, e.Step, e.TrainLoss, e.Validation!.Value.Score, e.BestScore, e.LearningRate };
        }
    }

    private static void Equal(IReadOnlyList<ToyResult> expected, IReadOnlyList<ToyResult> actual, int cut)
    {
        Assert.Equal(expected.Count, actual.Count);
        foreach (var (a, b) in expected.Zip(actual))
        {
            Assert.Equal((cut, a.BestEpoch, a.Score, a.Epochs, a.Steps), (cut, b.BestEpoch, b.Score, b.Epochs, b.Steps));
            Assert.Equal(a.Weights, b.Weights);
        }
    }

    public sealed record ToyResult(double[] Weights, int BestEpoch, double Score, int Epochs, long Steps);

    private sealed class Killed : Exception;
}
