using MambaExt.Graph.Graphs;
using MambaExt.Kernels;

namespace MambaExt.Graph.Tokens;

/// <summary>
/// Neighbourhood tokens of GMN (arXiv 2402.08678, algorithm 1): for every vertex v, walk length 1 ... m and repeat 1 ... s, the
/// vertices that M uniform random walks of that length from v visit, and last {v} itself. Tokens run from the longest walks to v,
/// so L = s m + 1 a vertex. A walk at a vertex without neighbours stays there.
/// </summary>
public sealed class WalkTokens
{
    private readonly long[] _offsets;
    private readonly int[] _vertices;

    internal WalkTokens(int vertexCount, WalkTokenOptions options, long[] offsets, int[] vertices)
    {
        VertexCount = vertexCount;
        Options = options;
        _offsets = offsets;
        _vertices = vertices;
    }

    /// <summary>How the tokens were drawn.</summary>
    public WalkTokenOptions Options { get; }

    /// <summary>Vertices of the graph, V.</summary>
    public int VertexCount { get; }

    /// <summary>Tokens per vertex, L = s m + 1.</summary>
    public int TokensPerVertex => (int)Options.TokensPerVertex;

    /// <summary>Where each token starts, [V L + 1]; token p of vertex v is entry v L + p.</summary>
    public ReadOnlySpan<long> Offsets => _offsets;

    /// <summary>Vertices of all tokens, ascending within a token.</summary>
    public ReadOnlySpan<int> Vertices => _vertices;

    /// <summary>
    /// Draws the tokens of every vertex of <paramref name="graph"/>. The result is the same bits at any number of threads. A choice
    /// depends on the seed, the key of the vertex where the walk began, walk length, repeat, walk, step, and the order of the
    /// neighbours' keys, and on nothing else.
    /// </summary>
    /// <param name="graph">V vertices.</param>
    /// <param name="options">M, m, s and the seed.</param>
    /// <param name="keys">A different int for each vertex, [V], or nothing for the vertex numbers. Relabelling vertices together
    /// with their keys relabels the tokens and changes nothing else.</param>
    /// <param name="threads">Threads that may work at once; 0 stands for all.</param>
    /// <param name="token">Stops the work.</param>
    public static WalkTokens Sample(
        CsrGraph graph, WalkTokenOptions options, ReadOnlySpan<int> keys = default, int threads = 0, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(options);
        if (threads < 0)
        {
            throw new ArgumentException($"Threads is {threads}; give 1 or more, or 0 for all.");
        }

        options.Validate(graph.VertexCount);
        int[] checkedKeys = VertexKeys.OrDefault(keys, graph.VertexCount);
        int[] targets = keys.IsEmpty ? graph.TargetArray : WalkSampler.NeighboursByKey(graph, checkedKeys);
        var sampler = new WalkSampler(graph.OffsetArray, targets, checkedKeys, options);
        return sampler.Run(threads == 0 ? KernelOptions.Default.Threads : threads, token);
    }

    /// <summary>The vertices of token <paramref name="position"/> (0 the farthest, L - 1 the vertex) of <paramref name="vertex"/>, ascending.</summary>
    public ReadOnlySpan<int> Token(int vertex, int position)
    {
        if ((uint)vertex >= (uint)VertexCount || (uint)position >= (uint)TokensPerVertex)
        {
            throw new ArgumentException($"There is no token {position} of vertex {vertex}; vertices are 0 to {VertexCount - 1} and tokens 0 to {TokensPerVertex - 1}.");
        }

        long row = (long)vertex * TokensPerVertex + position;
        return _vertices.AsSpan((int)_offsets[row], (int)(_offsets[row + 1] - _offsets[row]));
    }

    /// <summary>Steps of the walks behind token <paramref name="position"/>: m first, 0 last.</summary>
    public int WalkLength(int position) => (TokensPerVertex - 1 - position + Options.Repeats - 1) / Options.Repeats;

    /// <summary>The matrix [V L, V] whose product with vertex features [V, F] is the mean feature of every token: 1 / |T| for each
    /// vertex of T. Shares this object's arrays.</summary>
    public SparseMatrix MeanWeights()
    {
        var values = new float[_vertices.Length];
        for (long row = 0; row < _offsets.Length - 1; row++)
        {
            int start = (int)_offsets[row], count = (int)(_offsets[row + 1] - _offsets[row]);
            values.AsSpan(start, count).Fill(1f / count);
        }

        return SparseMatrix.Trusted(_offsets.Length - 1, VertexCount, _offsets, _vertices, values);
    }
}
