using MambaExt.Training;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>Vertices or graphs of one part of a split, or of a batch, with their labels: loss, score and predicted classes of logits [n, K], or [n, 1]
/// where two classes are judged by ROC AUC.</summary>
internal sealed class LabelledPart : IDisposable
{
    private readonly int[] _labels;
    private readonly Labelling _all;
    private readonly Tensor _rows;
    private readonly Tensor _targets;
    private readonly Tensor? _weights;

    /// <summary>Takes the labels of some.</summary>
    /// <param name="all">Labels and metric</param>
    /// <param name="members">Which of them belong to the part</param>
    /// <param name="rows">The row of the logits that each member has; null where the logits have a row for everything in <paramref name="all"/></param>
    /// <param name="classWeights">What a member of each class counts in the loss, [K]; null for 1</param>
    /// <param name="device">Where the logits lie; the CPU unless given</param>
    public LabelledPart(Labelling all, int[] members, int[]? rows = null, double[]? classWeights = null, Device? device = null)
    {
        _all = all;
        _labels = [.. members.Select(v => all.Labels[v])];
        _rows = tensor([.. (rows ?? members).Select(r => (long)r)], device: device).DetachFromDisposeScope();
        _targets = (all.Binary ? tensor([.. _labels.Select(l => (float)l)], device: device) : tensor([.. _labels.Select(l => (long)l)], device: device)).DetachFromDisposeScope();
        _weights = classWeights is null ? null : tensor([.. _labels.Select(l => (float)classWeights[l])], device: device).DetachFromDisposeScope();
    }

    /// <summary>Members.</summary>
    public int Count => _labels.Length;

    /// <summary>Mean cross-entropy, each member with its class's weight, a scalar.</summary>
    /// <param name="logits">[n, K] or [n, 1]</param>
    /// <param name="counted">1 for members that count and 0 for the others, [Count]; null where all do</param>
    public Tensor Loss(Tensor logits, Tensor? counted = null)
    {
        Tensor own = logits.index_select(0, _rows);
        if (_weights is not null || counted is not null)
        {
            Tensor each = _all.Binary
                ? nn.functional.binary_cross_entropy_with_logits(own.squeeze(1), _targets, reduction: nn.Reduction.None)
                : nn.functional.cross_entropy(own, _targets, reduction: nn.Reduction.None);
            each = _weights is null ? each : each * _weights;
            return counted is null ? each.mean() : (each * counted).sum() / counted.sum().clamp_min(1);
        }

        return _all.Binary ? nn.functional.binary_cross_entropy_with_logits(own.squeeze(1), _targets) : nn.functional.cross_entropy(own, _targets);
    }

    /// <summary>Accuracy or ROC AUC, a fraction, and the loss.</summary>
    public Validation Score(Tensor logits)
    {
        double loss = Loss(logits).item<float>();
        double score = _all.Binary
            ? Metrics.RocAuc(logits.index_select(0, _rows).squeeze(1).cpu().contiguous().data<float>().ToArray(), _labels)
            : Metrics.Accuracy(Predicted(logits), _labels);
        return new Validation(score, loss);
    }

    /// <summary>Members by true class (rows) and predicted class (columns).</summary>
    public int[][] Confusion(Tensor logits)
    {
        int[][] counts = [.. Enumerable.Range(0, _all.Classes).Select(_ => new int[_all.Classes])];
        foreach (var (truth, predicted) in _labels.Zip(Predicted(logits)))
        {
            counts[truth][predicted]++;
        }

        return counts;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rows.Dispose();
        _targets.Dispose();
        _weights?.Dispose();
    }

    private int[] Predicted(Tensor logits)
    {
        Tensor own = logits.index_select(0, _rows);
        return [.. (_all.Binary ? (own.squeeze(1) > 0).to(ScalarType.Int64) : own.argmax(1)).cpu().data<long>().Select(k => (int)k)];
    }
}
