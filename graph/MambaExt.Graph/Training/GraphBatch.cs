using MambaExt.Graph.DataSets;
using MambaExt.Graph.Encodings;
using MambaExt.Graph.Models;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>Graphs of a data set end to end, as a model sees them, with their labels.</summary>
internal sealed class GraphBatch : IDisposable
{
    /// <summary>Takes some graphs of a data set.</summary>
    /// <param name="data">Graphs and labels</param>
    /// <param name="graphs">Graph numbers</param>
    /// <param name="seed">Of walks and of the order of equals</param>
    /// <param name="classWeights">What a graph of each class counts in the loss, [K]; null for 1</param>
    /// <param name="device">Where the model lies; the CPU unless given</param>
    /// <param name="encodings">Of all graphs of the data set, with that seed; null: the batch computes its own</param>
    public GraphBatch(GraphDataSet data, int[] graphs, ulong seed, double[]? classWeights = null, Device? device = null, VertexEncodings? encodings = null)
    {
        PackedGraphs packed = data.Pack(graphs);

        // Random choices are tied to a vertex of the data set, so that they do not depend on what else is in the batch.
        int[] keys = [.. graphs.SelectMany(g => Enumerable.Range(data.Packed.Offsets[g], data.Packed.Offsets[g + 1] - data.Packed.Offsets[g]))];
        Inputs = new GraphInputs(packed.Graph, packed.Features, seed, keys, packed.GraphOfVertex(), device: device);
        if (encodings is not null)
        {
            Inputs.ReadEncodings(encodings, keys);
        }

        Part = new LabelledPart(Labelling.Of(data), graphs, [.. Enumerable.Range(0, graphs.Length)], classWeights, device);
    }

    public GraphInputs Inputs { get; }

    public LabelledPart Part { get; }

    /// <summary>Encodings of all graphs of a data set, for its batches.</summary>
    public static VertexEncodings Encodings(GraphDataSet data, ulong seed) => new(data.Packed.Graph, seed, [], data.Packed.Offsets);

    public void Dispose()
    {
        Inputs.Dispose();
        Part.Dispose();
    }
}
