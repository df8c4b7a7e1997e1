namespace MambaExt.Kernels;

/// <summary>
/// Sizes and switches of a selective scan. Letters as in the whole library: B batch, L length, D channels, N states, G groups.
/// </summary>
public readonly record struct SelectiveScanShape
{
    /// <summary>B, 0 or more.</summary>
    public required long Batch { get; init; }

    /// <summary>L, 0 or more.</summary>
    public required long Length { get; init; }

    /// <summary>D, 1 or more.</summary>
    public required int Channels { get; init; }

    /// <summary>N, 1 to 256.</summary>
    public required int States { get; init; }

    /// <summary>G: channel d uses row d / (D / G) of a per-position B or C. D must be a multiple of it.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>B is [B, L, G, N]; otherwise constant, [D, N].</summary>
    public bool PerPositionB { get; init; } = true;

    /// <summary>C is [B, L, G, N]; otherwise constant, [D, N].</summary>
    public bool PerPositionC { get; init; } = true;

    /// <summary>Discretize with softplus(delta + delta_bias); otherwise with delta + delta_bias itself.</summary>
    public bool Softplus { get; init; }

    /// <summary>Process positions L-1 ... 0.</summary>
    public bool Reverse { get; init; }

    /// <summary>The result is every state, [B, L, D, N], instead of their product with C. Excludes C, D and z.</summary>
    public bool ReturnStates { get; init; }

    /// <summary>No state goes in or comes out, in this pass and in the other: short sequences of a batch may then share a stretch of
    /// arithmetic, and one of a single position needs no state. Changes results by rounding at most.</summary>
    public bool Stateless { get; init; }

    /// <summary>Nothing passes between positions, and B and C only meet in their product: no state is computed at all.</summary>
    internal bool SinglePositions => Stateless && Length == 1 && PerPositionB && PerPositionC && !ReturnStates;

    /// <summary>Sizes with one group, per-position B and C, no softplus, forward, until set otherwise.</summary>
    public SelectiveScanShape()
    {
    }

    /// <summary>Throws one sentence for the first value that is out of range.</summary>
    public void Validate()
    {
        if (Batch < 0 || Length < 0)
        {
            throw new ArgumentException($"The selective scan was given batch {Batch} and length {Length}; both must be 0 or more.");
        }

        if (Channels < 1)
        {
            throw new ArgumentException($"The selective scan was given {Channels} channels; give 1 or more.");
        }

        if (States is < 1 or > MaxStates)
        {
            throw new ArgumentException($"The selective scan was given a state size of {States}; allowed are 1 to {MaxStates}.");
        }

        if (Groups < 1 || Channels % Groups != 0)
        {
            throw new ArgumentException($"The selective scan was given {Groups} groups of B and C for {Channels} channels; the channels must divide evenly into 1 or more groups.");
        }
    }

    /// <summary>The largest state size.</summary>
    public const int MaxStates = 256;
}

/// <summary>
/// Addresses of what a scan reads. Sequences are time-major with channels last; a row stride is the distance in elements between
/// neighbouring positions, so that a slice of a wider projection is read where it lies. Optional parts are null.
/// </summary>
public unsafe struct SelectiveScanInputs<T>
    where T : unmanaged
{
    /// <summary>u [B, L, D] and its row stride.</summary>
    public T* U;

    /// <inheritdoc cref="U"/>
    public long UStride;

    /// <summary>delta [B, L, D], before bias and softplus.</summary>
    public T* Delta;

    /// <inheritdoc cref="Delta"/>
    public long DeltaStride;

    /// <summary>A [D, N].</summary>
    public T* A;

    /// <summary>B, [B, L, G, N] with a row stride or constant [D, N].</summary>
    public T* B;

    /// <inheritdoc cref="B"/>
    public long BStride;

    /// <summary>C, [B, L, G, N] with a row stride or constant [D, N]; null with <see cref="SelectiveScanShape.ReturnStates"/>.</summary>
    public T* C;

    /// <inheritdoc cref="C"/>
    public long CStride;

    /// <summary>Optional gate z [B, L, D].</summary>
    public T* Z;

    /// <inheritdoc cref="Z"/>
    public long ZStride;

    /// <summary>Optional skip D [D].</summary>
    public T* D;

    /// <summary>Optional delta bias [D].</summary>
    public T* DeltaBias;

    /// <summary>Optional state before the first position processed [B, D, N].</summary>
    public T* InitialState;

    /// <summary>Optional sequence number of each position [B, L]: the state starts from zero where it changes.</summary>
    public int* SequenceIndex;
}

/// <summary>Addresses of what the forward scan writes.</summary>
public unsafe struct SelectiveScanOutputs<T>
    where T : unmanaged
{
    /// <summary>out [B, L, D] (or [B, L, D, N] with <see cref="SelectiveScanShape.ReturnStates"/>) and its row stride.</summary>
    public T* Out;

    /// <inheritdoc cref="Out"/>
    public long OutStride;

    /// <summary>Optional state after the last position processed [B, D, N].</summary>
    public T* LastState;

    /// <summary>Optional state every few positions, for the backward scan: <see cref="SelectiveScan.CheckpointElements"/> elements.</summary>
    public T* Checkpoints;
}

/// <summary>Addresses of the gradients. Those of sequences carry row strides; a null pointer is a gradient nobody needs.</summary>
public unsafe struct SelectiveScanGradients<T>
    where T : unmanaged
{
    /// <summary>Read: gradient of out, with its row stride.</summary>
    public T* Out;

    /// <inheritdoc cref="Out"/>
    public long OutStride;

    /// <summary>Read, optional: gradient of the last state [B, D, N].</summary>
    public T* LastState;

    /// <summary>Written: gradient of u.</summary>
    public T* U;

    /// <inheritdoc cref="U"/>
    public long UStride;

    /// <summary>Written: gradient of delta.</summary>
    public T* Delta;

    /// <inheritdoc cref="Delta"/>
    public long DeltaStride;

    /// <summary>Written: gradient of A [D, N].</summary>
    public T* A;

    /// <summary>Written: gradient of B, shaped like B.</summary>
    public T* B;

    /// <inheritdoc cref="B"/>
    public long BStride;

    /// <summary>Written: gradient of C, shaped like C.</summary>
    public T* C;

    /// <inheritdoc cref="C"/>
    public long CStride;

    /// <summary>Written where there is a gate: gradient of z.</summary>
    public T* Z;

    /// <inheritdoc cref="Z"/>
    public long ZStride;

    /// <summary>Written: gradient of D [D].</summary>
    public T* D;

    /// <summary>Written: gradient of the delta bias [D].</summary>
    public T* DeltaBias;

    /// <summary>Written: gradient of the initial state [B, D, N].</summary>
    public T* InitialState;
}
