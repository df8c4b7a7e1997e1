using MambaExt.Data;

namespace MambaExt.Graph.DataSets.Loaders;

/// <summary>The splits that were taken.</summary>
/// <param name="Splits">One or more.</param>
/// <param name="Kind">In a word: <c>own</c>, <c>random</c>, <c>geom-gcn</c>.</param>
/// <param name="Files">What they were read from, beside the files of the data set.</param>
/// <param name="Notes">What is worth knowing about them.</param>
internal sealed record SplitSet(IReadOnlyList<NodeSplit> Splits, string Kind, IReadOnlyList<DataSetFile> Files, IReadOnlyList<string> Notes)
{
    public static SplitSet Own(IReadOnlyList<NodeSplit> splits) => new(splits, "own", [], []);

    /// <summary>The splits that a request asks for.</summary>
    /// <param name="request">Says which.</param>
    /// <param name="labels">Class of each vertex, or -1.</param>
    /// <param name="own">Those that come with the data set, or null.</param>
    /// <param name="random">Draws others from a seed, and says how large they are.</param>
    public static SplitSet Choose(DataSetRequest request, int[] labels, Func<SplitSet?> own, (Func<ulong, IReadOnlyList<NodeSplit>> Draw, string Sizes) random)
    {
        SplitKind kind = request.Split.Kind;
        if (kind == SplitKind.GeomGcn)
        {
            return GeomGcnSplits.Read(request, labels)
                ?? throw new ArgumentException($"The data set {request.Info.Name} has no geom-gcn splits; take its own or random ones.");
        }

        if (kind != SplitKind.Random && own() is { } there)
        {
            return there;
        }

        return kind == SplitKind.Public
            ? throw new ArgumentException($"The public splits of {request.Info.Name} are not in the data folder; download them with 'mambaext data get {request.Info.Name}', or take random ones.")
            : new SplitSet(random.Draw(request.Split.Seed), "random", [], [$"splits drawn at random, {random.Sizes}, seed {request.Split.Seed}"]);
    }
}
