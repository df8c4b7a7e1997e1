namespace MambaExt.Data.Images;

/// <summary>What each of the 256 values of a pixel becomes: cheaper than arithmetic, and the same bits everywhere.</summary>
internal static class PixelTable
{
    public static void Apply(float[] table, ReadOnlySpan<byte> pixels, Span<float> values)
    {
        // Of 256 entries a byte is always one, so no access is checked.
        ReadOnlySpan<float> entries = table.AsSpan(0, 256);
        for (int i = 0; i < pixels.Length && i < values.Length; i++)
        {
            values[i] = entries[pixels[i]];
        }
    }
}
