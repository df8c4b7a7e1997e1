using SkiaSharp;

namespace MambaExt.Tests.Data.Images;

/// <summary>Encoded pictures of known pixels.</summary>
internal static class Pictures
{
    /// <summary>A smooth picture: red grows to the right, green downwards, blue is <paramref name="blue"/>.</summary>
    public static byte[] Encode(int height, int width, SKEncodedImageFormat format = SKEncodedImageFormat.Png, byte blue = 40, byte alpha = 255)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                bitmap.SetPixel(x, y, new SKColor(Red(x, width), Green(y, height), blue, alpha));
            }
        }

        using SKData data = bitmap.Encode(format, 95);
        return data.ToArray();
    }

    public static byte Red(int x, int width) => (byte)(255 * x / width);

    public static byte Green(int y, int height) => (byte)(200 * y / height);
}
