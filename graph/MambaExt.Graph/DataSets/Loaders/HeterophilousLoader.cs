using MambaExt.Data;
using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.DataSets.Loaders;

/// <summary>Reads the <c>.npz</c> files of Platonov et al. 2023 (arXiv 2302.11640): <c>node_features</c> [V, F], <c>node_labels</c>
/// [V], <c>edges</c> [E, 2] with each edge once, <c>train_masks</c>, <c>val_masks</c> and <c>test_masks</c> [splits, V].</summary>
internal static class HeterophilousLoader
{
    /// <summary>Reads the one file.</summary>
    public static NodeDataSet Load(DataSetRequest request)
    {
        GraphDataSetInfo info = request.Info;
        string file = request.Files[0];
        DataSetFile hashed = request.Hash(file);
        using NpzFile npz = NpzFile.Open(request.In(file));

        NpyArray features = Matrix(npz, "node_features", file, rows: null, columns: null);
        int vertices = (int)features.Shape[0];
        NpyArray labelArray = npz["node_labels"];
        if (labelArray.Count != vertices)
        {
            throw new InvalidDataException($"{file}: node_labels has {labelArray.Count} entries for {vertices} rows of node_features; the two must agree.");
        }

        int[] labels = labelArray.ToInts();
        CsrGraph graph = Graph(Matrix(npz, "edges", file, rows: null, columns: 2), vertices, file);
        SplitSet splits = SplitSet.Choose(
            request, labels, () => SplitSet.Own(Masks(npz, file, vertices)), (seed => RandomSplits.Share(labels, seed, 0.5, 0.25), "50 / 25 / 25 %"));
        int classes = labels.Length == 0 ? 0 : labels.Max() + 1;
        DataSetFile[] files = [hashed, .. splits.Files];
        return new NodeDataSet(
            info.Name, graph, NodeFeatures.Of(features.ToFloats(), vertices, (int)features.Shape[1]), labels, classes, splits.Splits, info.Metric, DataVariants.Of(files), files)
        {
            SplitKind = splits.Kind,
            Notes = splits.Notes,
        };
    }

    private static NodeSplit[] Masks(NpzFile npz, string file, int vertices)
    {
        NpyArray train = Matrix(npz, "train_masks", file, rows: null, columns: vertices);
        int count = (int)train.Shape[0];
        int[][] trainParts = SplitFile.Masks(train, "train_masks", file, vertices);
        int[][] validationParts = SplitFile.Masks(Matrix(npz, "val_masks", file, count, vertices), "val_masks", file, vertices);
        int[][] testParts = SplitFile.Masks(Matrix(npz, "test_masks", file, count, vertices), "test_masks", file, vertices);
        return [.. trainParts.Select((part, i) => new NodeSplit(part, validationParts[i], testParts[i]))];
    }

    private static NpyArray Matrix(NpzFile npz, string key, string file, int? rows, int? columns)
    {
        NpyArray array = npz[key];
        bool fits = array.Shape.Length == 2 && (rows is null || array.Shape[0] == rows) && (columns is null || array.Shape[1] == columns)
            && array.Shape[0] < int.MaxValue && array.Shape[1] < int.MaxValue;
        return fits ? array : throw new InvalidDataException(
            $"{file}: {key} has shape [{string.Join(", ", array.Shape.ToArray())}] instead of [{rows?.ToString() ?? "any"}, {columns?.ToString() ?? "any"}]; check that this is the data set's own file.");
    }

    private static CsrGraph Graph(NpyArray edges, int vertices, string file)
    {
        long[] ends = edges.ToLongs();
        var sources = new int[ends.Length / 2];
        var targets = new int[ends.Length / 2];
        for (int i = 0; i < sources.Length; i++)
        {
            long source = ends[2 * i], target = ends[2 * i + 1];
            if ((ulong)source >= (ulong)vertices || (ulong)target >= (ulong)vertices)
            {
                throw new InvalidDataException($"{file}: edge {i} joins {source} and {target}, but vertices are 0 to {vertices - 1}; check that this is the data set's own file.");
            }

            (sources[i], targets[i]) = ((int)source, (int)target);
        }

        return CsrGraph.FromArcs(vertices, sources, targets);
    }
}
