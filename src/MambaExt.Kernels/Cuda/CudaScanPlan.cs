using System.Numerics;

namespace MambaExt.Kernels.Cuda;

/// <summary>
/// How a selective scan is cut on a GPU: by its shape alone, so that every sum has one order on every device. The numbers count on an H100,
/// 132 multiprocessors that take 12 warps of the backward scan each (168 registers a thread).
/// </summary>
internal readonly struct CudaScanPlan
{
    /// <summary>Channels of a block.</summary>
    public const int BlockChannels = 32;

    /// <summary>States of a lane at a time.</summary>
    public const int LaneStates = 4;

    /// <summary>Lanes of a channel, at most.</summary>
    public const int MostLanes = 4;

    private const int FullWarps = 132 * 12;
    private const int ShortestSegment = 256;
    private const int FewestSegments = 3;
    private const long UsualRowBytes = 512L << 20;

    /// <summary>Lanes of a channel where B and C are a position's and nothing unusual is asked; otherwise <see cref="MostLanes"/>.</summary>
    public readonly int Lanes;

    /// <summary>Times that a block with <see cref="MostLanes"/> goes over its channels' states; one with fewer lanes goes once.</summary>
    public readonly int Passes;

    public readonly int GroupBlocks;

    /// <summary>Blocks that the channels take.</summary>
    public readonly int Blocks;

    /// <summary>Positions between two stored states: a power of 2, at least N, so that checkpoints never outweigh the output.</summary>
    public readonly int CheckpointSteps;

    /// <summary>Checkpoints of a sequence. The state before the first position is an input.</summary>
    public readonly long Checkpoints;

    /// <summary>Pieces of L that run side by side. One, unless B and D are so small that there is room for three: a piece is then scanned twice.</summary>
    public readonly long Segments;

    public readonly long SegmentSteps;

    /// <summary>Batch entries of a backward launch: their parts of dB and dC are held at once.</summary>
    public readonly long SliceEntries;

    /// <summary>Runs of batch entries in a backward launch: a block walks a run, and has one part of the gradient of each parameter.</summary>
    public readonly long SliceRuns;

    /// <summary>Parts of the gradient of a parameter.</summary>
    public readonly long Parts;

    /// <param name="shape">Sizes</param>
    /// <param name="mostRowBytes">Bytes that the blocks' parts of dB and dC may take at once; one batch entry's at least</param>
    public CudaScanPlan(in SelectiveScanShape shape, long mostRowBytes = UsualRowBytes)
    {
        Lanes = shape.States <= LaneStates ? 1 : shape.States <= 2 * LaneStates ? 2 : MostLanes;
        Passes = (shape.States + LaneStates * MostLanes - 1) / (LaneStates * MostLanes);
        GroupBlocks = (shape.Channels / shape.Groups + BlockChannels - 1) / BlockChannels;
        Blocks = GroupBlocks * shape.Groups;
        CheckpointSteps = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(32, shape.States));
        Checkpoints = Math.Max(0, shape.Length - 1) / CheckpointSteps;

        long room = FullWarps / Math.Max(1, shape.Batch * Blocks * Lanes), pieces = Math.Min(room, shape.Length / ShortestSegment);
        long steps = (shape.Length + Math.Max(1, pieces) - 1) / Math.Max(1, pieces);
        SegmentSteps = (steps + CheckpointSteps - 1) / CheckpointSteps * CheckpointSteps;
        Segments = SegmentSteps == 0 ? 1 : (shape.Length + SegmentSteps - 1) / SegmentSteps;
        if (Segments < FewestSegments)
        {
            (Segments, SegmentSteps) = (1, shape.Length);
        }

        long rowBytes = GroupBlocks == 1 ? 0 : checked(2L * sizeof(float) * GroupBlocks * shape.Length * shape.Groups * shape.States);
        SliceEntries = Math.Clamp(mostRowBytes / Math.Max(1, rowBytes), 1, Math.Max(1, shape.Batch));
        SliceRuns = Segments > 1 ? SliceEntries : Math.Min(SliceEntries, (FullWarps + Blocks - 1) / Blocks);
        long whole = shape.Batch / SliceEntries, rest = shape.Batch % SliceEntries;
        Parts = checked((whole * SliceRuns + Math.Min(rest, SliceRuns)) * Segments);
    }
}
