using static TorchSharp.torch;

namespace MambaExt.Distill.Losses;

/// <summary>What losses of features share.</summary>
internal static class FeatureLosses
{
    /// <summary>The features that were tapped for a loss.</summary>
    /// <exception cref="InvalidOperationException">Nothing was.</exception>
    public static FeaturePair Pair(LossInputs inputs, string name) => inputs.Features.TryGetValue(name, out FeaturePair pair)
        ? pair
        : throw new InvalidOperationException($"The loss {name} compares features and none were tapped for it; name a module of the student and one of the teacher.");

    /// <summary>[B, C, H, W] as [B, H, W, C]; everything else is channels last already.</summary>
    public static Tensor ChannelsLast(Tensor feature) => feature.dim() == 4 ? feature.permute(0, 2, 3, 1) : feature;

    /// <summary>Refuses features of different shapes.</summary>
    /// <exception cref="ArgumentException">They differ.</exception>
    public static void RequireSame(string name, Tensor student, Tensor teacher)
    {
        if (!student.shape.SequenceEqual(teacher.shape))
        {
            throw new ArgumentException($"The loss {name} compares [{string.Join(", ", student.shape)}] of the student with [{string.Join(", ", teacher.shape)}] of the teacher; tap features of the same size, or add an adapter for the width.");
        }
    }
}
