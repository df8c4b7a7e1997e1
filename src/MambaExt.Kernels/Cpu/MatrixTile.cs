using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>One product of a tile: sum over k of a(i, k) b(k, j), where a(i, k) lies at <c>A[i Row + k Step]</c> and is broadcast, and
/// row k of b lies at <c>B + k BStep</c> and is read by vectors.</summary>
internal unsafe struct TileProduct<T>
    where T : unmanaged
{
    public T* A;
    public nint Row;
    public nint Step;
    public T* B;
    public nint BStep;
    public int K;
}

/// <summary>
/// The innermost loops of small matrix products: six rows by one or two vectors, held in registers. With two vectors there are twelve sums
/// (of the sixteen registers of 256-bit machines), enough to hide the latency of a multiply-add, and eight loads for twelve of them.
/// <code>
/// c = (initial c + first) rowScale + second
/// </code>
/// </summary>
internal static unsafe class MatrixTile<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Rows of a tile; scratch matrices have a multiple of it.</summary>
    public const int Rows = 6;

    /// <summary>Computes one tile.</summary>
    /// <param name="first">First product</param>
    /// <param name="rowScale">Six factors between the products; null for none</param>
    /// <param name="second">Second product, K 0 for none</param>
    /// <param name="c">Where the tile lies, and the factor of what is there already: 0 for none</param>
    /// <param name="cStep">Elements between its rows</param>
    /// <param name="initial">Factor of c</param>
    /// <param name="vectors">1 or 2</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(in TileProduct<T> first, T* rowScale, in TileProduct<T> second, T* c, nint cStep, T initial, int vectors)
    {
        if (vectors == 2)
        {
            Two(first, rowScale, second, c, cStep, initial);
        }
        else
        {
            One(first, rowScale, second, c, cStep, initial);
        }
    }

    /// <summary>All tiles of <paramref name="rows"/> x <paramref name="columns"/> of one product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(TileProduct<T> product, int rows, int columns, T* c, nint cStep, T initial)
    {
        TileProduct<T> none = default;
        T* a = product.A, b = product.B;
        for (int j = 0, vectors; j < columns; j += vectors * V.Count)
        {
            vectors = j + 2 * V.Count <= columns ? 2 : 1;
            product.B = b + j;
            for (int i = 0; i < rows; i += Rows)
            {
                product.A = a + i * product.Row;
                Run(product, null, none, c + i * cStep + j, cStep, initial, vectors);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Two(in TileProduct<T> first, T* rowScale, in TileProduct<T> second, T* c, nint cStep, T initial)
    {
        V c00 = V.Zero, c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
        if (initial != T.Zero)
        {
            V factor = V.Broadcast(initial);
            T* r = c;
            c00 = V.Load(r) * factor; c01 = V.Load(r + V.Count) * factor; r += cStep;
            c10 = V.Load(r) * factor; c11 = V.Load(r + V.Count) * factor; r += cStep;
            c20 = V.Load(r) * factor; c21 = V.Load(r + V.Count) * factor; r += cStep;
            c30 = V.Load(r) * factor; c31 = V.Load(r + V.Count) * factor; r += cStep;
            c40 = V.Load(r) * factor; c41 = V.Load(r + V.Count) * factor; r += cStep;
            c50 = V.Load(r) * factor; c51 = V.Load(r + V.Count) * factor;
        }

        nint r1 = first.Row, r2 = 2 * r1, r3 = 3 * r1, r4 = 4 * r1, r5 = 5 * r1, step = first.Step, bStep = first.BStep, k = first.K;
        T* a = first.A, b = first.B;
        for (bool last = false; ; last = true)
        {
            // Two steps a round: half the instructions around the arithmetic, which matters where a core is shared.
            for (T* end = b + (k & ~1) * bStep; b != end;)
            {
                V b0 = V.Load(b), b1 = V.Load(b + V.Count), x = V.Broadcast(a[0]);
                c00 = V.MultiplyAdd(x, b0, c00); c01 = V.MultiplyAdd(x, b1, c01);
                x = V.Broadcast(a[r1]);
                c10 = V.MultiplyAdd(x, b0, c10); c11 = V.MultiplyAdd(x, b1, c11);
                x = V.Broadcast(a[r2]);
                c20 = V.MultiplyAdd(x, b0, c20); c21 = V.MultiplyAdd(x, b1, c21);
                x = V.Broadcast(a[r3]);
                c30 = V.MultiplyAdd(x, b0, c30); c31 = V.MultiplyAdd(x, b1, c31);
                x = V.Broadcast(a[r4]);
                c40 = V.MultiplyAdd(x, b0, c40); c41 = V.MultiplyAdd(x, b1, c41);
                x = V.Broadcast(a[r5]);
                c50 = V.MultiplyAdd(x, b0, c50); c51 = V.MultiplyAdd(x, b1, c51);
                a += step;
                b += bStep;

                b0 = V.Load(b); b1 = V.Load(b + V.Count); x = V.Broadcast(a[0]);
                c00 = V.MultiplyAdd(x, b0, c00); c01 = V.MultiplyAdd(x, b1, c01);
                x = V.Broadcast(a[r1]);
                c10 = V.MultiplyAdd(x, b0, c10); c11 = V.MultiplyAdd(x, b1, c11);
                x = V.Broadcast(a[r2]);
                c20 = V.MultiplyAdd(x, b0, c20); c21 = V.MultiplyAdd(x, b1, c21);
                x = V.Broadcast(a[r3]);
                c30 = V.MultiplyAdd(x, b0, c30); c31 = V.MultiplyAdd(x, b1, c31);
                x = V.Broadcast(a[r4]);
                c40 = V.MultiplyAdd(x, b0, c40); c41 = V.MultiplyAdd(x, b1, c41);
                x = V.Broadcast(a[r5]);
                c50 = V.MultiplyAdd(x, b0, c50); c51 = V.MultiplyAdd(x, b1, c51);
                a += step;
                b += bStep;
            }

            if ((k & 1) != 0)
            {
                V b0 = V.Load(b), b1 = V.Load(b + V.Count), x = V.Broadcast(a[0]);
                c00 = V.MultiplyAdd(x, b0, c00); c01 = V.MultiplyAdd(x, b1, c01);
                x = V.Broadcast(a[r1]);
                c10 = V.MultiplyAdd(x, b0, c10); c11 = V.MultiplyAdd(x, b1, c11);
                x = V.Broadcast(a[r2]);
                c20 = V.MultiplyAdd(x, b0, c20); c21 = V.MultiplyAdd(x, b1, c21);
                x = V.Broadcast(a[r3]);
                c30 = V.MultiplyAdd(x, b0, c30); c31 = V.MultiplyAdd(x, b1, c31);
                x = V.Broadcast(a[r4]);
                c40 = V.MultiplyAdd(x, b0, c40); c41 = V.MultiplyAdd(x, b1, c41);
                x = V.Broadcast(a[r5]);
                c50 = V.MultiplyAdd(x, b0, c50); c51 = V.MultiplyAdd(x, b1, c51);
                a += step;
                b += bStep;
            }

            if (last)
            {
                break;
            }

            if (rowScale != null)
            {
                V factor = V.Broadcast(rowScale[0]);
                c00 *= factor; c01 *= factor; factor = V.Broadcast(rowScale[1]);
                c10 *= factor; c11 *= factor; factor = V.Broadcast(rowScale[2]);
                c20 *= factor; c21 *= factor; factor = V.Broadcast(rowScale[3]);
                c30 *= factor; c31 *= factor; factor = V.Broadcast(rowScale[4]);
                c40 *= factor; c41 *= factor; factor = V.Broadcast(rowScale[5]);
                c50 *= factor; c51 *= factor;
            }

            r1 = second.Row; r2 = 2 * r1; r3 = 3 * r1; r4 = 4 * r1; r5 = 5 * r1; step = second.Step; bStep = second.BStep; k = second.K;
            a = second.A; b = second.B;
        }

        c00.Store(c); c01.Store(c + V.Count); c += cStep;
        c10.Store(c); c11.Store(c + V.Count); c += cStep;
        c20.Store(c); c21.Store(c + V.Count); c += cStep;
        c30.Store(c); c31.Store(c + V.Count); c += cStep;
        c40.Store(c); c41.Store(c + V.Count); c += cStep;
        c50.Store(c); c51.Store(c + V.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(in TileProduct<T> first, T* rowScale, in TileProduct<T> second, T* c, nint cStep, T initial)
    {
        V c0 = V.Zero, c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0;
        if (initial != T.Zero)
        {
            V factor = V.Broadcast(initial);
            c0 = V.Load(c) * factor;
            c1 = V.Load(c + cStep) * factor;
            c2 = V.Load(c + 2 * cStep) * factor;
            c3 = V.Load(c + 3 * cStep) * factor;
            c4 = V.Load(c + 4 * cStep) * factor;
            c5 = V.Load(c + 5 * cStep) * factor;
        }

        nint r1 = first.Row, r2 = 2 * r1, r3 = 3 * r1, r4 = 4 * r1, r5 = 5 * r1, step = first.Step, bStep = first.BStep;
        T* a = first.A, b = first.B;
        for (T* end = b + first.K * bStep; b != end;)
        {
            V b0 = V.Load(b);
            c0 = V.MultiplyAdd(V.Broadcast(a[0]), b0, c0);
            c1 = V.MultiplyAdd(V.Broadcast(a[r1]), b0, c1);
            c2 = V.MultiplyAdd(V.Broadcast(a[r2]), b0, c2);
            c3 = V.MultiplyAdd(V.Broadcast(a[r3]), b0, c3);
            c4 = V.MultiplyAdd(V.Broadcast(a[r4]), b0, c4);
            c5 = V.MultiplyAdd(V.Broadcast(a[r5]), b0, c5);
            a += step;
            b += bStep;
        }

        if (rowScale != null)
        {
            c0 *= V.Broadcast(rowScale[0]);
            c1 *= V.Broadcast(rowScale[1]);
            c2 *= V.Broadcast(rowScale[2]);
            c3 *= V.Broadcast(rowScale[3]);
            c4 *= V.Broadcast(rowScale[4]);
            c5 *= V.Broadcast(rowScale[5]);
        }

        r1 = second.Row; r2 = 2 * r1; r3 = 3 * r1; r4 = 4 * r1; r5 = 5 * r1; step = second.Step; bStep = second.BStep;
        a = second.A; b = second.B;
        for (T* end = b + second.K * bStep; b != end;)
        {
            V b0 = V.Load(b);
            c0 = V.MultiplyAdd(V.Broadcast(a[0]), b0, c0);
            c1 = V.MultiplyAdd(V.Broadcast(a[r1]), b0, c1);
            c2 = V.MultiplyAdd(V.Broadcast(a[r2]), b0, c2);
            c3 = V.MultiplyAdd(V.Broadcast(a[r3]), b0, c3);
            c4 = V.MultiplyAdd(V.Broadcast(a[r4]), b0, c4);
            c5 = V.MultiplyAdd(V.Broadcast(a[r5]), b0, c5);
            a += step;
            b += bStep;
        }

        c0.Store(c);
        c1.Store(c + cStep);
        c2.Store(c + 2 * cStep);
        c3.Store(c + 3 * cStep);
        c4.Store(c + 4 * cStep);
        c5.Store(c + 5 * cStep);
    }
}
