using MambaExt.Distill.Students;

namespace MambaExt.Distill.Inference;

/// <summary>What the model folder of a group says of it beside its parameters.</summary>
/// <param name="kind">Always <see cref="Kind"/></param>
/// <param name="dataset">What it was trained on</param>
/// <param name="variant">Official files or others</param>
/// <param name="mode">How the students were trained</param>
/// <param name="students">Sizes of each</param>
/// <param name="weights">Row t - 1: the t weights of prefix t</param>
/// <param name="mean">Of each channel, of pixels divided by 255; subtracted</param>
/// <param name="deviation">Of each channel; divided by</param>
/// <param name="thresholds">Confidence at which a prefix's answer is final, for early exit; null where none was calibrated</param>
/// <param name="teacher_flops">Operations an image of the teacher; null where nobody counted them</param>
public sealed record GroupDescription(
    string kind, string dataset, string variant, string mode, IReadOnlyList<PatchMambaOptions> students, IReadOnlyList<IReadOnlyList<double>> weights,
    IReadOnlyList<float> mean, IReadOnlyList<float> deviation, IReadOnlyList<double>? thresholds = null, long? teacher_flops = null)
{
    /// <summary>Of a group's model folder.</summary>
    public const string Kind = "mamba-student-group";

    /// <summary>Throws a sentence where the parts do not fit one another.</summary>
    /// <exception cref="ArgumentException">They do not.</exception>
    public void Validate()
    {
        if (students is not { Count: > 0 } || weights is null || weights.Count != students.Count || weights.Where((row, t) => row is null || row.Count != t + 1 || !row.All(double.IsFinite)).Any())
        {
            throw new ArgumentException($"A group of {students?.Count ?? 0} students has {weights?.Count ?? 0} rows of weights; give one or more students and t finite weights for prefix t.");
        }

        foreach (PatchMambaOptions student in students)
        {
            student.Validate();
        }

        PatchMambaOptions first = students[0];
        if (students.Any(s => (s.channels, s.height, s.width, s.classes) != (first.channels, first.height, first.width, first.classes)) || first.reuse != 0
            || students.Zip(students.Skip(1)).Any(pair => pair.Second.reuse != 0 && pair.Second.reuse != pair.First.d_model))
        {
            throw new ArgumentException("The students of a group differ in image size, channels or classes, or read a feature that the student before them has not; make all for the same images, each with reuse 0 or the d_model of the one before.");
        }

        if (mean is null || deviation is null || mean.Count != first.channels || deviation.Count != first.channels || deviation.Any(d => !(d > 0)))
        {
            throw new ArgumentException($"The normalization has {mean?.Count ?? 0} means and {deviation?.Count ?? 0} deviations for {first.channels} channels; give one of each a channel, deviations above 0.");
        }

        if (thresholds is not null && (thresholds.Count != students.Count || !thresholds.All(double.IsFinite)))
        {
            throw new ArgumentException($"There are {thresholds.Count} thresholds for {students.Count} students; give a finite one for each.");
        }
    }
}
