using static TorchSharp.torch;

namespace MambaExt.Distill.Losses;

/// <summary>What a loss may look at: one batch, the student's side with gradients and the teacher's without.</summary>
/// <param name="Logits">Of the student, or of a prefix of students, [B, K]</param>
public sealed record LossInputs(Tensor Logits)
{
    /// <summary>Logits of the teacher for the same images, in the same augmentation, [B, K].</summary>
    public Tensor? Teacher { get; init; }

    /// <summary>Classes, int64 [B], or their shares where images are mixed, [B, K].</summary>
    public Tensor? Labels { get; init; }

    /// <summary>Logits of the student's distillation head, [B, K].</summary>
    public Tensor? Distillation { get; init; }

    /// <summary>Features that were tapped, by the name of the loss that asked for them.</summary>
    public IReadOnlyDictionary<string, FeaturePair> Features { get; init; } = new Dictionary<string, FeaturePair>();

    /// <summary>Epoch under way, from 1.</summary>
    public int Epoch { get; init; } = 1;

    /// <summary>The teacher's logits.</summary>
    /// <exception cref="InvalidOperationException">There are none.</exception>
    internal Tensor RequireTeacher(string loss) => Teacher ?? throw new InvalidOperationException($"The loss {loss} compares with a teacher and was given no logits of one; give them, or use cross-entropy alone.");

    /// <summary>The labels.</summary>
    /// <exception cref="InvalidOperationException">There are none.</exception>
    internal Tensor RequireLabels(string loss) => Labels ?? throw new InvalidOperationException($"The loss {loss} compares with labels and was given none; give them, or use a loss of the teacher alone.");
}

/// <summary>The same place of student and teacher.</summary>
/// <param name="Student">[B, D], [B, L, D] or [B, C, H, W]</param>
/// <param name="Teacher">Of the same kind, without gradients</param>
public readonly record struct FeaturePair(Tensor Student, Tensor Teacher);
