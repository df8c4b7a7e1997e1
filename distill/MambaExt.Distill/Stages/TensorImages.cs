using System.Security.Cryptography;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>Images that are a tensor already, without augmentation.</summary>
public sealed class TensorImages : DrawnImages, IDisposable
{
    private readonly Tensor _images;

    /// <summary>Takes a copy of the images.</summary>
    /// <param name="images">float32 [N, C, H, W]</param>
    /// <param name="labels">Class of each</param>
    /// <param name="classes">K</param>
    /// <exception cref="ArgumentException">The images are of another form or number.</exception>
    public TensorImages(Tensor images, int[] labels, int classes)
        : base(labels, classes, 1, Name(images, labels)) => _images = images.detach().clone().contiguous().DetachFromDisposeScope();

    /// <summary>All images, [N, C, H, W].</summary>
    public Tensor All => _images;

    /// <inheritdoc/>
    public override Tensor Read(ReadOnlyMemory<int> samples, int draw)
    {
        using DisposeScope scope = NewDisposeScope();
        return _images.index_select(0, tensor(Array.ConvertAll(samples.ToArray(), i => (long)i))).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => _images.Dispose();

    private static string Name(Tensor images, int[] labels)
    {
        if (images.dim() != 4 || images.dtype != ScalarType.Float32 || images.shape[0] != labels.Length)
        {
            throw new ArgumentException($"images is {images.dtype} [{string.Join(", ", images.shape)}] for {labels.Length} labels, expected Float32 [N, C, H, W] with one label an image.");
        }

        using DisposeScope scope = NewDisposeScope();
        return $"tensor {string.Join('x', images.shape)} {Convert.ToHexStringLower(SHA256.HashData(images.detach().contiguous().bytes))}";
    }
}
