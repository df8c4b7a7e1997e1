using MambaExt.Distill.Inference;
using MambaExt.Distill.Students;
using MambaExt.Distill.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Tests.Inference;

public sealed class StudentGroupTests
{
    private static readonly double[][] Weights = [[1.5], [0.5, 2], [0.25, 1, 3]];

    public static TheoryData<string, int> Kinds => new() { { ScanKind.Forward, 0 }, { ScanKind.Forward, 1 }, { ScanKind.Cross, 1 } };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Prefixes_are_weighted_sums_and_the_last_is_the_group_s_answer(string scan, int reuse)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        using StudentGroup group = Make(scan, reuse > 0);
        Tensor images = randn(9, 1, 8, 8);
        IReadOnlyList<Tensor> solo = group.Solo(images);
        PrefixAnswer[] answers = [.. group.Evaluate(images)];
        Assert.Equal([1, 2, 3], answers.Select(a => a.Students));
        Assert.Equal(group.Flops, answers.Select(a => a.Flops));
        for (int t = 1; t <= 3; t++)
        {
            Tensor sum = Enumerable.Range(0, t).Select(u => solo[u] * Weights[t - 1][u]).Aggregate((a, b) => a + b);
            TensorAssert.Close(sum, answers[t - 1].Logits, 1e-6, $"prefix {t}");
            TensorAssert.Same(answers[t - 1].Logits, group.Predict(images, t), $"predict {t}");
        }

