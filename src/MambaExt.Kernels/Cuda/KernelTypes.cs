namespace MambaExt.Kernels.Cuda;

/// <summary>Element types of the kernels. Sequences are float, double, bfloat16 or half; parameters, states and every sum are float, or double beside double.</summary>
public static class KernelTypes
{
    /// <summary>What the sources call every type.</summary>
    internal static IReadOnlyList<string> Names { get; } = ["float", "double", "bf16", "f16"];

    /// <summary>What the sources call the type: float, double, bf16 or f16.</summary>
    /// <exception cref="ArgumentException">The kernels do not know it.</exception>
    public static string Name<T>()
        where T : unmanaged =>
        typeof(T) == typeof(float) ? "float"
        : typeof(T) == typeof(double) ? "double"
        : typeof(T) == typeof(BFloat16) ? "bf16"
        : typeof(T) == typeof(Half) ? "f16"
        : throw new ArgumentException($"The GPU kernels were given {typeof(T).Name} elements; allowed are float, double, BFloat16 and Half.");

    /// <summary>Bytes of a parameter or state beside sequences of that type: 8 beside double, else 4.</summary>
    public static int ParameterBytes<T>()
        where T : unmanaged => typeof(T) == typeof(double) ? 8 : 4;

    /// <summary>What the sources call a parameter or state beside sequences of that type.</summary>
    internal static string ParameterName(string type) => type == "double" ? "double" : "float";
}
