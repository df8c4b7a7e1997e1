using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Losses;

/// <summary>
/// Attention transfer (Zagoruyko and Komodakis, arXiv 1612.03928, equation 2, in the form of its code): the attention map of a feature is the mean over
/// channels of its squares, brought to length 1 over the places; the loss is the mean of <c>(a_student - a_teacher)^2</c>. Widths may differ, places
/// may not: tokens [B, L, D] or pictures [B, C, H, W], the larger of two pictures being pooled to the size of the smaller.
/// </summary>
/// <param name="name">Which tapped features</param>
public sealed class AttentionTransfer(string name) : DistillationLoss(name)
{
    // Beside a map of nothing but zeros.
    private const double Eps = 1e-12;

    /// <inheritdoc/>
    public override Tensor Of(LossInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        var (student, teacher) = FeatureLosses.Pair(inputs, Name);
        if (student.dim() == 4 && teacher.dim() == 4)
        {
            long height = Math.Min(student.shape[2], teacher.shape[2]), width = Math.Min(student.shape[3], teacher.shape[3]);
            student = Pooled(student, height, width);
            teacher = Pooled(teacher, height, width);
        }

        Tensor own = Map(student), given = Map(teacher);
        FeatureLosses.RequireSame(Name, own, given);
        return (own - given).square().mean().MoveToOuterDisposeScope();
    }

    private static Tensor Pooled(Tensor feature, long height, long width) =>
        feature.shape[2] == height && feature.shape[3] == width ? feature : nn.functional.adaptive_avg_pool2d(feature, [height, width]);

    /// <summary>[B, places]</summary>
    private static Tensor Map(Tensor feature)
    {
        Tensor map = FeatureLosses.ChannelsLast(feature).square().mean([-1L]).flatten(1);
        return map / map.norm(1, keepdim: true, p: 2f).clamp_min(Eps);
    }
}
