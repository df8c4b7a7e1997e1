namespace MambaExt.Kernels;

/// <summary>Sizes of a <see cref="MambaStack"/>.</summary>
/// <param name="Tokens">L, tokens of a sample.</param>
/// <param name="Values">P, values of a token before it is embedded.</param>
/// <param name="Width">D, of a token.</param>
/// <param name="Inner">E, channels of the scans.</param>
/// <param name="States">N.</param>
/// <param name="Rank">R, of delta.</param>
/// <param name="Taps">W, of the convolutions, 2 to 4.</param>
/// <param name="Layers">Layers, 1 or more.</param>
/// <param name="Directions">1: forward; 2: a second Mamba block a layer, reversed, added to the first.</param>
/// <param name="Classes">K.</param>
/// <param name="Extra">Values that the head reads beside the pooled feature.</param>
/// <param name="Eps">Of the norms.</param>
public readonly record struct MambaStackShape(
    int Tokens, int Values, int Width, int Inner, int States, int Rank, int Taps, int Layers, int Directions, int Classes, int Extra, float Eps)
{
    /// <summary>Throws a sentence for the first size that is out of range.</summary>
    public void Validate()
    {
        if (Tokens < 1 || Values < 1 || Width < 1 || Inner < 1 || Rank < 1 || Layers < 1 || Classes < 1 || Extra < 0)
        {
            throw new ArgumentException($"A stack was given {this}; every size must be 1 or more and Extra 0 or more.");
        }

        if (States is < 1 or > SelectiveScanShape.MaxStates || Taps is < 2 or > 4 || Directions is < 1 or > 2)
        {
            throw new ArgumentException($"A stack was given {States} states, {Taps} taps and {Directions} directions; allowed are 1 to {SelectiveScanShape.MaxStates} states, 2 to 4 taps and 1 or 2 directions.");
        }
    }
}
