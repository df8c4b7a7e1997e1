using System.IO.Compression;

namespace MambaExt.Data.Images;

/// <summary>
/// The digits that the library carries with it: 1,797 images of 8 x 8 pixels, the test part of "Optical Recognition of Handwritten Digits" by
/// E. Alpaydin and C. Kaynak (UCI Machine Learning Repository, 1998, CC BY 4.0). In the order of the file, which goes by writers, the first
/// 1,347 are to train on and the last 450 to test on. Values of 0 ... 16 become 0 ... 255.
/// </summary>
internal static class DigitsImages
{
    /// <summary>All images of the file.</summary>
    public const int Count = 1797;

    /// <summary>The first ones, three quarters, are to train on.</summary>
    public const int TrainCount = 1347;

    private const int Side = 8, Values = Side * Side;

    public static (MemoryImages Train, MemoryImages Test) Load()
    {
        byte[] pixels = new byte[Count * Values];
        var labels = new int[Count];
        using Stream resource = typeof(DigitsImages).Assembly.GetManifestResourceStream("digits.csv.gz")!;
        using var reader = new StreamReader(new GZipStream(resource, CompressionMode.Decompress));
        for (int i = 0; i < Count; i++)
        {
            string[] fields = reader.ReadLine()!.Split(',');
            for (int p = 0; p < Values; p++)
            {
                pixels[(i * Values) + p] = (byte)Math.Round(int.Parse(fields[p], System.Globalization.CultureInfo.InvariantCulture) * 255 / 16.0);
            }

            labels[i] = fields[Values][0] - '0';
        }

        var size = new ImageSize(Side, Side);
        return (new MemoryImages(pixels[..(TrainCount * Values)], 1, size, labels[..TrainCount]), new MemoryImages(pixels[(TrainCount * Values)..], 1, size, labels[TrainCount..]));
    }
}
