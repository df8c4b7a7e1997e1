namespace MambaExt.Kernels.Cpu;

/// <summary>
/// How a scan is cut into blocks, chunks and tasks: by its shape and the vector width alone, never by the thread count, so that
/// every sum has one order.
/// </summary>
internal readonly struct ScanPlan
{
    /// <summary>Steps whose discretized inputs are prepared at once.</summary>
    public const int Chunk = 64;

    /// <summary>Blocks prepared together: the loads of one position then cover whole cache lines.</summary>
    public const int Strip = 4;

    private const int WantedTasks = 16;
    private const int ShortestSegment = 512;

    public readonly int Lanes;
    public readonly int GroupChannels;
    public readonly int BlocksPerGroup;
    public readonly int Blocks;

    /// <summary>Steps between two stored states: the checkpoints never outweigh the output, L D N / K &lt;= L D.</summary>
    public readonly int CheckpointSteps;

    /// <summary>Runs of neighbouring blocks of one group that the backward scan hands out; each has its own partial dB and dC.</summary>
    public readonly int SplitsPerGroup;

    /// <summary>Runs of neighbouring batch entries; each has its own partial dA, dD and dbias.</summary>
    public readonly int BatchRuns;

    /// <summary>Pieces of L, used only where B and D give too few tasks: each then costs a second, cheaper pass.</summary>
    public readonly int Segments;

    /// <summary>Checkpoints in a sequence.</summary>
    public readonly long Checkpoints;

    private readonly long _segmentSteps;
    private readonly long _length;

    public ScanPlan(in SelectiveScanShape shape, int lanes)
    {
        Lanes = lanes;
        _length = shape.Length;
        GroupChannels = shape.Channels / shape.Groups;
        BlocksPerGroup = (GroupChannels + lanes - 1) / lanes;
        Blocks = BlocksPerGroup * shape.Groups;
        CheckpointSteps = Math.Max(Chunk, (shape.States + Chunk - 1) / Chunk * Chunk);
        Checkpoints = (shape.Length + CheckpointSteps - 1) / CheckpointSteps;

        BatchRuns = (int)Math.Clamp(shape.Batch, 1, WantedTasks);
        int units = BatchRuns * shape.Groups;

        // A split costs two [L, G, N] partial sums; with them the workspace of the backward scan stays near a tenth of the
        // inputs (3 L D), or under a megabyte where that is little.
        double partial = 2.0 * shape.Batch * shape.Length * shape.Groups * shape.States;
        double room = Math.Max(0.3 * shape.Batch * shape.Length * shape.Channels, 1 << 18);
        int affordable = partial == 0 ? WantedTasks : (int)Math.Min(WantedTasks, room / partial);
        SplitsPerGroup = Math.Clamp(Math.Min((WantedTasks + units - 1) / units, affordable), 1, BlocksPerGroup);

        units *= SplitsPerGroup;
        bool few = units < 4 && !shape.ReturnStates;
        int pieces = few ? (int)Math.Min(8 / units, shape.Length / ShortestSegment) : 1;
        Segments = Math.Max(1, pieces);
        long steps = (shape.Length + Segments - 1) / Segments;
        _segmentSteps = Math.Max(CheckpointSteps, (steps + CheckpointSteps - 1) / CheckpointSteps * CheckpointSteps);
        Segments = (int)Math.Max(1, (shape.Length + _segmentSteps - 1) / _segmentSteps);
    }

    /// <summary>Elements of a block's state, N times the lanes.</summary>
    public int BlockElements(in SelectiveScanShape shape) => shape.States * Lanes;

    /// <summary>First position (in processing order) of segment <paramref name="segment"/>; the last one's end is L.</summary>
    public long SegmentStart(int segment) => Math.Min(_length, segment * _segmentSteps);

    /// <summary>First channel of a block.</summary>
    public int FirstChannel(int block) => block / BlocksPerGroup * GroupChannels + block % BlocksPerGroup * Lanes;

    /// <summary>Channels in a block: the lanes, or fewer at the end of a group.</summary>
    public int ChannelsIn(int block) => Math.Min(Lanes, GroupChannels - block % BlocksPerGroup * Lanes);

    /// <summary>Where the blocks of part <paramref name="part"/> of <paramref name="parts"/> begin in a row of <paramref name="count"/>.</summary>
    public static int PartStart(int part, int parts, int count) => (int)((long)part * count / parts);
}
