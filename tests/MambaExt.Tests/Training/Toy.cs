using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Training;

/// <summary>A regression of 20 samples that trains in a millisecond a step.</summary>
internal static class Toy
{
    public const int Samples = 20, Width = 3;
    private static readonly float[][] X = Draw(Samples, Width, 1), Y = Draw(Samples, 1, 2), NewX = Draw(8, Width, 3), NewY = Draw(8, 1, 4);

    /// <summary>Two linear layers, always with the same weights.</summary>
    public static nn.Module<Tensor, Tensor> Model(double dropout = 0)
    {
        manual_seed(7);
        return nn.Sequential(("first", nn.Linear(Width, 5)), ("tanh", nn.Tanh()), ("drop", nn.Dropout(dropout)), ("last", nn.Linear(5, 1)));
    }

    /// <summary>Mean squared error over batches of 6, 6, 6 and 2 samples, validated on others.</summary>
    public static TrainingTask<int[]> Task(nn.Module<Tensor, Tensor> model, IBatches<int[]>? batches = null, Func<Validation>? validate = null) => new()
    {
        Model = model,
        Batches = batches ?? Batches(),
        Loss = batch => Error(model, [.. batch.Select(i => X[i])], [.. batch.Select(i => Y[i])]),
        Weight = batch => batch.Length,
        Validate = validate ?? (() => Validated(model)),
        Describe = batch => $"samples {string.Join(' ', batch)}",
    };

    public static ShuffledBatches<int[]> Batches(int size = 6, bool shuffle = true) => new(Samples, size, 5, (_, samples) => samples.ToArray(), shuffle);

    public static Validation Validated(nn.Module<Tensor, Tensor> model)
    {
        double loss = Error(model, NewX, NewY).ToDouble();
        return new Validation(-loss, loss);
    }

    /// <summary>Every weight, as bits can be compared.</summary>
    public static double[] Weights(nn.Module model)
    {
        using DisposeScope scope = NewDisposeScope();
        return [.. model.parameters().SelectMany(p => p.detach().to(ScalarType.Float32).flatten().data<float>().ToArray()).Select(w => (double)w)];
    }

    public static void Close(IReadOnlyList<double> expected, IReadOnlyList<double> actual, double tolerance)
    {
        Assert.Equal(expected.Count, actual.Count);
        Assert.All(expected.Zip(actual), pair => Assert.True(Math.Abs(pair.First - pair.Second) <= tolerance, $"{pair.First} and {pair.Second}"));
    }

    private static Tensor Error(nn.Module<Tensor, Tensor> model, float[][] x, float[][] y)
    {
        ScalarType type = model.parameters().First().dtype;
        return nn.functional.mse_loss(model.forward(Matrix(x).to(type)), Matrix(y).to(type));
    }

    private static Tensor Matrix(float[][] rows) => tensor(rows.SelectMany(r => r).ToArray()).reshape(rows.Length, rows[0].Length);

    private static float[][] Draw(int rows, int columns, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, rows).Select(_ => Enumerable.Range(0, columns).Select(_ => (float)((random.NextDouble() * 4) - 2)).ToArray())];
    }
}
