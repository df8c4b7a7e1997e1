using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>Scratch of the backward Mamba-2 scan, one worker's: what it needs of a chunk beside <see cref="SsdChunk{V, T}"/>.</summary>
internal sealed unsafe partial class SsdScratch<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int Positions = SsdPlan.Chunk, TileRows = MatrixTile<V, T>.Rows;
    private readonly StateSpaceDualityShape _shape;
    private readonly Workspace _workspace;
    private readonly T* _transposedB, _exchanged, _sumExchanged, _sumRead, _sumWritten, _product, _factors;
    private T* _carry;
    private int _carries;

    public SsdScratch(in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, Workspace workspace)
    {
        (_shape, _workspace) = (shape, workspace);
        Chunk = new SsdChunk<V, T>(shape, inputs, workspace);
        int channelRows = SsdPlan.Up(shape.HeadWidth, TileRows);
        _transposedB = Matrix(Chunk.StateRows, Chunk.Across);
        State = Matrix(Chunk.StateRows, Chunk.Wide);
        Decays = Matrix(Positions, Chunk.Across);
        GradY = Matrix(Positions, Chunk.Wide);
        Z = Matrix(Positions, Chunk.Wide);
        TransposedX = Matrix(channelRows, Chunk.Across);
        TransposedGradY = Matrix(channelRows, Chunk.Across);
        _exchanged = Matrix(Positions, Chunk.Across);
        _sumExchanged = Matrix(Positions, Chunk.Across);
        _product = Matrix(Chunk.StateRows, Chunk.Across);
        _sumRead = Matrix(Chunk.StateRows, Chunk.Across);
        _sumWritten = Matrix(Chunk.StateRows, Chunk.Across);
        _factors = Matrix(1, Positions);
        GradB = Matrix(Positions, Chunk.Deep);
        GradC = Matrix(Positions, Chunk.Deep);
        Slopes = Matrix(1, Positions);
        GradSteps = Matrix(1, Positions);
        Written = Matrix(1, Positions);
        Reading = Matrix(1, Positions);
        Skip = Matrix(1, Chunk.Wide);
        GradSkip = Matrix(1, Chunk.Wide);

        T* Matrix(int rows, int stride) => workspace.Allocate<T>((long)rows * stride, zeroed: true);
    }

    public SsdChunk<V, T> Chunk { get; }

    /// <summary>The state before the chunk.</summary>
    public T* State { get; }

    /// <summary>Decay from s to t [s, t].</summary>
    public T* Decays { get; }

    /// <summary>Gradient of y [t, p].</summary>
    public T* GradY { get; }

    public T* Z { get; }

    public T* TransposedX { get; }

    public T* TransposedGradY { get; }

    public T* GradB { get; }

    public T* GradC { get; }

    public T* Slopes { get; }

    public T* GradSteps { get; }

    /// <summary>What position s gives to the state after the chunk, as a share of the loss's derivative by its logarithm.</summary>
    public T* Written { get; }

    /// <summary>What position t has read from before k, likewise, k moving.</summary>
    public T* Reading { get; }

    public T* Skip { get; }

    /// <summary>Gradient of D of this chunk [p].</summary>
    public T* GradSkip { get; }

    /// <summary>Gradient of the state of head <paramref name="index"/> of <paramref name="heads"/> that this worker walks.</summary>
    public T* Carry(int index, int heads)
    {
        if (heads > _carries)
        {
            _carry = _workspace.Allocate<T>((long)heads * Chunk.StateElements, zeroed: true);
            _carries = heads;
        }

        return _carry + (long)index * Chunk.StateElements;
    }
}
