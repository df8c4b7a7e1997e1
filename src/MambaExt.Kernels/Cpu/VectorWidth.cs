using System.Runtime.Intrinsics;

namespace MambaExt.Kernels.Cpu;

/// <summary>The vector width the CPU kernels run at: the widest this machine accelerates, or <c>MAMBAEXT_VECTOR_BITS</c>.</summary>
public static class VectorWidth
{
    /// <summary>Widths that can be chosen. A width the machine lacks is emulated by two vectors of the next: right, but slower.</summary>
    public static IReadOnlyList<int> Allowed { get; } = [128, 256, 512];

    /// <summary>The width of this process, read once from <c>MAMBAEXT_VECTOR_BITS</c>.</summary>
    /// <exception cref="InvalidOperationException">The variable holds something else than an allowed width.</exception>
    public static int Default { get; } = FromEnvironment(Environment.GetEnvironmentVariable("MAMBAEXT_VECTOR_BITS"));

    /// <summary>The widest vector that this machine accelerates.</summary>
    public static int Hardware =>
        Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

    internal static int FromEnvironment(string? value)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            return Hardware;
        }

        return int.TryParse(value, out int bits) && Allowed.Contains(bits)
            ? bits
            : throw new InvalidOperationException(
                $"MAMBAEXT_VECTOR_BITS is '{value}'; allowed are 128, 256 and 512. Unset it to use the widest this machine has ({Hardware}).");
    }
}
