using MambaExt.Data.Images;

namespace MambaExt.Vision.Transforms;

/// <summary>The image that transforms work on, one after the other: [C, H, W], values of 0 to 1, row by row. Each thread has its own.</summary>
public sealed class ImageCanvas
{
    private static readonly float[] ToUnit = [.. Enumerable.Range(0, 256).Select(v => v / 255f)];

    [ThreadStatic]
    private static ImageCanvas? _own;

    private float[] _pixels = [], _target = [];
    private ImageSize _targetSize;

    /// <summary>The canvas of the running thread.</summary>
    internal static ImageCanvas Own => _own ??= new ImageCanvas();

    /// <summary>C.</summary>
    public int Channels { get; private set; }

    /// <summary>H and W.</summary>
    public ImageSize Size { get; private set; }

    /// <summary>All values, [C, H, W].</summary>
    public Span<float> Pixels => _pixels.AsSpan(0, Channels * Size.Area);

    /// <summary>The values of a channel, [H, W].</summary>
    public Span<float> Plane(int channel) => _pixels.AsSpan(channel * Size.Area, Size.Area);

    /// <summary>Memory, with anything in it, for the same channels at <paramref name="size"/>; <see cref="Commit"/> makes it the image.</summary>
    public Span<float> Target(ImageSize size)
    {
        _targetSize = size;
        if (_target.Length < Channels * size.Area)
        {
            _target = new float[Channels * size.Area];
        }

        return _target.AsSpan(0, Channels * size.Area);
    }

    /// <summary>Makes what was written to <see cref="Target"/> the image.</summary>
    public void Commit() => (_pixels, _target, Size) = (_target, _pixels, _targetSize);

    /// <summary>Another image instead.</summary>
    public void Load(ImageView image)
    {
        Channels = image.Channels;
        Span<float> pixels = Target(image.Size);
        PixelTable.Apply(ToUnit, image.Pixels.Span, pixels);
        Commit();
    }
}
