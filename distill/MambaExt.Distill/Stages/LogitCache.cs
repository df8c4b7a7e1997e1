using System.Globalization;
using MambaExt.Checkpoints;
using MambaExt.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>
/// Logits of every sample under every numbered draw, [R, N, K], filled a draw at a time and in the order of the samples, so that what is kept does not
/// depend on who asked first. A cache belongs to one augmentation by its fingerprint and refuses every other.
/// </summary>
public sealed class LogitCache : IDisposable
{
    // Samples of a forward pass while a draw is filled.
    private const int Piece = 512;
    private readonly Tensor?[] _draws;

    /// <summary>An empty cache for some images.</summary>
    /// <exception cref="InvalidOperationException">Their augmentation has no numbers.</exception>
    public LogitCache(DrawnImages images)
        : this(images.Fingerprint, images.Draws, images.Count, images.Classes)
    {
    }

    private LogitCache(string fingerprint, int draws, int samples, int classes)
    {
        if (draws < 1)
        {
            throw new InvalidOperationException("These images are augmented by draws without numbers, so no logits can be kept for them; number the draws, or compute the logits anew for every batch.");
        }

        (Fingerprint, Samples, Classes, _draws) = (fingerprint, samples, classes, new Tensor?[draws]);
    }

    /// <summary>Of the images it belongs to.</summary>
    public string Fingerprint { get; }

    /// <summary>R.</summary>
    public int Draws => _draws.Length;

    /// <summary>N.</summary>
    public int Samples { get; }

    /// <summary>K.</summary>
    public int Classes { get; }

    /// <summary>Logits of some samples of a draw, [B, K]; the draw is filled first if it is not.</summary>
    /// <param name="images">Those it belongs to</param>
    /// <param name="samples">Numbers from 0 to N - 1</param>
    /// <param name="draw">From 0 to R - 1</param>
    /// <param name="logits">Of [B, C, H, W]: what is kept</param>
    /// <exception cref="InvalidOperationException">The cache belongs to other images or another augmentation.</exception>
    public Tensor Rows(DrawnImages images, ReadOnlyMemory<int> samples, int draw, Func<Tensor, Tensor> logits)
    {
        using DisposeScope scope = NewDisposeScope();
        return Whole(images, draw, logits).index_select(0, tensor(Array.ConvertAll(samples.ToArray(), i => (long)i))).MoveToOuterDisposeScope();
    }

    /// <summary>Logits of all samples of a draw, [N, K]; stays the cache's own.</summary>
    /// <inheritdoc cref="Rows"/>
    public Tensor Whole(DrawnImages images, int draw, Func<Tensor, Tensor> logits)
    {
        Require(images, draw);
        return _draws[draw] ??= Fill(images, draw, (batch, _) => logits(batch));
    }

    /// <summary>Whether a draw is filled.</summary>
    public bool Has(int draw) => _draws[draw] is not null;

    /// <summary>Writes what is filled to a safetensors file.</summary>
    public void Save(string path) => SafetensorsTensors.Save(
        path, _draws.Index().Where(d => d.Item is not null).Select(d => (d.Index.ToString(CultureInfo.InvariantCulture), d.Item!)),
        new Dictionary<string, string> { ["fingerprint"] = Fingerprint, ["draws"] = $"{Draws}", ["samples"] = $"{Samples}", ["classes"] = $"{Classes}" });

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is no such file.</exception>
    public static LogitCache Load(string path)
    {
        SafetensorsFile file = SafetensorsFile.Read(path);
        var cache = new LogitCache(file.Metadata.TryGetValue("fingerprint", out string? name) ? name : throw Broken(path), Number("draws"), Number("samples"), Number("classes"));
        foreach (var (key, logits) in SafetensorsTensors.Load(file))
        {
            if (!int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out int draw) || draw >= cache.Draws
                || logits.dtype != ScalarType.Float32 || !logits.shape.SequenceEqual([cache.Samples, cache.Classes]))
            {
                throw Broken(path);
            }

            cache._draws[draw] = logits.DetachFromDisposeScope();
        }

        return cache;

        int Number(string key) => file.Metadata.TryGetValue(key, out string? text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n is >= 1 and <= 1 << 28
            ? n
            : throw Broken(path);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        for (int draw = 0; draw < _draws.Length; draw++)
        {
            _draws[draw]?.Dispose();
            _draws[draw] = null;
        }
    }

    /// <summary>What some function says of every sample of a draw, in the order of the samples.</summary>
    /// <param name="images">All samples</param>
    /// <param name="draw">Which draw</param>
    /// <param name="logits">Of images [B, C, H, W] and the number of the first</param>
    internal static Tensor Fill(DrawnImages images, int draw, Func<Tensor, int, Tensor> logits)
    {
        using IDisposable _ = no_grad();
        Tensor whole = empty(images.Count, images.Classes).DetachFromDisposeScope();
        for (int first = 0; first < images.Count; first += Piece)
        {
            using DisposeScope scope = NewDisposeScope();
            int count = Math.Min(Piece, images.Count - first);
            whole.narrow(0, first, count).copy_(logits(images.Read(Enumerable.Range(first, count).ToArray(), draw), first));
        }

        return whole;
    }

    private void Require(DrawnImages images, int draw)
    {
        if (images.Fingerprint != Fingerprint || images.Count != Samples || images.Classes != Classes)
        {
            throw new InvalidOperationException($"The kept logits belong to '{Short(Fingerprint)}' and were asked for '{Short(images.Fingerprint)}'; keep logits for each augmentation of their own.");
        }

        if (draw < 0 || draw >= Draws)
        {
            throw new ArgumentOutOfRangeException(nameof(draw), $"Draw {draw} was asked for and {Draws} are kept; give 0 to {Draws - 1}.");
        }
    }

    private static string Short(string text) => text.Length <= 120 ? text : text[..117] + "...";

    private static InvalidDataException Broken(string path) => new($"'{path}' does not hold kept logits; allowed is a file that a cache of logits has written, so write it anew.");
}
