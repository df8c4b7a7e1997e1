namespace MambaExt.Kernels.Cuda;

/// <summary>What kernels are compiled for.</summary>
/// <param name="Capability">Major times 10 plus minor: 90 is 9.0</param>
/// <param name="IsPtx">Text that the driver compiles further, instead of machine code</param>
internal readonly record struct GpuTarget(int Capability, bool IsPtx)
{
    /// <summary>Volta. Older GPUs schedule warps differently, and compilers have begun to drop them.</summary>
    public const int Oldest = 70;

    /// <summary>As a compiler's option names it, <c>sm_90</c> or <c>compute_90</c>.</summary>
    public string Name => $"{(IsPtx ? "compute" : "sm")}_{Capability}";

    /// <summary>
    /// Machine code for the GPU itself or for an older one of its generation, which it runs too; else PTX of the newest that the compiler
    /// knows and that is older than the GPU.
    /// </summary>
    /// <param name="capability">The GPU's</param>
    /// <param name="supported">The compiler's</param>
    /// <returns>Null where the compiler knows newer GPUs alone.</returns>
    public static GpuTarget? Of(int capability, IReadOnlyCollection<int> supported)
    {
        int nearest = supported.Where(one => one <= capability && one >= Oldest).DefaultIfEmpty(0).Max();
        return nearest == 0 ? null : new(nearest, IsPtx: nearest / 10 != capability / 10);
    }
}
