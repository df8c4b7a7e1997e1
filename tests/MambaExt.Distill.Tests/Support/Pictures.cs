using MambaExt.Distill.Losses;
using MambaExt.Distill.Stages;
using MambaExt.Distill.Students;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Tests.Support;

/// <summary>Small pictures of four classes: which quarter is bright, under noise that belongs to (sample, draw).</summary>
internal sealed class Pictures : DrawnImages
{
    public const int Side = 8, Kinds = 4;
    private readonly float _noise;
    private readonly ulong _seed;
    private readonly bool _still;

    /// <param name="count">Samples</param>
    /// <param name="draws">Numbered draws, 0 for none</param>
    /// <param name="noise">Deviation of the noise</param>
    /// <param name="seed">Of classes and noise</param>
    /// <param name="still">The same pixels whatever the draw</param>
    public Pictures(int count, int draws = 2, float noise = 0.8f, ulong seed = 1, bool still = false)
        : base([.. Enumerable.Range(0, count).Select(i => (int)(CounterRandom.ForKey(seed, RandomStream.Splits, i) % Kinds))], Kinds, draws, $"pictures {count} {draws} {noise} {seed}") => (_noise, _seed, _still) = (noise, seed, still);

    public static PatchMambaOptions Like { get; } = new() { height = Side, width = Side, classes = Kinds };

    public int Reads { get; private set; }

    /// <summary>Draws that were read.</summary>
    public System.Collections.Concurrent.ConcurrentBag<int> Drawn { get; } = [];

    public override Tensor Read(ReadOnlyMemory<int> samples, int draw)
    {
        Reads += samples.Length;
        Drawn.Add(draw);
        draw = _still ? 0 : draw;
        float[] values = new float[samples.Length * Side * Side];
        for (int b = 0; b < samples.Length; b++)
        {
            int sample = samples.Span[b], kind = Labels[sample];
            for (int p = 0; p < Side * Side; p++)
            {
                (uint first, uint second, _, _) = CounterRandom.Block(_seed, (uint)sample, (uint)draw, (uint)p, 99u << CounterRandom.StreamShift);
                double normal = Math.Sqrt(-2 * Math.Log((first + 1.0) / 4294967297.0)) * Math.Cos(2 * Math.PI * second / 4294967296.0);
                bool bright = (p / Side / 4 * 2) + (p % Side / 4) == kind;
                values[(b * Side * Side) + p] = (float)((bright ? 1 : 0) + (_noise * normal));
            }
        }

        return tensor(values).view(samples.Length, 1, Side, Side);
    }

    public HeldOut Plain() => new(samples => Read(samples, 0), Labels);

    /// <summary>A trained classifier that is right more often than not.</summary>
    public PatchMamba Trained(string size, int epochs = 12)
    {
        manual_seed(7);
        var model = new PatchMamba(Like.WithSize(size));
        var task = new TrainingTask<(Tensor X, Tensor Y)>
        {
            Model = model,
            Batches = new ShuffledBatches<(Tensor, Tensor)>(Count, 32, 1, (_, samples) => (Read(samples, 0).DetachFromDisposeScope(), LabelsOf(samples).DetachFromDisposeScope())),
            Loss = batch => new CrossEntropy().Of(new LossInputs(model.forward(batch.X)) { Labels = batch.Y }),
        };
        Trainer.Run(task, new TrainingOptions { epochs = epochs, patience = 0, learning_rate = 0.01 });
        return model;
    }
}
