using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>What the students so far say together, kept for each numbered draw and brought up to date when a stage asks for the next prefix.</summary>
internal sealed class PrefixLogits : IDisposable
{
    private readonly DrawnImages _images;
    private readonly StageMode _mode;
    private readonly (int Students, Tensor Logits)?[] _draws;
    private readonly List<TrainedStudent> _students = [];

    public PrefixLogits(DrawnImages images, StageMode mode) => (_images, _mode, _draws) = (images, mode, new (int, Tensor)?[images.Draws]);

    /// <summary>Those that answer together.</summary>
    public IReadOnlyList<TrainedStudent> Students => _students;

    public void Add(TrainedStudent student) => _students.Add(student);

    /// <summary>Logits of some samples, [B, K]; null while there is no student.</summary>
    public Tensor? Rows(StageBatch batch)
    {
        if (_students.Count == 0)
        {
            return null;
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        Tensor rows = _images.Draws == 0
            ? Together(batch.Images)
            : Whole(batch.Draw)!.index_select(0, tensor(Array.ConvertAll(batch.Samples, i => (long)i)));
        return rows.MoveToOuterDisposeScope();
    }

    /// <summary>Logits of all samples of a draw, [N, K], kept here; null while there is no student.</summary>
    public Tensor? Whole(int draw)
    {
        while ((_draws[draw]?.Students ?? 0) < _students.Count)
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable _ = no_grad();
            int t = (_draws[draw]?.Students ?? 0) + 1;
            TrainedStudent student = _students[t - 1], before = _students[Math.Max(0, t - 2)];
            using Tensor own = LogitCache.Fill(_images, draw, (images, _) => student.Logits(images, before));
            Tensor next = _mode.Combine(_draws[draw]?.Logits, own, t, student.Scales()).DetachFromDisposeScope();
            _draws[draw]?.Logits.Dispose();
            _draws[draw] = (t, ReferenceEquals(next, own) ? next.clone().DetachFromDisposeScope() : next);
        }

        return _draws[draw]?.Logits;
    }

    /// <summary>Computed anew, for draws without numbers.</summary>
    private Tensor Together(Tensor images)
    {
        Tensor? prefix = null;
        for (int t = 1; t <= _students.Count; t++)
        {
            prefix = _mode.Combine(prefix, _students[t - 1].Logits(images, t > 1 ? _students[t - 2] : null), t, _students[t - 1].Scales());
        }

        return prefix!;
    }

    public void Dispose()
    {
        foreach (var draw in _draws)
        {
            draw?.Logits.Dispose();
        }
    }
}
