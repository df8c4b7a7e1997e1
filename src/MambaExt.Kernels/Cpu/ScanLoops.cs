using System.Numerics;

namespace MambaExt.Kernels.Cpu;

/// <summary>The recurrence loops for one combination of switches, chosen once a scan.</summary>
internal readonly unsafe struct ScanLoops<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public readonly delegate*<T*, T*, T*, T*, T*, T*, long, T*, long, int*, int, int, bool, T*, T*, void> OneState;
    public readonly bool PerPositionB;
    public readonly bool PerPositionC;

    private ScanLoops(delegate*<T*, T*, T*, T*, T*, T*, long, T*, long, int*, int, int, bool, T*, T*, void> oneState, bool perPositionB, bool perPositionC)
    {
        OneState = oneState;
        PerPositionB = perPositionB;
        PerPositionC = perPositionC;
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

    /// <summary>All states of a block over the steps of a chunk. Parameters as in <see cref="ScanRecurrence{V, T, TB, TC, TY, TKeep}"/>.</summary>
    public void Run(T* dt, T* du, T* y, T* a, T* h, T* b, long bStep, T* c, long cStep, int states, int* starts, int sequences, int steps, bool continues, ref RowsAhead ahead)
    {
        for (int n = 0; n < states; n++)
        {
            int at = n * V.Count;
            OneState(
                dt, du, y, a + at, h + at, b + (PerPositionB ? n : at), PerPositionB ? bStep : 0, c + (PerPositionC ? n : at), PerPositionC ? cStep : 0,
                starts, sequences, steps, continues, null, null);
            ahead.Ask();
        }
    }

    private static ScanLoops<V, T> Of<TB, TC, TY, TKeep>()
        where TB : ISwitch
        where TC : ISwitch
        where TY : ISwitch
        where TKeep : ISwitch =>
        new(&ScanRecurrence<V, T, TB, TC, TY, TKeep>.Run, TB.On, TC.On);
}
