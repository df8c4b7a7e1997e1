using MambaExt.Distill.Accounting;
using MambaExt.Vision;

namespace MambaExt.Distill.Students;

/// <summary>Finds the residual network of a number of operations.</summary>
public static class ResNetSize
{
    private const int Widest = 1024;

    /// <summary>Three stages of one basic block whose widths are 1 : 2 : 4, as wide as fits, the last stage then widened by what is left: at most
    /// <paramref name="flops"/>, or the narrowest network where that costs more.</summary>
    /// <param name="flops">Most operations an image, by <see cref="ResNetCost"/></param>
    /// <param name="channels">C</param>
    /// <param name="height">H</param>
    /// <param name="width">W</param>
    /// <param name="classes">K</param>
    public static ResNetOptions ForTarget(long flops, int channels, int height, int width, int classes)
    {
        int first = 1;
        while (first < Widest && Fits(first + 1, 4 * (first + 1)))
        {
            first++;
        }

        int last = 4 * first;
        while (last < 8 * first && Fits(first, last + 1))
        {
            last++;
        }

        return Of(first, last);

        bool Fits(int stem, int end) => ResNetCost.Total(Of(stem, end), height, width, classes).flops <= flops;

        ResNetOptions Of(int stem, int end) => new() { input_channels = channels, stem = "cifar", stem_width = stem, blocks = [1, 1, 1], widths = [stem, 2 * stem, end], strides = [1, 2, 2] };
    }
}
