using MambaExt.Graph.DataSets;
using MambaExt.Graph.Encodings;
using MambaExt.Graph.Graphs;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Models;

/// <summary>
/// A graph as models see it in parts, one at a time: what a model keeps for the backward pass is that of a part. Edges between parts are left out, and no
/// token, message, attention or scan leaves its part. Encodings are those of the whole graph, and random choices are tied to the vertices of the
/// whole graph. One part is the graph itself.
/// </summary>
internal sealed class GraphParts : IDisposable
{
    private readonly GraphInputs[] _inputs;
    private readonly Tensor? _rows;

    /// <summary>Cuts.</summary>
    /// <param name="graph">V vertices</param>
    /// <param name="features">[V, F]</param>
    /// <param name="parts">1 to V</param>
    /// <param name="seed">Of walks and of the order of equals</param>
    /// <param name="device">Where the model lies; the CPU unless given</param>
    public GraphParts(CsrGraph graph, NodeFeatures features, int parts, ulong seed, Device? device = null)
    {
        if (parts == 1)
        {
            Vertices = [[.. Enumerable.Range(0, graph.VertexCount)]];
            _inputs = [new GraphInputs(graph, features, seed, device: device)];
            return;
        }

        Vertices = GraphPartition.Of(graph, parts);
        var encodings = new VertexEncodings(graph, seed, [], [0, graph.VertexCount]);
        var place = new int[graph.VertexCount];
        Array.Fill(place, -1);
        _inputs = [.. Vertices.Select(own =>
        {
            var inputs = new GraphInputs(InducedSubgraph.Of(graph, own, place), features.Select(own), seed, own, device: device);
            inputs.ReadEncodings(encodings, own);
            return inputs;
        })];
        long at = 0;
        var rows = new long[graph.VertexCount];
        foreach (int v in Vertices.SelectMany(own => own))
        {
            rows[v] = at++;
        }

        _rows = tensor(rows, device: device).DetachFromDisposeScope();
    }

    /// <summary>Vertices of each part, ascending.</summary>
    public IReadOnlyList<int[]> Vertices { get; }

    /// <summary>Each part; a vertex is the row of its place among the part's vertices.</summary>
    public IReadOnlyList<GraphInputs> Inputs => _inputs;

    /// <summary>Logits of all vertices in their order, [V, K].</summary>
    public Tensor Logits(GraphModel network)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] each = [.. _inputs.Select(network.forward)];
        return (_rows is null ? each[0] : cat(each).index_select(0, _rows)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (GraphInputs inputs in _inputs)
        {
            inputs.Dispose();
        }

        _rows?.Dispose();
    }
}
