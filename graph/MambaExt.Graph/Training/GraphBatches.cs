using MambaExt.Graph.DataSets;
using MambaExt.Graph.Encodings;
using MambaExt.Graph.Models;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>Graphs that are scored together, in batches that are made once.</summary>
internal sealed class GraphBatches : IDisposable
{
    private readonly GraphBatch[] _batches;

    public GraphBatches(GraphDataSet data, int[] graphs, int batchSize, ulong seed, Device? device, VertexEncodings encodings)
    {
        _batches = [.. graphs.Chunk(batchSize).Select(some => new GraphBatch(data, some, seed, device: device, encodings: encodings))];
        Part = new LabelledPart(Labelling.Of(data), graphs, [.. Enumerable.Range(0, graphs.Length)], device: device);
    }

    /// <summary>All of them.</summary>
    public LabelledPart Part { get; }

    /// <summary>[graphs, K].</summary>
    public Tensor Logits(GraphModel network) => cat([.. _batches.Select(batch => network.forward(batch.Inputs))]);

    public void Dispose()
    {
        foreach (GraphBatch batch in _batches)
        {
            batch.Dispose();
        }

        Part.Dispose();
    }
}
