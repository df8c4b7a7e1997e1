using static System.FormattableString;

namespace MambaExt.Data.Images;

/// <summary>Height and width in pixels.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
public readonly record struct ImageSize(int Height, int Width)
{
    /// <summary>Pixels of one channel.</summary>
    public int Area => Height * Width;

    /// <inheritdoc/>
    public override string ToString() => Invariant($"{Height}x{Width}");
}
