using MambaExt.Kernels;

namespace MambaExt.Graph.DataSets.Loaders;

/// <summary>
/// Reads graphs for classification in the format of Morris et al. 2020 (TUDataset, arXiv 2007.08663): <c>NAME_A.txt</c> (an arc a line, vertices
/// counted from 1 over all graphs), <c>NAME_graph_indicator.txt</c> (the graph of each vertex), <c>NAME_graph_labels.txt</c>, and where they are
/// there <c>NAME_node_labels.txt</c> and <c>NAME_node_attributes.txt</c>. Labels of edges are not used. It has no folds.
/// </summary>
internal static class DortmundLoader
{
    /// <summary>Names of the files that are needed.</summary>
    public static IReadOnlyList<string> Files(string name) => [$"{name}_A.txt", $"{name}_graph_indicator.txt", $"{name}_graph_labels.txt"];

    /// <summary>Reads the files.</summary>
    public static GraphDataSet Load(DataSetRequest request)
    {
        string prefix = request.Files[0][..^"_A.txt".Length];
        int[] labels = Column(request.In(request.Files[2]));
        int[] offsets = Offsets(request.In(request.Files[1]), labels.Length);
        (int[] sources, int[] targets) = Arcs(request.In(request.Files[0]), offsets);
        string tags = $"{prefix}_node_labels.txt", attributes = $"{prefix}_node_attributes.txt";
        string[] optional = [.. new[] { tags, attributes }.Where(file => File.Exists(request.In(file)))];
        var parts = new GraphTextParts(
            offsets, sources, targets, optional.Contains(tags) ? Tags(request.In(tags), offsets[^1]) : null,
            optional.Contains(attributes) ? Attributes(request.In(attributes), offsets[^1]) : null, labels);
        return parts.ToDataSet(request, null, [.. request.Files.Concat(optional).Select(request.Hash)]);
    }

    private static int[] Column(string path)
    {
        BadFile.ThrowIfMissing(path);
        using var lines = new IntegerLines(path);
        var numbers = new List<int>();
        while (lines.TryNext(out int[] row))
        {
            numbers.Add(row.Length == 1 ? row[0] : throw lines.Bad($"{row.Length} numbers", "one number a line"));
        }

        return [.. numbers];
    }

    /// <summary>Vertices come graph after graph.</summary>
    private static int[] Offsets(string path, int graphs)
    {
        using var lines = new IntegerLines(path);
        var offsets = new int[graphs + 1];
        int current = 0, vertices = 0;
        while (lines.TryNext(out int[] row))
        {
            if (row is not [var g] || (g != current && g != current + 1) || g < 1 || g > graphs)
            {
                throw lines.Bad($"graph {string.Join(' ', row.Take(3))} after graph {current}", $"graphs 1 to {graphs} one after another");
            }

            current = g;
            offsets[g] = ++vertices;
        }

        return current == graphs && graphs > 0 ? offsets : throw lines.Bad($"{current} graphs", $"{graphs}, as there are labels");
    }

    private static (int[] Sources, int[] Targets) Arcs(string path, int[] offsets)
    {
        using var lines = new IntegerLines(path);
        var sources = new List<int>();
        var targets = new List<int>();
        while (lines.TryNext(out int[] row))
        {
            if (row is not [var from, var to] || from < 1 || to < 1 || from > offsets[^1] || to > offsets[^1])
            {
                throw lines.Bad($"the arc {string.Join(", ", row.Take(3))}", $"two vertices, 1 to {offsets[^1]}");
            }

            sources.Add(from - 1);
            targets.Add(to - 1);
        }

        return ([.. sources], [.. targets]);
    }

    private static int[] Tags(string path, int vertices)
    {
        using var lines = new IntegerLines(path);
        var tags = new List<int>();
        while (lines.TryNext(out int[] row))
        {
            tags.Add(row[0]);
        }

        return tags.Count == vertices ? [.. tags] : throw lines.Bad($"{tags.Count} vertices", $"{vertices}, as the graph indicator has");
    }

    private static float[][] Attributes(string path, int vertices)
    {
        using var lines = new IntegerLines(path);
        var rows = new List<float[]>();
        while (lines.TryNextReals(out float[] row))
        {
            rows.Add(rows.Count == 0 || row.Length == rows[0].Length ? row : throw lines.Bad($"{row.Length} attributes", $"{rows[0].Length}, as the first vertex has"));
        }

        return rows.Count == vertices ? [.. rows] : throw lines.Bad($"{rows.Count} vertices", $"{vertices}, as the graph indicator has");
    }
}
