using System.Buffers.Binary;
using System.Security.Cryptography;
using MambaExt.Distill.Stages;
using MambaExt.Vision.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Training;

/// <summary>Numbered views of some images of a data set: crops, flips and mixes are functions of (sample, draw).</summary>
public sealed class ViewImages : DrawnImages
{
    private readonly ImageViews _views;
    private readonly int[] _indices;

    /// <summary>Names the images.</summary>
    /// <param name="views">Images and what is done to them</param>
    /// <param name="indices">Those that are trained on</param>
    /// <param name="classes">K</param>
    /// <param name="draws">R, 1 or more; 0 for a new draw each epoch</param>
    /// <param name="data">Words that name the data set's files</param>
    public ViewImages(ImageViews views, int[] indices, int classes, int draws, string data)
        : base([.. indices.Select(i => views.Samples.Labels[i])], classes, draws, $"{data}; {indices.Length} images {HashOf(indices)}; {views.Fingerprint}") => (_views, _indices) = (views, indices);

    /// <summary>Which images of the data set these are.</summary>
    internal IReadOnlyList<int> Indices => _indices;

    /// <summary>Names some images of a data set: SHA-256 of their numbers, shortened.</summary>
    internal static string HashOf(ReadOnlySpan<int> indices)
    {
        byte[] bytes = new byte[4 * indices.Length];
        for (int i = 0; i < indices.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4 * i), indices[i]);
        }

        return Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 8));
    }

    /// <inheritdoc/>
    public override Tensor Read(ReadOnlyMemory<int> samples, int draw)
    {
        using DisposeScope scope = NewDisposeScope();
        return _views.Batch(Chosen(samples), draw).Pixels.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override (Tensor Images, Tensor Labels) ReadLabelled(ReadOnlyMemory<int> samples, int draw)
    {
        using DisposeScope scope = NewDisposeScope();
        ImageBatch batch = _views.Batch(Chosen(samples), draw);
        Tensor labels = _views.Mixing is null ? batch.Labels : batch.SoftTargets(Classes);
        return (batch.Pixels.MoveToOuterDisposeScope(), labels.MoveToOuterDisposeScope());
    }

    private int[] Chosen(ReadOnlyMemory<int> samples) => Array.ConvertAll(samples.ToArray(), i => _indices[i]);
}
