using MambaExt.Data;
using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.DataSets.Loaders;

/// <summary>
/// Reads the <c>.npz</c> files of Shchur et al. 2018 (arXiv 1811.05868) and those made after them: adjacency and attributes as the
/// parts of a sparse matrix (<c>adj_data</c>, ... or <c>adj_matrix.data</c>, ...) or as one pickled matrix (<c>adj_matrix</c>,
/// <c>node_attr</c>), classes as <c>labels</c> or <c>node_label</c>. Splits lie in a file of index arrays of their own.
/// </summary>
internal static class GnnBenchmarkLoader
{
    /// <summary>The name of the file that holds the split of Luo et al. 2024 (arXiv 2406.08993) of a data set.</summary>
    public static string? SplitName(string dataSet) => dataSet switch
    {
        "amazon-photo" or "coauthor-cs" or "coauthor-physics" => $"{dataSet}_split.npz",
        "amazon-computers" => "amazon-computer_split.npz",
        _ => null,
    };

    /// <summary>Reads the one file, and the split where it is there.</summary>
    public static NodeDataSet Load(DataSetRequest request)
    {
        GraphDataSetInfo info = request.Info;
        string file = request.Files[0];
        DataSetFile hashed = request.Hash(file);
        using NpzFile npz = NpzFile.Open(request.In(file));
        SparseCsr adjacency = SparseParts.Find(npz, file, "adj", "adj_matrix") ?? throw Lacks(npz, file, "adj_data, adj_matrix.data or adj_matrix");
        SparseCsr attributes = SparseParts.Find(npz, file, "attr", "attr_matrix", "node_attr") ?? throw Lacks(npz, file, "attr_data, attr_matrix.data or node_attr");
        string key = npz.Keys.Contains("labels") ? "labels" : npz.Keys.Contains("node_label") ? "node_label" : throw Lacks(npz, file, "labels or node_label");
        int[] labels = SparseParts.Plain(npz[key]).ToInts();
        if (attributes.Rows != adjacency.Rows || labels.Length != adjacency.Rows)
        {
            throw new InvalidDataException($"{file} has {adjacency.Rows} rows of the adjacency, {attributes.Rows} of attributes and {labels.Length} labels; the three must agree.");
        }

        var notes = new List<string>();
        CsrGraph graph = SparseParts.Graph(adjacency, file, notes);
        SplitSet splits = SplitSet.Choose(request, labels, () => Own(request, labels.Length), (seed => RandomSplits.Share(labels, seed), "60 / 20 / 20 %"));
        DataSetFile[] files = [hashed, .. splits.Files];
        int classes = labels.Length == 0 ? 0 : labels.Max() + 1;
        var data = new NodeDataSet(info.Name, graph, SparseParts.Features(attributes), labels, classes, splits.Splits, info.Metric, DataVariants.Of(files), files)
        {
            SplitKind = splits.Kind,
            Notes = [.. notes, .. splits.Notes],
        };
        return npz.Keys.Contains("class_names") && npz["class_names"] is { Type: NpyType.Text } names && names.Count == classes
            ? data.WithClassNames(names.ToStrings())
            : data;
    }

    private static SplitSet? Own(DataSetRequest request, int vertices)
    {
        if (SplitName(request.Info.Name) is not { } name || request.Elsewhere([name]) is not { } folder)
        {
            return null;
        }

        string path = Path.Combine(folder, name);
        return SplitSet.Own(SplitFile.Read(path, vertices)) with { Files = [DataSetFile.Of(path, name, request.Info.Published)] };
    }

    private static InvalidDataException Lacks(NpzFile npz, string file, string wanted) =>
        new($"{file} has no array {wanted}, only {string.Join(", ", npz.Keys.Take(20))}; check that this is the data set's own file.");
}
