using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>The recurrence loops for one combination of switches, chosen once a scan.</summary>
internal readonly unsafe struct ScanLoops<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public readonly bool ScalarB;
    public readonly bool ScalarC;

    // An emulated 512-bit vector is two registers, and four states of them leave none for the constants.
    private static readonly bool FourAtOnce = V.Bits < 512 || System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated;

    private readonly delegate*<T*, T*, T*, T*, T*, T*, long, T*, long, int*, int, int, bool, T*, T*, void> _one;
    private readonly delegate*<T*, T*, T*, T*, T*, T*, long, T*, long, int*, int, int, bool, T*, T*, void> _oneBounded;
    private readonly delegate*<T*, T*, T*, T*, T*, T*, long, T*, long, int*, int, int, bool, void> _four;
    private readonly delegate*<T*, T*, T*, T*, T*, T*, long, T*, long, int*, int, int, bool, void> _fourBounded;

    private ScanLoops(
        delegate*<T*, T*, T*, T*, T*, T*, long, T*, long, int*, int, int, bool, T*, T*, void> one,
        delegate*<T*, T*, T*, T*, T*, T*, long, T*, long, int*, int, int, bool, T*, T*, void> oneBounded,
        delegate*<T*, T*, T*, T*, T*, T*, long, T*, long, int*, int, int, bool, void> four,
        delegate*<T*, T*, T*, T*, T*, T*, long, T*, long, int*, int, int, bool, void> fourBounded,
        bool scalarB,
        bool scalarC)
    {
        _one = one;
        _oneBounded = oneBounded;
        _four = four;
        _fourBounded = fourBounded;
        ScalarB = scalarB;
        ScalarC = scalarC;
    }

    /// <summary>States and y.</summary>
    public static ScanLoops<V, T> Output(bool b, bool c) => (b, c) switch
    {
        (true, true) => Of<On, On, On, Off>(),
        (true, false) => Of<On, Off, On, Off>(),
        (false, true) => Of<Off, On, On, Off>(),
        (false, false) => Of<Off, Off, On, Off>(),
    };

    /// <summary>States alone.</summary>
    public static ScanLoops<V, T> StateOnly(bool b) => b ? Of<On, On, Off, Off>() : Of<Off, On, Off, Off>();

    /// <summary>States, kept with their decays for the backward sweep; and y where the gate needs it.</summary>
    public static ScanLoops<V, T> Kept(bool b, bool c, bool y) => (b, c, y) switch
    {
        (true, true, true) => Of<On, On, On, On>(),
        (true, false, true) => Of<On, Off, On, On>(),
        (false, true, true) => Of<Off, On, On, On>(),
        (false, false, true) => Of<Off, Off, On, On>(),
        (true, _, false) => Of<On, On, Off, On>(),
        (false, _, false) => Of<Off, On, Off, On>(),
    };

    /// <summary>All vectors of a block over the steps of a chunk. Parameters as in <see cref="ScanRecurrence{V, T, TB, TC, TY, TKeep, TBounded}"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(
        T* dt, T* du, T* y, T* a, T* h, T* b, long bStep, T* c, long cStep, int vectors, int* starts, int sequences, int steps, bool continues, bool bounded, ref RowsAhead ahead)
    {
        int n = 0;
        for (; FourAtOnce && n + 4 <= vectors; n += 4)
        {
            int at = n * V.Count;
            (bounded ? _fourBounded : _four)(
                dt, du, y, a + at, h + at, b + (ScalarB ? n : at), bStep, c + (ScalarC ? n : at), cStep,
                starts, sequences, steps, continues);
            ahead.Ask();
        }

        for (; n < vectors; n++)
        {
            One(dt, du, y, a, h, b, bStep, c, cStep, n, starts, sequences, steps, continues, bounded, null, null);
            ahead.Ask();
        }
    }

    /// <summary>Vector n of a block; its results are kept where <paramref name="kept"/> and <paramref name="decays"/> say.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void One(
        T* dt, T* du, T* y, T* a, T* h, T* b, long bStep, T* c, long cStep, int n, int* starts, int sequences, int steps, bool continues, bool bounded, T* kept, T* decays)
    {
        int at = n * V.Count;
        (bounded ? _oneBounded : _one)(
            dt, du, y, a + at, h + at, b + (ScalarB ? n : at), bStep, c + (ScalarC ? n : at), cStep,
            starts, sequences, steps, continues, kept, decays);
    }

    private static ScanLoops<V, T> Of<TB, TC, TY, TKeep>()
        where TB : ISwitch
        where TC : ISwitch
        where TY : ISwitch
        where TKeep : ISwitch =>
        new(
            &ScanRecurrence<V, T, TB, TC, TY, TKeep, Off>.One, &ScanRecurrence<V, T, TB, TC, TY, TKeep, On>.One,
            &ScanRecurrence<V, T, TB, TC, TY, TKeep, Off>.Four, &ScanRecurrence<V, T, TB, TC, TY, TKeep, On>.Four, TB.On, TC.On);
}
