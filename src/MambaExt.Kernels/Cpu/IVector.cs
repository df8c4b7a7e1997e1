namespace MambaExt.Kernels.Cpu;

/// <summary>
/// What a kernel needs of a vector register. Kernels are written once over this interface; the JIT makes one body per width
/// and element type, every call inlined.
/// </summary>
internal unsafe interface IVector<TSelf, T>
    where TSelf : unmanaged, IVector<TSelf, T>
    where T : unmanaged
{
    /// <summary>Lanes.</summary>
    static abstract int Count { get; }

    /// <summary>Width in bits.</summary>
    static abstract int Bits { get; }

    static abstract TSelf Zero { get; }

    static abstract TSelf Broadcast(T value);

    static abstract TSelf Load(T* source);

    void Store(T* target);

    static abstract TSelf operator +(TSelf a, TSelf b);

    static abstract TSelf operator -(TSelf a, TSelf b);

    static abstract TSelf operator *(TSelf a, TSelf b);

    static abstract TSelf operator /(TSelf a, TSelf b);

    /// <summary>a * b + c, fused where the processor has it.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary>The larger of each pair; on x86 <paramref name="b"/> where one is not a number, so put what must propagate there.</summary>
    static abstract TSelf MaxNative(TSelf a, TSelf b);

    /// <summary>The smaller of each pair; on x86 <paramref name="b"/> where one is not a number.</summary>
    static abstract TSelf MinNative(TSelf a, TSelf b);

    static abstract TSelf Abs(TSelf a);

    /// <summary>Lane by lane: a &gt; b ? then : otherwise.</summary>
    static abstract TSelf IfGreater(TSelf a, TSelf b, TSelf then, TSelf otherwise);

    /// <summary>value * 2^n, where the low bits of <paramref name="shifted"/> hold the integer n (see <see cref="VectorMath"/>).</summary>
    static abstract TSelf AddToExponent(TSelf value, TSelf shifted);

    /// <summary>Sum of the lanes, in an order fixed by the width.</summary>
    static abstract T Sum(TSelf a);
}
