namespace MambaExt.Kernels;

/// <summary>
/// Sizes and switches of the Mamba-2 recurrence. Letters as in the whole library: B batch, L length, H heads, P head width, N states, G groups.
/// </summary>
public readonly record struct StateSpaceDualityShape
{
    /// <summary>B, 0 or more.</summary>
    public required long Batch { get; init; }

    /// <summary>L, 0 or more.</summary>
    public required long Length { get; init; }

    /// <summary>H, 1 or more.</summary>
    public required int Heads { get; init; }

    /// <summary>P, 1 to 1024.</summary>
    public required int HeadWidth { get; init; }

    /// <summary>N, 1 to 1024.</summary>
    public required int States { get; init; }

    /// <summary>G: head h uses row h / (H / G) of B and C. H must be a multiple of it.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Discretize with softplus(dt + dt_bias); otherwise with dt + dt_bias itself.</summary>
    public bool Softplus { get; init; }

    /// <summary>Steps are held above this; the gradient of one below is zero.</summary>
    public double LeastStep { get; init; } = double.NegativeInfinity;

    /// <summary>Steps are held below this; the gradient of one above is zero.</summary>
    public double LargestStep { get; init; } = double.PositiveInfinity;

    /// <summary>D is [H, P]; otherwise [H].</summary>
    public bool SkipPerChannel { get; init; }

    /// <summary>Sizes with one group, no softplus and no limits of the step, until set otherwise.</summary>
    public StateSpaceDualityShape()
    {
    }

    /// <summary>Channels of x, H P.</summary>
    public int Channels => Heads * HeadWidth;

    /// <summary>Throws one sentence for the first value that is out of range.</summary>
    public void Validate()
    {
        if (Batch < 0 || Length < 0)
        {
            throw new ArgumentException($"The Mamba-2 scan was given batch {Batch} and length {Length}; both must be 0 or more.");
        }

        if (Heads < 1 || HeadWidth is < 1 or > MostPerHead || States is < 1 or > MostPerHead)
        {
            throw new ArgumentException(
                $"The Mamba-2 scan was given {Heads} heads of width {HeadWidth} with a state size of {States}; allowed are 1 head or more, and 1 to {MostPerHead} for width and state size.");
        }

        if ((long)Heads * HeadWidth > int.MaxValue / 2)
        {
            throw new ArgumentException($"The Mamba-2 scan was given {Heads} heads of width {HeadWidth}; their product may be at most {int.MaxValue / 2}.");
        }

        if (Groups < 1 || Heads % Groups != 0)
        {
            throw new ArgumentException($"The Mamba-2 scan was given {Groups} groups of B and C for {Heads} heads; the heads must divide evenly into 1 or more groups.");
        }

        if (!(LeastStep <= LargestStep))
        {
            throw new ArgumentException($"The Mamba-2 scan was given step limits {LeastStep} and {LargestStep}; the first must not be above the second.");
        }
    }

    /// <summary>The largest head width and state size.</summary>
    public const int MostPerHead = 1024;
}

/// <summary>
/// Addresses of what the Mamba-2 scan reads. Sequences are time-major; a row stride is the distance in elements between neighbouring
/// positions, so that a slice of a wider projection is read where it lies. Optional parts are null.
/// </summary>
public unsafe struct StateSpaceDualityInputs<T>
    where T : unmanaged
{
    /// <summary>x [B, L, H, P] and its row stride.</summary>
    public T* X;

    /// <inheritdoc cref="X"/>
    public long XStride;

    /// <summary>dt [B, L, H], before bias, softplus and limits.</summary>
    public T* Dt;

    /// <inheritdoc cref="Dt"/>
    public long DtStride;

    /// <summary>A [H].</summary>
    public T* A;

    /// <summary>B [B, L, G, N] and its row stride.</summary>
    public T* B;

    /// <inheritdoc cref="B"/>
    public long BStride;

    /// <summary>C [B, L, G, N] and its row stride.</summary>
    public T* C;

    /// <inheritdoc cref="C"/>
    public long CStride;

    /// <summary>Optional skip D, [H] or [H, P].</summary>
    public T* D;

    /// <summary>Optional gate z [B, L, H, P].</summary>
    public T* Z;

    /// <inheritdoc cref="Z"/>
    public long ZStride;

    /// <summary>Optional dt bias [H].</summary>
    public T* DtBias;

    /// <summary>Optional state before the first position [B, H, P, N].</summary>
    public T* InitialState;

    /// <summary>Optional sequence number of each position [B, L]: the state starts from zero where it changes.</summary>
    public int* SequenceIndex;
}

