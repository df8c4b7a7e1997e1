using MambaExt.Distill.Losses;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Tests.Losses;

/// <summary>Each loss against plain loops, and its gradient against differences, in double precision.</summary>
public sealed class LossTests
{
    private const int Batch = 5, Classes = 7;

    public static TheoryData<string> Names => [.. LossTerm.Names];

    [Fact]
    public void Losses_of_logits_are_their_formulas()
    {
        using DisposeScope scope = NewDisposeScope();
        LossInputs x = Inputs(1);
        double[][] z = Rows(x.Logits), g = Rows(x.Teacher!), d = Rows(x.Distillation!);
        int[] y = Labels(x.Labels!);
        Close(LossReference.CrossEntropy(z, y), new CrossEntropy().Of(x));
        Close(LossReference.Kd(z, g, 4), new HintonKd(4).Of(x));
        Close(LossReference.Kd(z, g, 1.5), new HintonKd(1.5).Of(x));
        Close(LossReference.Standardized(z, g, 2), new StandardizedKd(2).Of(x));
        Close(LossReference.Dkd(z, g, y, 1, 8, 4), new Dkd(1, 8, 4).Of(x));
        Close(LossReference.Dkd(z, g, y, 0.5, 2, 1), new Dkd(0.5, 2, 1).Of(x));
        Close(LossReference.Dkd(z, g, y, 1, 8, 4) * 3 / 20, new Dkd(1, 8, 4, warmupEpochs: 20).Of(x with { Epoch = 3 }));
        Close(LossReference.Dist(z, g, 1, 1, 1), new Dist().Of(x));
        Close(LossReference.Dist(z, g, 2, 0.5, 3), new Dist(2, 0.5, 3).Of(x));
        Close(LossReference.Kd(d, g, 1) / Classes, new DeitSoft(1).Of(x));
        Close(LossReference.Kd(d, g, 3) / Classes, new DeitSoft(3).Of(x));
        Close(LossReference.CrossEntropy(d, [.. g.Select(row => Array.IndexOf(row, row.Max()))]), new DeitHard().Of(x));
    }

    [Fact]
    public void Cross_entropy_takes_shares_and_smoothing()
    {
        using DisposeScope scope = NewDisposeScope();
        LossInputs x = Inputs(2);
        double[][] z = Rows(x.Logits);
        int[] y = Labels(x.Labels!);
        int[] other = [.. y.Select(c => (c + 1) % Classes)];
        Tensor shares = (nn.functional.one_hot(x.Labels!, Classes).to_type(ScalarType.Float64) * 0.3) + (nn.functional.one_hot(tensor(other.Select(c => (long)c).ToArray()), Classes).to_type(ScalarType.Float64) * 0.7);
        Close((0.3 * LossReference.CrossEntropy(z, y)) + (0.7 * LossReference.CrossEntropy(z, other)), new CrossEntropy().Of(x with { Labels = shares }));
        double even = Enumerable.Range(0, Classes).Average(k => LossReference.CrossEntropy(z, [.. y.Select(_ => k)]));
        Close((0.9 * LossReference.CrossEntropy(z, y)) + (0.1 * even), new CrossEntropy(0.1).Of(x));
    }

    [Fact]
    public void Distillation_is_the_sum_of_its_decoupled_parts()
    {
        using DisposeScope scope = NewDisposeScope();
        LossInputs x = Inputs(3);
        foreach (double tau in new[] { 1.0, 4.0 })
        {
            var (target, others) = Dkd.Parts(x.Logits, x.Teacher!, x.Labels!, tau);
            Tensor p = softmax(x.Teacher! / tau, 1).gather(1, x.Labels!.unsqueeze(1)).squeeze(1);
            TensorAssert.Close(new HintonKd(tau).Of(x), (target + ((1 - p) * others)).mean() * tau * tau, 1e-12);
        }
    }

