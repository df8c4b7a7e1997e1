using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// Scratch matrices of one chunk, one worker's. Those over positions and states belong to a group and serve all of its heads; the rest
/// is filled anew for each head. Rows and columns beyond the sizes are zero. Letters: s a position that writes, t one that reads.
/// </summary>
internal sealed unsafe class SsdChunk<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int Chunk = SsdPlan.Chunk, TileRows = MatrixTile<V, T>.Rows;
    private readonly StateSpaceDualityShape _shape;
    private readonly StateSpaceDualityInputs<T> _in;
    private readonly T* _running;

    public SsdChunk(in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, Workspace workspace)
    {
        (_shape, _in) = (shape, inputs);
        StateRows = SsdPlan.Up(shape.States, TileRows);
        StateColumns = SsdPlan.Up(shape.States, V.Count);
        Columns = SsdPlan.Up(shape.HeadWidth, V.Count);
        Across = SsdPlan.Stride<T>(Chunk);
        Deep = SsdPlan.Stride<T>(Math.Max(StateRows, StateColumns));
        Wide = SsdPlan.Stride<T>(Columns);
        B = Matrix(Chunk, Deep);
        C = Matrix(Chunk, Deep);
        TransposedC = Matrix(StateRows, Across);
        Products = Matrix(Chunk, Across);
        Weights = Matrix(Chunk, Across);
        X = Matrix(Chunk, Wide);
        StepX = Matrix(Chunk, Wide);
        Y = Matrix(Chunk, Wide);
        Steps = Matrix(1, Chunk);
        Factors = Matrix(1, Chunk);
        Prefix = Matrix(1, Chunk);
        Suffix = Matrix(1, Chunk);
        _running = Matrix(1, Chunk);

        T* Matrix(int rows, int stride) => workspace.Allocate<T>((long)rows * stride, zeroed: true);
    }

    /// <summary>N as rows of tiles.</summary>
    public int StateRows { get; }

    /// <summary>N as vectors.</summary>
    public int StateColumns { get; }

    /// <summary>P as vectors.</summary>
    public int Columns { get; }

    /// <summary>Row stride of matrices over positions.</summary>
    public int Across { get; }

    /// <summary>Row stride of matrices over states.</summary>
    public int Deep { get; }

    /// <summary>Row stride of matrices over a head's channels.</summary>
    public int Wide { get; }

    /// <summary>Elements of a state as scratch, [states, <see cref="Wide"/>].</summary>
    public int StateElements => StateRows * Wide;

    /// <summary>Where the chunk begins among the positions of the batch.</summary>
    public long Row { get; private set; }

    /// <summary>Positions of the chunk.</summary>
    public int Length { get; private set; }

    /// <summary>Positions as rows of tiles.</summary>
    public int TileLength { get; private set; }

    /// <summary>B [s, n].</summary>
    public T* B { get; }

    /// <summary>C [t, n].</summary>
    public T* C { get; }

    /// <summary>C [n, t].</summary>
    public T* TransposedC { get; }

    /// <summary>C_t B_s [s, t], where t is not before s.</summary>
    public T* Products { get; }

    /// <summary>C_t B_s times the decay from s to t, [s, t]; zero where t is before s, in the tiles on the diagonal.</summary>
    public T* Weights { get; }

    /// <summary>x [s, p].</summary>
    public T* X { get; }

    /// <summary>d x [s, p].</summary>
    public T* StepX { get; }

    /// <summary>S C without the skip [t, p].</summary>
    public T* Y { get; }

    /// <summary>d.</summary>
    public T* Steps { get; }

    /// <summary>exp(d A), the decay from the position before; 0 where a sequence begins.</summary>
    public T* Factors { get; }

    /// <summary>Decay from before the chunk up to t.</summary>
    public T* Prefix { get; }

    /// <summary>Decay from s up to the end of the chunk.</summary>
    public T* Suffix { get; }

    /// <summary>Positions that vectors cover.</summary>
    public int VectorLength => SsdPlan.Up(TileLength, V.Count);

    /// <summary>Reads B and C of a chunk and multiplies them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Load(long batch, long start, int length, int group)
    {
        Row = batch * _shape.Length + start;
        Length = length;
        TileLength = SsdPlan.Up(length, TileRows);
        int states = _shape.States;
        for (int s = 0; s < length; s++)
        {
            new Span<T>(_in.B + (Row + s) * _in.BStride + (long)group * states, states).CopyTo(new Span<T>(B + s * Deep, states));
            new Span<T>(_in.C + (Row + s) * _in.CStride + (long)group * states, states).CopyTo(new Span<T>(C + s * Deep, states));
        }

        new Span<T>(B + length * Deep, (TileLength - length) * Deep).Clear();
        new Span<T>(C + length * Deep, (TileLength - length) * Deep).Clear();
        Transpose(C, Deep, length, states, TransposedC);
        TileProduct<T> product = new() { Row = Deep, Step = 1, BStep = Across, K = states }, none = default;
        for (int j = 0, vectors; j < VectorLength; j += vectors * V.Count)
        {
            vectors = j + 2 * V.Count <= VectorLength ? 2 : 1;
            product.B = TransposedC + j;
            for (int i = 0; i < TileLength && i < j + vectors * V.Count; i += TileRows)
            {
                product.A = B + i * Deep;
                MatrixTile<V, T>.Run(product, null, none, Products + i * Across + j, Across, T.Zero, vectors);
            }
        }
    }

    /// <summary>[length, width] to [width, length] with zeros behind.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Transpose(T* source, long stride, int length, int width, T* target)
    {
        int across = Across, covered = VectorLength;
        for (int n = 0; n < width; n++, source++, target += across)
        {
            T* from = source;
            for (int t = 0; t < length; t++, from += stride)
            {
                target[t] = *from;
            }

            for (int t = length; t < covered; t++)
            {
                target[t] = T.Zero;
            }
        }
    }

    /// <summary>Copies a head's rows of a sequence.</summary>
    public void Copy(T* source, long stride, int head, T* target)
    {
        int width = _shape.HeadWidth;
        source += Row * stride + (long)head * width;
        for (int t = 0; t < Length; t++)
        {
            new Span<T>(source + t * stride, width).CopyTo(new Span<T>(target + t * Wide, width));
            new Span<T>(target + t * Wide + width, Columns - width).Clear();
        }

        new Span<T>(target + Length * Wide, (TileLength - Length) * Wide).Clear();
    }

    /// <summary>Asks for a head's rows of a sequence: they lie in as many pages, which no hardware prefetcher follows.</summary>
    public void Ask(T* sequence, long stride, int head)
    {
        T* rows = sequence + Row * stride + (long)head * _shape.HeadWidth;
        for (int t = 0; t < Length && sequence != null; t++)
        {
            Prefetch.Bytes(rows + t * stride, _shape.HeadWidth * sizeof(T));
        }
    }

    /// <summary>Writes a head's rows of a sequence.</summary>
    public void Write(T* source, T* target, long stride, int head)
    {
        int width = _shape.HeadWidth;
        target += Row * stride + (long)head * width;
        for (int t = 0; t < Length; t++)
        {
            new Span<T>(source + t * Wide, width).CopyTo(new Span<T>(target + t * stride, width));
        }
    }

    /// <summary>Fills in what a head needs of its steps: d, the decays and x.</summary>
    /// <param name="head">The head</param>
    /// <param name="slopes">Where the slope of the step goes; null if nobody needs it</param>
    /// <param name="decays">Where the decay from s to t goes, [s, t] as <see cref="Weights"/>; null if nobody needs it</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Discretize(int head, T* slopes, T* decays)
    {
        T* dt = _in.Dt + Row * _in.DtStride + head;
        for (int t = 0; t < Length; t++)
        {
            Steps[t] = dt[t * _in.DtStride];
        }

        SsdSteps<V, T>.Run(_shape, _in.A[head], _in.DtBias == null ? T.Zero : _in.DtBias[head], Length, Steps, Factors, slopes);
        if (_in.SequenceIndex != null)
        {
            int* sequence = _in.SequenceIndex + Row;
            bool inside = Row % _shape.Length != 0;
            for (int t = inside ? 0 : 1; t < Length; t++)
            {
                if (sequence[t] != sequence[t - 1])
                {
                    Factors[t] = T.Zero;
                }
            }
        }

        Decay(decays);
    }

    /// <summary>Copies a head's x, and d x.</summary>
    public void CopyX(int head)
    {
        Copy(_in.X, _in.XStride, head, X);
        Scale(X, Wide, Steps, StepX);
    }

    /// <summary>Rows over channels, each times its factor, as a scratch matrix.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Scale(T* source, long stride, T* factors, T* target)
    {
        for (int t = 0; t < Length; t++, source += stride, target += Wide)
        {
            V factor = V.Broadcast(factors[t]);
            for (int p = 0; p < Columns; p += V.Count)
            {
                (V.Load(source + p) * factor).Store(target + p);
            }
        }
    }

    /// <summary>Y from the state before the chunk and the chunk itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Read(T* state)
    {
        TileProduct<T> before = new() { Row = Deep, Step = 1, BStep = Wide, K = state == null ? 0 : _shape.States };
        TileProduct<T> within = new() { Row = 1, Step = Across, BStep = Wide };
        for (int j = 0, vectors; j < Columns; j += vectors * V.Count)
        {
            vectors = j + 2 * V.Count <= Columns ? 2 : 1;
            before.B = state + j;
            within.B = StepX + j;
            for (int t = 0; t < TileLength; t += TileRows)
            {
                before.A = C + t * Deep;
                within.A = Weights + t;
                within.K = Math.Min(t + TileRows, Length);
                MatrixTile<V, T>.Run(before, Prefix + t, within, Y + t * Wide + j, Wide, T.Zero, vectors);
            }
        }
    }

    /// <summary>Decays between any two positions as products of the factors between them, from the last s to the first: no difference
    /// of sums, which would lose digits, and one exponential a position.</summary>
    private void Decay(T* decays)
    {
        V tiny = VectorMath.Constant<V, T>(1e-36, 1e-300);
        new Span<T>(_running, Chunk).Clear();
        for (int s = Length - 1; s >= 0; s--)
        {
            int first = s / V.Count * V.Count, row = s * Across;
            for (int t = s / TileRows * TileRows; t < first; t++)
            {
                Weights[row + t] = T.Zero;
                if (decays != null)
                {
                    decays[row + t] = T.Zero;
                }
            }

            _running[s] = T.One;
            Suffix[s] = _running[Length - 1];
            V factor = V.Broadcast(Factors[s]);
            for (int t = first; t < VectorLength; t += V.Count)
            {
                V decay = V.Load(_running + t);
                (decay * V.Load(Products + row + t)).Store(Weights + row + t);
                if (decays != null)
                {
                    decay.Store(decays + row + t);
                }

                // Nothing becomes denormal, which a processor may take a hundred cycles for.
                decay *= factor;
                V.IfGreater(tiny, V.Abs(decay), V.Zero, decay).Store(_running + t);
            }
        }

        new Span<T>(_running, Chunk).CopyTo(new Span<T>(Prefix, Chunk));
    }
}
