using System.Collections.Concurrent;

namespace MambaExt.Training;

/// <summary>Runs a producer on a thread of its own, a few items ahead of the consumer.</summary>
public static class Prefetch
{
    /// <summary>
    /// The items of <paramref name="source"/> in their order. The producer's exception is thrown where its item would have come. Items
    /// that nobody has taken when the consumer stops are disposed if they can be; tensors made by the producer are in no dispose scope of the consumer.
    /// </summary>
    /// <param name="source">Enumerated on the other thread</param>
    /// <param name="ahead">Items that wait at most, 1 or more; 0 runs the producer on the consumer's own thread</param>
    /// <param name="token">Ends both</param>
    public static IEnumerable<T> Run<T>(IEnumerable<T> source, int ahead, CancellationToken token = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ahead);
        return ahead == 0 ? source : Ahead(source, ahead, token);
    }

    private static IEnumerable<T> Ahead<T>(IEnumerable<T> source, int ahead, CancellationToken token)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(token);
        using var ready = new BlockingCollection<T>(ahead);
        Exception? failure = null;
        var producer = new Thread(Produce) { IsBackground = true, Name = "batches" };
        producer.Start();
        try
        {
            foreach (T item in ready.GetConsumingEnumerable(token))
            {
                yield return item;
            }

            if (failure is not null)
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
            }
        }
        finally
        {
            stop.Cancel();
            producer.Join();
            foreach (T left in ready)
            {
                (left as IDisposable)?.Dispose();
            }
        }

        void Produce()
        {
            try
            {
                foreach (T item in source)
                {
                    try
                    {
                        ready.Add(item, stop.Token);
                    }
                    catch
                    {
                        (item as IDisposable)?.Dispose();
                        throw;
                    }
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // The consumer has stopped; nobody waits for more.
            }
            catch (Exception e)
            {
                failure = e;
            }
            finally
            {
                ready.CompleteAdding();
            }
        }
    }
}
