using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Features;

/// <summary>What a backbone says of some images.</summary>
/// <param name="Maps">Its last map, [n, h, w, C], float32</param>
/// <param name="Levels">Numbers of several levels, side by side, [n, E]</param>
public record ImageFeatures(Tensor Maps, Tensor Levels) : IDisposable
{
    /// <summary>Some of the images, as views.</summary>
    public ImageFeatures Part(long first, long count) => new(Maps.narrow(0, first, count), Levels.narrow(0, first, count));

    /// <inheritdoc/>
    public void Dispose()
    {
        Maps.Dispose();
        Levels.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>What it says of some images whose classes are known.</summary>
/// <param name="Maps">[n, h, w, C], float32</param>
/// <param name="Levels">[n, E]</param>
/// <param name="Classes">Class of each in the protocol, [n]</param>
public sealed record MapSet(Tensor Maps, Tensor Levels, int[] Classes) : ImageFeatures(Maps, Levels)
{
    /// <summary>Maps whose mean over positions is the one level.</summary>
    public MapSet(Tensor maps, int[] classes)
        : this(maps, maps.mean([1L, 2L]), classes)
    {
    }

    /// <summary>n.</summary>
    public int Count => Classes.Length;

    /// <summary>The classes as int64 [n].</summary>
    public Tensor Labels() => tensor(Classes.Select(c => (long)c).ToArray(), device: Maps.device);

    /// <summary>Mean of each class from <paramref name="first"/> on of a tensor [n, ...]: [count, ...].</summary>
    public Tensor Means(Tensor of, int first, int count)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        Tensor rows = of.flatten(1), index = Labels() - first;
        Tensor sums = zeros([count, rows.shape[1]], rows.dtype, rows.device);
        sums.index_add_(0, index, rows, 1);
        Tensor counts = bincount(index, minlength: count).clamp_min(1).to_type(rows.dtype);
        return (sums / counts.unsqueeze(1)).reshape([count, .. of.shape[1..]]).MoveToOuterDisposeScope();
    }
}
