using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <content>The matrix products of a chunk's backward pass.</content>
internal sealed unsafe partial class SsdScratch<V, T>
{
    /// <summary>Reads B and C of a chunk in both orders.</summary>
    public void Load(long batch, long start, int length, int group)
    {
        Chunk.Load(batch, start, length, group);
        Chunk.Transpose(Chunk.B, Chunk.Deep, length, _shape.States, _transposedB);
    }

    /// <summary>Starts the sums over the heads of a split.</summary>
    public void ClearSums()
    {
        new Span<T>(_sumExchanged, Positions * Chunk.Across).Clear();
        new Span<T>(_sumRead, Chunk.StateRows * Chunk.Across).Clear();
        new Span<T>(_sumWritten, Chunk.StateRows * Chunk.Across).Clear();
    }

    /// <summary>Gradient of d x, [s, p], into the chunk's Y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void GradX(T* carry)
    {
        int wide = Chunk.Wide, across = Chunk.Across;
        TileProduct<T> after = new() { Row = 1, Step = across, BStep = wide, K = _shape.States };
        TileProduct<T> within = new() { Row = across, Step = 1, BStep = wide };
        for (int j = 0, vectors; j < Chunk.Columns; j += vectors * V.Count)
        {
            vectors = j + 2 * V.Count <= Chunk.Columns ? 2 : 1;
            after.B = carry + j;
            for (int s = 0; s < Chunk.TileLength; s += TileRows)
            {
                after.A = _transposedB + s;
                within.A = Chunk.Weights + s * across + s;
                within.B = GradY + s * wide + j;
                within.K = Chunk.Length - s;
                MatrixTile<V, T>.Run(after, Chunk.Suffix + s, within, Chunk.Y + s * wide + j, wide, T.Zero, vectors);
            }
        }
    }

    /// <summary>What positions and states exchange: the sums for the gradients of B and C, and the terms of those of the decays.</summary>
    /// <param name="carry">Gradient of the state after the positions</param>
    /// <param name="reads">Whether they read a state before them</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Exchange(T* carry, bool reads)
    {
        int wide = Chunk.Wide, across = Chunk.Across, length = Chunk.VectorLength;
        TileProduct<T> pair = new() { Row = wide, Step = 1, BStep = across, K = _shape.HeadWidth }, none = default;
        for (int j = 0, vectors; j < length; j += vectors * V.Count)
        {
            vectors = j + 2 * V.Count <= length ? 2 : 1;
            pair.B = TransposedGradY + j;
            for (int s = 0; s < Chunk.TileLength && s < j + vectors * V.Count; s += TileRows)
            {
                pair.A = Chunk.X + s * wide;
                MatrixTile<V, T>.Run(pair, null, none, _exchanged + s * across + j, across, T.Zero, vectors);
            }
        }

        for (int s = 0; s < Chunk.Length; s++)
        {
            V step = V.Broadcast(Chunk.Steps[s]);
            for (int at = s * across + s / V.Count * V.Count; at < s * across + length; at += V.Count)
            {
                V value = V.Load(Decays + at) * step * V.Load(_exchanged + at);
                (V.Load(_sumExchanged + at) + value).Store(_sumExchanged + at);
                (value * V.Load(Chunk.Products + at)).Store(_exchanged + at);
            }
        }

        for (int s = 0; s < Chunk.Length; s++)
        {
            _factors[s] = Chunk.Suffix[s] * Chunk.Steps[s];
        }

        new Span<T>(Reading, length).Clear();
        if (reads)
        {
            WithStates(State, TransposedGradY, Chunk.Prefix, Chunk.TransposedC, _sumRead, Reading);
        }

        WithStates(carry, TransposedX, _factors, _transposedB, _sumWritten, Written);
    }

    /// <summary>Adds <c>factor_t state rows_t</c> to a sum [n, t], and its product with the selection [n, t], over n, into <paramref name="total"/> [t].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void WithStates(T* state, T* rows, T* factors, T* selection, T* sum, T* total)
    {
        int across = Chunk.Across, length = Chunk.VectorLength;
        var product = new TileProduct<T> { A = state, Row = Chunk.Wide, Step = 1, B = rows, BStep = across, K = _shape.HeadWidth };
        MatrixTile<V, T>.Multiply(product, Chunk.StateRows, length, _product, across, T.Zero);
        for (int t = 0; t < length; t += V.Count)
        {
            V factor = V.Load(factors + t), all = V.Zero;
            for (int at = t; at < t + _shape.States * across; at += across)
            {
                V value = V.Load(_product + at) * factor;
                (V.Load(sum + at) + value).Store(sum + at);
                all = V.MultiplyAdd(value, V.Load(selection + at), all);
            }

            all.Store(total + t);
        }
    }

    /// <summary>What positions from <paramref name="k"/> on read of what was there before it. To be called for 0, 1, ... in turn.</summary>
    public T Crossing(int k)
    {
        int row = k * Chunk.Across;
        V sum = V.Zero;
        if (k > 0)
        {
            Reading[k - 1] = T.Zero;
        }

        for (int t = k / V.Count * V.Count; t < Chunk.VectorLength; t += V.Count)
        {
            V reading = V.Load(Reading + t);
            sum += reading;
            (reading + V.Load(_exchanged + row + t)).Store(Reading + t);
        }

        return V.Sum(sum);
    }

    /// <summary>Sum of the products of two states.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public T Dot(T* a, T* b)
    {
        V even = V.Zero;
        for (int n = 0; n < _shape.States; n++, a += Chunk.Wide, b += Chunk.Wide)
        {
            for (int p = 0; p < Chunk.Columns; p += V.Count)
            {
                even = V.MultiplyAdd(V.Load(a + p), V.Load(b + p), even);
            }
        }

        return V.Sum(even);
    }

    /// <summary>The gradients of B and C of a split, [t, n]: positions among themselves once for all heads, and the sums over states.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void JoinSums()
    {
        int deep = Chunk.Deep, across = Chunk.Across;
        TileProduct<T> earlier = new() { Row = 1, Step = across, BStep = deep }, later = new() { Row = across, Step = 1, BStep = deep }, none = default;
        for (int j = 0, vectors; j < Chunk.StateColumns; j += vectors * V.Count)
        {
            vectors = j + 2 * V.Count <= Chunk.StateColumns ? 2 : 1;
            for (int t = 0; t < Chunk.TileLength; t += TileRows)
            {
                earlier.A = _sumExchanged + t;
                earlier.B = Chunk.B + j;
                earlier.K = Math.Min(t + TileRows, Chunk.Length);
                MatrixTile<V, T>.Run(earlier, null, none, GradC + t * deep + j, deep, T.Zero, vectors);
                later.A = _sumExchanged + t * across + t;
                later.B = Chunk.C + t * deep + j;
                later.K = Chunk.Length - t;
                MatrixTile<V, T>.Run(later, null, none, GradB + t * deep + j, deep, T.Zero, vectors);
            }
        }

        for (int t = 0; t < Chunk.Length; t++)
        {
            for (int n = 0; n < _shape.States; n++)
            {
                GradC[t * deep + n] += _sumRead[n * across + t];
                GradB[t * deep + n] += _sumWritten[n * across + t];
            }
        }
    }
}
