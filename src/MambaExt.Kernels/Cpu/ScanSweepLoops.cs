using System.Numerics;

namespace MambaExt.Kernels.Cpu;

/// <summary>The backward loops for one combination of switches, chosen once a scan.</summary>
internal readonly unsafe struct ScanSweepLoops<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public readonly delegate*<in SweepBuffers<T>, T*, T*, T*, T*, long, T*, long, T*, T*, int, int, int*, int, int, bool, void> Pair;
    public readonly delegate*<in SweepBuffers<T>, T*, T*, T*, T*, long, T*, long, T*, T*, int*, int, int, bool, void> Single;
    public readonly delegate*<T*, T*, T*, T*, T*, long, int, int, bool, void> CarryOnly;

    private ScanSweepLoops(
        delegate*<in SweepBuffers<T>, T*, T*, T*, T*, long, T*, long, T*, T*, int, int, int*, int, int, bool, void> pair,
        delegate*<in SweepBuffers<T>, T*, T*, T*, T*, long, T*, long, T*, T*, int*, int, int, bool, void> single,
        delegate*<T*, T*, T*, T*, T*, long, int, int, bool, void> carryOnly)
    {
        Pair = pair;
        Single = single;
        CarryOnly = carryOnly;
    }

    /// <summary>Loops for per-position or constant B and C, or for states as the result; for channels or states as lanes.</summary>
    public static ScanSweepLoops<V, T> For(bool b, bool c, bool states, bool lanes) => lanes ? For<On>(b, c, states) : For<Off>(b, c, states);

    private static ScanSweepLoops<V, T> For<TLanes>(bool b, bool c, bool states)
        where TLanes : ISwitch => (b, c, states) switch
        {
            (true, true, false) => Of<On, On, Off, TLanes>(),
            (true, false, false) => Of<On, Off, Off, TLanes>(),
            (false, true, false) => Of<Off, On, Off, TLanes>(),
            (false, false, false) => Of<Off, Off, Off, TLanes>(),
            (true, _, true) => Of<On, On, On, TLanes>(),
            (false, _, true) => Of<Off, On, On, TLanes>(),
        };

    private static ScanSweepLoops<V, T> Of<TB, TC, TStates, TLanes>()
        where TB : ISwitch
        where TC : ISwitch
        where TStates : ISwitch
        where TLanes : ISwitch =>
        new(
            &ScanSweep<V, T, TB, TC, TStates, TLanes>.Pair, &ScanSweep<V, T, TB, TC, TStates, TLanes>.Single,
            &ScanSweep<V, T, TB, TC, TStates, TLanes>.CarryOnly);
}
