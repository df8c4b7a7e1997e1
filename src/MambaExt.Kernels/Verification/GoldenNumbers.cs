using System.Runtime.InteropServices;

namespace MambaExt.Kernels.Verification;

/// <summary>Doubles to and from the element types of the kernels.</summary>
internal static class GoldenNumbers
{
    /// <summary>The values as T, rounded to nearest.</summary>
    public static byte[] Encode<T>(double[] values)
        where T : unmanaged =>
        typeof(T) == typeof(double) ? Bytes(values)
        : typeof(T) == typeof(float) ? Bytes(Array.ConvertAll(values, x => (float)x))
        : typeof(T) == typeof(BFloat16) ? Bytes(Array.ConvertAll(values, x => (BFloat16)(float)x))
        : Bytes(Array.ConvertAll(values, x => (Half)(float)x));

    /// <summary>Elements of T as doubles, exactly.</summary>
    public static double[] Decode<T>(byte[] bytes)
        where T : unmanaged =>
        typeof(T) == typeof(double) ? MemoryMarshal.Cast<byte, double>(bytes).ToArray()
        : typeof(T) == typeof(float) ? Array.ConvertAll(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), x => (double)x)
        : typeof(T) == typeof(BFloat16) ? Array.ConvertAll(MemoryMarshal.Cast<byte, BFloat16>(bytes).ToArray(), x => (double)(float)x)
        : Array.ConvertAll(MemoryMarshal.Cast<byte, Half>(bytes).ToArray(), x => (double)x);

    /// <summary>The values after rounding to T.</summary>
    public static double[] Rounded<T>(double[] values)
        where T : unmanaged => Decode<T>(Encode<T>(values));

    private static byte[] Bytes<T>(T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes<T>(values).ToArray();
}
