using MambaExt.Fscil.Projectors;

namespace MambaExt.Fscil.Features;

/// <summary>What a backbone gives of an image: its last map, and numbers of several levels.</summary>
/// <param name="Map">Size of the last map</param>
/// <param name="Levels">Numbers of each level, e_1, e_2, ...</param>
public sealed record FeatureSize(MapSize Map, IReadOnlyList<int> Levels)
{
    /// <summary>A map alone, whose mean over positions is the one level.</summary>
    public FeatureSize(MapSize map)
        : this(map, [map.Channels])
    {
    }

    /// <summary>E, numbers of all levels.</summary>
    public int Total => Levels.Sum();
}
