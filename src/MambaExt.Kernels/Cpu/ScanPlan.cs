namespace MambaExt.Kernels.Cpu;

/// <summary>
/// How a scan is cut into blocks, chunks, splits and segments: by its shape and the vector width alone, never by the thread count, so that
/// every sum has one order. The thread count only says how many blocks or splits a task takes.
/// </summary>
internal readonly struct ScanPlan
{
    /// <summary>Steps whose discretized inputs are prepared at once.</summary>
    public const int Chunk = 64;

    private const int MostTasks = 16;
    private const int LongSequence = 4096;
    private const int ShortestSegment = 1024;

    public readonly int Lanes;

    /// <summary>A block is one channel and the lanes are its states, where D is so small that this takes fewer vectors; otherwise a block is as
    /// many channels as there are lanes, and each state is a vector.</summary>
    public readonly bool StatesAsLanes;

    /// <summary>Vectors in the state of a block.</summary>
    public readonly int Vectors;

    public readonly int GroupChannels;
    public readonly int BlocksPerGroup;
    public readonly int Blocks;

    /// <summary>Steps between two stored states: the checkpoints never outweigh the output, L D N / K &lt;= L D.</summary>
    public readonly int CheckpointSteps;

    /// <summary>Checkpoints in a sequence.</summary>
    public readonly long Checkpoints;

    /// <summary>Runs of neighbouring blocks of one group in the backward scan; each but the first has its own partial dB and dC.</summary>
    public readonly int SplitsPerGroup;

    /// <summary>Runs of neighbouring batch entries; each has its own partial dA, dD and dbias.</summary>
    public readonly int BatchRuns;

    /// <summary>Pieces of a long L, where the channels alone give too few tasks: each then costs a second, cheaper pass. B plays no part
    /// in this, nor in <see cref="SplitsPerGroup"/>: batch mates must not change the order of a sum.</summary>
    public readonly int Segments;

    /// <summary>What is walked as one: a batch entry, or as many short stateless ones as fill a chunk, end to end.</summary>
    public readonly long Entries;

    /// <summary>L where several batch entries make one: a sequence begins at each multiple of it. 0 otherwise.</summary>
    public readonly long Period;

    private readonly int _channelsPerBlock;
    private readonly long _segmentSteps;
    private readonly long _length;
    private readonly long _lastLength;

    public ScanPlan(in SelectiveScanShape shape, int lanes, bool backward = false)
    {
        Lanes = lanes;
        long folded = shape.Stateless && shape.Length > 0 ? Math.Max(1, Chunk / shape.Length) : 1;
        Period = folded > 1 ? shape.Length : 0;
        Entries = (shape.Batch + folded - 1) / folded;
        _length = folded * shape.Length;
        _lastLength = shape.Batch * shape.Length - Math.Max(0, Entries - 1) * _length;
        GroupChannels = shape.Channels / shape.Groups;
        int perGroup = (GroupChannels + lanes - 1) / lanes, vectorsOfStates = (shape.States + lanes - 1) / lanes;
        StatesAsLanes = !shape.SinglePositions && 4L * shape.Channels * vectorsOfStates <= 3L * perGroup * shape.Groups * shape.States;
        Vectors = StatesAsLanes ? vectorsOfStates : shape.States;
        _channelsPerBlock = StatesAsLanes ? 1 : lanes;
        BlocksPerGroup = StatesAsLanes ? GroupChannels : perGroup;
        Blocks = BlocksPerGroup * shape.Groups;
        CheckpointSteps = Math.Max(Chunk, (shape.States + Chunk - 1) / Chunk * Chunk);
        Checkpoints = (_length + CheckpointSteps - 1) / CheckpointSteps;
        BatchRuns = (int)Math.Clamp(Entries, 1, MostTasks);

        // Every further split costs two partial sums [L, G, N]: together at most a fifth of the inputs (3 L D).
        int affordable = 1 + (int)(0.3 * GroupChannels / shape.States);
        SplitsPerGroup = Math.Clamp(Math.Min(MostTasks / shape.Groups, affordable), 1, BlocksPerGroup);

        int tasks = backward ? SplitsPerGroup * shape.Groups : Blocks;
        bool cut = tasks < (backward ? 2 : 4) && shape.Length >= LongSequence && !shape.ReturnStates;
        long pieces = cut ? Math.Min(8, shape.Length / ShortestSegment) : 1;
        long steps = (_length + pieces - 1) / pieces;
        _segmentSteps = Math.Max(CheckpointSteps, (steps + CheckpointSteps - 1) / CheckpointSteps * CheckpointSteps);
        Segments = (int)Math.Max(1, (_length + _segmentSteps - 1) / _segmentSteps);
    }

    /// <summary>Elements of a block's state.</summary>
    public int BlockElements => Vectors * Lanes;

    /// <summary>Positions of an entry; the last may have fewer.</summary>
    public long LengthOf(long entry) => entry == Entries - 1 ? _lastLength : _length;

    /// <summary>Row of an entry's first position in memory.</summary>
    public long FirstRow(long entry) => entry * _length;

    /// <summary>First position (in processing order) of segment <paramref name="segment"/>; the last one's end is L.</summary>
    public long SegmentStart(int segment) => Math.Min(_length, segment * _segmentSteps);

    /// <summary>First channel of a block.</summary>
    public int FirstChannel(int block) => block / BlocksPerGroup * GroupChannels + block % BlocksPerGroup * _channelsPerBlock;

    /// <summary>Channels in a block: the lanes, or fewer at the end of a group, or one.</summary>
    public int ChannelsIn(int block) => Math.Min(_channelsPerBlock, GroupChannels - block % BlocksPerGroup * _channelsPerBlock);

    /// <summary>Blocks prepared together: half a KiB of a row, which is enough for memory to stream, and a chunk of it stays in the cache.</summary>
    public static int Strip<V, T>()
        where V : unmanaged, IVector<V, T>
        where T : unmanaged => 4096 / V.Bits;

    /// <summary>Blocks from <paramref name="block"/> on that are prepared together, at most <paramref name="most"/>: neighbours in memory without
    /// lanes to spare, or one block that has some.</summary>
    public int StripFrom(int block, int end, int most)
    {
        int count = 0;
        while (count < most && block + count < end && ChannelsIn(block + count) == Lanes)
        {
            count++;
        }

        return Math.Max(1, count);
    }

    /// <summary>Where the blocks of part <paramref name="part"/> of <paramref name="parts"/> begin in a row of <paramref name="count"/>.</summary>
    public static int PartStart(int part, int parts, int count) => (int)((long)part * count / parts);
}