/// <summary>Addresses of what the forward pass writes.</summary>
public unsafe struct StateSpaceDualityOutputs<T>
    where T : unmanaged
{
    /// <summary>out [B, L, H, P] and its row stride.</summary>
    public T* Out;

    /// <inheritdoc cref="Out"/>
    public long OutStride;

    /// <summary>Optional state after the last position [B, H, P, N].</summary>
    public T* LastState;

    /// <summary>Optional state between chunks, for the backward pass: <see cref="StateSpaceDuality.CheckpointElements"/> elements.</summary>
    public T* Checkpoints;
}

/// <summary>Addresses of the gradients. Those of sequences carry row strides; a null pointer is a gradient nobody needs.</summary>
public unsafe struct StateSpaceDualityGradients<T>
    where T : unmanaged
{
    /// <summary>Read: gradient of out, with its row stride.</summary>
    public T* Out;

    /// <inheritdoc cref="Out"/>
    public long OutStride;

    /// <summary>Read, optional: gradient of the last state [B, H, P, N].</summary>
    public T* LastState;

    /// <summary>Written: gradient of x.</summary>
    public T* X;

    /// <inheritdoc cref="X"/>
    public long XStride;

    /// <summary>Written: gradient of dt.</summary>
    public T* Dt;

    /// <inheritdoc cref="Dt"/>
    public long DtStride;

    /// <summary>Written: gradient of A [H].</summary>
    public T* A;

    /// <summary>Written: gradient of B.</summary>
    public T* B;

    /// <inheritdoc cref="B"/>
    public long BStride;

    /// <summary>Written: gradient of C.</summary>
    public T* C;

    /// <inheritdoc cref="C"/>
    public long CStride;

    /// <summary>Written where there is a skip: gradient of D, shaped like D.</summary>
    public T* D;

    /// <summary>Written where there is a gate: gradient of z.</summary>
    public T* Z;

    /// <inheritdoc cref="Z"/>
    public long ZStride;

    /// <summary>Written: gradient of the dt bias [H].</summary>
    public T* DtBias;

    /// <summary>Written: gradient of the initial state [B, H, P, N].</summary>
    public T* InitialState;
}

/// <summary>What every kernel of the Mamba-2 scan requires of its arguments.</summary>
internal static unsafe class StateSpaceDualityArguments
{
    public static void Require<T>(in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, in StateSpaceDualityOutputs<T> outputs)
        where T : unmanaged
    {
        Require(shape, inputs);
        if (outputs.Out == null && HasPositions(shape))
        {
            throw new ArgumentException("The Mamba-2 scan was given no memory for out; pass [B, L, H, P].");
        }
    }

    /// <param name="shape">Sizes</param>
    /// <param name="inputs">What the forward pass read</param>
    /// <param name="checkpoints">Whether the checkpoints are there, or none are needed</param>
    /// <param name="gradients">Where the gradients come from and go</param>
    public static void Require<T>(in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, bool checkpoints, in StateSpaceDualityGradients<T> gradients)
        where T : unmanaged
    {
        Require(shape, inputs);
        if (HasPositions(shape) && (gradients.Out == null || !checkpoints))
        {
            throw new ArgumentException("The backward Mamba-2 scan needs the gradient of out and the checkpoints that the forward scan left; one of them is null.");
        }
    }

    private static void Require<T>(in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs)
        where T : unmanaged
    {
        shape.Validate();
        if (inputs.A == null || (HasPositions(shape) && (inputs.X == null || inputs.Dt == null || inputs.B == null || inputs.C == null)))
        {
            throw new ArgumentException("The Mamba-2 scan needs x, dt, A, B and C; one of them is null.");
        }
    }

    private static bool HasPositions(in StateSpaceDualityShape shape) => shape.Length > 0 && shape.Batch > 0;
}