    [Fact]
    public void Decoupled_parts_stay_finite_where_the_teacher_is_certain()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor z = tensor(new[,] { { 300f, -200f, -400f }, { 0f, 1f, 2f } }, requires_grad: true), g = tensor(new[,] { { 900f, -900f, -800f }, { 500f, 0f, 0f } });
        Tensor loss = new Dkd().Of(new LossInputs(z) { Teacher = g, Labels = tensor(new[] { 0L, 0 }) });
        loss.backward();
        TensorAssert.Finite(loss);
        TensorAssert.Finite(z.grad);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradients_are_differences(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(11);
        LossInputs x = Inputs(4);
        Tensor feature = randn([Batch, 3, 4], ScalarType.Float64);
        DistillationLoss loss = (new LossTerm(name, 1) { student_path = "a", teacher_path = "b" }).Create([1, 3, 4], [1, 3, 6]);
        loss.Adapter?.to(ScalarType.Float64);
        Tensor given = randn([Batch, 3, 6], ScalarType.Float64);
        Tensor[] at = [x.Logits, x.Distillation!, feature];
        double Value(Tensor[] v)
        {
            using IDisposable _ = no_grad();
            return Of(v).ToDouble();
        }

        Tensor Of(Tensor[] v) => loss.Of(x with
        {
            Logits = v[0],
            Distillation = v[1],
            Features = new Dictionary<string, FeaturePair> { [loss.Name] = new(v[2], given) },
        });
        Tensor[] leaves = [.. at.Select(t => t.detach().clone().requires_grad_())];
        Of(leaves).backward();
        double largest = 0;
        for (int k = 0; k < leaves.Length; k++)
        {
            double[] own = leaves[k].grad is { } grad ? grad.flatten().data<double>().ToArray() : new double[leaves[k].numel()];
            for (int i = 0; i < own.Length; i += 3)
            {
                double difference = (Value(Moved(k, i, 1e-6)) - Value(Moved(k, i, -1e-6))) / 2e-6;
                Assert.True(Math.Abs(difference - own[i]) <= 1e-7, $"{name}, input {k}, entry {i}: {own[i]} against {difference}");
                largest = Math.Max(largest, Math.Abs(difference));
            }
        }

        Assert.True(largest > 1e-4, $"{name} has no gradient at all");

        Tensor[] Moved(int k, int i, double by)
        {
            Tensor[] v = [.. at.Select(t => t.detach().clone())];
            v[k].view(-1)[i].add_(by);
            return v;
        }
    }

    [Fact]
    public void Hints_are_the_mean_square_behind_the_map()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(5);
        var loss = new FitNets("h", 3, 5);
        using var map = loss.Adapter as TorchSharp.Modules.Linear;
        Tensor own = randn(4, 3), given = randn(4, 5);
        float[,] w = Matrix(map!.weight!), o = Matrix(own), g = Matrix(given);
        float[] bias = map.bias!.data<float>().ToArray();
        double sum = 0;
        for (int b = 0; b < 4; b++)
        {
            for (int t = 0; t < 5; t++)
            {
                double value = bias[t];
                for (int s = 0; s < 3; s++)
                {
                    value += w[t, s] * o[b, s];
                }

                sum += Math.Pow(value - g[b, t], 2);
            }
        }

        Assert.Equal(sum / 20, loss.Of(Features("h", own, given)).ToDouble(), 1e-5 * sum);

