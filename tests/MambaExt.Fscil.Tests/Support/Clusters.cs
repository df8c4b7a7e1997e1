using MambaExt.Fscil.Features;
using MambaExt.Fscil.Losses;
using MambaExt.Fscil.Projectors;
using MambaExt.Fscil.Protocol;
using MambaExt.Fscil.Recipes;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Support;

/// <summary>Maps that no backbone made: each class is a cloud around a map of its own. Fast, and a method that works at all tells them apart.</summary>
internal static class Clusters
{
    public static readonly MapSize Map = new(2, 2, 12);

    /// <summary>6 base classes of 12 images, then sessions of 2 classes of 3 shots; 5 test images a class. Levels: the mean of the map, or also the map's first position.</summary>
    public static FscilFeatures Features(int sessions = 4, double noise = 0.6, long seed = 1, bool twoLevels = false)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        manual_seed(seed);
        int classes = 6 + (2 * sessions);
        Tensor centres = randn([classes, .. Map.Shape]).abs();
        FscilProtocol protocol = Protocol(sessions);
        MapSet baseSet = Draw(Enumerable.Range(0, 6), 12), other = Draw(Enumerable.Range(0, 6), 12);
        return new FscilFeatures(protocol, [baseSet, other], [.. Enumerable.Range(0, sessions).Select(t => Draw([6 + (2 * t), 7 + (2 * t)], 3))], Draw(Enumerable.Range(0, classes), 5),
            twoLevels ? new FeatureSize(Map, [12, 12]) : null);

        MapSet Draw(IEnumerable<int> which, int count)
        {
            int[] labels = [.. which.SelectMany(k => Enumerable.Repeat(k, count))];
            Tensor maps = centres.index_select(0, tensor(labels.Select(k => (long)k).ToArray())) + (randn([labels.Length, .. Map.Shape]) * noise);
            maps = maps.clamp_min(0).DetachFromDisposeScope();
            Tensor mean = maps.mean([1L, 2L]);
            return new MapSet(maps, (twoLevels ? cat([maps.narrow(1, 0, 1).narrow(2, 0, 1).flatten(1), mean], 1) : mean).DetachFromDisposeScope(), labels);
        }
    }

    public static FscilProtocol Protocol(int sessions) => new(
        "clusters", [.. Enumerable.Range(0, 6 + (2 * sessions))], 6 + (2 * sessions),
        [
            new FscilSession(0, 0, 6, [.. Enumerable.Range(0, 72)], [.. Enumerable.Range(0, 30)]),
            .. Enumerable.Range(0, sessions).Select(t => new FscilSession(t + 1, 6 + (2 * t), 2, [.. Enumerable.Range(0, 6)], [.. Enumerable.Range(30 + (10 * t), 10)])),
        ]);

    /// <summary>A small recipe for them.</summary>
    public static FscilRecipe Recipe(string branch = "ssm") => new()
    {
        projector = new ProjectorOptions { width = 16, hidden = 20, branch = branch, d_state = 4, dt_rank = 2 },
        projector_training = new ProjectorTraining { epochs = 40, batch_size = 24, learning_rate = 0.02 },
        incremental = new IncrementalOptions { iterations = 40, learning_rate = 0.1, batch_size = 64, clip = 1, scan_losses = new ScanLossOptions { form = "per_sample", suppress_base = 0.4, separate = 0.5 } },
    };
}
