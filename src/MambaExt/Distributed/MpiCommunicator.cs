using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distributed;

/// <summary>The processes that mpirun started, over the MPI library of this machine. One a process: MPI starts and ends once. It ends
/// with the process (<see cref="MpiProcessEnd"/>), not with <see cref="Dispose"/>.</summary>
internal sealed class MpiCommunicator : ICommunicator
{
    /// <summary>Bytes of one call: MPI counts in 32 bits, and some implementations compute sizes in them too.</summary>
    public const long MostBytes = 1L << 30;

    private static readonly Lazy<MpiCommunicator> Only = new(() => new MpiCommunicator(MpiSearch.Load(MpiSearch.Candidates(Environment.GetEnvironmentVariable))));

    private readonly MpiLibrary _library;
    private readonly Lock _oneAtATime = new();

    private MpiCommunicator(MpiLibrary library)
    {
        _library = library;
        bool started = library.Start();
        (Rank, Size) = library.Place();
        Description = library.Version();
        MpiProcessEnd.Watch($"Rank {Rank} of {Size}", library, _oneAtATime, finalize: started);
        if (MpiSearch.LaunchedSize(Environment.GetEnvironmentVariable) is { } expected && expected != Size)
        {
            throw new NotSupportedException(
                $"The launcher started {expected} processes and {Description} sees {Size}: it is not the launcher's own library; set MAMBAEXT_MPI to the library that mpirun belongs to.");
        }
    }

    /// <summary>That of this process, started at the first call.</summary>
    public static MpiCommunicator Instance => Only.Value;

    public int Rank { get; }

    public int Size { get; }

    public string Description { get; }


    public void Barrier()
    {
        lock (_oneAtATime)
        {
            _library.Barrier();
        }
    }

    public void Broadcast(Tensor tensor, int root = 0)
    {
        Collective.RequireRank(root, Size);
        Collective.OnCpu(tensor, tensor.dtype, at => Broadcast(at, tensor.numel() * tensor.ElementSize, root));
    }

    public void AllReduceSum(Tensor tensor)
    {
        ScalarType type = Collective.RequireSummable(tensor);
        MpiHandles handles = _library.Handles;
        nint handle = type == ScalarType.Float32 ? handles.Float32 : type == ScalarType.Float64 ? handles.Float64 : handles.Int64;
        int bytes = type == ScalarType.Float32 ? 4 : 8;
        Collective.OnCpu(tensor, type, at =>
        {
            lock (_oneAtATime)
            {
                foreach ((long first, int count) in Pieces(tensor.numel(), MostBytes / bytes))
                {
                    _library.AllReduceSum(at + (nint)(first * bytes), count, handle);
                }
            }
        });
    }

    public unsafe byte[][] AllGather(byte[] bytes)
    {
        using DisposeScope scope = NewDisposeScope();
        using Tensor lengths = zeros(Size, ScalarType.Int64);
        lengths[Rank] = bytes.LongLength;
        AllReduceSum(lengths);
        byte[][] all = [.. lengths.data<long>().ToArray().Select((length, rank) => rank == Rank ? (byte[])bytes.Clone() : new byte[length])];
        for (int rank = 0; rank < Size; rank++)
        {
            fixed (byte* at = all[rank])
            {
                Broadcast((nint)at, all[rank].LongLength, rank);
            }
        }

        return all;
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    public void Abort(int code) => MpiProcessEnd.Abort($"Rank {Rank} of {Size} ends the run with exit code {(code == 0 ? 1 : code)}.", _library, code);

    /// <summary>Nothing: an exception on its way out of a using block must not wait for the other ranks, as MPI's end does.</summary>
    public void Dispose()
    {
    }

    /// <summary>Cuts <paramref name="total"/> elements into pieces of at most <paramref name="most"/>.</summary>
    internal static IEnumerable<(long First, int Count)> Pieces(long total, long most)
    {
        for (long first = 0; first < total; first += most)
        {
            yield return (first, checked((int)Math.Min(most, total - first)));
        }
    }

    private void Broadcast(nint buffer, long bytes, int root)
    {
        lock (_oneAtATime)
        {
            foreach ((long first, int count) in Pieces(bytes, MostBytes))
            {
                _library.Broadcast(buffer + (nint)first, count, root);
            }
        }
    }
}