        // A picture's channels come second.
        Tensor picture = randn(2, 3, 4, 4), target = randn(2, 5, 4, 4);
        TensorAssert.Close(loss.Of(Features("h", picture.flatten(2).transpose(1, 2), target.flatten(2).transpose(1, 2))), loss.Of(Features("h", picture, target)), 1e-6);
    }

    [Fact]
    public void Attention_maps_are_compared_at_length_one()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(6);
        var loss = new AttentionTransfer("a");
        Tensor own = randn(2, 6, 3), given = randn(2, 6, 8);
        double sum = 0;
        for (int b = 0; b < 2; b++)
        {
            double[] s = Map(Matrix(own[b])), t = Map(Matrix(given[b]));
            sum += s.Zip(t, (x, y) => (x - y) * (x - y)).Sum();
        }

        Assert.Equal(sum / 12, loss.Of(Features("a", own, given)).ToDouble(), 1e-6);
        TensorAssert.Close(tensor(0f), loss.Of(Features("a", own, own * 3)), 1e-6, "scale does not matter");
        Refusal.Of<ArgumentException>(() => loss.Of(Features("a", randn(2, 5, 3), randn(2, 6, 3))), "[2, 5]", "[2, 6]", "same size");

        static double[] Map(float[,] rows)
        {
            double[] a = [.. Enumerable.Range(0, rows.GetLength(0)).Select(i => Enumerable.Range(0, rows.GetLength(1)).Average(j => rows[i, j] * (double)rows[i, j]))];
            double norm = Math.Sqrt(a.Sum(v => v * v));
            return [.. a.Select(v => v / norm)];
        }
    }

    [Theory]
    [InlineData(6, 4, 3, 2)]
    [InlineData(3, 2, 6, 4)]
    [InlineData(4, 4, 4, 4)]
    public void Attention_maps_of_pictures_are_of_the_larger_one_pooled(int height, int width, int otherHeight, int otherWidth)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(7);
        Tensor own = randn(2, 4, height, width), given = randn(2, 5, otherHeight, otherWidth);
        int rows = Math.Min(height, otherHeight), columns = Math.Min(width, otherWidth);
        double sum = 0;
        for (int b = 0; b < 2; b++)
        {
            double[] s = Map(own, b), t = Map(given, b);
            sum += s.Zip(t, (x, y) => (x - y) * (x - y)).Sum();
        }

        Assert.Equal(sum / (2 * rows * columns), new AttentionTransfer("a").Of(Features("a", own, given)).ToDouble(), 1e-6);

        // The mean of each rectangle of pixels, then the mean over channels of its square, place by place.
        double[] Map(Tensor picture, int b)
        {
            long channels = picture.shape[1], high = picture.shape[2] / rows, wide = picture.shape[3] / columns;
            var map = new double[rows * columns];
            for (int p = 0; p < map.Length; p++)
            {
                for (int c = 0; c < channels; c++)
                {
                    double mean = 0;
                    for (int i = 0; i < high * wide; i++)
                    {
                        mean += picture[b, c, (p / columns * high) + (i / wide), (p % columns * wide) + (i % wide)].ToDouble() / (high * wide);
                    }

                    map[p] += mean * mean / channels;
                }
            }

            double norm = Math.Sqrt(map.Sum(v => v * v));
            return [.. map.Select(v => v / norm)];
        }
    }

    [Fact]
    public void What_does_not_fit_is_named()
    {
        using DisposeScope scope = NewDisposeScope();
        var x = new LossInputs(randn(3, 4)) { Teacher = randn(3, 5), Labels = zeros(3, ScalarType.Int64) };
        Refusal.Of<ArgumentException>(() => new HintonKd().Of(x), "4 classes", "the teacher 5");
        Refusal.Of<InvalidOperationException>(() => new HintonKd().Of(x with { Teacher = null }), "teacher", "cross-entropy");
        Refusal.Of<ArgumentException>(() => new Dist().Of(new LossInputs(randn(1, 4)) { Teacher = randn(1, 4) }), "2 or more");
        Refusal.Of<ArgumentException>(() => _ = new FitNets("h", 3, 5, adapter: false), "width 3", "width 5", "adapter");
        Refusal.Of<InvalidOperationException>(() => new AttentionTransfer("a").Of(x), "tapped", "module");
    }

    private static LossInputs Features(string name, Tensor own, Tensor given) =>
        new(zeros(1, 2)) { Features = new Dictionary<string, FeaturePair> { [name] = new(own, given) } };

    private static LossInputs Inputs(int seed)
    {
        manual_seed(seed);
        return new LossInputs(randn([Batch, Classes], ScalarType.Float64) * 2)
        {
            Teacher = randn([Batch, Classes], ScalarType.Float64) * 3, Distillation = randn([Batch, Classes], ScalarType.Float64), Labels = randint(Classes, [Batch], ScalarType.Int64),
        };
    }

    private static double[][] Rows(Tensor t) => [.. t.data<double>().ToArray().Chunk((int)t.shape[1])];

    private static int[] Labels(Tensor t) => [.. t.data<long>().ToArray().Select(v => (int)v)];

    private static float[,] Matrix(Tensor t) => (float[,])t.detach().contiguous().data<float>().ToNDArray();

    private static void Close(double expected, Tensor actual) => Assert.True(Math.Abs(expected - actual.ToDouble()) <= 1e-11 * (1 + Math.Abs(expected)), $"{actual.ToDouble()} instead of {expected}");
}
