namespace MambaExt.Fscil.Experiments;

/// <summary>Images and protocol of each seed, made once: what is measured on them is kept with them.</summary>
/// <param name="load">Makes those of a seed</param>
internal sealed class SeedData(Func<int, FscilData> load)
{
    private readonly Dictionary<(int Seed, bool HeldBack), FscilData> _known = [];

    /// <summary>Those of a seed.</summary>
    /// <param name="seed">Of the run</param>
    /// <param name="heldBack">With base classes held back as if they were novel</param>
    public FscilData Of(int seed, bool heldBack = false)
    {
        if (!_known.TryGetValue((seed, heldBack), out FscilData? known))
        {
            _known[(seed, heldBack)] = known = heldBack ? Of(seed).Pseudo(seed) : load(seed);
        }

        return known;
    }
}
