using MambaExt.Vision.Transforms;

namespace MambaExt.Distill.Training;

/// <summary>What training images go through, by name.</summary>
public static class Augmentation
{
    private static readonly Dictionary<string, ImageTransform[]> Known = new()
    {
        ["none"] = [],
        ["shift"] = [new RandomShift(2)],
        ["affine"] = [new RandomAffine(Degrees: 6, Scale: 0.06, Shear: 0.06, Shift: 0.04)],
        ["flip-shift-2"] = [new HorizontalFlip(), new RandomShift(2)],
        ["flip-shift"] = [new HorizontalFlip(), new RandomShift(4)],
        ["small-shift"] = [new RandomShift(1)],
    };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Known.Keys];

    /// <summary>The steps of that name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static IReadOnlyList<ImageTransform> Steps(string name) => Known.TryGetValue(name, out ImageTransform[]? steps)
        ? steps
        : throw new ArgumentException($"There is no augmentation '{name}'; allowed are {string.Join(", ", Names)}{(NameSuggestion.Nearest(name, Names) is { } near ? $" (did you mean {near}?)" : "")}.");
}
