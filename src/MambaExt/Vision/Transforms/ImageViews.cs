using System.Buffers.Binary;
using System.Security.Cryptography;
using MambaExt.Data.Images;
using MambaExt.Distributed;
using MambaExt.Training;
using TorchSharp;

namespace MambaExt.Vision.Transforms;

/// <summary>
/// Views of images by number: view (sample, draw) is a function of the seed, the pipeline and these two numbers alone, and the same bits whatever batch it
/// comes in and however many threads make it. What a frozen model says of a view can therefore be kept, under <see cref="Fingerprint"/>.
/// </summary>
public sealed class ImageViews
{
    [ThreadStatic]
    private static ImageCanvas? _partner;

    private readonly int[] _pool = [];
    private readonly ImageSize _size;

    /// <summary>Checks that the pipeline fits the images.</summary>
    /// <param name="samples">Where the images are.</param>
    /// <param name="pipeline">What is done to each.</param>
    /// <param name="seed">Of the augmentation, apart from those of weights and data order.</param>
    /// <param name="mixing">How views are mixed with others; null for not at all.</param>
    /// <param name="pool">The images that one may be mixed with, those trained on; null for all of <paramref name="samples"/>.</param>
    /// <exception cref="ArgumentException">The pipeline does not end in one size, or does not fit the channels.</exception>
    public ImageViews(ImageSamples samples, ImagePipeline pipeline, ulong seed = 0, ImageMixing? mixing = null, IReadOnlyList<int>? pool = null)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(pipeline);
        (Samples, Pipeline, Seed, Mixing) = (samples, pipeline, seed, mixing);
        _size = pipeline.Output(samples.Size) ?? throw new ArgumentException(
            $"The images have sizes of their own and the pipeline '{pipeline.Fingerprint}' does not bring them to one; add a RandomResizedCrop, a ResizeTo or a CenterCrop.");
        _ = pipeline.Normalization?.Tables(samples.Channels);
        if (mixing is not null)
        {
            mixing.Check();
            _pool = pool is null ? [.. Enumerable.Range(0, samples.Count)] : samples.CheckedIndices([.. pool]);
            if (_pool.Length == 0)
            {
                throw new ArgumentException("Views are to be mixed and there is no image to mix them with; give those that are trained on.");
            }
        }
    }

    /// <summary>Where the images are.</summary>
    public ImageSamples Samples { get; }

    /// <summary>What is done to each.</summary>
    public ImagePipeline Pipeline { get; }

    /// <summary>Of the augmentation.</summary>
    public ulong Seed { get; }

    /// <summary>How views are mixed; null for not at all.</summary>
    public ImageMixing? Mixing { get; }

    /// <summary>Height and width of every view.</summary>
    public ImageSize Size => _size;

    /// <summary>Stable words for all that makes view (sample, draw) what it is, but for the images: a cache that holds another text must not be used.</summary>
    public string Fingerprint => FormattableString.Invariant($"views 1; seed {Seed}; {Pipeline.Fingerprint}") + (Mixing is null ? "" : $"; {Mixing.Fingerprint} with {_pool.Length} images {PoolHash()}");

    /// <summary>View <paramref name="draw"/> of each of some images.</summary>
    /// <param name="indices">Numbers of images, B of them, in the order wanted; one may come twice.</param>
    /// <param name="draw">0 or more.</param>
    public ImageBatch Batch(ReadOnlySpan<int> indices, int draw = 0)
    {
        var draws = new int[indices.Length];
        Array.Fill(draws, draw);
        return Batch(indices, draws);
    }

    /// <summary>A view of each of some images, each with a draw of its own.</summary>
    /// <param name="indices">Numbers of images, [B].</param>
    /// <param name="draws">0 or more, [B].</param>
    public ImageBatch Batch(ReadOnlySpan<int> indices, ReadOnlySpan<int> draws)
    {
        int[] chosen = Samples.CheckedIndices(indices), numbers = draws.ToArray();
        if (numbers.Length != chosen.Length || Array.Exists(numbers, d => d < 0))
        {
            throw new ArgumentException($"{chosen.Length} images and {numbers.Length} draws were given; give one draw, 0 or more, an image.");
        }

        var partners = new long[chosen.Length];
        var weights = new float[chosen.Length];
        torch.Tensor pixels = SampleParallel.Fill([chosen.Length, Samples.Channels, _size.Height, _size.Width], (start, from, to) =>
        {
            byte[] scratch = [];
            int values = Samples.Channels * _size.Area;
            for (int b = from; b < to; b++)
            {
                ImageCanvas view = View(chosen[b], numbers[b], ref scratch, out int partner, out weights[b]);
                partners[b] = partner < 0 ? Samples.Labels[chosen[b]] : Samples.Labels[partner];
                Pipeline.Finish(view, SampleParallel.Floats(start, (long)b * values, values));
            }
        });
        torch.Tensor labels = Samples.GatherLabels(chosen);
        return Mixing is null
            ? new ImageBatch(chosen, numbers, pixels, labels, null, null)
            : new ImageBatch(chosen, numbers, pixels, labels, torch.tensor(partners), torch.tensor(weights));
    }

    /// <summary>The batches of a training: some images in an order drawn anew each epoch, made on a background thread.</summary>
    /// <param name="indices">Those trained on.</param>
    /// <param name="batchSize">Views a batch, over all ranks.</param>
    /// <param name="orderSeed">Of the data order.</param>
    /// <param name="draws">R: epoch e has draw (e - 1) mod R of every image; 0 for a new one each epoch.</param>
    /// <param name="dropLast">Leave out a last batch that is not full.</param>
    /// <param name="ranks">Processes that share each batch.</param>
    public IBatches<ImageBatch> Shuffled(IReadOnlyList<int> indices, int batchSize, ulong orderSeed, int draws = 0, bool dropLast = false, ICommunicator? ranks = null)
    {
        int[] trained = Samples.CheckedIndices([.. indices]);
        ArgumentOutOfRangeException.ThrowIfNegative(draws);
        return new ShuffledBatches<ImageBatch>(
            trained.Length, batchSize, orderSeed, (epoch, positions) => Batch(Array.ConvertAll(positions.ToArray(), p => trained[p]), draws == 0 ? epoch - 1 : (epoch - 1) % draws), dropLast: dropLast, ranks: ranks);
    }

    /// <summary>Some images in their order, for an evaluation, made on a background thread; each batch is disposed when the next one is asked for.</summary>
    /// <param name="indices">Which; null for all.</param>
    /// <param name="batchSize">Views a batch.</param>
    /// <param name="draw">Which view.</param>
    /// <param name="token">Ends it.</param>
    public IEnumerable<ImageBatch> InOrder(IReadOnlyList<int>? indices = null, int batchSize = 256, int draw = 0, CancellationToken token = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        int[] wanted = indices is null ? [.. Enumerable.Range(0, Samples.Count)] : Samples.CheckedIndices([.. indices]);
        foreach (ImageBatch batch in Prefetch.Run(wanted.Chunk(batchSize).Select(chunk => Batch(chunk, draw)), 2, token))
        {
            using (batch)
            {
                yield return batch;
            }
        }
    }

    private ImageCanvas View(int sample, int draw, ref byte[] scratch, out int partner, out float weight)
    {
        ImageCanvas canvas = ImageCanvas.Own;
        Make(canvas, sample, draw, ref scratch);
        (partner, weight) = (-1, 1);
        if (Mixing?.Draw(Seed, sample, draw, _pool.Length, _size) is { Weight: < 1 } drawn)
        {
            (partner, weight) = (_pool[drawn.Partner], drawn.Weight);
            Make(_partner ??= new ImageCanvas(), partner, draw, ref scratch);
            ImageMixing.Apply(canvas, _partner, drawn);
        }

        return canvas;
    }

    private void Make(ImageCanvas canvas, int sample, int draw, ref byte[] scratch)
    {
        Pipeline.Apply(canvas, Samples.Read(sample, ref scratch), Seed, sample, draw);
        if (canvas.Size != _size)
        {
            throw new InvalidOperationException($"The pipeline '{Pipeline.Fingerprint}' made {canvas.Size} pixels of {Samples.Name(sample)} where it had announced {_size}; let each step's Output say what it makes.");
        }
    }

    private string PoolHash()
    {
        byte[] bytes = new byte[4 * _pool.Length];
        for (int i = 0; i < _pool.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4 * i), _pool[i]);
        }

        return Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 8));
    }
}
