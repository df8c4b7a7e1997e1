using MambaExt.Graph.DataSets;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Orders;
using MambaExt.Graph.Tokens;
using MambaExt.Sparse;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Models;

/// <summary>
/// One or several graphs as a model sees them: features, neighbourhood matrices, tokens and scan order, all constant while it trains.
/// Several graphs lie end to end; no token, message or scan leaves its graph.
/// </summary>
public sealed class GraphInputs : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    /// <summary>Prepares a graph.</summary>
    /// <param name="graph">V vertices</param>
    /// <param name="features">[V, F]</param>
    /// <param name="options">What the model will want</param>
    /// <param name="seed">Of walks and of the order of equals; weights have their own</param>
    /// <param name="keys">Vertex keys that random choices are tied to, [V]; default the vertex numbers</param>
    /// <param name="graphOf">Which graph each vertex belongs to, ascending, [V]; default one graph</param>
    /// <param name="device">Where the model lies; the CPU unless given. Sparse matrices follow what they are multiplied with</param>
    public GraphInputs(
        CsrGraph graph, NodeFeatures features, GraphMambaOptions options, ulong seed, ReadOnlySpan<int> keys = default, ReadOnlySpan<int> graphOf = default, Device? device = null)
    {
        options.Validate();
        VertexCount = graph.VertexCount;
        FeatureCount = features.Columns;
        if (features.Rows != VertexCount)
        {
            throw new ArgumentException($"There are {features.Rows} feature rows for {VertexCount} vertices; give one a vertex.");
        }

        if (features.Sparse is { } sparse)
        {
            SparseFeatures = Own(new CsrMatrix(sparse.Columns, sparse.Offsets, sparse.Indices));
            Values = Own(tensor(sparse.Values, device: device).DetachFromDisposeScope());
        }
        else
        {
            Values = Own(tensor(features.Dense!, [VertexCount, FeatureCount], device: device).DetachFromDisposeScope());
        }

        if (options.mpnn is MessagePassing.Gcn or MessagePassing.Appnp)
        {
            Neighbours = Own(Matrix(NeighbourWeights.Gcn(graph)));
        }
        else if (options.mpnn == MessagePassing.Sage)
        {
            Neighbours = Own(Matrix(NeighbourWeights.Mean(graph)));
        }

        if (!options.scan)
        {
            return;
        }

        WalkTokens tokens = WalkTokens.Sample(graph, new WalkTokenOptions(options.M, options.m, options.s, seed), keys, Compute.Threads);
        TokensPerVertex = tokens.TokensPerVertex;
        if (TokensPerVertex > 1)
        {
            Tokens = Own(Matrix(tokens.MeanWeights()));
        }

        if (options.node_layers > 0)
        {
            IVertexOrder rule = options.order == "random" ? new RandomOrder() : new DegreeOrder();
            long[] order = [.. rule.Order(graph, seed, keys).Permutation];
            if (!graphOf.IsEmpty)
            {
                int[] graphs = graphOf.ToArray();

                // A stable sort keeps the rule's order within each graph.
                order = [.. order.OrderBy(v => graphs[v])];
                SequenceIndex = Own(tensor([.. order.Select(v => graphs[v])], [1, VertexCount], ScalarType.Int32, device).DetachFromDisposeScope());
            }

            Order = Own(new CsrMatrix(VertexCount, [.. Enumerable.Range(0, VertexCount + 1).Select(i => (long)i)], [.. order.Select(v => (int)v)]));
            var inverse = new int[VertexCount];
            for (int i = 0; i < VertexCount; i++)
            {
                inverse[order[i]] = i;
            }

            Unorder = Own(new CsrMatrix(VertexCount, [.. Enumerable.Range(0, VertexCount + 1).Select(i => (long)i)], inverse));
        }
    }

    /// <summary>V.</summary>
    public int VertexCount { get; }

    /// <summary>F.</summary>
    public int FeatureCount { get; }

    /// <summary>L, tokens a vertex; 0 where the model has no scan branch.</summary>
    public int TokensPerVertex { get; }

    /// <summary>Where the features that are not zero lie, [V, F], or null where they are dense.</summary>
    internal CsrMatrix? SparseFeatures { get; }

    /// <summary>Dense features [V, F], or the values of sparse ones [E].</summary>
    internal Tensor Values { get; }

    /// <summary>Weights of the neighbourhood sum, [V, V].</summary>
    internal CsrMatrix? Neighbours { get; }

    /// <summary>Means over the tokens, [V L, V].</summary>
    internal CsrMatrix? Tokens { get; }

    /// <summary>Sorts vertices into scan order, [V, V].</summary>
    internal CsrMatrix? Order { get; }

    /// <summary>Puts them back.</summary>
    internal CsrMatrix? Unorder { get; }

    /// <summary>Graph of each position in scan order, int32 [1, V]; null for one graph.</summary>
    internal Tensor? SequenceIndex { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _owned.ForEach(o => o.Dispose());
        _owned.Clear();
    }

    private static CsrMatrix Matrix(SparseMatrix m) => new(m.Columns, m.Offsets, m.Indices, m.Values);

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }
}
