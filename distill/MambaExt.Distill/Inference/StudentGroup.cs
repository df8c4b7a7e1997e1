using System.Diagnostics;
using MambaExt.Distill.Accounting;
using MambaExt.Distill.Students;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Distill.Inference;

/// <summary>
/// Students that answer together, one after the other: after each there is an answer, <c>F_t = sum_u w_tu s_u</c>, and evaluation can stop
/// there for any reason. Needs no training code; <see cref="GroupFolder"/> keeps it. On the CPU and in evaluation mode it answers from copies of the
/// weights (<see cref="FusedStudent"/>), which are taken anew by <c>eval</c>, <c>train</c> and <c>load</c>: whoever changes parameters in place in evaluation mode
/// calls <c>eval</c> behind it.
/// </summary>
public sealed class StudentGroup : nn.Module<Tensor, Tensor>
{
    private readonly ModuleList<PatchMamba> students;
    private readonly FusedStudent?[] _fused;

    /// <summary>Students with weights from torch's generator, to be filled.</summary>
    /// <exception cref="ArgumentException">The description does not fit together.</exception>
    public StudentGroup(GroupDescription about)
        : base(nameof(StudentGroup))
    {
        about.Validate();
        About = about;
        students = new ModuleList<PatchMamba>([.. about.students.Select(o => new PatchMamba(o))]);
        long sum = 0;
        Flops = [.. about.students.Select(s => sum += FlopCount.Total(s).flops)];
        _fused = new FusedStudent?[about.students.Count];
        RegisterComponents();
        eval();
    }

    /// <summary>What it is.</summary>
    public GroupDescription About { get; }

    /// <summary>Students, T.</summary>
    public int Count => students.Count;

    /// <summary>K.</summary>
    public int Classes => About.students[0].classes;

    /// <summary>Operations an image of each prefix: entry t - 1 is the sum over the first t students.</summary>
    public IReadOnlyList<long> Flops { get; }

    /// <summary>Trainable numbers of the first t students.</summary>
    public long ParametersOf(int t) => students.Take(t).Sum(s => s.ParameterCount);

    /// <summary>Takes the weights of trained students.</summary>
    /// <exception cref="ArgumentException">They are others than the description says.</exception>
    public void CopyFrom(IReadOnlyList<PatchMamba> trained)
    {
        if (!trained.Select(s => s.Options).SequenceEqual(About.students))
        {
            throw new ArgumentException("The students are of other sizes than their description; describe them by their own options.");
        }

        using IDisposable _ = no_grad();
        foreach (var (own, given) in students.Zip(trained).SelectMany(pair => pair.First.parameters().Zip(pair.Second.parameters())))
        {
            own.copy_(given);
        }

        Fuse();
    }

    /// <inheritdoc/>
    public override void train(bool on = true)
    {
        base.train(on);
        Fuse();
    }

