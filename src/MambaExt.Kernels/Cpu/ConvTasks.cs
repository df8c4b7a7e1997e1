namespace MambaExt.Kernels.Cpu;

/// <summary>A piece of [B, L, D]: whole batch entries or part of one, and a block of channels.</summary>
internal readonly record struct ConvTask(long FirstBatch, long EndBatch, long FirstStep, long EndStep, long FirstChannel, long Channels);

/// <summary>
/// Cuts [B, L, D] by shape alone into tasks of about <c>steps</c> rows: a long sequence into chunks, short ones by several. Tasks
/// of the same channels lie together, pieces in the order of batch and time.
/// </summary>
internal readonly struct ConvTasks
{
    private readonly CausalConv1dShape _shape;
    private readonly long _batchesPerPiece;
    private readonly long _stepsPerPiece;
    private readonly long _chunks;
    private readonly int _channelsPerTask;

    public ConvTasks(in CausalConv1dShape shape, int steps, int channels)
    {
        _shape = shape;
        _channelsPerTask = channels;
        _stepsPerPiece = steps;
        _chunks = Math.Max(1, (shape.Length + steps - 1) / steps);
        _batchesPerPiece = _chunks > 1 ? 1 : Math.Max(1, steps / Math.Max(1, shape.Length));
        Blocks = (int)((shape.Channels + channels - 1) / channels);
        Pieces = checked((int)((shape.Batch + _batchesPerPiece - 1) / _batchesPerPiece * _chunks));
    }

    /// <summary>Blocks of channels.</summary>
    public int Blocks { get; }

    /// <summary>Pieces of [B, L].</summary>
    public int Pieces { get; }

    public int Count => checked(Blocks * Pieces);

    public ConvTask this[int task]
    {
        get
        {
            (int block, int piece) = Math.DivRem(task, Pieces);
            (long batches, long chunk) = Math.DivRem(piece, _chunks);
            long batch = batches * _batchesPerPiece;
            long step = chunk * _stepsPerPiece;
            long channel = (long)block * _channelsPerTask;
            return new ConvTask(
                batch, Math.Min(batch + _batchesPerPiece, _shape.Batch),
                step, Math.Min(step + _stepsPerPiece, _shape.Length),
                channel, Math.Min(_channelsPerTask, _shape.Channels - channel));
        }
    }
}
