using MambaExt.Graph.Models;
using MambaExt.Training;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>A part of a graph with its training vertices.</summary>
internal sealed record TrainedPart(GraphInputs Inputs, LabelledPart Labels, int Number);

/// <summary>The parts of a graph that have training vertices, each a batch.</summary>
internal sealed class TrainedParts : IDisposable
{
    private readonly TrainedPart[] _parts;
    private readonly bool _whole;

    public TrainedParts(GraphParts graph, Labelling labels, int[] train, double[]? classWeights, Device? device)
    {
        _whole = graph.Inputs.Count == 1;
        var wanted = train.ToHashSet();
        _parts = _whole ? [new TrainedPart(graph.Inputs[0], new LabelledPart(labels, train, classWeights: classWeights, device: device), 0)]
            : [.. graph.Vertices.Select((own, p) => (Rows: Enumerable.Range(0, own.Length).Where(i => wanted.Contains(own[i])).ToArray(), Own: own, Number: p))
                .Where(part => part.Rows.Length > 0)
                .Select(part => new TrainedPart(
                    graph.Inputs[part.Number], new LabelledPart(labels, [.. part.Rows.Select(i => part.Own[i])], part.Rows, classWeights, device), part.Number))];
    }

    /// <summary>The whole graph, or a part a step in an order drawn anew each epoch.</summary>
    /// <param name="seed">Of the order</param>
    public IBatches<TrainedPart> Batches(ulong seed) => _whole
        ? new WholeBatch<TrainedPart>(_parts[0])
        : new ShuffledBatches<TrainedPart>(_parts.Length, 1, seed, (_, which) => _parts[which.Span[0]]);

    public void Dispose()
    {
        foreach (TrainedPart part in _parts)
        {
            part.Labels.Dispose();
        }
    }
}
