using MambaExt.Graph.DataSets;
using MambaExt.Training;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>The vertices of one part of a split with their labels: loss, score and predicted classes of logits [V, K], or [V, 1] where two
/// classes are judged by ROC AUC.</summary>
internal sealed class NodePart
{
    private readonly int[] _labels;
    private readonly bool _binary;
    private readonly int _classes;
    private readonly Tensor _vertices;
    private readonly Tensor _targets;
    private readonly Tensor? _weights;

    /// <summary>Its tensors belong to the dispose scope of the caller.</summary>
    /// <param name="data">Labels and metric</param>
    /// <param name="vertices">The part</param>
    /// <param name="classWeights">What a vertex of each class counts in the loss, [K]; null for 1</param>
    /// <param name="device">Where the logits lie; the CPU unless given</param>
    public NodePart(NodeDataSet data, int[] vertices, double[]? classWeights = null, Device? device = null)
    {
        _binary = data.Metric == NodeMetric.RocAuc;
        _classes = data.ClassCount;
        _labels = [.. vertices.Select(v => data.Labels[v])];
        _vertices = tensor([.. vertices.Select(v => (long)v)], device: device);
        _targets = _binary ? tensor([.. _labels.Select(l => (float)l)], device: device) : tensor([.. _labels.Select(l => (long)l)], device: device);
        _weights = classWeights is null ? null : tensor([.. _labels.Select(l => (float)classWeights[l])], device: device);
    }

    /// <summary>n / (K n_k) for a class with n_k of the n vertices, so that a mean over them weighs all classes alike; K counts those that occur.</summary>
    public static double[] Balanced(NodeDataSet data, int[] vertices)
    {
        var counts = new int[data.ClassCount];
        foreach (int v in vertices)
        {
            counts[data.Labels[v]]++;
        }

        double classes = counts.Count(c => c > 0);
        return [.. counts.Select(c => c == 0 ? 0 : vertices.Length / (classes * c))];
    }

    /// <summary>Vertices.</summary>
    public int Count => _labels.Length;

    /// <summary>Mean cross-entropy, each vertex with its class's weight, a scalar.</summary>
    public Tensor Loss(Tensor logits)
    {
        Tensor own = logits.index_select(0, _vertices);
        if (_weights is not null)
        {
            Tensor each = _binary
                ? nn.functional.binary_cross_entropy_with_logits(own.squeeze(1), _targets, reduction: nn.Reduction.None)
                : nn.functional.cross_entropy(own, _targets, reduction: nn.Reduction.None);
            return (each * _weights).mean();
        }

        return _binary ? nn.functional.binary_cross_entropy_with_logits(own.squeeze(1), _targets) : nn.functional.cross_entropy(own, _targets);
    }

    /// <summary>Accuracy or ROC AUC, a fraction, and the loss.</summary>
    public Validation Score(Tensor logits)
    {
        double loss = Loss(logits).item<float>();
        double score = _binary
            ? Metrics.RocAuc(logits.index_select(0, _vertices).squeeze(1).cpu().contiguous().data<float>().ToArray(), _labels)
            : Metrics.Accuracy(Predicted(logits), _labels);
        return new Validation(score, loss);
    }

    /// <summary>Vertices by true class (rows) and predicted class (columns).</summary>
    public int[][] Confusion(Tensor logits)
    {
        int[][] counts = [.. Enumerable.Range(0, _classes).Select(_ => new int[_classes])];
        foreach (var (truth, predicted) in _labels.Zip(Predicted(logits)))
        {
            counts[truth][predicted]++;
        }

        return counts;
    }

    private int[] Predicted(Tensor logits)
    {
        Tensor own = logits.index_select(0, _vertices);
        return [.. (_binary ? (own.squeeze(1) > 0).to(ScalarType.Int64) : own.argmax(1)).cpu().data<long>().Select(k => (int)k)];
    }
}
