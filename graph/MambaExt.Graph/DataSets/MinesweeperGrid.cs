using MambaExt.Data;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tokens;

namespace MambaExt.Graph.DataSets;

/// <summary>
/// <c>minesweeper-grid</c>: the construction of the Minesweeper data set of Platonov et al. 2023 (arXiv 2302.11640), drawn anew,
/// so that a first run needs no files. A grid with king's-move neighbours, a fifth of the vertices mines. Feature 0 says that a
/// vertex is unknown, which half of them are; features 1 to 6 of the others are the one-hot number of neighbouring mines 0 to 5,
/// more counting as 5. Label 1 is a mine.
/// </summary>
public static class MinesweeperGrid
{
    /// <summary>Name in the registry.</summary>
    public const string Name = "minesweeper-grid";

    private const int FeatureCount = 7, SplitCount = 10;

    /// <summary>Draws the data set; the same seed gives the same data on every machine.</summary>
    /// <param name="seed">Seed of the mines, the unknown vertices and the ten 50 / 25 / 25 splits.</param>
    /// <param name="rows">Rows of the grid, 3 or more; the published one has 100.</param>
    /// <param name="columns">Columns of the grid, 3 or more; the published one has 100.</param>
    public static NodeDataSet Draw(ulong seed = 0, int rows = 100, int columns = 100)
    {
        if (rows < 3 || columns < 3 || (long)rows * columns > 10_000_000)
        {
            throw new ArgumentException($"A mine field of {rows} x {columns} was asked for; give 3 or more rows and columns and at most 10,000,000 vertices.");
        }

        int vertices = rows * columns;
        CsrGraph graph = KingsGraph(rows, columns);
        var labels = new int[vertices];
        foreach (int mine in RandomPermutation.Of(vertices, seed, RandomStream.Mines).AsSpan(0, vertices / 5))
        {
            labels[mine] = 1;
        }

        var unknown = new bool[vertices];
        foreach (int v in RandomPermutation.Of(vertices, seed, RandomStream.Unknown).AsSpan(0, vertices / 2))
        {
            unknown[v] = true;
        }

        NodeFeatures features = NodeFeatures.Of(Features(graph, labels, unknown), vertices, FeatureCount);
        var splits = new NodeSplit[SplitCount];
        for (int i = 0; i < SplitCount; i++)
        {
            int[] order = RandomPermutation.Of(vertices, seed, RandomStream.Splits, i);
            int half = vertices / 2, quarter = vertices / 4;
            splits[i] = new NodeSplit(order[..half], order[half..(half + quarter)], order[(half + quarter)..]);
        }

        return new NodeDataSet(Name, graph, features, labels, 2, splits, NodeMetric.RocAuc, DataVariant.Drawn, []);
    }

    private static CsrGraph KingsGraph(int rows, int columns)
    {
        var sources = new List<int>(4 * rows * columns);
        var targets = new List<int>(4 * rows * columns);
        ReadOnlySpan<(int Down, int Right)> moves = [(0, 1), (1, -1), (1, 0), (1, 1)];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                foreach ((int down, int right) in moves)
                {
                    if (row + down < rows && (uint)(column + right) < (uint)columns)
                    {
                        sources.Add(row * columns + column);
                        targets.Add((row + down) * columns + column + right);
                    }
                }
            }
        }

        return CsrGraph.FromArcs(rows * columns, [.. sources], [.. targets]);
    }

    private static float[] Features(CsrGraph graph, int[] labels, bool[] unknown)
    {
        var features = new float[graph.VertexCount * FeatureCount];
        for (int v = 0; v < graph.VertexCount; v++)
        {
            int mines = 0;
            foreach (int neighbour in graph.Neighbours(v))
            {
                mines += labels[neighbour];
            }

            features[v * FeatureCount + (unknown[v] ? 0 : 1 + Math.Min(mines, 5))] = 1;
        }

        return features;
    }
}
