using MambaExt.Data.Images;
using MambaExt.Vision.Transforms;

namespace MambaExt.Tests.Vision.Transforms;

/// <summary>Images as double-precision functions of channel, row and column: transforms written down as their definitions say.</summary>
internal sealed class NaiveImage(int channels, int height, int width, Func<int, int, int, double> at)
{
    public int Channels => channels;

    public int Height => height;

    public int Width => width;

    /// <summary>A value; 0 beyond the border.</summary>
    public double this[int c, int y, int x] => y >= 0 && y < height && x >= 0 && x < width ? at(c, y, x) : 0;

    public static byte[] RandomPixels(int channels, int height, int width, int seed)
    {
        byte[] pixels = new byte[channels * height * width];
        new Random(seed).NextBytes(pixels);
        return pixels;
    }

    public static NaiveImage Of(byte[] pixels, int channels, int height, int width) =>
        new(channels, height, width, (c, y, x) => pixels[(((c * height) + y) * width) + x] / 255.0);

    /// <summary>The same transform of the library.</summary>
    public static ImageCanvas Real(byte[] pixels, int channels, int height, int width, ImageTransform transform, TransformRandom random)
    {
        var canvas = new ImageCanvas();
        canvas.Load(new ImageView(pixels, channels, new ImageSize(height, width)));
        transform.Apply(canvas, ref random);
        return canvas;
    }

    public NaiveImage Map(int newHeight, int newWidth, Func<int, int, int, double> value)
    {
        // Computed once, so that a chain of them stays cheap.
        double[] values = [.. from c in Enumerable.Range(0, channels) from y in Enumerable.Range(0, newHeight) from x in Enumerable.Range(0, newWidth) select value(c, y, x)];
        return new NaiveImage(channels, newHeight, newWidth, (c, y, x) => values[(((c * newHeight) + y) * newWidth) + x]);
    }

    public double Gray(int y, int x) => channels == 1 ? this[0, y, x] : (0.2989 * this[0, y, x]) + (0.587 * this[1, y, x]) + (0.114 * this[2, y, x]);

    public void AssertIs(ImageCanvas canvas, double tolerance = 2e-6)
    {
        Assert.Equal((channels, new ImageSize(height, width)), (canvas.Channels, canvas.Size));
        double worst = 0;
        for (int c = 0; c < channels; c++)
        {
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    worst = Math.Max(worst, Math.Abs(this[c, y, x] - canvas.Plane(c)[(y * width) + x]));
                }
            }
        }

        Assert.True(worst <= tolerance, $"the largest difference is {worst:g3}");
    }
}
