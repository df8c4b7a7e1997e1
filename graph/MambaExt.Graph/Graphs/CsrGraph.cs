namespace MambaExt.Graph.Graphs;

/// <summary>
/// An undirected graph without self-loops or repeated edges, as compressed sparse rows: the neighbours of vertex v are
/// <c>Targets[Offsets[v] .. Offsets[v + 1]]</c>, ascending. Every edge is two arcs. Immutable.
/// </summary>
public sealed class CsrGraph
{
    private readonly long[] _offsets;
    private readonly int[] _targets;

    internal CsrGraph(long[] offsets, int[] targets, GraphSummary summary)
    {
        _offsets = offsets;
        _targets = targets;
        Summary = summary;
    }

    /// <summary>Vertices, V; they are numbered 0 ... V - 1.</summary>
    public int VertexCount => _offsets.Length - 1;

    /// <summary>Entries of <see cref="Targets"/>: twice <see cref="EdgeCount"/>.</summary>
    public long ArcCount => _targets.Length;

    /// <summary>Unique undirected edges without self-loops, E.</summary>
    public long EdgeCount => _targets.Length / 2;

    /// <summary>Where the neighbours of each vertex start, [V + 1].</summary>
    public ReadOnlySpan<long> Offsets => _offsets;

    /// <summary>Neighbours of all vertices, [2E].</summary>
    public ReadOnlySpan<int> Targets => _targets;

    internal long[] OffsetArray => _offsets;

    internal int[] TargetArray => _targets;

    /// <summary>What the graph was built from and what was dropped on the way.</summary>
    public GraphSummary Summary { get; }

    /// <summary>
    /// Builds the graph that joins <c>sources[i]</c> and <c>targets[i]</c> for every i, in either direction. Self-loops and
    /// repeats are dropped and counted in <see cref="Summary"/>. Linear in V + arcs.
    /// </summary>
    /// <param name="vertexCount">V, 0 or more.</param>
    /// <param name="sources">Vertex numbers, [arcs].</param>
    /// <param name="targets">Vertex numbers, [arcs].</param>
    public static CsrGraph FromArcs(int vertexCount, ReadOnlySpan<int> sources, ReadOnlySpan<int> targets) =>
        CsrGraphBuilder.Build(vertexCount, sources, targets);

    /// <summary>Neighbours of <paramref name="vertex"/>.</summary>
    public int Degree(int vertex) => (int)(_offsets[vertex + 1] - _offsets[vertex]);

    /// <summary>The neighbours of <paramref name="vertex"/>, ascending.</summary>
    public ReadOnlySpan<int> Neighbours(int vertex) => _targets.AsSpan((int)_offsets[vertex], Degree(vertex));

    /// <summary>True where an edge joins <paramref name="a"/> and <paramref name="b"/>.</summary>
    public bool HasEdge(int a, int b) => Neighbours(a).BinarySearch(b) >= 0;

    /// <inheritdoc/>
    public override string ToString() => Summary.ToString();
}
