using System.Numerics;

namespace MambaExt.Kernels.Cuda;

/// <summary>How rows of arcs are cut on a GPU: by their number, their arcs and the channels alone.</summary>
internal readonly struct CudaCsrPlan
{
    /// <summary>Arcs that a group of lanes works through whole; <c>PieceArcs</c> of the source.</summary>
    public const int PieceArcs = 512;

    /// <summary>Consecutive arcs of a group of lanes, where an arc has a result of its own.</summary>
    public const int GroupArcs = 8;

    private const int Threads = 128;

    private readonly long _rows, _arcs;

    /// <param name="rows">The arcs</param>
    /// <param name="channels">Channels that are worked on together</param>
    /// <param name="each">Channels of a lane</param>
    public CudaCsrPlan(in CudaCsrRows rows, long channels, int each)
    {
        (_rows, _arcs, Each) = (rows.Rows, rows.ArcCount, each);
        Lanes = (int)Math.Min(32, BitOperations.RoundUpToPowerOf2((ulong)channels));
        ColumnBlocks = Parts(channels, Lanes * each);
    }

    /// <summary>Channels of a lane.</summary>
    public int Each { get; }

    /// <summary>Lanes of a row or an arc, a power of two up to a warp.</summary>
    public int Lanes { get; }

    /// <summary>Blocks side by side over the channels.</summary>
    public long ColumnBlocks { get; }

    /// <summary>Whether a row may be longer than a piece.</summary>
    public bool Cut => _arcs > PieceArcs;

    /// <summary>A group of lanes for every slot of a piece.</summary>
    public LaunchSize Pieces => new(Parts(2 * Parts(_arcs, PieceArcs), Threads / Lanes) * ColumnBlocks, Threads);

    /// <summary>A group of lanes for every row.</summary>
    public LaunchSize WholeRows => new(Parts(_rows, Threads / Lanes) * ColumnBlocks, Threads);

    /// <summary>A group of lanes for every few arcs.</summary>
    public LaunchSize Arcs => new(Parts(_arcs, Threads / Lanes * GroupArcs), Threads);

    /// <summary>Elements that the pieces of rows leave, one a slot and channel; 0 where no row can be longer than a piece.</summary>
    public static long PieceElements(in CudaCsrRows rows, long channels) =>
        rows.ArcCount <= PieceArcs ? 0 : checked(2 * Parts(rows.ArcCount, PieceArcs) * channels);

    /// <exception cref="ArgumentException">Pieces need memory and there is none.</exception>
    public unsafe void RequireWorkspace(nint workspace, bool always = false)
    {
        if (Cut || always)
        {
            KernelArgument.RequirePointer((void*)workspace, "The workspace", "WorkspaceBytes bytes");
        }
    }

    private static long Parts(long count, long size) => (count + size - 1) / size;
}
