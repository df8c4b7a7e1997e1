using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>Labelled images without augmentation that nothing is trained on: a held-out part of the training set, or the test images.</summary>
/// <param name="read">Images [B, C, H, W] from their numbers, 0 to M - 1</param>
/// <param name="labels">Class of each</param>
public sealed class HeldOut(Func<ReadOnlyMemory<int>, Tensor> read, int[] labels)
{
    private const int Piece = 256;

    /// <summary>Class of each image.</summary>
    public int[] Labels => labels;

    /// <summary>M.</summary>
    public int Count => labels.Length;

    /// <summary>From a tensor of all images.</summary>
    public static HeldOut Of(TensorImages images) => new(samples => images.Read(samples, 0), images.Labels);

    /// <summary>Images by their numbers, [B, C, H, W].</summary>
    public Tensor Read(ReadOnlyMemory<int> samples) => read(samples);

    /// <summary>What a function says of every image, [M, ...] row by row. Without gradients.</summary>
    public float[] Logits(Func<Tensor, Tensor> logits)
    {
        var all = new List<float>();
        using IDisposable _ = no_grad();
        for (int first = 0; first < Count; first += Piece)
        {
            using DisposeScope scope = NewDisposeScope();
            all.AddRange(logits(read(Enumerable.Range(first, Math.Min(Piece, Count - first)).ToArray())).contiguous().data<float>().ToArray());
        }

        return [.. all];
    }
}
