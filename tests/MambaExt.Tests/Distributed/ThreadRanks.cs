using MambaExt.Distributed;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Distributed;

/// <summary>Ranks that are threads of this process, for tests of what is built on a communicator.</summary>
internal sealed class ThreadRanks : ICommunicator
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly object?[] _sent;
    private readonly Barrier _barrier;

    private ThreadRanks(int rank, object?[] sent, Barrier barrier)
    {
        Rank = rank;
        _sent = sent;
        _barrier = barrier;
    }

    public int Rank { get; }

    public int Size => _sent.Length;

    public string Description => "threads";

    /// <summary>Runs <paramref name="action"/> on <paramref name="size"/> threads; what one of them throws is thrown here.</summary>
    public static void Run(int size, Action<ICommunicator> action)
    {
        var sent = new object?[size];
        using var barrier = new Barrier(size);
        var faults = new Exception?[size];
        Thread[] threads = [.. Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            try
            {
                using DisposeScope scope = NewDisposeScope();
                set_num_threads(1);
                action(new ThreadRanks(rank, sent, barrier));
                GradientKeeper.Release();
            }
            catch (Exception e)
            {
                // Carried over to the test's thread; the others run out of patience.
                faults[rank] = e;
            }
        }))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        if (faults.OfType<Exception>().OrderBy(e => e is TimeoutException).FirstOrDefault() is { } first)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        }
    }

    public void Barrier()
    {
        if (!_barrier.SignalAndWait(Patience))
        {
            throw new TimeoutException("The ranks did not make the same calls.");
        }
    }

    public void Broadcast(Tensor tensor, int root = 0)
    {
        using IDisposable _ = no_grad();
        Exchange(tensor, all => tensor.copy_(all[root]));
    }

    public void AllReduceSum(Tensor tensor)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        Exchange(tensor.detach().clone(), all => tensor.copy_(all.Aggregate((sum, one) => sum + one)));
    }

    public byte[][] AllGather(byte[] bytes)
    {
        byte[][] received = [];
        Exchange(bytes, all => received = [.. all]);
        return received;
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    public void Abort(int code) => throw new InvalidOperationException($"aborted with {code}");

    public void Dispose()
    {
    }

    private void Exchange<T>(T sent, Action<T[]> receive)
        where T : class
    {
        _sent[Rank] = sent;
        Barrier();
        receive([.. _sent.Cast<T>()]);
        Barrier();
    }
}
