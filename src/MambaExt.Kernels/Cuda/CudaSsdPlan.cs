namespace MambaExt.Kernels.Cuda;

/// <summary>How a Mamba-2 scan is cut on a GPU, and what its kernels leave one another. Whatever changes a bit of a result depends on the
/// sizes of one batch entry alone.</summary>
internal readonly struct CudaSsdPlan
{
    // These stand in the source as well.
    private const int ChunkLength = 64, Tile = 64, Stage = 16, Pitch = Tile + 4;
    private const int StageElements = 2 * Stage * Pitch, StepElements = (4 * ChunkLength) + (ChunkLength * 17) + 32 + (3 * ChunkLength);
    private const int PairElements = ChunkLength * (ChunkLength + 1);

    /// <summary>Threads of a block, but in the kernel of the steps' gradients.</summary>
    public const int Threads = 256;

    /// <summary>Threads of a block there: a position each.</summary>
    public const int StepThreads = ChunkLength;

    /// <summary>Heads of a group whose gradients of B and C are summed on their own, at most.</summary>
    private const int MostSplits = 4;

    /// <summary>Blocks that fill a large GPU twice: with that many tiles of states, a block walks over all chunks, and no state travels
    /// to memory and back in between. Bits are the same either way.</summary>
    private const long EnoughWalks = 256;

    private readonly StateSpaceDualityShape _shape;
    private readonly int _elementBytes;

    /// <param name="shape">Sizes, validated</param>
    /// <param name="elementBytes">Bytes of a state: 4 or 8</param>
    public CudaSsdPlan(in StateSpaceDualityShape shape, int elementBytes)
    {
        (_shape, _elementBytes) = (shape, elementBytes);
        Chunks = (shape.Length + ChunkLength - 1) / ChunkLength;
        WidthTiles = Tiles(shape.HeadWidth);
        StateTiles = Tiles(shape.States);
        Splits = Math.Min(MostSplits, shape.Heads / shape.Groups);
        Walks = checked(shape.Batch * shape.Heads * WidthTiles * StateTiles);
        Walk = Chunks <= 1 || Walks >= EnoughWalks;
        checked
        {
            Entries = shape.Batch * Chunks * shape.Heads;
            Groups = shape.Batch * Chunks * shape.Groups;
            long perHead = Entries * ChunkLength, selections = Splits > 1 ? Splits * shape.Batch * shape.Length * shape.Groups * shape.States : 0;
            StateElements = Entries * shape.HeadWidth * shape.States;
            Forward = new Layout(Bytes(Groups * ChunkLength * ChunkLength), Bytes(Entries));
            Backward = new Layout(
                Forward.Bytes, Bytes(StateElements), Bytes(Splits * Groups * ChunkLength * ChunkLength), Bytes(selections), Bytes(selections), Bytes(perHead),
                Bytes(StateTiles * perHead), Bytes(WidthTiles * perHead), Bytes(WidthTiles * perHead), Bytes(WidthTiles * Entries), Bytes(Entries), Bytes(Entries),
                Bytes(Entries * shape.HeadWidth));
        }
    }

    /// <summary>Chunks of a sequence.</summary>
    public long Chunks { get; }

    /// <summary>Tiles of a head's channels.</summary>
    public int WidthTiles { get; }

    /// <summary>Tiles of the states.</summary>
    public int StateTiles { get; }

    /// <summary>Parts of a group's heads with sums of their own in the backward pass.</summary>
    public int Splits { get; }

    /// <summary>Tiles of all states of the batch.</summary>
    public long Walks { get; }

    /// <summary>Whether a block walks over all chunks of its tile; otherwise each chunk has a block, and another kernel walks.</summary>
    public bool Walk { get; }

    /// <summary>Chunks of all heads of the batch.</summary>
    public long Entries { get; }

    /// <summary>Chunks of all groups of the batch.</summary>
    public long Groups { get; }

    /// <summary>Elements of the states before all chunks.</summary>
    public long StateElements { get; }

    /// <summary>Offsets: scores, factors.</summary>
    public Layout Forward { get; }

    /// <summary>Offsets: those of the forward pass, then gradients of the states, pairs, partial B, partial C, crossing, reading, written,
    /// through, carried, sums of A, of dt_bias, of D.</summary>
    public Layout Backward { get; }

    /// <summary>Blocks of the kernel that walks over the chunks element by element.</summary>
    public long CombineBlocks => checked(_shape.Batch * _shape.Heads * (((long)_shape.HeadWidth * _shape.States + Threads - 1) / Threads));

    /// <summary>Blocks of the kernel that adds up splits.</summary>
    public long JoinBlocks => checked((_shape.Batch * _shape.Length * _shape.Groups * _shape.States + Threads - 1) / Threads);

    /// <summary>Shared memory of a product.</summary>
    public int ProductBytes => StageElements * _elementBytes;

    /// <summary>Of a product of one head.</summary>
    public int HeadBytes => (StageElements + StepElements) * _elementBytes;

    /// <summary>Of the kernel of pairs.</summary>
    public int PairBytes => (PairElements + Threads + StepElements) * _elementBytes;

    /// <summary>Of the kernel of the steps' gradients.</summary>
    public int StepBytes => ((2 * ChunkLength) + StepElements) * _elementBytes;

    /// <summary>Of the last sums, which are in double.</summary>
    public static int SumBytes => Threads * sizeof(double);

    private static int Tiles(int size) => (size + Tile - 1) / Tile;

    private long Bytes(long elements) => checked(elements * _elementBytes);

    /// <summary>Parts of a workspace, each aligned to 256 bytes.</summary>
    public readonly struct Layout
    {
        private readonly long[] _offsets;

        public Layout(params ReadOnlySpan<long> bytes)
        {
            _offsets = new long[bytes.Length];
            for (int i = 0; i < bytes.Length; i++)
            {
                _offsets[i] = Bytes;
                Bytes = checked(Bytes + (bytes[i] + 255) / 256 * 256);
            }
        }

        /// <summary>Of all parts.</summary>
        public long Bytes { get; }

        public nint Address(nint workspace, int part) => workspace + (nint)_offsets[part];
    }
}
