using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.DataSets;

/// <summary>Graphs end to end, without padding: what a model reads as one graph, and where each of them begins.</summary>
public sealed class PackedGraphs
{
    /// <summary>Checks and wraps.</summary>
    /// <param name="graph">V vertices of all graphs.</param>
    /// <param name="offsets">Where the vertices of each graph start, [G + 1], rising from 0 to V.</param>
    /// <param name="features">[V, F].</param>
    /// <exception cref="InvalidDataException">The parts do not agree, or an edge joins two graphs.</exception>
    public PackedGraphs(CsrGraph graph, int[] offsets, NodeFeatures features)
        : this(graph, offsets, features, trusted: false)
    {
    }

    private PackedGraphs(CsrGraph graph, int[] offsets, NodeFeatures features, bool trusted)
    {
        (Graph, Offsets, Features) = (graph, offsets, features);
        if (!trusted)
        {
            Validate();
        }
    }

    /// <summary>All vertices; no edge joins two graphs.</summary>
    public CsrGraph Graph { get; }

    /// <summary>Where the vertices of each graph start, [G + 1].</summary>
    public int[] Offsets { get; }

    /// <summary>Features of the vertices, [V, F].</summary>
    public NodeFeatures Features { get; }

    /// <summary>Graphs, G.</summary>
    public int Count => Offsets.Length - 1;

    /// <summary>Graphs of a user's own, end to end.</summary>
    /// <param name="graphs">One or more, each with its features [V, F]; all F the same.</param>
    public static PackedGraphs Of(params IReadOnlyList<(CsrGraph Graph, NodeFeatures Features)> graphs)
    {
        ArgumentNullException.ThrowIfNull(graphs);
        int columns = graphs.Count == 0 ? 0 : graphs[0].Features.Columns;
        var offsets = new int[graphs.Count + 1];
        for (int g = 0; g < graphs.Count; g++)
        {
            (CsrGraph graph, NodeFeatures features) = graphs[g];
            if (graph.VertexCount == 0 || features.Rows != graph.VertexCount || features.Columns != columns)
            {
                throw new InvalidDataException($"Graph {g} has {graph.VertexCount} vertices and features of {features.Rows} x {features.Columns}; give a vertex or more, and {columns} features for each.");
            }

            offsets[g + 1] = checked(offsets[g] + graph.VertexCount);
        }

        CsrGraph packed = Join([.. graphs.Select(g => (g.Graph, 0, g.Graph.VertexCount))]);
        var rows = new float[(long)offsets[^1] * columns];
        for (int g = 0; g < graphs.Count; g++)
        {
            graphs[g].Features.ToDense().CopyTo(rows, (long)offsets[g] * columns);
        }

        return new PackedGraphs(packed, offsets, NodeFeatures.Of(rows, offsets[^1], columns), trusted: true);
    }

    /// <summary>The same graphs with other features of as many vertices.</summary>
    internal PackedGraphs WithFeatures(NodeFeatures features) => new(Graph, Offsets, features, trusted: true);

    /// <summary>Some of the graphs, end to end, in the order given. Linear in their size.</summary>
    /// <param name="graphs">Graph numbers; one may come twice.</param>
    public PackedGraphs Select(ReadOnlySpan<int> graphs)
    {
        var offsets = new int[graphs.Length + 1];
        var parts = new (CsrGraph, int, int)[graphs.Length];
        for (int i = 0; i < graphs.Length; i++)
        {
            int g = graphs[i];
            if ((uint)g >= (uint)Count)
            {
                throw new ArgumentOutOfRangeException(nameof(graphs), $"Graph {g} was asked for; graphs are 0 to {Count - 1}.");
            }

            parts[i] = (Graph, Offsets[g], Offsets[g + 1]);
            offsets[i + 1] = checked(offsets[i] + Offsets[g + 1] - Offsets[g]);
        }

        var vertices = new int[offsets[^1]];
        for (int i = 0; i < graphs.Length; i++)
        {
            for (int at = offsets[i]; at < offsets[i + 1]; at++)
            {
                vertices[at] = at - offsets[i] + Offsets[graphs[i]];
            }
        }

        return new PackedGraphs(Join(parts), offsets, Features.Select(vertices), trusted: true);
    }

    /// <summary>The graph of each vertex, [V]: the <c>seq_idx</c> of a packed scan.</summary>
    public int[] GraphOfVertex()
    {
        var graphOf = new int[Graph.VertexCount];
        for (int g = 0; g < Count; g++)
        {
            graphOf.AsSpan(Offsets[g], Offsets[g + 1] - Offsets[g]).Fill(g);
        }

        return graphOf;
    }

    /// <summary>Ranges of vertices that no edge leaves, end to end.</summary>
    private static CsrGraph Join((CsrGraph Graph, int From, int To)[] parts)
    {
        int vertices = 0;
        long arcs = 0;
        foreach ((CsrGraph graph, int from, int to) in parts)
        {
            vertices = checked(vertices + to - from);
            arcs += graph.Offsets[to] - graph.Offsets[from];
        }

        var offsets = new long[vertices + 1];
        var targets = new int[arcs];
        int at = 0, isolated = 0, largest = 0;
        foreach ((CsrGraph graph, int from, int to) in parts)
        {
            int shift = at - from;
            for (int v = from; v < to; v++, at++)
            {
                ReadOnlySpan<int> neighbours = graph.Neighbours(v);
                Span<int> row = targets.AsSpan((int)offsets[at], neighbours.Length);
                for (int i = 0; i < row.Length; i++)
                {
                    row[i] = neighbours[i] + shift;
                }

                offsets[at + 1] = offsets[at] + row.Length;
                isolated += row.Length == 0 ? 1 : 0;
                largest = Math.Max(largest, row.Length);
            }
        }

        return new CsrGraph(offsets, targets, new GraphSummary(vertices, arcs / 2, arcs, 0, 0, 0, isolated, largest));
    }

    private void Validate()
    {
        bool rising = Offsets.Length >= 1 && Offsets[0] == 0 && Offsets[^1] == Graph.VertexCount;
        for (int g = 0; rising && g < Count; g++)
        {
            rising = Offsets[g] < Offsets[g + 1];
        }

        if (!rising || Features.Rows != Graph.VertexCount)
        {
            throw new InvalidDataException(
                $"{Math.Max(Count, 0)} graphs are packed over {Graph.VertexCount} vertices with {Features.Rows} rows of features; offsets must rise from 0 to the vertices, which have a row each.");
        }

        int[] graphOf = GraphOfVertex();
        for (int v = 0; v < graphOf.Length; v++)
        {
            ReadOnlySpan<int> neighbours = Graph.Neighbours(v);

            // Neighbours ascend, so the ends tell of all.
            if (neighbours.Length > 0 && (graphOf[neighbours[0]] != graphOf[v] || graphOf[neighbours[^1]] != graphOf[v]))
            {
                throw new InvalidDataException($"An edge joins vertex {v} of graph {graphOf[v]} to another graph; edges stay inside of a graph.");
            }
        }
    }
}
