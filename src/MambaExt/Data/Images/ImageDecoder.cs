using System.Runtime.InteropServices;
using MambaExt.Kernels;
using SkiaSharp;

namespace MambaExt.Data.Images;

/// <summary>
/// Decodes JPEG and PNG files. Colours are taken as they are stored: no colour profile, no rotation and no transparency is applied. One channel
/// is gray = 0.299 R + 0.587 G + 0.114 B.
/// </summary>
internal static unsafe class ImageDecoder
{
    /// <summary>Longest side that is decoded.</summary>
    public const int MostSide = 1 << 14;

    /// <summary>Most pixels that are decoded.</summary>
    public const int MostPixels = 1 << 25;

    /// <summary>Decodes a file.</summary>
    /// <param name="file">All of it.</param>
    /// <param name="name">For messages.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="scratch">Memory for the pixels; replaced where it is too small.</param>
    /// <exception cref="InvalidDataException">It is no image, is damaged, cut off or too large.</exception>
    public static ImageView Decode(ReadOnlySpan<byte> file, string name, int channels, ref byte[] scratch)
    {
        // Skia knows more formats, which nobody puts into a data set; fewer decoders are fewer faults.
        if (!file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) && !file.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]))
        {
            throw BadFile.At(name, 0, file.Length < 8 ? $"{file.Length} bytes" : $"bytes {Convert.ToHexString(file[..8])}", "a JPEG or PNG file", "convert it, or take it out of the data set");
        }

        fixed (byte* start = file)
        {
            using var data = SKData.Create((nint)start, file.Length);
            using SKCodec? codec = SKCodec.Create(data);
            if (codec is null)
            {
                throw BadFile.At(name, 0, "a damaged head", "a JPEG or PNG file", "restore the file, or take it out of the data set");
            }

            var size = new ImageSize(codec.Info.Height, codec.Info.Width);
            if (size.Height is < 1 or > MostSide || size.Width is < 1 or > MostSide || (long)size.Height * size.Width > MostPixels)
            {
                throw BadFile.At(name, 0, $"an image of {size} pixels", $"at most {MostSide} each way and {MostPixels} in all", "make it smaller, or take it out of the data set");
            }

            return Pixels(codec, size, name, channels, ref scratch);
        }
    }

    private static ImageView Pixels(SKCodec codec, ImageSize size, string name, int channels, ref byte[] scratch)
    {
        byte* colours = (byte*)NativeMemory.Alloc((nuint)size.Area, 4);
        try
        {
            SKCodecResult result = codec.GetPixels(new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul), (nint)colours);
            if (result != SKCodecResult.Success)
            {
                throw BadFile.At(name, 0, result == SKCodecResult.IncompleteInput ? "an image that is cut off" : $"an image that does not decode ({result})", "a whole JPEG or PNG file",
                    "restore the file, or take it out of the data set");
            }

            if (scratch.Length < channels * size.Area)
            {
                scratch = new byte[channels * size.Area];
            }

            Spread(new ReadOnlySpan<byte>(colours, 4 * size.Area), scratch.AsSpan(0, channels * size.Area), channels);
            return new ImageView(scratch.AsMemory(0, channels * size.Area), channels, size);
        }
        finally
        {
            NativeMemory.Free(colours);
        }
    }

    private static void Spread(ReadOnlySpan<byte> colours, Span<byte> pixels, int channels)
    {
        int area = colours.Length / 4;
        if (channels == 1)
        {
            for (int p = 0; p < area; p++)
            {
                // Sixteen binary places, as image libraries round it.
                pixels[p] = (byte)(((colours[4 * p] * 19595) + (colours[(4 * p) + 1] * 38470) + (colours[(4 * p) + 2] * 7471) + 32768) >> 16);
            }

            return;
        }

        Span<byte> red = pixels[..area], green = pixels.Slice(area, area), blue = pixels.Slice(2 * area, area);
        for (int p = 0; p < area; p++)
        {
            (red[p], green[p], blue[p]) = (colours[4 * p], colours[(4 * p) + 1], colours[(4 * p) + 2]);
        }
    }
}
