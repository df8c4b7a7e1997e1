using System.Globalization;
using MambaExt.Data;
using MambaExt.Graph.Graphs;
using MambaExt.Kernels;
using static System.FormattableString;

namespace MambaExt.Graph.DataSets.Loaders;

/// <summary>
/// Reads the text files of Pei et al. 2020 (Geom-GCN, arXiv 2002.05287): <c>out1_graph_edges.txt</c>, a pair of vertices a line, directed,
/// with self-loops and repeats; <c>out1_node_feature_label.txt</c>, a line a vertex in no order: number, features, class. Features are a 0 or
/// 1 each, or the numbers of those that are 1, which a header with <c>feature_amount</c> announces and Actor has without one.
/// </summary>
internal static class GeomGcnTextLoader
{
    public const string Edges = "out1_graph_edges.txt", Vertices = "out1_node_feature_label.txt";

    /// <summary>Reads the two files, and the splits.</summary>
    public static NodeDataSet Load(DataSetRequest request)
    {
        GraphDataSetInfo info = request.Info;
        string edges = request.Files[0], rows = request.Files[1];
        (NodeFeatures features, int[] labels) = FeaturesAndLabels(request.In(rows), info.Size.Features);
        CsrGraph graph = Graph(request.In(edges), labels.Length);
        SplitSet splits = SplitSet.Choose(request, labels, () => GeomGcnSplits.Read(request, labels, required: false), (seed => RandomSplits.Share(labels, seed), "60 / 20 / 20 %"));
        DataSetFile[] files = [request.Hash(edges), request.Hash(rows), .. splits.Files];
        return new NodeDataSet(info.Name, graph, features, labels, labels.Max() + 1, splits.Splits, info.Metric, DataVariants.Of(files), files)
        {
            SplitKind = splits.Kind == "geom-gcn" ? "own" : splits.Kind,
            Notes = splits.Notes,
        };
    }

    private static CsrGraph Graph(string path, int vertices)
    {
        var sources = new List<int>();
        var targets = new List<int>();
        foreach ((string[] cells, int line) in Lines(path, 2, "two vertices with a tab between them"))
        {
            sources.Add(Vertex(cells[0], vertices, path, line));
            targets.Add(Vertex(cells[1], vertices, path, line));
        }

        return CsrGraph.FromArcs(vertices, [.. sources], [.. targets]);
    }

    /// <summary>Sparse features [V, F] and the class of each vertex.</summary>
    private static (NodeFeatures Features, int[] Labels) FeaturesAndLabels(string path, int published)
    {
        BadFile.ThrowIfMissing(path);
        (string[] Cells, int Line)[] lines = [.. Lines(path, 3, "vertex, features and class with tabs between them")];
        if (lines.Length == 0)
        {
            throw Bad(path, 1, "no vertex", "a header and a line a vertex");
        }

        int[][] given = [.. lines.Select(l => Numbers(l.Cells[1], path, l.Line))];
        int? announced = Announced(path);
        bool flags = announced is null && given.All(row => row.Length == given[0].Length && !row.AsSpan().ContainsAnyExceptInRange(0, 1));
        int width = flags ? given[0].Length : announced ?? Math.Max(published, given.Max(row => row.Length == 0 ? 0 : row.Max() + 1));

        var labels = new int[lines.Length];
        var rows = new int[lines.Length][];
        for (int i = 0; i < lines.Length; i++)
        {
            int line = lines[i].Line, v = Vertex(lines[i].Cells[0], lines.Length, path, line);
            if (rows[v] is not null)
            {
                throw Bad(path, line, $"vertex {v} a second time", "one line a vertex");
            }

            rows[v] = flags ? [.. Enumerable.Range(0, width).Where(f => given[i][f] == 1)] : [.. given[i].Distinct().Order()];
            if (rows[v].Length > 0 && rows[v][^1] >= width)
            {
                throw Bad(path, line, $"feature {rows[v][^1]}", $"features 0 to {width - 1}");
            }

            labels[v] = int.TryParse(lines[i].Cells[2], NumberStyles.None, CultureInfo.InvariantCulture, out int label) && label < lines.Length
                ? label
                : throw Bad(path, line, $"the class {BadFile.Quote(lines[i].Cells[2])}", "numbers from 0");
        }

        var offsets = new long[rows.Length + 1];
        for (int v = 0; v < rows.Length; v++)
        {
            offsets[v + 1] = offsets[v] + rows[v].Length;
        }

        float[] ones = new float[offsets[^1]];
        Array.Fill(ones, 1);
        return (NodeFeatures.Of(new SparseMatrix(rows.Length, width, offsets, [.. rows.SelectMany(row => row)], ones)), labels);
    }

    private static int[] Numbers(string text, string path, int line)
    {
        var numbers = new List<int>();
        foreach (Range range in text.AsSpan().Split(','))
        {
            ReadOnlySpan<char> one = text.AsSpan()[range];
            if (one.Length > 0)
            {
                numbers.Add(int.TryParse(one, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < 1 << 24
                    ? number
                    : throw Bad(path, line, $"the feature {BadFile.Quote(one.ToString())}", "whole numbers with commas between them"));
            }
        }

        return [.. numbers];
    }

    /// <summary>The number after <c>feature_amount</c> in the header.</summary>
    private static int? Announced(string path)
    {
        string header = File.ReadLines(path).First();
        int at = header.IndexOf("feature_amount", StringComparison.Ordinal);
        string digits = at < 0 ? "" : new string([.. header[at..].SkipWhile(c => !char.IsAsciiDigit(c)).TakeWhile(char.IsAsciiDigit)]);
        return at < 0 ? null : int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int amount) && amount is > 0 and < 1 << 24
            ? amount
            : throw Bad(path, 1, $"the header {BadFile.Quote(header)}", "a number after feature_amount");
    }

    private static IEnumerable<(string[] Cells, int Line)> Lines(string path, int count, string allowed)
    {
        int line = 0;
        foreach (string text in File.ReadLines(path))
        {
            if (++line > 1 && text.Length > 0)
            {
                string[] cells = text.Split('\t');
                yield return cells.Length == count ? (cells, line) : throw Bad(path, line, BadFile.Quote(text), allowed);
            }
        }
    }

    private static int Vertex(string text, int vertices, string path, int line) =>
        int.TryParse(text, NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int v) && v >= 0 && v < vertices
            ? v
            : throw Bad(path, line, $"the vertex {BadFile.Quote(text)}", Invariant($"0 to {vertices - 1}, as there are {vertices} lines of features"));

    private static InvalidDataException Bad(string path, int line, string found, string allowed) =>
        new($"{Path.GetFileName(path)}, line {line}: found {found}; allowed is {allowed}; check that this is the data set's own file.");
}