        TensorAssert.Same(answers[2].Logits, group.forward(images));
        Array.ForEach(answers, a => a.Dispose());
    }

    [Fact]
    public void Budgets_choose_the_longest_prefix_that_fits()
    {
        using DisposeScope scope = NewDisposeScope();
        using StudentGroup group = Make(ScanKind.Forward, false);
        Tensor images = randn(2, 1, 8, 8);
        Assert.Equal(1, group.PredictWithin(images, group.Flops[1] - 1).Students);
        Assert.Equal(2, group.PredictWithin(images, group.Flops[1]).Students);
        Assert.Equal(3, group.PredictWithin(images, long.MaxValue).Students);
        Refusal.Of<ArgumentException>(() => group.PredictWithin(images, 10), "budget of 10", "first student costs");
        Assert.Equal(1, group.PredictBefore(images, TimeSpan.Zero).Students);
        Assert.Equal(3, group.PredictBefore(images, TimeSpan.FromMinutes(1)).Students);
        Assert.Throws<ArgumentOutOfRangeException>(() => group.Predict(images, 4));
    }

    [Fact]
    public void A_clock_stops_the_group_before_the_student_that_would_be_late()
    {
        using DisposeScope scope = NewDisposeScope();
        using StudentGroup group = Make(ScanKind.Forward, false);
        Tensor images = randn(1, 1, 8, 8);
        double second = (double)group.Flops[1] / group.Flops[0];

        // Each reading of the clock is a millisecond later: the second student would be done after so many of them.
        Assert.Equal(1, group.PredictBefore(images, TimeSpan.FromMilliseconds(second * 0.99), new Ticking()).Students);
        Assert.Equal(2, group.PredictBefore(images, TimeSpan.FromMilliseconds(second * 1.01), new Ticking()).Students);
    }

    [Fact]
    public void Whoever_stops_asking_spends_no_more()
    {
        using DisposeScope scope = NewDisposeScope();
        using StudentGroup group = Make(ScanKind.Forward, true);
        using var stop = new CancellationTokenSource();
        Tensor images = randn(2, 1, 8, 8);
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (PrefixAnswer answer in group.Evaluate(images, stop.Token))
            {
                answer.Dispose();
                stop.Cancel();
            }
        });
        LeakCheck.LeavesNothing(() =>
        {
            using IEnumerator<PrefixAnswer> answers = group.Evaluate(images).GetEnumerator();
            answers.MoveNext();
            answers.Current.Dispose();
        });
    }

    [Fact]
    public void A_folder_brings_the_same_group_back()
    {
        using DisposeScope scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using StudentGroup group = Make(ScanKind.Bidirectional, true, [0.9, 0.8, 0.7]);
        GroupFolder.Save(folder.Path, group, ["a", "b", "c", "d"]);
        (StudentGroup loaded, IReadOnlyList<string> names) = GroupFolder.Load(folder.Path);
        using StudentGroup owned = loaded;
        Tensor images = randn(4, 1, 8, 8);
        TensorAssert.Same(group.forward(images), loaded.forward(images));
        Assert.Equal(["a", "b", "c", "d"], names);
        Assert.Equal([0.9, 0.8, 0.7], loaded.About.thresholds);
        string config = folder.File("config.json"), text = File.ReadAllText(config);
        File.WriteAllText(config, text.Replace("\"d_model\": 10", "\"d_model\": 90000000", StringComparison.Ordinal));
        Assert.NotEqual(text, File.ReadAllText(config));
        Refusal.Of<InvalidDataException>(() => GroupFolder.Load(folder.Path), "bytes and its model.safetensors has", "belong together");
        File.WriteAllText(config, text);
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"weights\"", "\"heights\"", StringComparison.Ordinal));
        Refusal.Of<InvalidDataException>(() => GroupFolder.Load(folder.Path), "cannot be used", "restore the file");
    }

    [Theory]
    [InlineData("train")]
    [InlineData("eval")]
    [InlineData("load")]
    [InlineData("state")]
    public void Weights_that_were_changed_answer_and_not_copies_of_older_ones(string how)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        using var folder = new TemporaryFolder();
        using StudentGroup group = Make(ScanKind.Forward, true), other = Make(ScanKind.Forward, true);
        foreach (Tensor parameter in other.parameters())
        {
            parameter.add_(0.1);
        }

        other.eval();
        Tensor images = randn(3, 1, 8, 8), before = group.forward(images), expected = other.forward(images);
        Assert.True((expected - before).abs().max().ToDouble() > 0.01);
        switch (how)
        {
            case "load":
                other.save(folder.File("group.dat"));
                group.load(folder.File("group.dat"));
                break;
            case "state":
                group.load_state_dict(other.state_dict());
                break;
            default:
                group.train();
                foreach (Tensor parameter in group.parameters())
                {
                    parameter.add_(0.1);
                }

                // In training mode the modules answer themselves.
                TensorAssert.Close(expected, group.forward(images), 1e-5);
                group.train(how == "train");
                break;
        }

        TensorAssert.Close(expected, group.forward(images), how == "train" ? 1e-5 : 0);
    }

    [Fact]
    public void A_group_is_ready_before_it_is_asked()
    {
        using DisposeScope scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        GroupFolder.Save(folder.Path, Make(ScanKind.Forward, false), ["a", "b", "c", "d"]);
        using StudentGroup loaded = GroupFolder.Load(folder.Path).Group;
        Assert.Equal(3, loaded.Ready);
        loaded.train();
        Assert.Equal(0, loaded.Ready);
        using StudentGroup made = Make(ScanKind.Cross, false);
        Assert.Equal(0, made.Ready);
    }

    [Fact]
    public void Descriptions_that_do_not_fit_are_named()
    {
        GroupDescription about = About(ScanKind.Forward, false, null);
        Refusal.Of<ArgumentException>(() => (about with { weights = [[1], [1], [1, 1, 1]] }).Validate(), "3 students", "t finite weights");
        Refusal.Of<ArgumentException>(() => (about with { students = [.. about.students.Select((s, t) => t == 1 ? s with { reuse = 9 } : s)] }).Validate(), "d_model of the one before");
        Refusal.Of<ArgumentException>(() => (about with { deviation = [0] }).Validate(), "above 0");
        Refusal.Of<ArgumentException>(() => (about with { thresholds = [1] }).Validate(), "1 thresholds for 3");
    }

    internal static StudentGroup Make(string scan, bool reuse, IReadOnlyList<double>? thresholds = null)
    {
        manual_seed(9);
        return new StudentGroup(About(scan, reuse, thresholds));
    }

    private static GroupDescription About(string scan, bool reuse, IReadOnlyList<double>? thresholds)
    {
        PatchMambaOptions[] students = [.. new[] { "4x4x2x1", "4x6x3x2", "2x10x2x1" }.Select((size, t) => (Pictures.Like with { scan = scan }).WithSize(size))];
        for (int t = 1; t < students.Length && reuse; t++)
        {
            students[t] = students[t] with { reuse = students[t - 1].d_model };
        }

        return new GroupDescription(GroupDescription.Kind, "pictures", "own", "joint", students, Weights, [0f], [1f], thresholds);
    }

    private sealed class Ticking : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => _now++;
    }
}
