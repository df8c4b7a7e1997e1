using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Tests.Support;

/// <summary>A graph under other labels, with the keys that go with the vertices.</summary>
internal sealed class Relabelling
{
    public Relabelling(CsrGraph graph, int seed)
    {
        int vertices = graph.VertexCount;
        Label = [.. Enumerable.Range(0, vertices)];
        new Random(seed).Shuffle(Label);
        Keys = [.. Enumerable.Range(0, vertices).Select(v => 5000 - (3 * v))];
        MovedKeys = new int[vertices];
        for (int v = 0; v < vertices; v++)
        {
            MovedKeys[Label[v]] = Keys[v];
        }

        Moved = TestGraphs.Relabel(graph, Label);
    }

    public int[] Label { get; }

    public int[] Keys { get; }

    public int[] MovedKeys { get; }

    public CsrGraph Moved { get; }

    /// <summary>Rows of the graph as those of the moved one.</summary>
    public T[] Move<T>(ReadOnlySpan<T> rows, int width)
    {
        var moved = new T[rows.Length];
        for (int v = 0; v < Label.Length; v++)
        {
            rows.Slice(v * width, width).CopyTo(moved.AsSpan(Label[v] * width));
        }

        return moved;
    }
}