    /// <inheritdoc/>
    public override (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(Dictionary<string, Tensor> source, bool strict = true, IList<string>? skip = null)
    {
        var keys = base.load_state_dict(source, strict, skip);
        Fuse();
        return keys;
    }

    /// <inheritdoc/>
    public override nn.Module load(BinaryReader reader, bool strict = true, IList<string>? skip = null, Dictionary<string, bool>? loadedParameters = null)
    {
        base.load(reader, strict, skip, loadedParameters);
        Fuse();
        return this;
    }

    /// <summary>All students: [B, C, H, W] to logits [B, K].</summary>
    public override Tensor forward(Tensor images) => Predict(images, Count);

    /// <summary>The answers one after the other. Whoever stops to ask spends no more.</summary>
    /// <param name="images">Normalized, [B, C, H, W]</param>
    /// <param name="token">Asked before each student</param>
    public IEnumerable<PrefixAnswer> Evaluate(Tensor images, CancellationToken token = default)
    {
        var own = new List<Tensor>();
        Tensor? feature = null;
        try
        {
            for (int t = 1; t <= Count; t++)
            {
                token.ThrowIfCancellationRequested();
                (feature, Tensor logits) = Next(images, t, feature);
                own.Add(logits);
                yield return new PrefixAnswer(t, Weighted(own, t), Flops[t - 1]);
            }
        }
        finally
        {
            feature?.Dispose();
            own.ForEach(logits => logits.Dispose());
        }
    }

    /// <summary>Logits of a prefix, [B, K].</summary>
    /// <param name="images">Normalized, [B, C, H, W]</param>
    /// <param name="count">Students, 1 to <see cref="Count"/></param>
    public Tensor Predict(Tensor images, int count)
    {
        if (count < 1 || count > Count)
        {
            throw new ArgumentOutOfRangeException(nameof(count), $"{count} students were asked for and the group has {Count}; give 1 to {Count}.");
        }

        // Only the prefix that is asked for is summed.
        var own = new List<Tensor>();
        Tensor? feature = null;
        try
        {
            for (int t = 1; t <= count; t++)
            {
                (feature, Tensor logits) = Next(images, t, feature);
                own.Add(logits);
            }

            return Weighted(own, count);
        }
        finally
        {
            feature?.Dispose();
            own.ForEach(logits => logits.Dispose());
        }
    }

    /// <summary>The answer of the longest prefix of at most so many operations an image.</summary>
    /// <exception cref="ArgumentException">The first student costs more.</exception>
    public PrefixAnswer PredictWithin(Tensor images, long flops)
    {
        int count = Flops.Count(f => f <= flops);
        return count > 0
            ? new PrefixAnswer(count, Predict(images, count), Flops[count - 1])
            : throw new ArgumentException($"A budget of {flops:n0} FLOPs an image was given and the first student costs {Flops[0]:n0}; give at least that.");
    }

    /// <summary>The answer of the longest prefix that is ready in time, at least the first student's: a student is begun only if it would be done by the
    /// deadline at the pace of those before it.</summary>
    /// <param name="images">Normalized, [B, C, H, W]</param>
    /// <param name="time">From now</param>
    /// <param name="clock">Default the system's</param>
    public PrefixAnswer PredictBefore(Tensor images, TimeSpan time, TimeProvider? clock = null)
    {
        clock ??= TimeProvider.System;
        long start = clock.GetTimestamp();
        return Last(images, answer =>
        {
            if (answer.Students == Count)
            {
                return true;
            }

            TimeSpan spent = clock.GetElapsedTime(start);
            return spent * ((double)Flops[answer.Students] / answer.Flops) > time;
        });
    }

    /// <summary>Own logits of every student, [B, K] each.</summary>
    public IReadOnlyList<Tensor> Solo(Tensor images)
    {
        var all = new List<Tensor>();
        Tensor? feature = null;
        for (int t = 1; t <= Count; t++)
        {
            (feature, Tensor logits) = Next(images, t, feature);
            all.Add(logits);
        }

        feature?.Dispose();
        return all;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Where the constructor has thrown there is nothing yet.
        foreach (FusedStudent? fused in disposing && _fused is not null ? _fused : [])
        {
            fused?.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Students that answer from copies of their weights.</summary>
    internal int Ready => _fused.Count(fused => fused is not null);

    /// <summary>Feature and logits of student t; disposes the feature of the one before.</summary>
    internal (Tensor Feature, Tensor Logits) Next(Tensor images, int t, Tensor? before)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        PatchMamba student = students[t - 1];
        Tensor? read = student.Options.reuse > 0 ? before : null;
        (Tensor h, Tensor logits) = _fused[t - 1] is { } fused && FusedStudent.Takes(student.Options, images) ? fused.Run(images, read) : Composed(student, images, read);
        before?.Dispose();
        return (h.DetachFromDisposeScope(), logits.DetachFromDisposeScope());
    }

    /// <summary>F_t of the logits of the first t students, [B, K].</summary>
    internal Tensor Weighted(IReadOnlyList<Tensor> own, int t)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        return own.Take(t).Select((logits, u) => logits * About.weights[t - 1][u]).Aggregate((sum, next) => sum + next).DetachFromDisposeScope();
    }

    /// <summary>Takes the weights as they are now, in evaluation mode; in training mode the modules answer themselves. Done before the first answer is asked for, so
    /// that it does not pay for it.</summary>
    private void Fuse()
    {
        for (int t = 0; t < _fused.Length; t++)
        {
            _fused[t]?.Dispose();
            _fused[t] = !training && FusedStudent.Takes(About.students[t]) ? new FusedStudent(students[t]) : null;
        }
    }

    private static (Tensor, Tensor) Composed(PatchMamba student, Tensor images, Tensor? read)
    {
        Tensor h = student.Features(images);
        return (h, student.Logits(h, read));
    }

    private PrefixAnswer Last(Tensor images, Func<PrefixAnswer, bool> stop)
    {
        PrefixAnswer? last = null;
        foreach (PrefixAnswer answer in Evaluate(images))
        {
            last?.Dispose();
            last = answer;
            if (stop(answer))
            {
                break;
            }
        }

        return last ?? throw new UnreachableException();
    }
}
