using MambaExt.Distributed;

namespace MambaExt.Training;

/// <summary>
/// Samples 0 ... n - 1 in an order drawn anew each epoch, cut into batches that a background thread makes ahead of the training.
/// The order belongs to (seed, epoch); it does not depend on threads, on the model or on torch's generator, and neither may
/// <paramref name="make"/>: it runs on another thread, and random augmentation must be a function of (seed, epoch, sample).
/// </summary>
/// <param name="samples">n, 1 or more</param>
/// <param name="batchSize">Samples a batch; the last batch holds the rest</param>
/// <param name="seed">Of the data order, apart from the seed of the weights</param>
/// <param name="make">Makes the batch of the given samples in the given epoch; disposed after its step if it can be</param>
/// <param name="shuffle">False for the order 0, 1, 2, ...</param>
/// <param name="ahead">Batches that are made ahead</param>
/// <param name="dropLast">Leave out a last batch that is not full</param>
/// <param name="ranks">Processes that share each batch; <paramref name="make"/> is given this one's part of it</param>
public sealed class ShuffledBatches<TBatch>(
    int samples, int batchSize, ulong seed, Func<int, ReadOnlyMemory<int>, TBatch> make, bool shuffle = true, int ahead = 2, bool dropLast = false, ICommunicator? ranks = null) : IBatches<TBatch>
{
    /// <inheritdoc/>
    public int Count { get; } = Batches(samples, batchSize, dropLast, ranks?.Size ?? 1);

    /// <inheritdoc/>
    public IEnumerable<TBatch> Read(int epoch, int first, CancellationToken token)
    {
        int[] order = shuffle ? RandomPermutation.Of(samples, seed, RandomStream.Batches, epoch) : [.. Enumerable.Range(0, samples)];
        foreach (TBatch batch in Prefetch.Run(Produce(), ahead, token))
        {
            using IDisposable? used = batch as IDisposable;
            yield return batch;
        }

        IEnumerable<TBatch> Produce()
        {
            for (int b = first; b < Count; b++)
            {
                int begin = b * batchSize;
                int[] batch = order[begin..Math.Min(begin + batchSize, samples)];
                yield return make(epoch, DataParallel.Share(batch, ranks));
            }
        }
    }

    private static int Batches(int samples, int batchSize, bool dropLast, int ranks)
    {
        if (samples < 1 || batchSize < 1)
        {
            throw new ArgumentException($"There are {samples} training samples for batches of {batchSize}; both must be 1 or more.");
        }

        if (dropLast && samples < batchSize)
        {
            throw new ArgumentException($"The {samples} training samples do not fill one batch of {batchSize} and incomplete ones are dropped; give a smaller batch.");
        }

        int last = dropLast || samples % batchSize == 0 ? batchSize : samples % batchSize;
        if (last < ranks)
        {
            throw new ArgumentException($"The last batch of {samples} training samples in batches of {batchSize} has {last} for {ranks} ranks; give another batch size or drop it.");
        }

        return dropLast ? samples / batchSize : ((samples - 1) / batchSize) + 1;
    }
}
