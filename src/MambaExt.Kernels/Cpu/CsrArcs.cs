namespace MambaExt.Kernels.Cpu;

/// <summary>What multiplies a gathered row, as a type, so that the JIT makes one body for each and no branch stays in it.</summary>
internal interface IArcs
{
    /// <summary>One factor an arc.</summary>
    static abstract bool Weighted { get; }

    /// <summary>One factor an arc and channel.</summary>
    static abstract bool Gated { get; }

    /// <summary>Factors lie in the order of other rows (<see cref="CsrRows.Arcs"/>).</summary>
    static abstract bool Scattered { get; }
}

internal readonly struct PlainArcs : IArcs
{
    public static bool Weighted => false;

    public static bool Gated => false;

    public static bool Scattered => false;
}

internal readonly struct WeightedArcs : IArcs
{
    public static bool Weighted => true;

    public static bool Gated => false;

    public static bool Scattered => false;
}

internal readonly struct GatedArcs : IArcs
{
    public static bool Weighted => false;

    public static bool Gated => true;

    public static bool Scattered => false;
}

/// <summary>The arcs of a transpose, with the factors of the original.</summary>
internal readonly struct ScatteredArcs<TArcs> : IArcs
    where TArcs : struct, IArcs
{
    public static bool Weighted => TArcs.Weighted;

    public static bool Gated => TArcs.Gated;

    public static bool Scattered => true;
}
