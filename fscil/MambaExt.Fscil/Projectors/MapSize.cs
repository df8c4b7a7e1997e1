namespace MambaExt.Fscil.Projectors;

/// <summary>Size of the maps of a backbone.</summary>
/// <param name="Height">h</param>
/// <param name="Width">w</param>
/// <param name="Channels">C</param>
public readonly record struct MapSize(int Height, int Width, int Channels)
{
    /// <summary>[h, w, C], as maps are kept.</summary>
    public long[] Shape => [Height, Width, Channels];
}
