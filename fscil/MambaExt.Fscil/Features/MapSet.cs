using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Features;

/// <summary>Maps of some images and their classes.</summary>
/// <param name="Maps">[n, h, w, C], float32</param>
/// <param name="Classes">Class of each in the protocol, [n]</param>
public sealed record MapSet(Tensor Maps, int[] Classes) : IDisposable
{
    /// <summary>n.</summary>
    public int Count => Classes.Length;

    /// <summary>The classes as int64 [n].</summary>
    public Tensor Labels() => tensor(Classes.Select(c => (long)c).ToArray());

    /// <summary>Mean map of each class from <paramref name="first"/> on, [count, h, w, C].</summary>
    public Tensor Means(int first, int count)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        Tensor sums = zeros([count, .. Maps.shape[1..]]), index = tensor(Classes.Select(c => (long)c - first).ToArray());
        sums.index_add_(0, index, Maps, 1);
        Tensor counts = bincount(index, minlength: count).clamp_min(1).to_type(ScalarType.Float32);
        return (sums / counts.reshape(-1, 1, 1, 1)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => Maps.Dispose();
}
