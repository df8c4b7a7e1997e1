using MambaExt.Graph.DataSets;
using MambaExt.Graph.Encodings;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Orders;
using MambaExt.Graph.Tokens;
using MambaExt.Sparse;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Models;

/// <summary>
/// One or several graphs as models see them, constant while they train. Layers ask for what they need (neighbourhood matrices, tokens, scan
/// orders); each is made when it is first asked for, and kept. Several graphs lie end to end; no token, message, attention or scan leaves
/// its graph. Not for use by several threads at once.
/// </summary>
public sealed class GraphInputs : IDisposable
{
    private readonly CsrGraph _graph;
    private readonly ulong _seed;
    private readonly int[] _keys;
    private readonly int[] _graphOf;
    private readonly int[] _orderKeys;
    private readonly Tensor? _packed;
    private readonly Dictionary<string, long[]> _scores = [];
    private readonly Dictionary<object, IDisposable> _made = [];
    private readonly List<IDisposable> _owned = [];
    private int[]? _encodedRows;
    private VertexEncodings? _encodings;

    /// <summary>Takes a graph, or several end to end.</summary>
    /// <param name="graph">V vertices</param>
    /// <param name="features">[V, F]</param>
    /// <param name="seed">Of walks and of the order of equals; weights have their own</param>
    /// <param name="keys">Vertex keys that random choices are tied to, [V]; default the vertex numbers</param>
    /// <param name="graphOf">Which graph each vertex belongs to, 0 and on, ascending, [V]; default one graph</param>
    /// <param name="arcFeatures">Features of the entries of <see cref="CsrGraph.Targets"/>, [2E, F_e], or none</param>
    /// <param name="device">Where the model lies; the CPU unless given. Sparse matrices follow what they are multiplied with</param>
    public GraphInputs(
        CsrGraph graph, NodeFeatures features, ulong seed, ReadOnlySpan<int> keys = default, ReadOnlySpan<int> graphOf = default,
        NodeFeatures? arcFeatures = null, Device? device = null)
    {
        (_graph, _seed, _keys, _graphOf) = (graph, seed, keys.ToArray(), graphOf.ToArray());
        VertexCount = graph.VertexCount;
        FeatureCount = features.Columns;
        if (features.Rows != VertexCount)
        {
            throw new ArgumentException($"There are {features.Rows} feature rows for {VertexCount} vertices; give one a vertex.");
        }

        if (arcFeatures is not null && (arcFeatures.Rows != graph.ArcCount || arcFeatures.Columns < 1))
        {
            throw new ArgumentException($"There are {arcFeatures.Rows} rows of {arcFeatures.Columns} edge features for {graph.ArcCount} arcs; give one of at least one feature an arc, in the order of the graph's targets.");
        }

        GraphStarts = Starts();
        _orderKeys = VertexKeys.OrDefault(keys, VertexCount);
        _packed = VertexSequence.Packed(_graphOf, device) is { } packed ? Own(packed) : null;
        if (features.Sparse is { } sparse)
        {
            SparseFeatures = Own(new CsrMatrix(sparse.Columns, sparse.Offsets, sparse.Indices));
            Values = Own(tensor(sparse.Values, device: device).DetachFromDisposeScope());
        }
        else
        {
            Values = Own(tensor(features.Dense!, [VertexCount, FeatureCount], device: device).DetachFromDisposeScope());
        }

        ArcFeatures = arcFeatures is null ? null : Own(tensor(arcFeatures.ToDense(), [arcFeatures.Rows, arcFeatures.Columns], device: device).DetachFromDisposeScope());
    }

    /// <summary>V.</summary>
    public int VertexCount { get; }

    /// <summary>F.</summary>
    public int FeatureCount { get; }

    /// <summary>Graphs that lie end to end.</summary>
    public int GraphCount => GraphStarts.Length - 1;

    /// <summary>Where the vertices of each graph start, [graphs + 1].</summary>
    public int[] GraphStarts { get; }

    /// <summary>Features of the arcs, [2E, F_e], or null.</summary>
    public Tensor? ArcFeatures { get; }

    /// <summary>Where the features that are not zero lie, [V, F], or null where they are dense.</summary>
    public CsrMatrix? SparseFeatures { get; }

    /// <summary>Dense features [V, F], or the values of sparse ones [E].</summary>
    public Tensor Values { get; }

    /// <summary>One-hot rows of the labels that a model may read, zero rows for vertices whose label it may not, [V, K]; for models with
    /// <see cref="GraphModelOptions.label_inputs"/>. Belongs to whoever sets it.</summary>
    public Tensor? KnownLabels { get; set; }

    /// <summary>D^-1/2 (A + I) D^-1/2, [V, V] (Kipf and Welling, arXiv 1609.02907).</summary>
    public CsrMatrix Normalized => Get("normalized", () => NeighbourWeights.Gcn(_graph).ToCsrMatrix());

    /// <summary>D^-1 A, means of the neighbours, [V, V].</summary>
    public CsrMatrix Mean => Get("mean", () => NeighbourWeights.Mean(_graph).ToCsrMatrix());

    /// <summary>A, [V, V], its entries in the order of <see cref="CsrGraph.Targets"/>.</summary>
    public CsrMatrix Adjacency => Get("adjacency", () => new CsrMatrix(VertexCount, _graph.Offsets, _graph.Targets));

    /// <summary>A + I, [V, V], entries ascending in each row.</summary>
    public CsrMatrix AdjacencyWithLoops => Get("adjacency with loops", () =>
    {
        SparseMatrix sum = NeighbourWeights.Sum(_graph, selfLoops: true);
        return new CsrMatrix(VertexCount, sum.Offsets, sum.Indices);
    });

