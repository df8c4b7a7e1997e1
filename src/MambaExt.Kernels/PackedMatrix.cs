using MambaExt.Kernels.Cpu;

namespace MambaExt.Kernels;

/// <summary>The matrix of a linear map as <see cref="MatrixTile{V, T}"/> reads it: transposed, rows filled up with zeros to whole vectors of any width.</summary>
internal sealed unsafe class PackedMatrix(int inputs, int outputs, Workspace memory)
{
    // 512 bits of float.
    private const int Widest = 16;

    private readonly float* _values = memory.Allocate<float>((long)inputs * Padded(outputs), zeroed: true);

    /// <summary>Columns with the zeros: the distance between rows of a result.</summary>
    public int Stride { get; } = Padded(outputs);

    /// <summary>At least <paramref name="columns"/>, whole vectors.</summary>
    public static int Padded(int columns) => (columns + Widest - 1) / Widest * Widest;

    /// <summary>Takes a weight [outputs, inputs].</summary>
    public void Load(ReadOnlySpan<float> weight)
    {
        if (weight.Length != inputs * outputs)
        {
            throw new ArgumentException($"A weight of {weight.Length} values was given for {outputs} x {inputs}; give one of that size.");
        }

        for (int o = 0; o < outputs; o++)
        {
            for (int i = 0; i < inputs; i++)
            {
                _values[((long)i * Stride) + o] = weight[(o * inputs) + i];
            }
        }
    }

    /// <summary>c = x W^T + initial c, [rows, outputs]; both have a multiple of six rows.</summary>
    /// <param name="x">[rows, inputs], rows <paramref name="xStride"/> apart</param>
    /// <param name="xStride">Elements between rows of x</param>
    /// <param name="rows">Rows; whole tiles are computed</param>
    /// <param name="c">[rows, <see cref="Stride"/>]</param>
    /// <param name="initial">0 or 1</param>
    public void Multiply<V>(float* x, nint xStride, int rows, float* c, float initial)
        where V : unmanaged, IVector<V, float> =>
        MatrixTile<V, float>.Multiply(new TileProduct<float> { A = x, Row = xStride, Step = 1, B = _values, BStep = Stride, K = inputs }, rows, Stride, c, Stride, initial);
}
