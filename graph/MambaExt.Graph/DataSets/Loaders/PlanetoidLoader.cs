using MambaExt.Data;
using MambaExt.Graph.Graphs;
using static System.FormattableString;

namespace MambaExt.Graph.DataSets.Loaders;

/// <summary>
/// Reads Cora, CiteSeer and PubMed from the eight Planetoid files each (Yang, Cohen and Salakhutdinov 2016, arXiv 1603.08861).
/// Row i of <c>allx</c> is vertex i and row k of <c>tx</c> is vertex <c>test.index[k]</c>; vertices that neither names (15 in
/// CiteSeer) have zero features and no label. The public split: the rows of <c>y</c> train, the next 500 vertices validate,
/// <c>test.index</c> tests.
/// </summary>
internal static class PlanetoidLoader
{
    private const int ValidationCount = 500;

    /// <summary>Names of the eight files of a data set.</summary>
    public static IReadOnlyList<string> Files(string name) =>
        [.. new[] { "x", "y", "tx", "ty", "allx", "ally", "graph", "test.index" }.Select(part => $"ind.{name}.{part}")];

    /// <summary>Reads the eight files.</summary>
    public static NodeDataSet Load(DataSetRequest request)
    {
        GraphDataSetInfo info = request.Info;
        var parts = new PlanetoidParts(request.Folder, info.Name);
        int[] testRows = parts.TestIndex();
        SparseCsr known = parts.Sparse("allx"), test = parts.Sparse("tx");
        int[] trainLabels = parts.Labels("y", out int classes), knownLabels = parts.Labels("ally", out int knownClasses), testLabels = parts.Labels("ty", out int testClasses);
        parts.Require(known.Columns == test.Columns, $"allx has {known.Columns} features and tx {test.Columns}");
        parts.Require(classes == knownClasses && classes == testClasses, $"y, ally and ty have {classes}, {knownClasses} and {testClasses} classes");
        parts.Require(known.Rows == knownLabels.Length, $"allx has {known.Rows} rows and ally {knownLabels.Length}");
        parts.Require(
            test.Rows == testLabels.Length && test.Rows == testRows.Length, $"tx has {test.Rows} rows, ty {testLabels.Length} and test.index {testRows.Length}");
        parts.Require(
            trainLabels.Length + ValidationCount <= known.Rows, $"y has {trainLabels.Length} rows, which with {ValidationCount} for validation are more than the {known.Rows} of allx");

        Dictionary<object, object?> lists = parts.NeighbourLists();
        int last = testRows.Length == 0 ? 0 : testRows.Max(), vertices = lists.Count;
        parts.Require(
            vertices == Math.Max(known.Rows, last + 1L), $"graph lists {vertices} vertices, but allx has {known.Rows} rows and test.index goes up to {last}");

        // Where each vertex has its features: row r of allx is r, row k of tx is known.Rows + k, and nowhere is -1.
        var labels = new int[vertices];
        var place = new int[vertices];
        Array.Fill(labels, -1);
        Array.Fill(place, -1);
        knownLabels.CopyTo(labels, 0);
        for (int v = 0; v < known.Rows; v++)
        {
            place[v] = v;
        }

        for (int k = 0; k < testRows.Length; k++)
        {
            int v = testRows[k];
            parts.Require(place[v] < 0, $"test.index names vertex {v}, which {(v < known.Rows ? "is a row of allx" : "it named before")}");
            place[v] = known.Rows + k;
            labels[v] = testLabels[k];
        }

        var split = new NodeSplit(
            [.. Enumerable.Range(0, trainLabels.Length)], [.. Enumerable.Range(trainLabels.Length, ValidationCount)], testRows);
        SplitSet splits = SplitSet.Choose(
            request, labels, () => SplitSet.Own([split]), (seed => RandomSplits.PerClass(labels, classes, seed), "20 training vertices a class, 500 and 1,000"));
        DataSetFile[] files = [.. request.Files.Select(request.Hash), .. splits.Files];
        int missing = place.Count(row => row < 0);
        return new NodeDataSet(
            info.Name, parts.Graph(lists, vertices), NodeFeatures.Of(Assemble(known, test, place)), labels, classes, splits.Splits, info.Metric, DataVariants.Of(files), files)
        {
            SplitKind = splits.Kind,
            Notes = [.. missing > 0 ? [Invariant($"{missing:N0} vertices that neither allx nor tx names have zero features and no label")] : Array.Empty<string>(), .. splits.Notes],
        };
    }

    /// <summary>The features [V, F], each vertex's row taken from its <paramref name="place"/>.</summary>
    private static SparseMatrix Assemble(SparseCsr known, SparseCsr test, int[] place)
    {
        float[] knownValues = known.Data.ToFloats(), testValues = test.Data.ToFloats();
        var offsets = new long[place.Length + 1];
        var indices = new int[known.Indices.Length + test.Indices.Length];
        var values = new float[indices.Length];
        long at = 0;
        for (int v = 0; v < place.Length; v++)
        {
            if (place[v] >= 0)
            {
                bool isKnown = place[v] < known.Rows;
                SparseCsr from = isKnown ? known : test;
                int row = isKnown ? place[v] : place[v] - known.Rows;
                long start = from.IndPtr[row], count = from.IndPtr[row + 1] - start;
                Array.Copy(from.Indices, start, indices, at, count);
                Array.Copy(isKnown ? knownValues : testValues, start, values, at, count);
                at += count;
            }

            offsets[v + 1] = at;
        }

        return new SparseMatrix(place.Length, known.Columns, offsets, indices, values);
    }
}
