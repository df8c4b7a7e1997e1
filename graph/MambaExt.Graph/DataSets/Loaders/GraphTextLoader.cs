using MambaExt.Data;
using MambaExt.Kernels;

namespace MambaExt.Graph.DataSets.Loaders;

/// <summary>
/// Reads graphs for classification from one text file, as Xu et al. 2019 (GIN, arXiv 1810.00826) and Zhang et al. 2018 (DGCNN) use it: the
/// number of graphs; for each graph a line <c>n label</c> and n lines <c>tag m neighbour_1 ... neighbour_m attribute_1 ...</c>; neighbours are
/// counted from 0 inside the graph. Folds are graph numbers, one a line, in <c>10fold_idx/test_idx-K.txt</c> and <c>train_idx-K.txt</c>.
/// </summary>
internal static class GraphTextLoader
{
    private const int FoldCount = 10;

    /// <summary>Names of the files of the folds, test parts first.</summary>
    public static IReadOnlyList<string> FoldFiles { get; } =
        [.. from part in new[] { "test", "train" } from k in Enumerable.Range(1, FoldCount) select $"10fold_idx/{part}_idx-{k}.txt"];

    /// <summary>Reads the one file, and the folds where the layout has them.</summary>
    public static GraphDataSet Load(DataSetRequest request)
    {
        GraphTextParts parts = Read(request.In(request.Files[0]));
        IReadOnlyList<GraphFold>? folds = null;
        if (request.Files.Count > 1 && request.Split.Kind != SplitKind.Random)
        {
            int[][] numbers = [.. FoldFiles.Select(file => Numbers(request.In(file), parts.Labels.Length))];
            folds = GraphFolds.Of(numbers[..FoldCount], numbers[FoldCount..]);
        }

        DataSetFile[] files = [.. (folds is null ? request.Files.Take(1) : request.Files).Select(request.Hash)];
        return parts.ToDataSet(request, folds, files);
    }

    private static GraphTextParts Read(string path)
    {
        BadFile.ThrowIfMissing(path);
        using var lines = new IntegerLines(path);
        int[] head = lines.Next("the number of graphs");
        int count = head is [> 0 and <= 10_000_000] ? head[0] : throw lines.Bad($"{head.Length} numbers", "the number of graphs, 1 to 10,000,000");
        var offsets = new List<int> { 0 };
        var (labels, tags, sources, targets) = (new List<int>(), new List<int>(), new List<int>(), new List<int>());
        List<float[]> attributes = [];
        for (int g = 0; g < count; g++)
        {
            int[] graph = lines.Next($"the vertices and the label of graph {g}");
            if (graph is not [> 0, _])
            {
                throw lines.Bad($"{graph.Length} numbers for graph {g}", "its number of vertices, 1 or more, and its label");
            }

            int start = offsets[^1], n = graph[0];
            labels.Add(graph[1]);
            for (int i = 0; i < n; i++)
            {
                int[] row = lines.NextVertex(attributes);
                tags.Add(row[0]);
                foreach (int neighbour in row.AsSpan(2))
                {
                    sources.Add(start + i);
                    targets.Add((uint)neighbour < (uint)n ? start + neighbour : throw lines.Bad($"neighbour {neighbour}", $"0 to {n - 1} in this graph"));
                }
            }

            offsets.Add(start + n);
        }

        lines.ExpectEnd();
        bool plain = attributes.TrueForAll(row => row.Length == 0);
        return new GraphTextParts([.. offsets], [.. sources], [.. targets], [.. tags], plain ? null : [.. attributes], [.. labels]);
    }

    private static int[] Numbers(string path, int graphs)
    {
        using var lines = new IntegerLines(path);
        var numbers = new List<int>();
        while (lines.TryNext(out int[] row))
        {
            numbers.Add(row is [var g] && (uint)g < (uint)graphs ? g : throw lines.Bad(string.Join(" ", row.Take(4)), $"one graph number, 0 to {graphs - 1}"));
        }

        return [.. numbers];
    }
}
