using MambaExt.Graph.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>The labels of training vertices as an input of a model: all of them, or those that a step has not hidden (masked label prediction, Shi et
/// al., arXiv 2009.03509). What it gives to <see cref="GraphInputs.KnownLabels"/> is its own.</summary>
internal sealed class LabelInputs : IDisposable
{
    private readonly Tensor _known;
    private readonly Tensor _vertices;
    private Tensor? _shown;

    /// <summary>Takes the labels of some vertices.</summary>
    /// <param name="labels">Of all vertices</param>
    /// <param name="vertices">Those whose labels may be read, in the order of the loss</param>
    /// <param name="device">Where the model lies; the CPU unless given</param>
    public LabelInputs(Labelling labels, int[] vertices, Device? device = null)
    {
        _known = OneHot(Known(labels.Labels, vertices), labels.Classes, device);
        _vertices = tensor([.. vertices.Select(v => (long)v)], device: device).DetachFromDisposeScope();
    }

    /// <summary>The labels of some vertices, -1 for the others, [V].</summary>
    public static int[] Known(int[] labels, int[] vertices)
    {
        int[] known = new int[labels.Length];
        Array.Fill(known, -1);
        foreach (int v in vertices)
        {
            known[v] = labels[v];
        }

        return known;
    }

    /// <summary>A 1 at the class of each vertex, a row of zeros for a class of -1. [V, K], in no dispose scope.</summary>
    public static Tensor OneHot(int[] known, int classes, Device? device)
    {
        var rows = new float[(long)known.Length * classes];
        for (int v = 0; v < known.Length; v++)
        {
            if (known[v] >= 0)
            {
                rows[((long)v * classes) + known[v]] = 1;
            }
        }

        return tensor(rows, [known.Length, classes], device: device).DetachFromDisposeScope();
    }

    /// <summary>Shows all labels.</summary>
    public void Show(GraphInputs graph)
    {
        graph.KnownLabels = _known;
        _shown?.Dispose();
        _shown = null;
    }

    /// <summary>Hides a share of the labels, drawn from torch's generator, and shows the others.</summary>
    /// <returns>1 for each vertex whose label is hidden and 0 for the others, [n].</returns>
    public Tensor Hide(GraphInputs graph, double share)
    {
        _shown?.Dispose();
        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = (rand(_vertices.shape[0]) < share).to(ScalarType.Float32).to(_known.device);
        Tensor keep = ones(_known.shape[0], 1, device: _known.device).index_put_(1 - hidden.unsqueeze(1), _vertices);
        _shown = (_known * keep).DetachFromDisposeScope();
        graph.KnownLabels = _shown;
        return hidden.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _known.Dispose();
        _vertices.Dispose();
        _shown?.Dispose();
    }
}