    /// <summary>Sums of the rows of each graph, [graphs, V].</summary>
    public CsrMatrix GraphSums => Get("graph sums", () => new CsrMatrix(VertexCount, [.. GraphStarts.Select(s => (long)s)], [.. Enumerable.Range(0, VertexCount)]));

    /// <summary>Means of the rows of each graph, [graphs, V].</summary>
    public CsrMatrix GraphMeans => Get("graph means", () => new CsrMatrix(
        VertexCount, [.. GraphStarts.Select(s => (long)s)], [.. Enumerable.Range(0, VertexCount)],
        [.. Enumerable.Range(0, GraphCount).SelectMany(g => Enumerable.Repeat(1f / (GraphStarts[g + 1] - GraphStarts[g]), GraphStarts[g + 1] - GraphStarts[g]))]));

    /// <summary>Means over random-walk tokens, [V L, V], the rows of a vertex one after the other with the vertex itself last; null where that is
    /// all there is (m = 0).</summary>
    /// <param name="M">Walks a token</param>
    /// <param name="m">Steps of the longest walk</param>
    /// <param name="s">Tokens a walk length</param>
    public CsrMatrix? TokenMeans(int M, int m, int s) =>
        m == 0 ? null : Get((M, m, s), () => WalkTokens.Sample(_graph, new WalkTokenOptions(M, m, s, _seed), _keys, Compute.Threads).MeanWeights().ToCsrMatrix());

    /// <summary>What encoders of tokens draw theirs from.</summary>
    internal TokenSource TokenSource(int M, int m, int s) => new(_graph, new WalkTokenOptions(M, m, s, _seed), _keys);

    /// <summary>Eigenvectors of each graph's Laplacian with the smallest eigenvalues, each beside its eigenvalue, [V, k, 2], zero where a graph has fewer
    /// vertices; and [V, k, 1], 1 where there is an eigenvector and else 0.</summary>
    /// <param name="count">k</param>
    public (Tensor Pairs, Tensor There) LaplacianPairs(int count)
    {
        Tensor entries = Get(("laplacian", count), () => Encoded(rows => rows.Laplacian(count, _encodedRows), count, 3));
        return (entries.narrow(2, 0, 2), entries.narrow(2, 2, 1));
    }

    /// <summary>The probability that a random walk is back where it began after 1 ... K steps, [V, K].</summary>
    /// <param name="steps">K</param>
    public Tensor ReturnProbabilities(int steps) => Get(("returns", steps), () => Encoded(rows => rows.Returns(steps, _encodedRows), steps));

    /// <summary>The vertices in the order of a rule, graph by graph.</summary>
    /// <param name="rule">The rule</param>
    /// <param name="draw">Which draw of the noise that tells equals apart</param>
    public VertexSequence Sequence(IVertexOrder rule, int draw = 0) =>
        Get(("order", rule.Name, draw), () => Draw(rule, draw == 0 ? _seed : CounterRandom.ForKey(_seed, RandomStream.Orders, draw, draw: 1)));

    /// <summary>The vertices in the order of a rule with noise from torch's generator, graph by graph; the caller disposes it.</summary>
    public VertexSequence FreshSequence(IVertexOrder rule)
    {
        using DisposeScope scope = NewDisposeScope();
        return Draw(rule, (ulong)randint(0, long.MaxValue, [1L], ScalarType.Int64).item<long>());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable made in _made.Values.Concat(_owned))
        {
            made.Dispose();
        }

        _made.Clear();
        _owned.Clear();
    }

    /// <summary>Encodings are read from those of a whole data set instead of computed for these graphs.</summary>
    /// <param name="encodings">Of the data set, with the seed and the keys of these inputs</param>
    /// <param name="rows">Number of each of these vertices there, [V]</param>
    internal void ReadEncodings(VertexEncodings encodings, int[] rows) => (_encodings, _encodedRows) = (encodings, rows);

    /// <summary>What was made under <paramref name="key"/>, made now if it was not; it lives as long as these inputs.</summary>
    internal T Get<T>(object key, Func<T> make)
        where T : class, IDisposable
    {
        if (!_made.TryGetValue(key, out IDisposable? made))
        {
            _made[key] = made = make();
        }

        return (T)made;
    }

    private Tensor Encoded(Func<VertexEncodings, float[]> rows, params long[] shape)
    {
        _encodings ??= new VertexEncodings(_graph, _seed, _keys, GraphStarts);
        return tensor(rows(_encodings), [VertexCount, .. shape], device: Values.device).DetachFromDisposeScope();
    }

    private VertexSequence Draw(IVertexOrder rule, ulong noise)
    {
        if (!_scores.TryGetValue(rule.Name, out long[]? scores))
        {
            _scores[rule.Name] = scores = rule.Scores(_graph);
        }

        return new VertexSequence(NoisyOrder.Sort(scores, noise, _orderKeys), _graphOf, _packed, Values.device);
    }

    private int[] Starts()
    {
        if (_graphOf.Length == 0)
        {
            return [0, VertexCount];
        }

        if (_graphOf.Length != VertexCount)
        {
            throw new ArgumentException($"There are {_graphOf.Length} graph numbers for {VertexCount} vertices; give one a vertex, or none for one graph.");
        }

        var starts = new List<int> { 0 };
        for (int v = 0; v < VertexCount; v++)
        {
            int graph = starts.Count - 1;
            if (_graphOf[v] == graph + 1 && v > 0)
            {
                starts.Add(v);
            }
            else if (_graphOf[v] != graph)
            {
                throw new ArgumentException($"Vertex {v} is of graph {_graphOf[v]} behind one of graph {(v == 0 ? 0 : _graphOf[v - 1])}; number the graphs 0 and on, each with its vertices together.");
            }
        }

        return [.. starts, VertexCount];
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }
}
